"""What a target answers, put together from its pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringfenced.model import (
    Answer,
    Embedded,
    Finish,
    FinishReason,
    TextDelta,
    TokenLogprob,
    ToolCall,
    ToolCallDelta,
    Usage,
    Vectors,
)

LOGPROB = st.floats(max_value=0, allow_nan=False, allow_infinity=False)
TEXTS = st.builds(
    lambda text, logprobs: TextDelta(text, len(logprobs), tuple(TokenLogprob("", b"", one) for one in logprobs)),
    st.text(),
    st.lists(LOGPROB, max_size=3),
)
CALLS = st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1), st.lists(st.text(), min_size=1)), max_size=3)


@given(said=st.lists(TEXTS))
def test_texts_and_their_log_probabilities_keep_their_order(said):
    answer = Answer.of([*said, Finish(FinishReason.STOP, Usage(1, 1))])
    assert answer.text == "".join(piece.text for piece in said)
    assert list(answer.logprobs) == [one.logprob for piece in said for one in piece.logprobs]
    assert answer.tool_calls == ()


@given(calls=CALLS, data=st.data())
def test_calls_come_together_however_their_pieces_are_mixed(calls, data):
    """`id` and `name` come with the first piece of each; pieces of one call keep their order."""
    waiting = {
        index: [
            ToolCallDelta(index, call_id if first else "", name if first else "", piece)
            for first, piece in zip([True, *[False] * len(pieces)], pieces, strict=False)
        ]
        for index, (call_id, name, pieces) in enumerate(calls)
    }
    said = []
    while any(waiting.values()):
        index = data.draw(st.sampled_from([index for index, pieces in waiting.items() if pieces]))
        said.append(waiting[index].pop(0))
    assert Answer.of(said) == Answer("", tuple(ToolCall(i, name, "".join(pieces)) for i, name, pieces in calls))


def test_nothing_that_was_said_stands_in_a_repr():
    """A repr ends up in tracebacks and logs (DESIGN.md, invariant 1)."""
    canary = "Whitfield"
    token = TokenLogprob(canary, canary.encode(), -1.0, (TokenLogprob(canary, canary.encode(), -2.0),))
    said = [
        token,
        TextDelta(canary, 1, (token,)),
        ToolCallDelta(0, "1", canary, canary),
        Answer(canary, (ToolCall(canary, canary, canary),)),
    ]
    assert canary not in repr(said)
    assert "0.125" not in repr([Vectors(((0.125,),)), Embedded(((0.125,),), Usage(1, 0))])
