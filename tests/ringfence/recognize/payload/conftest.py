import pytest

from ringfence.recognize.payload import read_payload


@pytest.fixture(scope="session")
def found():
    """A function from a text to the set of pairs of type and text that its schemas say are identifiers."""

    def look(text):
        return {(span.entity_type, text[span.start : span.end]) for span in read_payload(text).spans}

    return look
