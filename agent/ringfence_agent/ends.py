"""Where a payload's texts may go on in another request: their open beginnings and ends. Pure.

A rogue daemon can send the first half of an identifier now and the second in its next request, under another caller's
name. What is said in words is therefore read on into what left for the same provider shortly before
(`ringfence_agent.recent`), by the rules of ``ringfence.recognize.joined``. Few texts are open: those whose first or
last two words hold a digit, an at sign or a full stop inside, or whose end is a label that asks for a value. Of these,
few pairs have digits enough between them to be looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from ringfence.recognize import joined
from ringfence.recognize.joined import REACH_CHARS, Piece
from ringfence.recognize.place import Place
from ringfence.recognize.views import strong
from ringfence_agent.payload import Payload

OPEN_MAX: Final = 16
"""So many open beginnings and ends of a payload are kept, each; the last ones: earlier turns left before."""
_DIGITS_MIN: Final = 6
"""The two sides of a cut have so many between them, or an at sign, or a label and a value after it; as in
``ringfence.recognize.joined``."""
_VALUE_DIGITS_MIN: Final = 4
_DIGITS: Final = frozenset("0123456789")


class End(NamedTuple):
    """One open beginning or end; content."""

    text: str
    """At most `REACH_CHARS`."""
    digits: int
    """In the two words next to the cut."""
    is_address: bool
    """Whether an at sign stands there, or a full stop inside a word."""
    is_label: bool = False
    """Whether it asks for a value."""


class Ends(NamedTuple):
    """Of one payload."""

    heads: tuple[End, ...] = ()
    """Open beginnings."""
    tails: tuple[End, ...] = ()
    """Open ends."""


def of(payload: Payload) -> Ends:
    """The open beginnings and ends of what `payload` says in words."""
    texts = list(dict.fromkeys(text for text in _said(payload) if text.strip()))[-OPEN_MAX:]
    heads, tails = map(_head, texts), map(_tail, texts)
    return Ends(tuple(filter(_is_open, heads)), tuple(filter(_is_open, tails)))


def across(before: Iterable[Ends], after: Ends) -> Iterator[str]:
    """What earlier payloads say together with a later one, in either order, where that shows something.

    What both hold is one conversation, which was read on within itself (`ringfence_agent.joined`).
    """
    for ends in before:
        yield from _seams(ends, after)
        yield from _seams(after, ends)


def _seams(first: Ends, second: Ends) -> Iterator[str]:
    return (
        one.text
        for tail in first.tails
        for head in second.heads
        if _may_meet(tail, head) and tail not in second.tails and head not in first.heads
        for one in joined.seam(_piece(tail.text), _piece(head.text))
    )


def _may_meet(tail: End, head: End) -> bool:
    """Whether a look at the two is worth its time."""
    return (
        tail.digits + head.digits >= _DIGITS_MIN
        or (tail.is_address and head.is_address)
        or (tail.is_label and head.digits >= _VALUE_DIGITS_MIN)
    )


def _said(payload: Payload) -> Iterator[str]:
    """Messages, texts to embed, descriptions and stop strings."""
    for tool in payload.tools:
        yield tool.description
    for message in payload.messages:
        yield from message.texts
    yield from (*payload.embedding_inputs, *payload.sampling.stop)


def _head(text: str) -> End:
    head = text[:REACH_CHARS]
    return End(head, *_signs(head.split(None, 2)[:2]))


def _tail(text: str) -> End:
    tail = text[-REACH_CHARS:].rstrip()
    asked = tail.rstrip("?:=# ")
    is_label = asked != tail and strong.is_labelled(asked, len(asked))
    return End(text[-REACH_CHARS:], *_signs(tail.rsplit(None, 2)[-2:]), is_label)


def _signs(words: list[str]) -> tuple[int, bool]:
    """Digits in `words`, and whether they look like a part of an address."""
    digits = sum(char in _DIGITS for word in words for char in word)
    return digits, any("@" in word or "." in word.strip(".") for word in words)


def _is_open(end: End) -> bool:
    return bool(end.digits) or end.is_address or end.is_label


def _piece(text: str) -> Piece:
    return Piece("", text, "", Place("", 0, len(text), 0))
