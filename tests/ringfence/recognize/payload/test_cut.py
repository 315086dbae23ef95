"""Spans keep inside the fields of a payload."""

from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.payload import cut, read_payload
from ringfence.recognize.span import Span


def test_a_span_over_fields_becomes_one_a_field():
    """The separators fall out, and blanks at a cut; what has no letter is dropped."""
    text = "PID|1||77||DOE^ JANE^^|x"
    span = Span(text.index("DOE"), len(text) - 2, "PERSON", 0.5, "r")
    pieces = cut(text, [span], read_payload(text).walls)
    assert [text[piece.start : piece.end] for piece in pieces] == ["DOE", "JANE"]


def test_a_span_inside_a_field_and_a_text_without_walls_stay():
    """Nothing to cut."""
    text = "PID|1||77||DOE^JANE^^|x"
    spans = [Span(11, 14, "PERSON", 0.5, "r")]
    assert cut(text, spans, read_payload(text).walls) == spans
    assert cut(text, spans, ()) == spans


@given(st.data())
def test_cutting_loses_nothing_but_walls(data):
    """Every letter and digit of a span outside walls lies in a piece, and no piece touches a wall."""
    text = data.draw(st.text("ab |^\n", min_size=1, max_size=40))
    edges = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=10)))
    walls = list(zip(edges[::2], edges[1::2], strict=False))
    start = data.draw(st.integers(0, len(text) - 1))
    span = Span(start, data.draw(st.integers(start + 1, len(text))), "PERSON", 0.5, "r")
    walled = {at for begin, end in walls for at in range(begin, end)}
    kept = {at for piece in cut(text, [span], walls) for at in range(piece.start, piece.end)}
    assert {at for at in range(span.start, span.end) if text[at].isalnum()} - walled <= kept
    assert kept.isdisjoint(walled) or not walled & set(range(span.start, span.end))
