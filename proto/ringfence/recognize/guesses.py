"""What was guessed of some letters gives way to what is known of what they say to who undoes their disguise."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ringfence.recognize.span import Span

GUESSES: Final = "tagger:"
"""Who tells a type by context; the beginning of its recognisers' names."""
UNSPECIFIC: Final = frozenset({"ID", "CASE_ID"})
"""Types that give way to any other of their level."""
_FOLLOWING: Final = (GUESSES, "mention:")
"""And what follows from a guess, or may."""


def is_guessed(recogniser: str) -> bool:
    """Whether `recogniser` goes by context, or by what was found by it."""
    return recogniser.startswith(_FOLLOWING)


def cut(spans: Iterable[Span], known: Sequence[Span]) -> list[Span]:
    """`spans`, guesses among them without the stretches of `known`: one finding each, where a guess covered them all.

    What a guess covered is covered afterwards, by its parts or by `known`. Linear in both but for sorting.
    """
    stretches = _stretches(known)
    left: list[Span] = []
    for span in spans:
        left += _without(span, stretches) if span.recogniser.startswith(GUESSES) else (span,)
    return left


def parted(spans: Iterable[Span]) -> Iterator[Span]:
    """`spans`, those of several types at one place with a part of it each.

    All that compressed text holds stands at one place, and of what overlaps one type is left.
    """
    places: dict[tuple[int, int], dict[str, Span]] = {}
    for span in spans:
        places.setdefault((span.start, span.end), {}).setdefault(span.entity_type, span)
    for (start, end), by_type in places.items():
        step = max(1, (end - start) // len(by_type))
        for at, span in enumerate(by_type.values()):
            first = min(start + at * step, end - 1)
            yield span._replace(start=first, end=end if at == len(by_type) - 1 else min(first + step, end))


def _stretches(spans: Sequence[Span]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted((span.start, span.end) for span in spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _without(span: Span, stretches: list[tuple[int, int]]) -> Iterator[Span]:
    at = span.start
    for index in range(bisect_right(stretches, at, key=_end), len(stretches)):
        start, end = stretches[index]
        if start >= span.end:
            break
        if start > at:
            yield span._replace(start=at, end=start)
        at = end
    if at < span.end:
        yield span if at == span.start else span._replace(start=at)


def _end(stretch: tuple[int, int]) -> int:
    return stretch[1]
