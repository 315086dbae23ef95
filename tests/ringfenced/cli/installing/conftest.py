"""A root that a packager fills."""

import pytest
from typer.testing import CliRunner

from ringfenced.cli.app import app
from ringfenced.cli.installing.shipped import folder


@pytest.fixture
def root(tmp_path):
    place = tmp_path / "root"
    place.mkdir()
    return place


@pytest.fixture
def ringfence(root):
    """Run `ringfence COMMAND --root ROOT ...`."""

    def run(command, *arguments, **options):
        return CliRunner().invoke(app, [command, "--root", str(root), *arguments], **options)

    return run


@pytest.fixture
def source():
    return folder()
