"""An empty library."""

import pytest

from ringfenced.library.folder import Library


@pytest.fixture
def library(tmp_path):
    folder = tmp_path / "library"
    folder.mkdir()
    return Library(folder)
