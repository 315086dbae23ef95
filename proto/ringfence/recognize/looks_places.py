"""Second looks at streets, postal codes, post boxes and coordinates."""

from __future__ import annotations

import re

from ringfence.recognize.bytesets import WORD, has_digit
from ringfence.recognize.labels_at import strong_at, value_at
from ringfence.recognize.span import NONE, Span, Spans
from ringfence.recognize.vocabulary import NOT_NAMES, STATES

_ZIP = re.compile(
    rb"\d{5}-\d{4}|\d{5}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{4} ?[A-Z]{2}|\d{3} \d{2}|"
    rb"\d{2}-\d{3}|(?:[A-Z]{1,2}-)?\d{3,6}",
    re.IGNORECASE,
)
"""Postal codes after their label: US, UK, Canada, Netherlands, Sweden and others in the alphabet of the UPU's lists."""
_FIELD_REST = re.compile(rb"[^\r\n;|<\"&]{5,120}")
_SENTENCE = re.compile(rb"\.(?=\s+[A-Z]|\s*$)")
_ABBREVIATED = (
    b"St", b"Ave", b"Rd", b"Blvd", b"Dr", b"Ln", b"Apt", b"No", b"Str", b"Ct", b"C", b"Av", b"Avda", b"Ctra", b"Pza",
    b"Sta",
)  # fmt: skip
_STREET_REST = re.compile(
    rb"\.?(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Floor|#)\.? ?[A-Za-z0-9-]{1,6})?"
    rb"(?:,[ ]|[ ]?\r?\n)?(?:(?<=[ \n])(?:\d{4,5} )?[A-Z\xc0][A-Za-z\xc0\xe0'-]{1,24}"
    rb"(?: [A-Z\xc0][A-Za-z\xc0\xe0'-]{1,24}){0,2})?"
    rb"(?:,? [A-Z]{2}(?: \d{5}(?:-\d{4})?)?(?![A-Za-z0-9]))?"
)
_DOOR = re.compile(
    rb"(?:,? ?(?:-|n[o\x80]?\.? ?o? ?|num\.? |km\.? ?)?(?:\d{1,4}(?:[.,]\d{1,3})?(?:[oa]|"
    rb"\.[oa])?(?![0-9])(?:-\d{1,3}[oa]?)?|s/n)"
    rb"|,? ?-? ?(?:\d{1,2} ?(?:[oa]|\.[oa]) ?)?(?:bajo|planta|piso|esc(?:alera)?\.? ?|bloque|portal|puerta|local|"
    rb"og|eg|bat(?:iment)?|appt?|etage|"
    rb"izda|izquierda|dcha|"
    rb"derecha|centro|[A-Z](?![A-Za-z]))\.?(?: ?[0-9A-Z]{1,2}(?![A-Za-z0-9]))?)",
    re.IGNORECASE,
)
"""What follows a house number in Spain: ``, 2, 3o B``, ``-1o``, ``, esc. 2, 2o b``, ``s/n``."""
_PLAIN = re.compile(
    rb"(?<![A-Za-z\xc0\xe0])"
    rb"((?:[A-Z\xc0][a-z\xe0'-]{2,20}+ (?:de |del |la |las |los )?){0,2}[A-Z\xc0][a-z\xe0'-]{2,20}+)"
    rb",? (?:n[o\x80]?[. ]{0,2})?(?:\d{1,4}(?:-\d{1,4})?|s/n)(?:,? ?\d[oa]?,? ?[A-Z]?)?[.,]?(?: -)? (?:E-? ?)?\d{5}$"
)
_STREET_FIRST = re.compile(
    rb"(?:c/|calle|avda|avenida|paseo|plaza|rua|rue|via|carretera|camino|ronda|glorieta|[^,]{3,40}(?:strasse|s/n))",
    re.IGNORECASE,
)
_STREET_NAME = re.compile(
    rb"(?:(?:de|du|des|d'|la|le|les|l'|a|au|aux|en|sur|et|\d{1,2})[ ]?){0,3}+[A-Z\xc0][A-Za-z\xc0\xe0'-]{1,24}+"
    rb"(?: (?:(?:de|du|des|la|le|les|en|sur|et) |d'|l'){0,2}+[A-Z\xc0][A-Za-z\xc0\xe0'-]{1,24}+){0,4}+"
)
_TOWN = re.compile(rb"[.,]?[ ]{1,2}-? ?\d{5}(?![0-9])(?:[ ,.-]{1,3}[A-Z\xc0][A-Za-z\xc0\xe0'-]{2,24})?")
_NOT_TOWNS = NOT_NAMES | frozenset(
    b"cells copies units cases persons people women men children years euros dollars participants subjects adults "
    b"hematies leucocitos plaquetas copias casos pacientes personas mujeres hombres personnes hommes femmes euro "
    b"patienten "
    b"menschen frauen manner kinder".split()
)

