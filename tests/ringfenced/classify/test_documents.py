"""What a document's own scan finds reaches each of its leaves."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.finding import Finding
from ringfenced.classify.leaves import document_leaves
from ringfenced.classify.verdict import scan_leaf


def scan_for(*words):
    """A scan that finds `words` as they are written in a text's raw JSON, and nothing in any other text."""

    def scan(text):
        if not text.startswith("{"):
            return ()
        found = (Finding(text.index(word), text.index(word) + len(word), "PERSON", 1.0, "t") for word in words)
        return tuple(sorted(found))

    return scan


def found_in(raw, *words):
    scan = scan_for(*words)
    return [
        (leaf.path, leaf.text[finding.start : finding.end])
        for leaf in document_leaves("d", raw)
        for finding in scan_leaf(scan, leaf)
        if leaf.path != "d"
    ]


def test_a_leaf_learns_what_the_document_knows_of_it():
    """The value alone says nothing; where it stands does."""
    assert found_in('{"a": {"b": "x y"}, "c": 17}', "x y", "17") == [("d.a.b", "x y"), ("d.c", "17")]


@pytest.mark.parametrize("value", ['Jos\u00e9 "O\'Hara"', "a\\b\n", "\U0001f600 王", "tab\tx"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_escapes_are_undone(value, ascii_only):
    """The finding covers the unescaped value, whatever the escapes."""
    raw = json.dumps({"k": f"Hello {value}!"}, ensure_ascii=ascii_only)
    written = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
    assert found_in(raw, written) == [("d.k", value)]


def test_what_crosses_tokens_is_told_to_each():
    """A name over two values stands in both; marks between them in none."""
    assert found_in('{"a": "Ann", "b": "Bo", "c": "-"}', 'Ann", "b": "Bo", "c": "-') == [
        ("d.a", "Ann"),
        ("d.b~", "b"),
        ("d.b", "Bo"),
        ("d.c~", "c"),
    ]


def test_the_same_finding_is_told_once():
    """What the leaf's own scan finds too is not repeated."""

    def scan(text):
        at = text.find("Ann")
        return (Finding(at, at + 3, "PERSON", 1.0, "t"),) if at >= 0 else ()

    leaves = list(document_leaves("d", '{"k": "Ann"}'))
    assert [len(list(scan_leaf(scan, leaf))) for leaf in leaves] == [0, 0, 1]


def test_the_keys_of_a_resource_are_elements_and_no_labels():
    """``reference`` before a link says nothing of it; of any other document a key is a label."""
    contexts = {
        leaf.path: leaf.context
        for raw in ('{"resourceType": "Patient", "ssn": "1"}', '{"resourceType": "Ssn", "mrn": "2"}')
        for leaf in document_leaves("d", raw)
    }
    assert contexts == {
        "d": "",
        "d.resourceType~": "",
        "d.resourceType": "resourceType",
        "d.ssn~": "",
        "d.ssn": "",
        "d.mrn~": "",
        "d.mrn": "mrn",
    }


documents = st.recursive(
    st.text(max_size=6) | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
).map(lambda value: {"k": value})


@given(documents, st.data())
def test_positions_are_always_in_the_leaf(value, data):
    """Any finding in any document is told within the leaf, and its letters are those of the raw text."""
    raw = json.dumps(value, ensure_ascii=data.draw(st.booleans()))
    start = data.draw(st.integers(0, len(raw) - 1))
    finding = Finding(start, data.draw(st.integers(start + 1, len(raw))), "PERSON", 1.0, "t")
    for leaf in document_leaves("d", raw):
        for told in scan_leaf(lambda text: (finding,) if text is raw else (), leaf):
            assert 0 <= told.start < told.end <= len(leaf.text)
