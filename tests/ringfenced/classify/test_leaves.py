"""Nothing of a request escapes the scan."""

import dataclasses
import json

from hypothesis import given
from hypothesis import strategies as st

from ringfenced.classify import string_leaves
from ringfenced.classify.json_leaves import is_json, json_leaves
from ringfenced.model import File, Image, Json, Message, Prompt, Role, Sampling, Text, Tool, ToolCall


def full_prompt():
    """A prompt with a different word in every string field that there is."""
    counter = iter(range(1000))

    def word():
        return f"word{next(counter)}"

    schema = json.dumps({word(): {word(): [word(), 17, None, {word(): word()}]}})
    message = Message(
        role=Role.ASSISTANT,
        parts=(
            Text(word()),
            Text(word()),
            Json(json.dumps({word(): word()})),
            Image(b"x", "image/png"),
            File(b"w", "text/plain", word(), word()),
            File(b"x", "application/pdf", word(), None),
        ),
        name=word(),
        tool_calls=(ToolCall(word(), word(), json.dumps({word(): word()})),),
        tool_call_id=word(),
    )
    prompt = Prompt(
        messages=(message, Message(Role.USER, (Text(word()),))),
        tools=(Tool(word(), word(), schema),),
        tool_name=word(),
        json_schema=json.dumps({word(): word()}),
        schema_name=word(),
        sampling=Sampling(stop=(word(), word())),
        grammar=word(),
    )
    metadata = {word(): word()}
    return prompt, metadata, next(counter)


def test_every_string_leaf_is_seen():
    """Each word of a prompt that has one in every field is a leaf of its own, and paths do not repeat."""
    prompt, metadata, count = full_prompt()
    leaves = list(string_leaves(prompt, metadata))
    texts = {text for _, text in leaves}
    assert {f"word{index}" for index in range(count)} <= texts
    assert len({path for path, _ in leaves}) == len(leaves)


def test_every_field_of_the_model_is_known_here():
    """A new field of a prompt must be given to the scan: this test fails until it is."""
    known = {
        Prompt: "messages tools tool_mode tool_name json_schema schema_name sampling grammar embeds",
        Message: "role parts name tool_calls tool_call_id",
        Tool: "name description parameters_json_schema",
        ToolCall: "id name arguments_json",
        Text: "text",
        Json: "text",
        Image: "data media_type",
        File: "data media_type name text",
        Sampling: (
            "temperature top_p top_k min_p presence_penalty frequency_penalty repeat_penalty seed tokens_max stop "
            "logit_bias logprobs"
        ),
    }
    for model, fields in known.items():
        assert [field.name for field in dataclasses.fields(model)] == fields.split()


def test_json_leaves_are_unescaped():
    """An escaped identifier in JSON is read as what it means, with the key above it as context."""
    raw = r'{"a": {"ssn": "524\u002d71-6038"}, "b": ["x", -1.5e3, true], "ssn": 5}'
    leaves = {(leaf.path, leaf.key, leaf.text, leaf.is_string) for leaf in json_leaves(raw)}
    assert (".a.ssn", "ssn", "524-71-6038", True) in leaves
    assert (".b[1]", "b", "-1.5e3", False) in leaves
    assert (".b[0]", "b", "x", True) in leaves
    assert (".ssn", "ssn", "5", False) in leaves
    assert (".a~", "", "a", True) in leaves


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(documents, st.booleans(), st.sampled_from([None, 1]))
def test_each_leaf_stands_where_it_says(document, ascii_only, indent):
    """Strings, keys and numbers of any document are found in order, at their places in the raw text."""
    raw = json.dumps(document, ensure_ascii=ascii_only, indent=indent)

    def walk(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield key
                yield from walk(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner)
        elif isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
            yield value

    leaves = list(json_leaves(raw))
    assert [leaf.text if leaf.is_string else json.loads(leaf.text) for leaf in leaves] == list(walk(document))
    assert all(
        json.loads(raw[leaf.start : leaf.end]) == (leaf.text if leaf.is_string else json.loads(leaf.text))
        for leaf in leaves
    )


@given(st.text())
def test_what_is_no_document_is_text(raw):
    """Any text can be asked for; a deep one counts as none."""
    assert is_json(raw) in (True, False)
    assert not is_json("[" * 100_000)
