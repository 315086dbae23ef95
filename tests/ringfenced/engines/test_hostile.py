"""What callers may send and what would end an engine that all share: each is refused, and the engine answers on."""

from __future__ import annotations

import json

import pytest

from ringfenced import errors
from ringfenced.model import Finish, Message, Prompt, Role, Sampling, Text, Tool, ToolCall, ToolMode

ASKED = Message(Role.USER, (Text("hello"),))
HALF = '{"q": "\\ud800"}'
DEEP = json.dumps({"type": "object", "properties": {"q": {"default": None}}}).replace("null", "[" * 800 + "]" * 800)
LONG = json.dumps({"type": "string", "minLength": 1_000_000_000})
WIDE = "root ::= [" + "".join(chr(0x4E00 + number) for number in range(20_000)) + "]*"
OPEN = 'root ::= "' + "[" * 20_000


def calling(arguments):
    call = Message(Role.ASSISTANT, (), tool_calls=(ToolCall("1", "look", arguments),))
    return Prompt((ASKED, call, Message(Role.TOOL, (Text("found"),), tool_call_id="1"), ASKED))


HOSTILE = {
    "half a character in a call": calling(HALF),
    "half a character in a tool": Prompt((ASKED,), tools=(Tool("look", "looks", '{"description": "\\ud800"}'),)),
    "a tool nested without end": Prompt((ASKED,), tools=(Tool("look", "", DEEP),), tool_mode=ToolMode.REQUIRED),
    "a schema of a billion characters": Prompt((ASKED,), json_schema=LONG),
    "a tool of a billion characters": Prompt((ASKED,), tools=(Tool("look", "", LONG),), tool_mode=ToolMode.REQUIRED),
    "a grammar of wide sets": Prompt((ASKED,), grammar=WIDE),
    "a grammar beside tools": Prompt((ASKED,), tools=(Tool("look", "", "{}"),), grammar=OPEN),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_would_end_an_engine_is_refused_and_the_engine_answers_on(name, launch, tiny_gguf):
    engine = await launch("worker", "--threads", "1", "--model", tiny_gguf, "--context", "512", "--sequences", "2")
    with pytest.raises(errors.InvalidRequest):
        await ask(engine, HOSTILE[name])
    assert isinstance(await ask(engine, Prompt((ASKED,))), Finish)
    assert engine.process.returncode is None


async def ask(engine, prompt):
    limited = Prompt(
        **{**{name: getattr(prompt, name) for name in prompt.__slots__}, "sampling": Sampling(tokens_max=4)}
    )
    with engine.client.start(limited, confidential=True, deadline_ms=10_000) as run:
        while not isinstance(event := await run.take(), Finish):
            pass
    return event
