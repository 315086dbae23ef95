"""Manifests: read strictly, signed over what is the same everywhere."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.modelhubs import gguf
from ringfenced.library.errors import Refused
from ringfenced.library.manifest import FileFacts, Manifest, Signature, decode
from ringfenced.library.names import Format

FACTS = (FileFacts("m.gguf", 24, "0" * 64),)
TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), max_size=30)


def manifest(**changes):
    said = {"name": "m", "format": Format.GGUF, "source": "hf:o/m", "revision": "r", "licence": None, "files": FACTS}
    return Manifest(**said | {"imported_at": "2026-11-29T12:00:00Z", "imported_by": "ann@host"} | changes)


@given(TEXT, TEXT, st.none() | TEXT, st.binary(max_size=100))
def test_a_manifest_comes_back_as_it_was(source, revision, licence, signature):
    written = manifest(source=source, revision=revision, licence=licence, signatures=(Signature("ed25519", signature),))
    assert decode(written.encode()) == written


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["version", "name", "files", "path"]), inner, max_size=4)
        ),
        max_leaves=10,
    )
)
def test_any_other_json_is_refused_and_nothing_else_happens(value):
    with pytest.raises(Refused):
        decode(json.dumps(value).encode())


@given(st.sampled_from(sorted(json.loads(manifest().encode()))), st.sampled_from([None, 1, "x", [], {}, [1], {"a": 1}]))
def test_a_field_of_another_kind_is_refused_or_well_understood(key, value):
    document = json.loads(manifest().encode())
    document[key] = value
    try:
        again = decode(json.dumps(document).encode())
    except Refused:
        return
    assert json.loads(again.encode()) == document


@pytest.mark.parametrize("data", [b"", b"\xff", b"[" * 100_000, b"{}", b"x" * 2_000_000])
def test_what_is_no_manifest_is_refused(data):
    with pytest.raises(Refused):
        decode(data)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "../m"},
        {"files": ()},
        {"files": (FileFacts("m.gguf", -1, "0" * 64),)},
        {"files": (FileFacts("m.gguf", 0, "0" * 64),)},
        {"files": (FileFacts("m.gguf", 2**60, "0" * 64),)},
        {"files": (FileFacts("m.gguf", 24, "0" * 63 + "G"),)},
        {"files": (FileFacts("m.bin", 24, "0" * 64),)},
        {"format": Format.SAFETENSORS},
        {"source": "a\nb"},
        {"source": "x" * 2000},
        {"imported_at": "yesterday"},
    ],
)
def test_what_cannot_be_a_model_never_becomes_a_manifest(changes):
    with pytest.raises(Refused):
        manifest(**changes)


def test_what_is_signed_is_the_same_at_every_site_and_changes_with_every_fact_of_the_model():
    one = manifest()
    assert one.brought("2027-01-01T00:00:00Z", "bob@elsewhere").statement() == one.statement()
    others = [
        manifest(name="n"), manifest(source="x"), manifest(revision="x"), manifest(licence="x"),
        manifest(files=(FileFacts("m.gguf", 25, "0" * 64),)), manifest(files=(FileFacts("m.gguf", 24, "1" * 64),)),
        manifest(files=(FileFacts("n.gguf", 24, "0" * 64),)),
    ]  # fmt: skip
    assert len({each.statement() for each in (one, *others)}) == len(others) + 1
    assert one.statement().startswith(b"ringfence model manifest v1\n{")


def test_files_stand_in_one_order_whatever_order_they_were_given_in():
    a, b = FileFacts("a.gguf", 24, "0" * 64), FileFacts("b.gguf", 24, "1" * 64)
    assert manifest(files=(b, a)) == manifest(files=(a, b))
    assert len(gguf(24)) == 24
