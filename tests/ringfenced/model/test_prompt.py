"""What a model is given says nothing of itself where it is printed."""

from __future__ import annotations

from ringfenced.model import File, Image, Json, Message, Prompt, Role, Sampling, Text, Tool, ToolCall

CANARY = "Whitfield"


def test_no_string_of_a_prompt_stands_in_its_repr():
    """A repr ends up in tracebacks and logs (DESIGN.md, invariant 1)."""
    parts = (
        Text(CANARY),
        Json(f'"{CANARY}"'),
        Image(CANARY.encode(), CANARY),
        File(CANARY.encode(), CANARY, CANARY, CANARY),
    )
    prompt = Prompt(
        messages=(Message(Role.USER, parts, CANARY, (ToolCall(CANARY, CANARY, CANARY),), CANARY),),
        tools=(Tool(CANARY, CANARY, CANARY),),
        tool_name=CANARY,
        json_schema=CANARY,
        schema_name=CANARY,
        sampling=Sampling(stop=(CANARY,)),
        grammar=CANARY,
    )
    assert CANARY not in repr(prompt)
