from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from fakes.site import site as open_site

# A busy machine is no defect: what an example may take is not asserted, only what it shows.
settings.register_profile("ringfence", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ringfence")


@pytest.fixture(scope="module")
def short_folder():
    """A folder with a path short enough for unix sockets."""
    folder = Path(tempfile.mkdtemp(prefix="rf-"))
    yield folder
    shutil.rmtree(folder)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(short_folder):
    """One site for the journeys of a module; crashed engines of another module do not count here."""
    async with open_site(short_folder) as made:
        yield made
