"""Readings of a whole line: backwards, its words backwards, and under another alphabet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ringfence.recognize.views.passage import Passage, named, reordered

_TELLTALES = (
    *("patient", "name", "with", "from", "born", "phone", "email", "address", "account", "card", "number", "passport"),
    *(
        "insurance",
        "medical",
        "record",
        "street",
        "customer",
        "contact",
        "hospital",
        "doctor",
        "called",
        "please",
        "about",
    ),
    *(
        "paciente",
        "nombre",
        "nacido",
        "telefono",
        "cuenta",
        "kunde",
        "geboren",
        "telefon",
        "adresse",
        "naissance",
        "compte",
    ),
)
"""Words of four letters or more that a note, a letter or a form with somebody in it hardly goes without."""
_SHORT = ("the", "her", "his", "mrn", "ssn", "dob", "iban")
"""Shorter ones that are no words backwards, as "and" is."""
_BACKWARDS = "|".join(word[::-1] for word in (*_TELLTALES, *_SHORT))
_REVERSED_SHAPES = (
    rf"\b(?:{_BACKWARDS})\b",
    r"\b[a-z]{2,4}\.[a-z0-9.-]{2,40}@[a-z0-9]",  # an address: "moc.elpmaxe@nhoj"
    r"\b(?:moc|gro|ten)\.[a-z0-9]",
    r"\b\d{4}-\d{2}-\d{3}\b",  # an SSN
    r"\b\d{4}[-. ]\d{3}[-. ]\)?\d{3}\b",  # a telephone number
    r"\b\d{2}-\d{2}-\d{4}\b",  # a date that begins with its year
    r"\b\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b",  # one that ends with it
    r"\b\d{13,19}\b",  # a card number
    r"\b\d{1,4}(?:[ -]\d{4}){3}\b",
    r"\b[0-9A-Z]{10,30}\d{2}[A-Z]{2}\b",  # an IBAN
    r"\b[0-9A-Z]{1,4}(?: [0-9A-Z]{4}){3,7} \d{2}[A-Z]{2}\b",
    r"[A-Za-z0-9](?:AIKA|AISA|_[pousr]hg|-ks|_evil_ks|aIzA|-[abprs]xox|_fh)\b",  # a key
)
REVERSED_TRIGGER = "|".join(_REVERSED_SHAPES)
_REVERSED = re.compile(REVERSED_TRIGGER, re.IGNORECASE)
_TOKEN = re.compile(r"\S+")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def backwards(passage: Passage) -> Iterator[Passage]:
    """Lines with a sign of being written backwards: from their end, and each word from its end."""
    lines: list[int] = []
    words: list[int] = []
    for start, end in _lines(passage.text):
        if _REVERSED.search(passage.text, start, end) is None:
            continue
        lines += range(end - 1, start - 1, -1)
        at = start
        for token in _TOKEN.finditer(passage.text, start, end):
            words += range(at, token.start())
            words += range(token.end() - 1, token.start() - 1, -1)
            at = token.end()
        words += range(at, end)
        if end < len(passage.text):
            lines.append(end)
            words.append(end)
    if lines:
        yield reordered(passage, lines, "reversed")
        yield reordered(passage, words, "reversed-words")


def _lines(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while start <= len(text):
        end = text.find("\n", start)
        if end < 0:
            end = len(text)
        if end > start:
            yield start, end
        start = end + 1


def _rotation(shift: int) -> dict[int, int]:
    turned = _ALPHABET[shift:] + _ALPHABET[:shift]
    return str.maketrans(_ALPHABET + _ALPHABET.upper(), turned + turned.upper())


_ATBASH = str.maketrans(_ALPHABET + _ALPHABET.upper(), _ALPHABET[::-1] + _ALPHABET[::-1].upper())
_ROT47 = str.maketrans(
    "".join(map(chr, range(33, 127))), "".join(chr(33 + (code + 14) % 94) for code in range(33, 127))
)
_CIPHERS = {f"rot{shift}": _rotation(shift) for shift in range(1, 26)} | {"atbash": _ATBASH}
_ROT_TELLTALES = [word for word in _TELLTALES if word not in ("from", "with", "born", "card")] + ["with", "born"]


def _disguises() -> dict[str, str]:
    """Telltale words as the ciphers write them, to the cipher that reads them."""
    found: dict[str, str] = {}
    for name, table in _CIPHERS.items():
        reading = f"rot{26 - int(name[3:])}" if name.startswith("rot") else name
        for word in _ROT_TELLTALES:
            found[word.translate(table)] = reading
    found["gur"] = "rot13"
    found["naq"] = "rot13"
    for word in ("patient", "phone", "name", "with", "email", "born", "address", "account"):
        found[word.translate(_ROT47)] = "rot47"
        found[word.capitalize().translate(_ROT47)] = "rot47"
    return found


_DISGUISES = _disguises()
_PLAIN_DISGUISES = sorted((word for word, name in _DISGUISES.items() if name != "rot47"), key=len, reverse=True)
_ROT47_DISGUISES = [re.escape(word) for word, name in _DISGUISES.items() if name == "rot47"]
CIPHER_TRIGGER = rf"\b(?:{'|'.join(_PLAIN_DISGUISES)})\b"
ROT47_TRIGGER = "|".join(_ROT47_DISGUISES)
_CIPHER = re.compile(rf"(?<![A-Za-z])(?:{'|'.join(_PLAIN_DISGUISES)})(?![A-Za-z])", re.IGNORECASE)
_ROT47_WORD = re.compile(ROT47_TRIGGER)
_CIPHERS_MAX = 3


def deciphered(passage: Passage) -> Iterator[Passage]:
    """The text under each alphabet whose telltale words stand in it: rotations of the letters, Atbash, ROT47."""
    names: Sequence[str] = list(
        dict.fromkeys(_DISGUISES[match.group().lower()] for match in _CIPHER.finditer(passage.text))
    )
    for name in names[:_CIPHERS_MAX]:
        yield _under(passage, _CIPHERS[name], name)
    if _ROT47_WORD.search(passage.text) is not None:
        yield _under(passage, _ROT47, "rot47")


def _under(passage: Passage, table: dict[int, int], name: str) -> Passage:
    return Passage(passage.text.translate(table), passage.starts, passage.ends, named(passage, name))
