"""A model in a library."""

import pytest

from fakes.modelhubs import gguf
from fakes.modellibrary import bring
from ringfenced.library.folder import Library


@pytest.fixture
def library_model(tmp_path):
    """The folder of a model that a library holds."""
    (tmp_path / "library").mkdir()
    bring(Library(tmp_path / "library"), {"m.gguf": gguf()}, "m")
    return tmp_path / "library" / "m"
