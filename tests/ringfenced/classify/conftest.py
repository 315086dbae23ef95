import pytest

from ringfence.recognize import load


@pytest.fixture(scope="session")
def recogniser(tmp_path_factory):
    """One recogniser for all tests."""
    return load(tmp_path_factory.mktemp("recognisers") / "cache")


@pytest.fixture
def found(recogniser):
    """A function from a text to the pairs of type and text that are found in it."""

    def look(text):
        return [(finding.entity_type, text[finding.start : finding.end]) for finding in recogniser.scan(text)]

    return look
