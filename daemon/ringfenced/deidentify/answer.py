"""An answer on its way back: the originals put in the place of their surrogates."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace

from ringfenced.deidentify.reidentify import Reidentifier
from ringfenced.deidentify.values import Mapping
from ringfenced.model import Delta, Sent, TextDelta, ToolCallDelta, Vectors


async def reidentified(
    answer: AsyncIterator[Delta | Vectors | Sent], mapping: Mapping, *, json: bool
) -> AsyncGenerator[Delta | Vectors | Sent, None]:
    """The answer with the originals back in place; what may be the beginning of a surrogate is held back.

    Args:
        answer: as the agent passes it on.
        mapping: from surrogates to originals.
        json: the answer is a JSON document, so that originals are escaped where they stand.
    """
    text = Reidentifier(mapping, json=json)
    calls: dict[int, Reidentifier] = {}
    async for event in answer:
        if isinstance(event, TextDelta):
            if shown := text.feed(event.text):
                yield TextDelta(shown, event.tokens)
        elif isinstance(event, ToolCallDelta):
            if event.index not in calls:
                calls[event.index] = Reidentifier(mapping, json=True)
            shown = calls[event.index].feed(event.arguments_json)
            yield replace(event, name=_whole(event.name, mapping), arguments_json=shown)
        elif isinstance(event, Vectors):
            yield event
        else:
            if rest := text.flush():
                yield TextDelta(rest, 0)
            for index, arguments in calls.items():
                if rest := arguments.flush():
                    yield ToolCallDelta(index, "", "", rest)
            yield event


def _whole(name: str, mapping: Mapping) -> str:
    """The name of a tool, which comes in one piece."""
    if not name:
        return name
    reidentifier = Reidentifier(mapping)
    return reidentifier.feed(name) + reidentifier.flush()