_NOT_STREETS = _NOT_TOWNS | frozenset(
    b"universitario universitaria clinico clinica general provincial regional comarcal publico militar materno "
    b"infantil doctora sanitario sanitaria medico medica salud hospitalario asistencial virgen calle".split()
)


def _cut(buf: bytes, start: int, stop: int) -> int:
    return start + len(buf[start:stop].rstrip(b" ,.;\r\n-"))


def street(buf: bytes, start: int, end: int) -> Spans:
    """A street with its house number, then town, state and ZIP where they follow."""
    if start and buf[start - 1] in WORD:
        return NONE
    rest = _STREET_REST.match(buf, end, end + 120)
    stop = rest.end() if rest is not None else end
    newline = buf.find(b"\n", end, stop)
    if newline >= 0 and not has_digit(buf[newline:stop]):
        stop = newline - (buf[newline - 1 : newline] == b"\r")
    return (Span(start, _cut(buf, start, stop), "ADDRESS", 0.85, "pattern:address"),)


def street_romance(buf: bytes, start: int, end: int) -> Spans:
    """A Spanish or French street to its number, then storey and door, postal code and town where they follow."""
    if start and (buf[start - 1] in WORD or buf[start - 1] in b"/."):
        return NONE
    if buf[start : start + 4].lower() == b"c/o ":
        return NONE  # "complains of", "care of"
    stop = end
    if buf[end - 1 : end] == b" ":  # a French street: its name follows
        name = _STREET_NAME.match(buf, end, end + 64)
        if name is None:
            return NONE
        stop = name.end()
    for _ in range(5):
        door = _DOOR.match(buf, stop, stop + 24)
        if door is None or door.end() == stop:
            break
        stop = door.end()
    town = _TOWN.match(buf, stop, stop + 40)
    if town is not None:
        stop = town.end()
    return (Span(start, _cut(buf, start, stop), "ADDRESS", 0.85, "pattern:address"),)


def street_plain(buf: bytes, _start: int, end: int) -> Spans:
    """A street without a word for it before a postal code: ``Irunlarrea, 3 31008``."""
    match = _PLAIN.search(buf, max(0, end - 72), end)
    if match is None:
        return NONE
    start, words = match.start(1), match.group(1).split(b" ")
    while words and words[0].lower() in _NOT_STREETS:  # "Hospital Universitario Doctor" is no part of the street
        start += len(words.pop(0)) + 1
    return (Span(start, end, "ADDRESS", 0.7, "pattern:address-plain"),) if words else NONE


def zip_line(buf: bytes, start: int, end: int) -> Spans:
    """A USPS state and ZIP, with the town before them."""
    if buf[start : start + 2] not in STATES and buf[start : start + 2] not in (b"ZZ", b"AA", b"AE", b"AP"):
        return NONE
    if (start and buf[start - 1] in WORD) or (
        buf[end : end + 1] in (b"-", b"/", b".") and buf[end + 1 : end + 2].isdigit()
    ):
        return NONE
    return (Span(start, end, "ADDRESS", 0.8, "pattern:zip"),)


