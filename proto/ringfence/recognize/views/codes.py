"""Letters and digits by number or by signal: binary, octal and decimal codes, Morse, the spelling alphabet, Braille."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from ringfence.recognize.views.escapes import decoded_utf8
from ringfence.recognize.views.passage import Edit

_BINARY = re.compile(r"(?<![0-9A-Za-z])(?:0b)?[01]{7,8}(?:[ ,;|.\-]{0,2}(?:0b)?[01]{7,8}){4,}+(?![0-9A-Za-z])")
_BITS = re.compile(r"(?:0b)?([01]{8}|[01]{7}(?![01]))")
_DECIMAL = re.compile(
    r"(?<![0-9A-Za-z.,])(?:chr\()?\d{2,3}\)?(?:[ ,;+\-|.&]{1,3}(?:chr\()?\d{2,3}\)?(?![0-9A-Za-z])){4,}+"
)
_BLANK, _ASCII_END, _BYTE_END = 32, 127, 256
_NUMBER = re.compile(r"\d{2,3}")
_MORSE = re.compile(r"(?<![.\-\w])[.\-]{1,6}(?:(?: {1,3}| ?[/|] ?)[.\-]{1,6}){4,}+(?![.\-])")
_SIGNAL = re.compile(r"([.\-]{1,6})( ?[/|] ?| {2,3})?")
_MORSE_CODE: Mapping[str, str] = MappingProxyType(
    dict(
        zip(
            [
                ".-",
                "-...",
                "-.-.",
                "-..",
                ".",
                "..-.",
                "--.",
                "....",
                "..",
                ".---",
                "-.-",
                ".-..",
                "--",
                "-.",
                "---",
                ".--.",
                "--.-",
                ".-.",
                "...",
                "-",
                "..-",
                "...-",
                ".--",
                "-..-",
                "-.--",
                "--..",
                "-----",
                ".----",
                "..---",
                "...--",
                "....-",
                ".....",
                "-....",
                "--...",
                "---..",
                "----.",
                "-....-",
            ],
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-",
            strict=True,
        )
    )
)
"""ITU-R M.1677-1."""
_SPELLING = (
    "alpha|alfa|bravo|charlie|delta|echo|foxtrot|golf|hotel|india|juliett?|kilo|lima|mike|november|oscar|papa|quebec|romeo|"
    "sierra|tango|uniform|victor|whiske?y|x-?ray|yankee|zulu|zero|one|wun|two|three|tree|four|fower|five|fife|six|seven|"
    "eight|ait|nine|niner|dash|hyphen|dot|at"
)
_DIGIT = MappingProxyType(
    {
        "zero": "0", "one": "1", "wun": "1", "two": "2", "three": "3", "tree": "3", "four": "4", "fower": "4",
        "five": "5",
        "fife": "5", "six": "6", "seven": "7", "eight": "8", "ait": "8", "nine": "9", "niner": "9", "dash": "-",
        "hyphen": "-", "dot": ".", "at": "@",
    }
)  # fmt: skip
_SPELLED = re.compile(rf"\b(?:{_SPELLING}|\d)(?:(?:[ ,.\-/]{{1,3}}|\r?\n)(?:{_SPELLING}|\d)\b){{2,}}+", re.IGNORECASE)
_SPELLED_WORD = re.compile(rf"({_SPELLING}|\d)\b([ ,.\-/\r\n]{{0,3}})", re.IGNORECASE)
SPELLING_TRIGGER = rf"\b(?:{_SPELLING})[ ,.\-/\r\n]{{1,3}}(?:{_SPELLING})[ ,.\-/\r\n]{{1,3}}(?:{_SPELLING})\b"
_BRAILLE = re.compile("[\u2800-\u28ff]{4,}")
_BRAILLE_LETTERS = MappingProxyType(
    dict(
        zip(
            (1, 3, 9, 25, 17, 11, 27, 19, 10, 26, 5, 7, 13, 29, 21, 15, 31, 23, 14, 30, 37, 39, 58, 45, 61, 53),
            "abcdefghijklmnopqrstuvwxyz",
            strict=True,
        )
    )
)
"""Cells of English Braille, dots as bits of U+2800 on (Unicode, chapter 21)."""
_CELL_FIRST = 0x2800
_NUMBER_SIGN, _CAPITAL_SIGN = 60, 32
_FIGURES = "abcdefghij"
_MARKS = MappingProxyType({0: " ", 36: "-", 50: "."})


def binary(text: str) -> Iterator[Edit]:
    """Octets or ASCII's seven bits in ones and zeros."""
    for match in _BINARY.finditer(text):
        cells = list(_BITS.finditer(text, match.start(), match.end()))
        chars = "".join(chr(int(cell[1], 2)) for cell in cells)
        if chars.isascii() and chars.isprintable():
            yield Edit(match.start(), match.end(), chars, [cell.span() for cell in cells])


