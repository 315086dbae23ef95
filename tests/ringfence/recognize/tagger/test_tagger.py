"""The tagger as a stage: long texts in pieces give what they give whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.fold import Folder
from ringfence.recognize.tagger import load_tagger, tagger

TEXT = b"Dr. Anna Smith saw Boris Jones of New York Presbyterian on 4 May 2021, MRN 448-211.\n\n"


@pytest.fixture(scope="module")
def one():
    return load_tagger()


@pytest.mark.parametrize("chunk", [16, 17, 40, 64])
def test_a_text_in_pieces_gives_what_it_gives_whole(one, chunk, monkeypatch):
    whole = list(one(TEXT * 12))
    assert len(whole) > 24
    monkeypatch.setattr(tagger, "CHUNK_TOKENS", chunk)
    pieces = list(one(TEXT * 12))
    assert [span._replace(score=0) for span in pieces] == [span._replace(score=0) for span in whole]


@given(text=st.text())
def test_any_text_is_read(one, text):
    data = Folder().fold(text).data
    for span in one(data):
        assert 0 <= span.start < span.end <= len(data)
