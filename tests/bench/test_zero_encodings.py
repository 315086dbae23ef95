"""What is written in an encoding is found by its needles, wherever it stands; what is not there is not found."""

from __future__ import annotations

import gzip
import json
import zlib
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zero_parts.canaries import canary, document, note, prose, stem
from zero_parts.encodings import ENCODINGS, forms, inflated, needles

STEM = "bökamédu"
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
PLAIN = [one for one in ENCODINGS if one.name != "compressed"]


def found(data, text):
    """The encodings as which a text stands in bytes."""
    return {name for name, several in needles(text).items() if any(needle in data for needle in several)}


@pytest.mark.parametrize("encoding", PLAIN, ids=lambda one: one.name)
@settings(max_examples=20)
@given(before=TEXTS, after=TEXTS)
def test_a_text_is_found_in_what_was_encoded_as_a_whole(encoding, before, after):
    """Whatever stands before and after it: at each offset of base64, and through escapes."""
    written = encoding.write(f"{before} {STEM.capitalize()} {after}")
    assert encoding.name in found(written, STEM.capitalize()) or encoding.name == "quoted-printable"
    assert found(written, STEM.capitalize())


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda one: one.name)
@settings(max_examples=20)
@given(data=st.binary(max_size=400))
def test_nothing_is_found_in_other_bytes(encoding, data):
    """Random bytes, as they are and encoded as text."""
    assert not found(data, STEM)
    assert not found(encoding.write(data.decode("utf-8", "replace")), STEM)


@pytest.mark.parametrize(
    "data",
    [
        json.dumps({"name": STEM}).encode(),
        ascii(STEM).encode(),
        repr(STEM.encode()).encode(),
        STEM.upper().encode(),
        "bo\u0308kame\u0301du".encode(),
        b"bokamedu",
        b"b%c3%b6kam%c3%a9du",
        b"b\\303\\266kam\\303\\251du",
        b"b&ouml;kam&eacute;du",
        b"b=C3=B6kam=C3=A9du",
        STEM.encode().hex(":").replace(":", "").upper().encode(),
    ],
)
def test_what_libraries_make_of_a_text_is_found(data):
    """JSON, repr, protobuf's text format, gRPC's status messages, capitals, decomposed and bare letters."""
    assert found(b"<" + data + b">", STEM)


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress, lambda data: zlib.compress(data, 9)])
@settings(max_examples=30)
@given(before=st.binary(max_size=50), after=st.binary(max_size=50), text=TEXTS)
def test_streams_are_undone_wherever_they_begin(compress, before, after, text):
    """With other bytes around them; cut off, as far as they go."""
    data = compress(text.encode())
    assert text.encode() in [*inflated(before + data + after), b""] or not text


def test_a_stream_that_was_cut_off_is_undone_as_far_as_it_goes():
    """What comes before the cut is there."""
    said = Random(1).randbytes(9000)
    assert next(inflated(zlib.compress(said)[:5000])).startswith(said[:2000])


def test_a_bomb_is_not_undone_whole():
    """No more than the limit and one piece."""
    assert len(next(inflated(zlib.compress(bytes(1 << 26), 9)))) < 1 << 25


@given(TEXTS)
def test_every_form_of_a_text_is_made_once(text):
    """Itself among them."""
    made = forms(text)
    assert len(set(made)) == len(made)
    assert {text.lower(), text.upper()} & set(made) or not text.isascii()


def test_canaries_of_a_run_have_one_beginning_and_different_ends():
    """So that one search finds all, and each is told apart."""
    rng = Random(7)
    begin = stem(rng)
    made = [canary(begin, "scene", "utf-8", rng) for _ in range(300)]
    words = [word for one in made for word in one.words]
    assert all(word.lower().startswith(begin) for word in words)
    assert len(set(words)) == len(words)
    assert len(begin) == 12
    assert not begin.isascii()


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda one: one.name)
def test_a_request_says_its_canary_in_its_encoding(encoding):
    """As text where that is possible, and as a file's bytes."""
    one = canary(STEM, "scene", encoding.name, Random(1))
    assert encoding.write(one.word).decode("utf-8", "replace") in prose(one, encoding) or not encoding.is_text
    assert note(one, encoding).startswith("Patient: ")
    data = document(one, encoding)
    assert any(found(part, STEM) for part in (data, *inflated(data)))
