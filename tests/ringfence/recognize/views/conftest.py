import pytest

from ringfence.recognize import Stages, load
from ringfence.recognize.stages import shipped
from ringfence.recognize.views import Reader


@pytest.fixture(scope="session")
def reader():
    """One reader for all tests."""
    return Reader()


@pytest.fixture(scope="session")
def viewing(tmp_path_factory, reader):
    """A recogniser with views."""
    return load(tmp_path_factory.mktemp("recognisers") / "cache", stages=Stages(views=reader))


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    """The same without."""
    return load(tmp_path_factory.mktemp("recognisers") / "cache", stages=Stages())


@pytest.fixture
def found(viewing):
    """A function from a text to the pairs of type and text that are found in it."""

    def look(text):
        return [(finding.entity_type, text[finding.start : finding.end]) for finding in viewing.scan(text)]

    return look


@pytest.fixture(scope="session")
def everything_on(tmp_path_factory):
    """A recogniser as it ships, with the tagger."""
    return load(tmp_path_factory.mktemp("recognisers") / "cache", stages=shipped())
