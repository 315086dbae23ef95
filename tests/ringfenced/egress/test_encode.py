"""What the daemon encodes is what the agent reads."""

import json

from hypothesis import given
from hypothesis import strategies as st

from ringfence.v1 import egress_pb2
from ringfence.wire import parse
from ringfence_agent import decode
from ringfenced.egress.encode import payload
from ringfenced.model import File, Json, Message, Prompt, Role, Sampling, Text, Tool, ToolCall, ToolMode

TEXT = st.text(max_size=30)
NUMBERS = st.floats(0, 2, width=32)
MESSAGES = st.builds(
    Message,
    role=st.sampled_from(Role),
    parts=st.lists(st.builds(Text, TEXT) | st.builds(Json, TEXT.map(json.dumps)), max_size=3).map(tuple),
    name=TEXT,
    tool_calls=st.lists(st.builds(ToolCall, TEXT, TEXT, TEXT.map(json.dumps)), max_size=2).map(tuple),
    tool_call_id=TEXT,
)
PROMPTS = st.builds(
    Prompt,
    messages=st.lists(MESSAGES, min_size=1, max_size=3).map(tuple),
    tools=st.lists(st.builds(Tool, TEXT, TEXT, st.just("{}")), max_size=2).map(tuple),
    tool_mode=st.sampled_from(ToolMode),
    json_schema=st.sampled_from(["", '{"type":"object"}']),
    schema_name=TEXT,
    sampling=st.builds(
        Sampling,
        temperature=st.none() | NUMBERS,
        seed=st.none() | st.integers(0, 2**32 - 1),
        tokens_max=st.none() | st.integers(1, 10**7),
        stop=st.lists(TEXT, max_size=3).map(tuple),
    ),
)


@given(PROMPTS)
def test_the_agent_reads_what_the_daemon_wrote(prompt):
    """Every string of the prompt arrives where it belongs, and the bytes hold nothing else."""
    data = payload(prompt)
    parse(egress_pb2.EgressPayload, data)
    read = decode.decode(data, frozenset())
    assert [message.texts for message in read.messages] == [
        tuple(part.text for part in message.parts) for message in prompt.messages
    ]
    assert [(m.role, m.name, m.tool_call_id) for m in read.messages] == [
        (m.role.value, m.name, m.tool_call_id) for m in prompt.messages
    ]
    assert [tuple((c.id, c.name, c.arguments_json) for c in m.tool_calls) for m in read.messages] == [
        tuple((c.id, c.name, c.arguments_json) for c in m.tool_calls) for m in prompt.messages
    ]
    assert read.json_schema == prompt.json_schema
    assert (read.sampling.seed is None) == (prompt.sampling.seed is None)
    assert (read.sampling.tokens_max is None) == (prompt.sampling.tokens_max is None)
    assert (read.sampling.temperature is None) == (prompt.sampling.temperature is None)
    if prompt.tools:
        assert read.tool_mode == prompt.tool_mode.value


@given(PROMPTS)
def test_the_same_prompt_gives_the_same_bytes(prompt):
    assert payload(prompt) == payload(prompt)


def test_a_file_leaves_as_its_de_identified_text_and_never_as_the_bytes_it_came_as():
    part = File(b"Jane Doe", "text/plain", "note.txt", "Person A")
    data = payload(Prompt((Message(Role.USER, (part,)),)))
    assert b"Jane" not in data
    assert decode.decode(data, frozenset()).messages[0].texts == ("Person A",)


def test_texts_to_embed_leave_as_such_and_as_nothing_else():
    turns = tuple(Message(Role.USER, (Text(text),)) for text in ("one", "two"))
    sent = egress_pb2.EgressPayload.FromString(payload(Prompt(turns, embeds=True)))
    assert list(sent.embedding_inputs) == ["one", "two"]
    assert sent == egress_pb2.EgressPayload(embedding_inputs=["one", "two"])


def test_a_grammar_is_written_into_nothing_that_leaves():
    """Decisions keep it on site (invariant 8); this is what would leave if one did not."""
    prompt = Prompt((Message(Role.USER, (Text("x"),)),), grammar='root ::= "Jane Doe"')
    assert b"Jane" not in payload(prompt)
