"""Identifiers split over leaves: the end of one text read on into the next, short values of a document put together.

Only what then shows a strong shape across the joint, or stands after a label that ends one text, is given to the scan:
anything else would make numbers out of every table. What is found so is found in no leaf alone, so de-identification
cannot replace it, and the request stays inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, groupby
from typing import NamedTuple

from ringfence.recognize.fold import Folder
from ringfence.recognize.place import Place
from ringfence.recognize.views import strong

REACH_CHARS = 96
"""How much of each text is read over its end: an identifier with its label."""
PIECES_MAX = 20
"""The longest card number one digit a piece, with its last group."""
PIECE_CHARS_MAX = 40
_DIGITS_NEAR_MIN = 6
_NEAR_CHARS = 24
_CUT = re.compile(r"[\n.;!?]\s|\n")
_BLANK = re.compile(r"\s")
_VALUE = re.compile(r"\s*[\"'#(]?[A-Z]{0,4}-?\d[\w./-]{3,}")
_ASKED = re.compile(r"[?:=#\s]+$")
_FORMS = ((3, 2, 4), (3, 3, 4), (4, 4, 4, 4), (4, 6, 5), (1, 3, 3, 4))
"""Digits in the groups of an SSN, a telephone number, a card number of two networks, a telephone number again."""
_FIGURES = re.compile(r"\s?[+(]?\d[\d ()./-]*\s?|[-/. ]{1,3}")
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s.]{1,63}(?:\.[^@\s.]{1,63}){0,4}\.[A-Za-z]{2,24}")
_GROUP = re.compile(r"\s?[A-Za-z0-9]{1,8}\s?")


class Piece(NamedTuple):
    """A text that may hold a part of an identifier."""

    path: str
    """Its leaf's path."""
    text: str
    """What stands there."""
    key: str
    """The key above it; empty for none."""
    place: Place
    """Where it stands in a leaf whose characters are counted; from 0 on."""
    container: str = ""
    """The object or array that it stands in."""
    is_number: bool = False
    """Whether a document writes it as a number: tables do, identifiers seldom."""


class Joined(NamedTuple):
    """Pieces put together."""

    path: str
    """Names the first and the last of them."""
    text: str
    """What they say together."""
    context: str
    """The key above them."""
    places: tuple[Place, ...]
    """Where each stretch stands."""


def texts(pieces: Sequence[tuple[str, Piece]]) -> Iterator[Joined]:
    """Ends of texts with the beginnings of those after them, and of the next by the same speaker.

    Args:
        pieces: speaker and text of each message, in order.
    """
    last: dict[str, list[Piece]] = {}
    before: Piece | None = None
    for speaker, piece in pieces:
        said = last.setdefault(speaker, [])
        for left in {id(one): one for one in (before, *said[-1:]) if one is not None}.values():
            yield from seam(left, piece)
        if len(said) > 1:
            yield from _chain([*said, piece])
        is_figures = len(piece.text) <= PIECE_CHARS_MAX and _FIGURES.fullmatch(piece.text) is not None
        if not is_figures or len(said) == PIECES_MAX:
            said.clear()
        said.append(piece)
        before = piece


def _chain(pieces: Sequence[Piece]) -> Iterator[Joined]:
    """The end of a text, figures alone in those after it, and the beginning of the last one."""
    first, last = pieces[0], pieces[-1]
    tail, head = _after_cut(first.text[-REACH_CHARS:]), _before_cut(last.text[:REACH_CHARS])
    said = [tail, *(piece.text for piece in pieces[1:-1]), head]
    shifts = [len(first.text) - len(tail), *[0] * (len(pieces) - 1)]
    for gap in ("-", " ", ""):
        text = gap.join(said)
        if strong.crosses(_folded(text), len(_folded(tail + gap))):
            starts = accumulate((len(one) + len(gap) for one in said), initial=0)
            places = [
                Place(piece.path, start, start + len(one), shift)
                for piece, one, start, shift in zip(pieces, said, starts, shifts, strict=False)
            ]
            yield Joined(f"joined({first.path}, {last.path})", text, "", tuple(places))
            return


def seam(left: Piece, right: Piece) -> Iterator[Joined]:
    """The end of `left` with the beginning of `right`, where that shows something."""
    tail = left.text[-REACH_CHARS:]
    head = right.text[:REACH_CHARS]
    if not tail or not head:
        return
    near = _folded(tail[-_NEAR_CHARS:] + head[:_NEAR_CHARS])
    if "@" not in near and sum(map(near.count, "0123456789")) < _DIGITS_NEAR_MIN and not _VALUE.match(head):
        return
    tail, head = _after_cut(tail), _before_cut(head)
    for gap in _gaps(tail, head):
        text = _folded(f"{tail}{gap}")
        if strong.crosses(text + _folded(head), len(text)):
            yield _at_ends(left, right, (tail, gap, head))
    asked = _ASKED.sub("", tail)
    if _VALUE.match(head) and strong.is_labelled(asked, len(asked)):
        yield _at_ends(left, right, (asked, ": ", head), dropped=len(tail) - len(asked))


def _folded(text: str) -> str:
    return text if text.isascii() else Folder().fold(text).data.decode("latin-1")


def _gaps(tail: str, head: str) -> tuple[str, ...]:
    """What may have stood between them."""
    return ("", " ", "-") if tail[-1:].isdigit() and head[:1].isdigit() else ("", " ")


