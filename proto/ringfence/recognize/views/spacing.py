"""Characters set apart: ``J.o.h.n``, ``5 2 4 - 7 1``, one a line, or grouped as no form writes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from ringfence.recognize.views.passage import Edit
from ringfence.recognize.views.strong import crosses, is_card, is_iban_prefix, is_labelled, is_plain_series, shapes

_GAP = r"[^A-Za-z0-9]{1,3}"
_WIDE = r"[^A-Za-z0-9]{1,7}"
_SINGLES = re.compile(rf"(?<![A-Za-z0-9])[A-Za-z0-9](?:{_WIDE}[A-Za-z0-9](?![A-Za-z0-9])){{3,}}+")
SINGLES_TRIGGER = (
    r"(?:[A-Za-z][^A-Za-z0-9]{1,7}){3}[A-Za-z](?:[^A-Za-z]|$)|"
    r"(?:[A-Za-z0-9][^A-Za-z0-9]{1,7}){5}[A-Za-z0-9](?:[^A-Za-z]|$)"
)
_PADDED = re.compile(r"(?<![A-Za-z0-9])\d([A-Za-z]{1,3})\d(?:\1\d){4,}+(?![A-Za-z0-9])")
PADDED_TRIGGER = r"\b(?:\d[A-Za-z]{1,3}){5}\d"
_ODD = r"(?:[^A-Za-z0-9\n]{1,3}|\n)"
_GROUPED = re.compile(rf"(?<![A-Za-z0-9])(?<![.,]\d)\d{{2,6}}(?:{_ODD}\d{{2,7}}){{1,5}}+(?![A-Za-z0-9])")
GROUPED_TRIGGER = (
    r"\b\d{3}[^A-Za-z0-9]{1,3}\d{2,3}[^A-Za-z0-9]{1,3}\d{4}\b|(?:\b\d{3,6}[^A-Za-z0-9 ,;\n]{1,3}){2,}\d{3,7}\b|"
    r"(?:\d{4}[^A-Za-z0-9]{1,3}){3}\d"
)
_GROUPED_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}[^A-Za-z0-9]{0,3}\d{2}(?:[^A-Za-z0-9]{0,3}[A-Za-z0-9]{1,8}){2,12}"
)
GROUPED_IBAN_TRIGGER = (
    r"(?-i:\b[A-Z]{2})\d{2}[^A-Za-z0-9][A-Za-z0-9]{2,8}[^A-Za-z0-9]{1,3}[A-Za-z0-9]{2,8}|"
    r"(?-i:\b[A-Z]{2})[^A-Za-z0-9]{0,3}\d{2,4}(?:[^A-Za-z0-9]{1,3}[A-Z0-9]{1,8}){3}"
)
LABELLED_TRIGGER = (
    r"\b(?:ssn|social security(?: number)?|card|pan|account|acct|iban|phone|tel|mobile|npi|mrn|passport)\b.{0,4}"
    r"(?:number|no|is|was)?\W{0,3}\d{1,6}[^A-Za-z0-9]{1,3}\d{1,6}[^A-Za-z0-9]{1,3}\d"
)
_LOOSE = re.compile(rf"(?<![A-Za-z0-9])\d{{1,8}}(?:{_GAP}\d{{1,8}}){{1,10}}+(?![A-Za-z0-9])")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NOT_DIGITS = re.compile(r"\D+")
_PLAIN_GAPS = frozenset({"-", " "})
_EVEN_SHARE = 0.65
"""Letters set apart have mostly the same between them; a sum or a list of answers has not."""
_DIGITS_MIN, _DIGITS_MAX = 9, 19
"""An SSN; a card number or an international bank account."""


def singles(text: str) -> Iterator[Edit]:
    """Single letters and digits with up to three other characters between them, brought together.

    The commonest gap falls away; of another one what it has besides the common gap's characters stays, or a blank.
    """
    for match in _SINGLES.finditer(text):
        run = match.group()
        places = [at for at, char in enumerate(run) if char.isalnum()]
        gaps = [run[left + 1 : right] for left, right in pairwise(places)]
        common = Counter(gaps).most_common(1)[0][0]
        chars = [run[0]]
        where = [places[0]]
        for gap, at in zip(gaps, places[1:], strict=True):
            for char in "" if gap == common else _rest(gap, common):
                chars.append(char)
                where.append(at - 1)
            chars.append(run[at])
            where.append(at)
        joined = "".join(chars)
        if not _is_worth(text, match.start(), joined, gaps, common):
            continue
        base = match.start()
        # "JohnSmith" is two words; what has digits in it is no name.
        cuts = [] if any(map(str.isdigit, joined)) else [cut.start() for cut in _CAMEL.finditer(joined)]
        for cut in reversed(cuts):
            chars.insert(cut, " ")
            where.insert(cut, where[cut] - 1)
        yield Edit(base, match.end(), "".join(chars), [(base + at, base + at + 1) for at in where])


def _rest(gap: str, common: str) -> str:
    """What a gap that is wider than the common one says: a mark, or only that words part here."""
    rest = gap
    for char in common:
        rest = rest.replace(char, "")
    rest = rest.strip()
    if len(common) == 1 and gap == 3 * common and common.strip():
        return common  # "m...c" among full stops: one of them is meant
    return rest[:1] or " "


def _is_worth(text: str, start: int, joined: str, gaps: list[str], common: str) -> bool:
    letters = sum(char.isalpha() for char in joined)
    if letters:
        is_even = gaps.count(common) >= _EVEN_SHARE * len(gaps)
        return is_even and (letters >= 3 or len(joined) >= 8)  # noqa: PLR2004 - a name's length, an identifier's
    digits = _NOT_DIGITS.sub("", joined)
    if is_labelled(text, start):
        return len(digits) >= 4  # noqa: PLR2004 - a short record number
    if is_plain_series(digits):
        return False
    if len(digits) != len(joined):
        if "\n" in gaps and common != "\n":  # rows of a table
            return False
        return any(True for _ in shapes(joined))
    return _DIGITS_MIN <= len(digits) <= _DIGITS_MAX


def padded(text: str) -> Iterator[Edit]:
    """Single digits with the same letters between them: ``5x2x4x7``."""
    for match in _PADDED.finditer(text):
        places = [at for at in range(match.start(), match.end()) if text[at].isdigit()]
        digits = "".join([text[at] for at in places])
        if not is_plain_series(digits):
            yield Edit(match.start(), match.end(), digits, [(at, at + 1) for at in places])


def grouped(text: str) -> Iterator[Edit]:
    """Groups of digits with odd marks between them, in the shape of an SSN, a telephone or a card number."""
    for match in _GROUPED.finditer(text):
        run = match.group()
        gaps = set(_gaps(run))
        if (len(gaps) == 1 and gaps <= _PLAIN_GAPS) or any("&" in gap for gap in gaps):  # references of HTML
            continue
        groups = re.findall(r"\d+", run)
        shape = [len(group) for group in groups]
        digits = "".join(groups)
        joined = "-".join(groups)
        if shape in ([3, 2, 4], [3, 3, 4]):
            is_known = crosses(joined, 4)
        elif len(gaps) == 1 or shape == [4, 4, 4, 4]:
            is_known = is_card(digits)
            joined = digits
        else:
            is_known = False
        if is_known and not gaps & {"\n"}:
            yield _joined(text, match.start(), match.end(), joined)


def grouped_iban(text: str) -> Iterator[Edit]:
    """An IBAN with marks between its groups."""
    for match in _GROUPED_IBAN.finditer(text):
        run = match.group()
        places = [at for at, char in enumerate(run) if char.isalnum()]
        compact = "".join([run[at] for at in places]).upper()
        if is_iban_prefix(compact):
            base = match.start()
            yield Edit(base, match.end(), compact, [(base + at, base + at + 1) for at in places])


def labelled(text: str) -> Iterator[Edit]:
    """Digits after a label, grouped anyhow."""
    for match in _LOOSE.finditer(text):
        run = match.group()
        digits = _NOT_DIGITS.sub("", run)
        if _DIGITS_MIN <= len(digits) <= _DIGITS_MAX and len(_gaps(run)) > 1 and is_labelled(text, match.start()):
            yield _joined(text, match.start(), match.end(), digits)


def _gaps(run: str) -> list[str]:
    return _NOT_DIGITS.findall(run)


def _joined(text: str, start: int, end: int, joined: str) -> Edit:
    """The edit for `joined`, whose digits stand in order between `start` and `end`."""
    where: list[tuple[int, int]] = []
    at = start
    for char in joined:
        if char.isdigit():
            at = text.index(char, at)
            where.append((at, at + 1))
            at += 1
        else:
            where.append((at, at + 1))
    return Edit(start, end, joined, where)
