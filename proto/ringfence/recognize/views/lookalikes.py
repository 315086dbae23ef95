"""Digits for letters and letters for digits: ``J0hn Sm1th``, ``524-7l-6O38``; addresses in words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ringfence.recognize.views.passage import Edit
from ringfence.recognize.views.strong import is_labelled, shapes

_LEET = str.maketrans("01345678@$!|", "oieasgtbasil")
_LEET_WORD = re.compile(
    r"(?<![A-Za-z0-9@$!|._/-])(?:[A-Za-z]{1,19}+[0-9@$!|]|[0-9@$!|]{1,4}+[A-Za-z])[A-Za-z0-9@$!|]{0,18}+"
    r"(?![A-Za-z0-9@$|])"
)
_BEFORE_NAME = re.compile(
    r"(?:[:=|>]|\b(?i:dear|mr|mrs|ms|dr|hello|hi|patient|(?:my )?name is|name|nombre|paciente)\b[.:]?|"
    r"\b[A-Z][A-Za-z0-9@$!|']{2,20})[ \t]{1,3}$"
)
LEET_TRIGGER = (
    r"\b[A-Za-z][A-Za-z]?[013457@$!|][A-Za-z]|\b[013457@$!|][A-Za-z]{2}|[A-Za-z]{2}[013457@$!|]\b|"
    r"[A-Za-z][013457@$!|]{1,2}[A-Za-z]"
)
_DIGITS = str.maketrans("OoQIilL|!ZzSsBGbgq", "000111111225586699")
_REACH_CHARS = 24
_FIGURE = "[0-9OoQIilLZzSsBGgbq|!]"
_DIGIT_RUN = re.compile(rf"(?<![A-Za-z0-9]){_FIGURE}(?:[ .\-/()]{{0,2}}{_FIGURE}){{8,22}}(?![A-Za-z0-9])")
DIGIT_TRIGGER = (
    r"\d[ .\-/()]{0,2}[OoQIilLZzSsBGgbq|!]{1,2}[ .\-/()]{0,2}\d|\b[OoIilSB|!]{1,2}\d{1,2}[ .-]|\d[OoIilSB|!]\b"
)
_WORD = re.compile(r"[^ .\-/()]+")
_DIGITS_MIN = 8
_OPEN, _CLOSE = r"[\[({<]\s?", r"\s?[\])}>]"
_ATS, _DOTS = "at|arroba|arobase|chez|klammeraffe", "dot|punto|point|punkt"
_TOPS = (
    "com|org|net|edu|gov|mil|int|info|biz|health|bank|hospital|care|clinic|app|dev|io|ai|co|uk|ie|de|fr|eu|ch|nl|ca|"
    "au|nz|mx|ar|cl|pe|br|pt|lu|dk|se|fi|pl|cz|gr|ro|hu|jp|cn|kr|sg|za|tv|cc|xyz|online|site|test|example"
)
"""Top-level domains that are no words of prose; "at", "in", "is", "it", "es" and "us" are told by a bracket."""
_DASHES = "underscore|guion bajo|unterstrich|dash|hyphen|minus|guion|tiret|bindestrich"
_IN, _ON = "(?<=[A-Za-z0-9])", "(?=[A-Za-z0-9])"
_AT = re.compile(
    rf"\s{{0,2}}{_OPEN}(?:{_ATS}|@){_CLOSE}\s{{0,2}}|{_IN}\s(?:{_ATS})\s{_ON}|{_IN}\s{{1,3}}@\s{{0,3}}|{_IN}@\s{{1,3}}",
    re.IGNORECASE,
)
_DOT = re.compile(
    rf"\s{{0,2}}{_OPEN}(?:{_DOTS}|\.){_CLOSE}\s{{0,2}}|"
    rf"{_IN}\s(?:{_DOTS})\s(?=\d|[a-z0-9-]{{1,63}}\s(?:{_DOTS})\s|(?:{_TOPS})\b)|"
    rf"{_IN}[ ]{{1,2}}\.[ ]{{0,2}}(?=[a-z0-9])|{_IN}\.[ ]{{1,2}}(?=[a-z]{{2,4}}\b)",
    re.IGNORECASE,
)
_SIGN = re.compile(rf"{_IN}\s?[\[({{<]?\b(?:{_DASHES})\b[\])}}>]?\s?{_ON}", re.IGNORECASE)
_SIGNS = {"underscore": "_", "guion bajo": "_", "unterstrich": "_"}
_HXXP = re.compile(r"\bhxxp(s?)(?:\[?:\]?//|\[://\])", re.IGNORECASE)
AT_TRIGGER = (
    rf"[\[({{<] ?(?:{_ATS}|{_DOTS}|\.|@) ?[\])}}>]|\b(?:{_ATS})\b[^\n]{{1,64}}\b(?:{_DOTS})\b|"
    rf"[A-Za-z0-9] {{1,3}}@ {{0,3}}[A-Za-z0-9]|[A-Za-z0-9]@ {{1,3}}[A-Za-z0-9]|hxxp|\d (?:{_DOTS}) \d"
)
_WORDED = re.compile(
    rf"[A-Za-z0-9](?:[A-Za-z0-9_%+.-]|\s?{_OPEN}(?:{_DOTS}|{_ATS}|\.|@){_CLOSE}\s?| (?:{_DOTS}|{_DASHES}|{_ATS}) |"
    r"\s{0,3}@\s{0,3}|\s{0,2}\.\s{0,2}){3,120}",
    re.IGNORECASE,
)
_NUMERIC = re.compile(r"\d\.\d{1,3}\.\d")
_HOST = re.compile(r"[a-z0-9]\.[a-z]{2}", re.IGNORECASE)


def leet(text: str) -> Iterator[Edit]:
    """Digits and signs inside words, read as letters. Words of more digits than letters are no words."""
    for match in _LEET_WORD.finditer(text):
        raw = match.group()
        letters = sum(char.isalpha() for char in raw)
        before = text[max(0, match.start() - _REACH_CHARS) : match.start()]
        if 2 * letters < len(raw) or len(raw) < 3 or _BEFORE_NAME.search(before) is None:  # noqa: PLR2004 - a name
            continue
        word = raw.translate(_LEET)
        if not word.isalpha():
            continue
        if raw[0].isupper() or not raw[0].isalpha():
            word = word.upper() if letters > 1 and raw.upper() == raw else word[0].upper() + word[1:]
        yield Edit(match.start(), match.end(), word, [(at, at + 1) for at in range(match.start(), match.end())])


def letters_for_digits(text: str) -> Iterator[Edit]:
    """Letters inside a number, read as digits, where the number then has a known shape or a label."""
    for match in _DIGIT_RUN.finditer(text):
        start, end = _trimmed(text, match.start(), match.end())
        raw = text[start:end]
        digits = sum(char.isdigit() for char in raw)
        strange = sum(char.isalpha() or char in "|!" for char in raw)
        if not strange or digits < 2 * strange:
            continue
        read = raw.translate(_DIGITS)
        if digits + strange >= _DIGITS_MIN and (is_labelled(text, start) or any(True for _ in shapes(read))):
            yield Edit(start, end, read, [(at, at + 1) for at in range(start, end)])


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without the words at either end that hold no digit."""
    words = list(_WORD.finditer(text, start, end))
    held = [word for word in words if any(map(str.isdigit, word.group()))]
    return (held[0].start(), held[-1].end()) if held else (start, start)


