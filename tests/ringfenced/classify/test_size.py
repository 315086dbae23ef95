"""How long a request is, told before it is read."""

from ringfence.labels import Label
from ringfenced.classify import chars_of, classify
from ringfenced.model import (
    Caller,
    File,
    Image,
    Json,
    Message,
    Prompt,
    Request,
    Role,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolMode,
)

CALLER = Caller("spiffe://site/ward", "site", "ward", frozenset(), Label())
REQUEST = Request(
    "r",
    Prompt(
        (
            Message(Role.SYSTEM, (Text("Be brief. "), Text("Be kind.")), name="head"),
            Message(
                Role.USER,
                (Json('{"a": ["b", 1.5]}'), Image(b"x", "image/png"), File(b"note", "text/plain", "n.txt", "note")),
            ),
            Message(Role.ASSISTANT, (), tool_calls=(ToolCall("c1", "look", '{"q": "x"}'),)),
            Message(Role.TOOL, (Text("found"), File(b"\0", "application/pdf", "f.pdf", None)), tool_call_id="c1"),
        ),
        tools=(Tool("look", "Looks things up.", '{"type": "object"}'),),
        tool_mode=ToolMode.REQUIRED,
        tool_name="look",
        json_schema='{"type": "string"}',
        schema_name="answer",
        sampling=Sampling(stop=("END", "")),
    ),
    metadata={"ward": "7"},
)


def test_every_character_that_is_read_counts_once():
    assert chars_of(REQUEST) == classify(REQUEST, CALLER, lambda _: ()).prompt_chars > 0
    assert chars_of(Request("r", Prompt((Message(Role.USER, ()),)))) == 0
