"""Readings of a whole line: backwards, its words backwards, and under another alphabet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import re2

from ringfence.recognize.views.passage import Passage, named, reordered

_TELLTALES = (
    *("patient", "name", "with", "from", "born", "phone", "email", "address", "account", "card", "number", "passport"),
    *("insurance", "medical", "record", "street", "customer", "contact", "hospital", "doctor", "called", "please"),
    *("about", "dear", "thank", "this", "that", "have", "been", "were", "today", "yesterday", "transfer", "write"),
    *("charge", "paid", "note", "file", "given", "password", "token", "birth", "discharged", "lives", "seen", "ward"),
    *("social", "security", "mobile", "before", "after", "credit", "closed", "small", "town", "good", "health"),
    *("paciente", "nombre", "nacido", "telefono", "cuenta", "kunde", "geboren", "telefon", "adresse", "naissance"),
    *(
        "compte",
        "iban",
        "secret",
        "config",
        "user",
        "login",
        "value",
        "diagnosis",
        "pending",
        "para",
        "pour",
        "avec",
        "nicht",
        "wird",
        "authorization",
        "bearer",
    ),
)
"""Words of four letters or more that a note, a letter or a form with somebody in it hardly goes without."""
_SHORT = ("the", "her", "his", "mrn", "ssn", "dob", "iban")
"""Shorter ones that are no words backwards, as "and" is."""
_WORDS_BACKWARDS = frozenset({"been", "lives", "paid", "ward", "were"})
"""What is a word backwards, too, or nearly."""
_BACKWARDS = "|".join(word[::-1] for word in (*_TELLTALES, *_SHORT) if word not in _WORDS_BACKWARDS)
_REVERSED_SHAPES = (
    rf"\b(?:{_BACKWARDS})\b",
    r"\b[a-z]{2,4}\.[a-z0-9.-]{2,40}@[a-z0-9]",  # an address: "moc.elpmaxe@nhoj"
    r"\b(?:moc|gro|ten)\.[a-z0-9]",
    r"\b\d{4}-\d{2}-\d{3}\b",  # an SSN
    r"\b\d{4}[-. ]\d{3}[-. ]\)?\d{3}\b",  # a telephone number
    r"\b\d[0-3]-\d[01]-\d{2}(?:91|02)\b",  # a date that begins with its year
    r"\b\d{2}(?:91|02)[-/.]\d{1,2}[-/.]\d{1,2}\b",  # one that ends with it
    r"\b\d{13,19}\b",  # a card number
    r"\b\d{1,4}(?:[ -]\d{4}){3}\b",
    r"\b[0-9A-Z]{10,30}\d{2}[A-Z]{2}\b",  # an IBAN
    r"\b[0-9A-Z]{1,4}(?: [0-9A-Z]{4}){3,7} \d{2}[A-Z]{2}\b",
    r"[A-Za-z0-9](?:AIKA|AISA|_[pousr]hg|-ks|_evil_ks|aIzA|-[abprs]xox|_fh)\b",  # a key
)
_KEY_BACKWARDS = "ETAVIRP"
"""Of a private key's first and last line in PEM (RFC 7468), whose lines mean something only together."""
REVERSED_TRIGGER = "|".join((*_REVERSED_SHAPES, _KEY_BACKWARDS))
_REVERSED = re2.compile(f"(?i){REVERSED_TRIGGER}")  # type: ignore[no-untyped-call]  # re2 has no types
_PROSE = re2.compile(f"(?i){_REVERSED_SHAPES[0]}")  # type: ignore[no-untyped-call]  # likewise
_TOKEN = re.compile(r"\S+")
_BETWEEN_BLANKS = re.compile(r"[^ ]+")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def backwards(passage: Passage) -> Iterator[Passage]:
    """Lines with a sign of being written backwards: from their end, and each word from its end.

    Where words say that they are prose, the reading that its capitals speak for, or both, is called ``mirrored``:
    sentences come of it. Where there is a private key, the whole is read so as well, across its lines.
    """
    text = passage.text
    lines: list[int] = []
    words: list[int] = []
    for start, end in _lines(text):
        if _REVERSED.search(text[start:end]) is None:
            continue
        lines += range(end - 1, start - 1, -1)
        words += _each_backwards(text, _TOKEN, start, end)
        if end < len(text):
            lines.append(end)
            words.append(end)
    if lines:
        tokens = text.split() if _PROSE.search(text) else []
        first, last = (tokens[0][-1].isupper(), tokens[-1][-1].isupper()) if tokens else (False, False)
        yield reordered(passage, lines, "mirrored" if tokens and (last or not first) else "reversed")
        yield reordered(passage, words, "mirrored-words" if tokens and (first or not last) else "reversed-words")
    if _KEY_BACKWARDS in text:
        yield reordered(passage, list(range(len(text) - 1, -1, -1)), "reversed")
        yield reordered(passage, _each_backwards(text, _BETWEEN_BLANKS, 0, len(text)), "reversed-words")


def _each_backwards(text: str, piece: re.Pattern[str], start: int, end: int) -> list[int]:
    """Places of a stretch, those of each piece from its end."""
    places: list[int] = []
    at = start
    for found in piece.finditer(text, start, end):
        places += range(at, found.start())
        places += range(found.end() - 1, found.start() - 1, -1)
        at = found.end()
    places += range(at, end)
    return places


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


_REAL_WORDS = frozenset({"alto", "sana"})
"""What a cipher makes of a telltale word and a language has as well."""


def _disguises() -> dict[str, frozenset[str]]:
    """Telltale words as the ciphers write them, to the ciphers that read them."""
    found: dict[str, frozenset[str]] = {}
    for name, table in _CIPHERS.items():
        reading = f"rot{26 - int(name[3:])}" if name.startswith("rot") else name
        for word in (*_TELLTALES, "the", "and", "key", "api"):
            written = word.translate(table)
            if written not in _TELLTALES and written not in _REAL_WORDS:
                found[written] = found.get(written, frozenset()) | {reading}
    return found


_DISGUISES = _disguises()
_ROT47_WORDS = frozenset(form.translate(_ROT47) for word in _TELLTALES for form in (word, word.capitalize()))
CIPHER_TRIGGER = rf"(?:^|[^a-z])(?:{'|'.join(sorted(_DISGUISES))})(?:[^a-z]|$)"
ROT47_TRIGGER = "|".join(re.escape(word) for word in sorted(_ROT47_WORDS))
_WORD = re.compile(r"[A-Za-z]{3,}")
_CIPHERS_MAX = 3
_EVIDENCE_LETTERS_MIN = 4
"""How many letters of telltale words speak for a cipher: "gur" alone may be anything."""


def deciphered(passage: Passage) -> Iterator[Passage]:
    """The text under each alphabet whose telltale words stand in it: rotations of the letters, Atbash, ROT47."""
    evidence: Counter[str] = Counter()
    for word in {match.group().lower() for match in _WORD.finditer(passage.text)}:
        for name in _DISGUISES.get(word, ()):
            evidence[name] += len(word)
    for name, letters in evidence.most_common(_CIPHERS_MAX):
        if letters >= _EVIDENCE_LETTERS_MIN:
            yield _under(passage, _CIPHERS[name], name)
    if not _ROT47_WORDS.isdisjoint(passage.text.split()):
        yield _under(passage, _ROT47, "rot47")


def _under(passage: Passage, table: dict[int, int], name: str) -> Passage:
    return Passage(passage.text.translate(table), passage.starts, passage.ends, named(passage, name))
