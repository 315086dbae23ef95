"""What cannot be read is blanked, and nothing else moves."""

from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.span import Span
from ringfence.recognize.unread import blanked


@given(st.text(min_size=1), st.data())
def test_every_other_character_stays_in_its_place(text, data):
    """Whatever the stretches, overlapping ones too."""
    bounds = st.tuples(st.integers(0, len(text) - 1), st.integers(1, len(text))).filter(lambda pair: pair[0] < pair[1])
    unread = [Span(*pair, "OPAQUE", 0.9, "opaque:base64") for pair in data.draw(st.lists(bounds, max_size=4))]
    inside = {at for span in unread for at in range(span.start, span.end)}
    assert blanked(text, unread) == "".join(" " if at in inside else char for at, char in enumerate(text))
