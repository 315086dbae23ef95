"""Numbers in words, in English, Spanish, French and German: ``five two four``, ``vier-eins``, ``soixante et onze``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from ringfence.recognize.views.passage import Edit
from ringfence.recognize.views.strong import is_labelled, is_plain_series

_UNITS = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis "
    "diecisiete dieciocho diecinueve veinte veintiuno veintidos veintitres veinticuatro veinticinco veintiseis "
    "veintisiete veintiocho veintinueve",
    "fr": "zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept "
    "dix-huit dix-neuf",
    "de": "null eins zwei drei vier funf sechs sieben acht neun zehn elf zwolf dreizehn vierzehn funfzehn sechzehn "
    "siebzehn achtzehn neunzehn",
}
_TENS = {
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
    "es": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "fr": "vingt trente quarante cinquante soixante",
    "de": "zwanzig dreissig vierzig funfzig sechzig siebzig achtzig neunzig",
}
_MORE = {
    "oh": "0", "nought": "0", "naught": "0", "una": "1", "une": "1", "ein": "1", "zwo": "2", "fuenf": "5",
    "zwoelf": "12",
    "fuenfzehn": "15", "fuenfzig": "50", "dreizig": "30", "dreisig": "30", "fourty": "40",
}  # fmt: skip
_SIGNS = {
    "dash": "-", "hyphen": "-", "minus": "-", "guion": "-", "tiret": "-", "strich": "-", "bindestrich": "-",
    "slash": "/", "barra": "/", "schragstrich": "/", "plus": "+", "mas": "+",
}  # fmt: skip
_REPEATS = {"double": 2, "doble": 2, "doppel": 2, "triple": 3, "treble": 3}


def _numbers() -> dict[str, str]:
    """Every number below 100 in words, without accents, to its digits."""
    numbers = dict(_MORE)
    for language, words in _UNITS.items():
        numbers.update({word: str(value) for value, word in enumerate(words.split())})
        units = words.split()[1:10]
        for step, tens in enumerate(_TENS[language].split(), start=2):
            numbers[tens] = str(10 * step)
            for value, unit in enumerate(units, start=1):
                for form in _compounds(language, tens, unit):
                    numbers[form] = str(10 * step + value)
    for value, word in enumerate(_UNITS["fr"].split()[1:], start=1):
        for gap in ("-", " "):
            numbers[f"quatre{gap}vingt{gap}{word}"] = str(80 + value)
            if value >= 10:  # noqa: PLR2004 - "soixante-dix" to "soixante-dix-neuf"
                numbers[f"soixante{gap}{word}"] = numbers[f"soixante{gap}et{gap}{word}"] = str(60 + value)
    return numbers | dict.fromkeys(("quatre-vingts", "quatre vingts", "quatre-vingt"), "80")


def _compounds(language: str, tens: str, unit: str) -> tuple[str, ...]:
    """How a language writes tens and a unit together."""
    if language == "de":
        return (f"{'ein' if unit == 'eins' else unit}und{tens}", f"{unit.replace('funf', 'fuenf')}und{tens}")
    if language == "es":
        return (f"{tens} y {unit}",)
    if language == "fr":
        return f"{tens}-{unit}", f"{tens} {unit}", f"{tens} et {unit}", f"{tens}-et-{unit}"
    return f"{tens}-{unit}", f"{tens} {unit}"


_NUMBERS: Mapping[str, str] = MappingProxyType(_numbers())
_DIGIT_WORDS = "|".join(
    sorted(
        {word for words in _UNITS.values() for word in words.split()[:10]} | {"oh", "zwo", "ein", "fuenf"},
        key=len,
        reverse=True,
    )
)
_ANY = "|".join(re.escape(word) for word in sorted(_NUMBERS, key=len, reverse=True))
_EXTRA = "|".join([*_SIGNS, *_REPEATS])
_GAP = r"(?:[ \t]{0,2}[,.;:/\-()][ \t]{0,2}|[ \t]{1,3}|\r?\n|[_*|]| (?:and|y|et|und) )"
_PIECE = re.compile(rf"({_ANY}|{_EXTRA}|\d{{1,4}})(?![A-Za-z])", re.IGNORECASE)
_RUN = re.compile(
    rf"(?<![A-Za-z])(?:\+[ ]?)?(?:{_ANY}|{_EXTRA}|\d{{1,4}})"
    rf"(?:{_GAP}{{1,2}}(?:{_ANY}|{_EXTRA}|\d{{1,4}})(?![A-Za-z])){{2,}}+",
    re.IGNORECASE,
)
_GLUED = re.compile(rf"(?<![A-Za-z])(?:{_DIGIT_WORDS}){{4,}}+(?![A-Za-z])", re.IGNORECASE)
_GLUED_PIECE = re.compile(_DIGIT_WORDS, re.IGNORECASE)
_ONE = "|".join(sorted((word for word in _NUMBERS if " " not in word and "-" not in word), key=len, reverse=True))
_APART = r"[^A-Za-z0-9]{1,3}"
_BETWEEN = rf"{_APART}(?:(?:{_EXTRA}|and|y|et|und){_APART}){{0,2}}"
TRIGGER = (
    rf"\b(?:{_ONE}){_BETWEEN}(?:{_ONE}|\d){_BETWEEN}(?:{_ONE}|\d)|\d[^A-Za-z0-9](?:{_ONE})[^A-Za-z0-9]\d|"
    rf"(?:{_DIGIT_WORDS}){{4}}"
)
_DIGITS_MIN = 7
"""With fewer digits only a label makes a number somebody's."""


def numbers(text: str) -> Iterator[Edit]:
    """Runs of number words, single digits among them, as digits; words for signs as these, other gaps fall away."""
    for match in _RUN.finditer(text):
        chars: list[str] = []
        where: list[tuple[int, int]] = []
        words = 0
        repeat = 1
        last = match.start()
        for piece in _PIECE.finditer(text, match.start(), match.end()):
            word = piece[1].lower()
            if word in _REPEATS:
                repeat = _REPEATS[word]
                continue
            if word[0].isdigit():
                read = word
            else:
                words += 1
                read = (_SIGNS.get(word) or _NUMBERS[word]) * repeat
            if "/" in text[last : piece.start()] and chars and chars[-1] != "/":
                chars.append("/")
                where.append((last, piece.start()))
            repeat = 1
            chars += read
            where += [piece.span()] * len(read)
            last = piece.end()
        edit = _edit(text, match.start(), match.end(), chars, where)
        if words >= 2 and edit is not None:  # noqa: PLR2004 - "two 500 mg tablets" is none
            yield edit
    for match in _GLUED.finditer(text):
        pieces = list(_GLUED_PIECE.finditer(text, match.start(), match.end()))
        edit = _edit(
            text,
            match.start(),
            match.end(),
            [_NUMBERS[piece.group().lower()] for piece in pieces],
            [piece.span() for piece in pieces],
        )
        if edit is not None:
            yield edit


def _edit(text: str, start: int, end: int, chars: list[str], where: list[tuple[int, int]]) -> Edit | None:
    read = "".join(chars)
    digits = "".join(char for char in read if char.isdigit())
    if is_labelled(text, start):
        return Edit(start, end, read, where) if len(digits) >= 4 else None  # noqa: PLR2004 - a short record number
    if len(digits) < _DIGITS_MIN or is_plain_series(digits):
        return None
    return Edit(start, end, read, where)
