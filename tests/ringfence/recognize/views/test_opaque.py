"""Files and noise inside a text are found; what can be read, or is meant for everybody, is not."""

import base64
import gzip
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.views import opaque

NOISE = random.Random(5).randbytes(900)


FILES = {
    "picture": b"\x89PNG\r\n\x1a\n" + NOISE[:40],
    "document": b"%PDF-1.7\n" + NOISE[:60],
    "archive": b"PK\x03\x04" + NOISE[:60],
    "noise": NOISE,
    "compressed noise": gzip.compress(NOISE, mtime=0),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("encode", [base64.b64encode, base64.encodebytes])
def test_a_file_in_a_text_is_found_whole(kind, encode):
    """From its first character to its padding, alone or in lines."""
    blob = encode(FILES[kind]).decode().strip()
    (span,) = opaque(f"See data:image/png;base64,{blob} please.")
    assert f"See data:image/png;base64,{blob} please."[span.start : span.end] == blob


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256-" + base64.b64encode(NOISE[:32]).decode(),
        "commit 987d3a1f0b and 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        base64.b64encode(b"plain words, which views read " * 30).decode(),
        base64.b64encode(("plain words " * 40).encode("utf-16-le")).decode(),
        base64.b64encode(gzip.compress(b"plain words, which views read " * 30, mtime=0)).decode(),
        "-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(NOISE[:400]).decode() + "-----END PUBLIC KEY-----",
        "word" * 300,
    ],
)
def test_what_can_be_read_is_not_opaque(text):
    """Short hashes, encoded words, compressed words, public keys, long words."""
    assert opaque(text) == ()


@given(st.text() | st.binary().map(lambda raw: base64.b64encode(raw * 9).decode()))
def test_spans_lie_in_the_text(text):
    """Whatever the text, nothing is raised and every span lies in it."""
    assert all(0 <= span.start < span.end <= len(text) for span in opaque(text))