def town_line(buf: bytes, start: int, end: int) -> Spans:
    """A five-digit postal code with its town: ``28036 Madrid``, ``10115 Berlin``, ``D-80331 Munchen``."""
    if start and (
        buf[start - 1] in WORD
        or buf[start - 1] in b"$.,/+#:"
        or buf[max(0, start - 2) : start] in (b"= ", b"> ", b"< ")
    ):
        return NONE
    digits = next(place for place in range(start, end) if 48 <= buf[place] <= 57)  # noqa: PLR2004 - ASCII digits
    word = buf[digits + 5 : end].strip(b" ,.-(")
    after = buf[end : end + 24].split(None, 1)
    if word.lower() in _NOT_TOWNS or not b"01000" <= buf[digits : digits + 5] <= b"99998":
        return NONE
    if buf[digits + 2 : digits + 5] == b"000" and not (after and buf[end : end + 1] in b".,(\n"):
        return NONE  # "10000 Patienten": a round number is counted
    return (Span(start, end, "ADDRESS", 0.6, "pattern:town"),)


def postcode(buf: bytes, start: int, end: int) -> Spans:
    """A UK postcode (BS 7666: outward code, inward code without C, I, K, M, O, V); not a dose or a code."""
    if (start and (buf[start - 1] in WORD or buf[start - 1] in b"-/.")) or (end < len(buf) and buf[end] in WORD):
        return NONE
    return (Span(start, end, "ADDRESS", 0.6, "pattern:postcode"),)


def box(buf: bytes, start: int, end: int) -> Spans:
    """A post office box, or a military one (USPS Publication 28, 225 and 28)."""
    return NONE if start and buf[start - 1] in WORD else (Span(start, end, "ADDRESS", 0.8, "pattern:box"),)


def address(buf: bytes, _start: int, end: int) -> Spans:
    """The rest of a field after ``Address:``, to the end of its line or sentence, if it holds a digit or ``s/n``."""
    at = strong_at(buf, end)
    value = None if at is None else _FIELD_REST.match(buf, at)
    if value is None:
        return NONE
    stop = value.end()
    for sentence in _SENTENCE.finditer(buf, value.start(), value.end()):
        if not buf[value.start() : sentence.start()].endswith(_ABBREVIATED):
            stop = sentence.start()
            break
    raw = buf[value.start() : stop].rstrip()
    if not has_digit(raw) and not _STREET_FIRST.match(raw):
        return NONE
    return (Span(value.start(), value.start() + len(raw), "ADDRESS", 0.7, "label:address"),)


def zip_code(buf: bytes, _start: int, end: int) -> Spans:
    """The postal code after ``ZIP``, ``CP`` and the like."""
    at = value_at(buf, end)
    match = None if at is None else _ZIP.match(buf, at, at + 12)
    if match is None or (match.end() < len(buf) and buf[match.end()] in WORD):
        return NONE
    return (Span(match.start(), match.end(), "ADDRESS", 0.85, "label:zip"),)


def coordinates(buf: bytes, start: int, end: int) -> Spans:
    """A latitude and a longitude: decimal with four places or more, or in degrees and minutes."""
    if (start and (buf[start - 1] in WORD or buf[start - 1] in b".")) or (end < len(buf) and buf[end] in b"0123456789"):
        return NONE
    numbers = re.findall(rb"\d{1,3}\.\d{4,}", buf[start:end])
    if len(numbers) == 2 and (float(numbers[0]) > 90 or float(numbers[1]) > 180):  # noqa: PLR2004 - degrees there are
        return NONE
    return (Span(start, end, "COORDINATES", 0.8, "pattern:coordinates"),)


def coordinate(buf: bytes, _start: int, end: int) -> Spans:
    """The number after ``latitude:`` or ``lon=``."""
    at = strong_at(buf, end)
    match = None if at is None else re.compile(rb"[+-]?\d{1,3}\.\d{2,12}").match(buf, at, at + 20)
    return NONE if match is None else (Span(match.start(), match.end(), "COORDINATES", 0.8, "label:coordinates"),)