def worded(text: str) -> Iterator[Edit]:
    """``john at example dot com``, ``192[.]0[.]2[.]7``, ``hxxp://``: signs in words or brackets."""
    for match in _HXXP.finditer(text):
        yield Edit(match.start(), match.end(), f"http{match[1]}://")
    for match in _WORDED.finditer(text):
        edits = _signs(text, match.start(), match.end())
        if not edits:
            continue
        read = _applied(text, match.start(), match.end(), edits)
        if "@" in read or _NUMERIC.search(read) or _HOST.search(read):
            yield from edits


def _signs(text: str, start: int, end: int) -> list[Edit]:
    found = [Edit(*match.span(), "@") for match in _AT.finditer(text, start, end)]
    found += [Edit(*match.span(), ".") for match in _DOT.finditer(text, start, end)]
    found += [
        Edit(*match.span(), _SIGNS.get(match.group().strip(" []()").lower(), "-"))
        for match in _SIGN.finditer(text, start, end)
    ]
    kept: list[Edit] = []
    for edit in sorted(found):
        if not kept or kept[-1].end <= edit.start:
            kept.append(edit)
    ats = [edit for edit in kept if edit.text == "@"]
    # "Look at example dot com at noon": only the last "at" before a "dot" is the sign.
    if len(ats) > 1:
        dots = [edit.start for edit in kept if edit.text == "."]
        last = [edit for edit in ats if dots and edit.start < dots[-1]][-1:]
        kept = [edit for edit in kept if edit.text != "@" or edit in last]
    if (
        any(edit.text == "@" for edit in kept)
        and not any(edit.text == "." for edit in kept)
        and "." not in text[start:end]
    ):
        return []
    return kept


def _applied(text: str, start: int, end: int, edits: list[Edit]) -> str:
    pieces = []
    at = start
    for edit in edits:
        pieces += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join(pieces) + text[at:end]