def decimal(text: str) -> Iterator[Edit]:
    """A list of ASCII codes in decimal or, where all are octal digits and say more so, octal.

    Numbers of a table decode to something too; digits alone are none but where more than digits were written.
    """
    for match in _DECIMAL.finditer(text):
        cells = list(_NUMBER.finditer(text, match.start(), match.end()))
        for base in (10, 8):
            if base == 8 and any(set(cell.group()) & {"8", "9"} for cell in cells):  # noqa: PLR2004 - octal
                continue
            codes = [int(cell.group(), base) for cell in cells]
            spans = [cell.span() for cell in cells]
            if max(codes) >= _ASCII_END and min(codes) >= _BLANK and max(codes) < _BYTE_END:
                text_read, where = decoded_utf8(bytes(codes), spans)
                if len(text_read) < len(codes):  # UTF-8 it is
                    yield Edit(match.start(), match.end(), text_read, where)
                    break
            if all(_BLANK <= code < _ASCII_END for code in codes):
                chars = "".join(map(chr, codes))
                if _says_something(chars):
                    yield Edit(match.start(), match.end(), chars, spans)
                    break


def _says_something(chars: str) -> bool:
    """Whether most are letters, or digits with a few marks among them: what a table's numbers hardly spell."""
    digits = sum(char.isdigit() for char in chars)
    letters = sum(char.isalpha() for char in chars)
    others = len(chars) - digits - letters
    if digits == len(chars):
        return len(chars) >= 9  # noqa: PLR2004 - as an SSN
    return letters + digits >= 0.75 * len(chars) and others <= 0.3 * len(chars)


def morse(text: str) -> Iterator[Edit]:
    """Morse, letters parted by a blank, words by a slash or wider gap."""
    for match in _MORSE.finditer(text):
        chars: list[str] = []
        places: list[tuple[int, int]] = []
        for signal in _SIGNAL.finditer(text, match.start(), match.end()):
            char = _MORSE_CODE.get(signal[1])
            if char is None and signal.end() == match.end():  # the sentence ends behind it
                char = _MORSE_CODE.get(signal[1][:-1])
            if char is None:
                break
            chars.append(char)
            places.append(signal.span(1))
            if signal[2]:
                chars.append(" ")
                places.append(signal.span(2))
        else:
            yield Edit(match.start(), match.end(), "".join(chars), places)


def spelling(text: str) -> Iterator[Edit]:
    """The international spelling alphabet (ITU Radio Regulations, appendix 14), in capitals; a comma parts words."""
    for match in _SPELLED.finditer(text):
        chars: list[str] = []
        places: list[tuple[int, int]] = []
        for word in _SPELLED_WORD.finditer(text, match.start(), match.end()):
            low = word[1].lower()
            chars.append(_DIGIT.get(low) or low[0].upper())
            places.append(word.span(1))
            if word[2].strip(" -.") or len(word[2]) > 1:
                chars.append(" ")
                places.append(word.span(1))
        yield Edit(match.start(), match.end(), "".join(chars).rstrip(), places[: len("".join(chars).rstrip())])


def braille(text: str) -> Iterator[Edit]:
    """Braille cells: letters, digits after the number sign, capitals after the capital sign, hyphens.

    Reads the text as it is written: folding knows no Braille.
    """
    for match in _BRAILLE.finditer(text):
        chars: list[str] = []
        places: list[tuple[int, int]] = []
        is_number = is_capital = False
        for at in range(match.start(), match.end()):
            cell = ord(text[at]) - _CELL_FIRST
            if cell in (_NUMBER_SIGN, _CAPITAL_SIGN):
                is_number, is_capital = is_number or cell == _NUMBER_SIGN, cell == _CAPITAL_SIGN
                continue
            letter = _BRAILLE_LETTERS.get(cell, "")
            is_number = is_number and (letter in _FIGURES or cell in _MARKS) and cell != 0
            char = letter or _MARKS.get(cell, "?")
            if is_number and letter:
                char = "1234567890"[_FIGURES.index(letter)]
            chars.append(char.upper() if is_capital else char)
            places.append((at, at + 1))
            is_capital = False
        yield Edit(match.start(), match.end(), "".join(chars), places)
