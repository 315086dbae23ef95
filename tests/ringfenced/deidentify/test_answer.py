"""An answer on its way back: text and tool calls, each held back by itself, nothing lost at the end."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from ringfence import recognize
from ringfence.labels import Label
from ringfenced.classify import classify
from ringfenced.deidentify import deidentify, reidentified
from ringfenced.model import (
    Caller,
    Finish,
    FinishReason,
    Message,
    Prompt,
    Request,
    Role,
    Sent,
    Text,
    TextDelta,
    ToolCallDelta,
    Usage,
    Vectors,
)

NOTE = 'Patient: Joanna "Jo" Whitfield, MRN: 00482913.'
END = Sent(Finish(FinishReason.STOP, Usage(1, 1)), ())
SCAN = recognize.load(None).scan


def made():
    request = Request("r", Prompt((Message(Role.USER, (Text(NOTE),)),)))
    found = classify(request, Caller("spiffe://s/c", "t", "d", frozenset(), Label()), SCAN)
    return deidentify(request.prompt, found.findings, found.label_asserted, seed=b"s" * 32, scan=SCAN)


PAYLOAD, MAPPING = made()
SURROGATED = PAYLOAD.prompt.messages[0].parts[0].text


async def stream(*events):
    for event in events:
        yield event


async def collect(*events, json=False):
    return [event async for event in reidentified(stream(*events), MAPPING, json=json)]


@given(st.lists(st.integers(0, len(SURROGATED)), max_size=8))
async def test_text_comes_back_over_any_chunks(cuts):
    edges = [0, *sorted(cuts), len(SURROGATED)]
    pieces = [TextDelta(SURROGATED[a:b], 1) for a, b in itertools.pairwise(edges)]
    events = await collect(*pieces, END)
    assert "".join(event.text for event in events[:-1]) == NOTE
    assert events[-1] is END


async def test_tool_calls_come_back_each_by_itself():
    half = len(SURROGATED) // 2
    events = await collect(
        ToolCallDelta(0, "a", "mail", SURROGATED[:half]),
        ToolCallDelta(1, "b", "mail", SURROGATED[: half + 3]),
        ToolCallDelta(0, "", "", SURROGATED[half:]),
        ToolCallDelta(1, "", "", SURROGATED[half + 3 :]),
        END,
    )
    for index in (0, 1):
        told = "".join(e.arguments_json for e in events if isinstance(e, ToolCallDelta) and e.index == index)
        assert "00482913" in told
        assert "Whitfield" in told
    assert [e.name for e in events if isinstance(e, ToolCallDelta) and e.id] == ["mail", "mail"]


async def test_an_answer_that_breaks_off_shows_no_surrogate_half_restored():
    """What is held back when the stream ends without an end is never shown."""
    events = await collect(TextDelta(SURROGATED[:12], 1))
    assert NOTE.startswith("".join(event.text for event in events))


async def test_vectors_pass_as_they_are():
    vectors = Vectors(((0.5, 1.0),))
    assert await collect(vectors) == [vectors]
