"""What the views of a text add to what was found in it: found once, at its place, as what it means."""

from __future__ import annotations

from ringfence.recognize.guesses import UNSPECIFIC, cut, is_guessed, parted
from ringfence.recognize.novel import Novel, Shown
from ringfence.recognize.policy import Policy
from ringfence.recognize.reserved import NEVER_REPLACED
from ringfence.recognize.span import Span
from ringfence.recognize.view import View


class Viewed:
    """Takes what each view reads, and says what of it counts."""

    __slots__ = ("_added", "_coded", "_more", "_novel", "_same", "_seen", "_shown", "_spans")

    def __init__(self, text: str, spans: list[Span], policy: Policy) -> None:
        """Begin with `spans`, what was found in `text` as it is written; positions in characters."""
        self._spans = spans
        # What counts for nothing, or stays in the text, hides nothing of what must not.
        self._novel = Novel(text, [span for span in spans if policy.takes(span.entity_type)])
        self._shown = Shown(spans, policy.label_of_type)
        self._more: list[Span] = []  # what means more than what was found there
        self._coded: list[Span] = []  # what codes say that was covered by nothing
        self._same: list[Span] = []  # what codes say that means no more, and was covered
        self._added: list[Span] = []  # what other views read that was covered by nothing
        self._seen: set[tuple[int, int, str, bool, bool]] = set()

    def take(self, view: View, span: Span) -> None:
        """Take what was found in `view`; `span` counts characters of it."""
        start, end = view.span(span.start, span.end)
        one = (start, end, span.entity_type, is_guessed(span.recogniser), view.is_decoded)
        if one in self._seen:  # of a compressed text all stands at one place
            return
        self._seen.add(one)
        mapped = span._replace(start=start, end=end, recogniser=f"{span.recogniser}@{view.name}")
        # Who guesses at what a code says guesses at words; at a code's letters there is nothing to go by.
        if (view.is_decoded or not is_guessed(span.recogniser)) and self._shown.raises(mapped):
            self._more.append(mapped)
        elif mapped.entity_type in NEVER_REPLACED or self._novel.adds(mapped):
            (self._coded if view.is_decoded else self._added).append(mapped)
        elif view.is_decoded:
            self._same.append(mapped)

    def all(self) -> list[Span]:
        """What was found, in the text and in its views; in no order, and overlapping."""
        more, spans, added = self._more, self._spans, self._added
        if not more:
            return [*spans, *parted(self._coded), *added]
        # Guesses give way, those at the letters of codes within codes too; what they said enough for counts then.
        codes, places = self._coded + self._same, {(span.start, span.end) for span in more}
        there = [span for span in codes if (span.start, span.end) in places]
        there += [span for span in added if (span.start, span.end) in places and not is_guessed(span.recogniser)]
        beside = [span for span in there if span.entity_type not in UNSPECIFIC]  # these give way to what means more
        rest = cut([span for span in codes if (span.start, span.end) not in places], more)
        return [*cut(spans, more + self._same), *parted([*more, *beside, *rest]), *set(added).difference(there)]