def _after_cut(tail: str) -> str:
    """`tail` from the beginning of its last sentence, or else from a word's."""
    cuts = [match.end() for match in _CUT.finditer(tail, 0, max(0, len(tail) - _NEAR_CHARS))]
    if cuts:
        return tail[cuts[-1] :]
    blank = _BLANK.search(tail, 0, max(0, len(tail) - _NEAR_CHARS)) if len(tail) == REACH_CHARS else None
    return tail[blank.end() :] if blank is not None else tail


def _before_cut(head: str) -> str:
    cut = _CUT.search(head, _NEAR_CHARS)
    if cut is not None:
        return head[: cut.start() + 1]
    return head[: max(head.rfind(" "), _NEAR_CHARS)] if len(head) == REACH_CHARS else head


def _at_ends(left: Piece, right: Piece, said: tuple[str, str, str], *, dropped: int = 0) -> Joined:
    """What `said` says: the end of `left` less `dropped` characters, what stands between, the beginning of `right`."""
    tail, gap, head = said
    middle = len(tail) + len(gap)
    return Joined(
        f"joined({left.path}, {right.path})",
        tail + gap + head,
        "",
        (
            Place(left.path, 0, len(tail), len(left.text) - dropped - len(tail)),
            Place(right.path, middle, middle + len(head), 0),
        ),
    )


def values(pieces: Iterable[Piece]) -> Iterator[Joined]:
    """Neighbouring short values of a document, in order, that are one identifier together."""
    for is_short, group in groupby(pieces, key=lambda piece: 0 < len(piece.text) <= PIECE_CHARS_MAX):
        if is_short:
            run = list(group)
            if len(run) > 1:
                yield from _figures(run)
                yield from _addresses(run)
                yield from _accounts(run)


def _figures(run: Sequence[Piece]) -> Iterator[Joined]:
    """Runs of digits: all of one together, as a part of a table may look like anything; or groups of a known form."""
    for (is_figures, _), group in groupby(
        run, key=lambda piece: (_FIGURES.fullmatch(piece.text) is not None, piece.container)
    ):
        pieces = list(group)
        if not is_figures or len(pieces) < 2:  # noqa: PLR2004 - two are the least that can be joined
            continue
        key = pieces[0].key
        is_labelled = bool(key) and strong.is_labelled(f"{key.replace('_', ' ')}:", len(key) + 1)
        whole = _whole(pieces, key, is_labelled=is_labelled) if len(pieces) <= PIECES_MAX else None
        if whole is not None:
            yield whole
        else:
            yield from _forms(pieces)


def _whole(pieces: Sequence[Piece], key: str, *, is_labelled: bool) -> Joined | None:
    for gap in ("", "-"):
        text = gap.join(piece.text for piece in pieces)
        digits = "".join(char for char in text if char.isdigit())
        if _is_one(text, digits, pieces, is_labelled=is_labelled):
            return _together(pieces, gap, key)
    return None


def _forms(pieces: Sequence[Piece]) -> Iterator[Joined]:
    """Strings, not numbers, with as many digits each as the groups of an SSN, a telephone or a card number."""
    lengths = [0 if piece.is_number or not piece.text.isdigit() else len(piece.text) for piece in pieces]
    for index in range(len(pieces)):
        for form in _FORMS:
            if tuple(lengths[index : index + len(form)]) == form:
                group = pieces[index : index + len(form)]
                if any(True for _ in strong.shapes("-".join(piece.text for piece in group))):
                    yield _together(group, "-", "")


def _is_one(text: str, digits: str, pieces: Sequence[Piece], *, is_labelled: bool) -> bool:
    is_table = any(piece.is_number for piece in pieces) and not is_labelled
    if strong.is_card(digits):
        return not is_table or len(pieces) <= 5  # noqa: PLR2004 - groups of four, and a last one
    if is_table or strong.is_plain_series(digits):
        return False
    if any(start == 0 and end == len(text) for start, end, _ in strong.shapes(text)):
        return True
    is_spelled = all(len(piece.text.strip()) == 1 for piece in pieces)
    return (is_labelled or is_spelled) and 9 <= len(digits) <= 19  # noqa: PLR2004 - an SSN, a card number


def _addresses(run: Sequence[Piece]) -> Iterator[Joined]:
    """Two or three values that are an e-mail address together."""
    for index, piece in enumerate(run):
        if "@" not in piece.text or _ADDRESS.fullmatch(piece.text):  # one by itself is found where it stands
            continue
        for first, last in ((index - 1, index + 1), (index, index + 1), (index - 1, index), (index, index + 2)):
            pieces = run[max(0, first) : last + 1]
            text = "".join(one.text for one in pieces)
            cuts = len(pieces[0].text) if len(pieces) > 1 else 0
            if cuts and not _BLANK.search(text) and strong.crosses(text, cuts):
                yield _together(pieces, "", "")
                break


def _accounts(run: Sequence[Piece]) -> Iterator[Joined]:
    """Groups of an IBAN, one a value."""
    for index, piece in enumerate(run):
        if not (piece.text[:2].isalpha() and piece.text[2:4].isdigit()):
            continue
        text = ""
        for count, following in enumerate(run[index : index + PIECES_MAX], start=1):
            if _GROUP.fullmatch(following.text) is None:
                break
            text += following.text.strip().upper()
            if count > 1 and strong.is_iban_prefix(text):
                yield _together(run[index : index + count], "", "")
                break


def _together(pieces: Sequence[Piece], gap: str, key: str) -> Joined:
    places: list[Place] = []
    at = 0
    for piece in pieces:
        places.append(replace(piece.place, start=at, end=at + len(piece.text)))
        at += len(piece.text) + len(gap)
    return Joined(
        f"joined({pieces[0].path}, {pieces[-1].path})", gap.join(piece.text for piece in pieces), key, tuple(places)
    )
