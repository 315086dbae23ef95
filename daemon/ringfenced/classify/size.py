"""How long a request is, before it is read."""

from __future__ import annotations

from collections.abc import Iterator

from ringfenced.model import File, Image, Part, Request


def chars_of(request: Request) -> int:
    """Characters of all that is read of `request`, each counted once; what `Classification.prompt_chars` will be.

    Takes microseconds: nothing is parsed.
    """
    return sum(map(len, _texts(request)))


def _texts(request: Request) -> Iterator[str]:
    prompt = request.prompt
    for message in prompt.messages:
        yield from (message.name, message.tool_call_id)
        for part in message.parts:
            yield from _of_part(part)
        for call in message.tool_calls:
            yield from (call.id, call.name, call.arguments_json)
    for tool in prompt.tools:
        yield from (tool.name, tool.description, tool.parameters_json_schema)
    yield from (prompt.tool_name, prompt.json_schema, prompt.schema_name, prompt.grammar, *prompt.sampling.stop)
    for key, value in request.metadata.items():
        yield from (key, value)


def _of_part(part: Part) -> tuple[str, ...]:
    if isinstance(part, File):
        return part.name, part.text or ""
    return () if isinstance(part, Image) else (part.text,)
