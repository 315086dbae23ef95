"""Second looks at persons' names: after labels, titles, salutations and closings, and before labelled numbers."""

from __future__ import annotations

import re

from ringfence.recognize.span import NONE, Span, Spans
from ringfence.recognize.vocabulary import NOT_NAMES, PARTICLES, TITLES

_UP = rb"[A-Z\xc0]"
_ANY = rb"[A-Za-z\xc0\xe0]"
_WORD = rb"(?:(?:al-|el-|[dlo]')?" + _UP + rb"(?:" + _ANY + rb"|['-](?=" + _ANY + rb")){0,30}+)"
_PARTICLE = rb"(?:(?:" + b"|".join(word.encode() for word in sorted(PARTICLES, key=len, reverse=True)) + rb")\.? )"
_PIECE = rb"(?:(?i:" + _PARTICLE + rb"){0,3}+" + _WORD + rb"(?:(?<=[ (,:\t|>='\"-].)\.|(?<=^.)\.)?)"
_NAME = re.compile(_PIECE + rb"(?: {1,2}" + _PIECE + rb"){0,4}+")
_INDEXED = re.compile(_PIECE + rb"(?: {1,2}" + _PIECE + rb"){0,2}+, ?" + _PIECE + rb"(?: {1,2}" + _PIECE + rb"){0,2}+")
_TITLE = re.compile(rb"(?:(?:" + TITLES.encode() + rb")(?:\.|(?=[ ]))[ ]{0,2}){1,2}+", re.IGNORECASE)
_STRONG = re.compile(
    rb"[ \t]{0,4}['\"]?[ \t]{0,4}(?:[:|=>]|-(?= )|\s-\s)[ \t]{0,4}(?:\r?\n[ \t]{0,4}(?=[A-Z]))?[ \t]{0,4}['\"*_]{0,2}"
)
_WEAK = re.compile(rb"[ ]{1,2}(?:is |was |named )?")
_FIELD_END = re.compile(rb"[ \t]{0,3}(?:[,;|<\r\n(&\"'*_)]|\.[\s<]|\.$| - |$)")
_NAME_TAIL = re.compile(rb"(?<![A-Za-z\xc0\xe0'.-])" + _PIECE + rb"(?: {1,2}" + _PIECE + rb"){1,4}$")
_BEFORE_NAME = re.compile(
    rb"(?:\b(?:for|about|of|patient|customer|client|is|with|to|by|from|regarding|concerning|para|pour|fur|uber|von|the|named|member|holder)"
    rb"|[:;>|(]|\bRe:|\b(?:" + TITLES.encode() + rb")\.?)[ ]{1,2}$",
    re.IGNORECASE,
)
_SUBJECT_REST = re.compile(rb"[^\r\n<]{1,160}")
_REFERENCE = re.compile(rb"[A-Za-z0-9][A-Za-z0-9./_-]*(?: [A-Z0-9][A-Z0-9./_-]*){0,3}")
_CLOSING_NAME = re.compile(rb"[ \t]{0,4}(?:[-*_]{1,3} ?)?")


def _cut(buf: bytes, start: int, end: int) -> int:
    """Where the name that begins at `start` ends: before the first word that belongs to no name."""
    stop = start
    for word in re.finditer(rb"\S+", buf[start:end]):
        bare = word.group().strip(b".,'").lower().decode("latin-1")
        if bare in NOT_NAMES and not (len(bare) == 1 and word.group().endswith(b".")):
            break
        stop = start + word.end()
    return start + len(buf[start:stop].rstrip(b" ,"))


def _name_at(buf: bytes, start: int, *, indexed: bool = True) -> int:
    """The end of the name that begins at `start`; `start` itself where there is none."""
    window = min(len(buf), start + 120)
    match = _INDEXED.match(buf, start, window) if indexed else None
    if match is not None:
        stop = _cut(buf, start, match.end())
        comma = buf.find(b",", start, stop)
        # "Anna Smith, NPI": what follows the comma is a label, or the next field.
        if comma > 0 and not _is_field_label(buf, match.end()):
            return stop
    match = _NAME.match(buf, start, window)
    if match is None:
        return start
    stop = _cut(buf, start, match.end())
    if stop < match.end() and buf[match.start() : stop].strip(b" .") == b"":
        return start
    return stop - 1 if buf[stop - 1 : stop] == b"." and stop - start > 2 and buf[stop - 3 : stop - 2] != b" " else stop  # noqa: PLR2004


def _is_field_label(buf: bytes, end: int) -> bool:
    """Whether a colon follows, so that the words before it name the next field."""
    return buf[end : end + 3].lstrip()[:1] == b":"


def _words(buf: bytes, start: int, end: int) -> int:
    """How many words of two letters or more stand there."""
    return sum(len(word.strip(b".,")) > 1 for word in buf[start:end].split())


def labelled(buf: bytes, start: int, end: int) -> Spans:
    """The name after a field's label: ``Patient: Anna Smith``, ``Name | SMITH, ANNA``, ``the patient Anna Smith``."""
    label = buf[start:end].lower()
    strong = _STRONG.match(buf, end, end + 24)
    if strong is None:
        weak = _WEAK.match(buf, end, end + 12)
        if weak is None or (label.isalpha() and buf[start:end].isupper()) or label in _STRONG_ONLY:
            return NONE
        at, words_min, indexed = weak.end(), 2, True
    else:
        at, words_min, indexed = strong.end(), 2 if label in _STRONG_ONLY_TWO else 1, True
    if label in (b"subject", b"re", b"subject line"):
        found = _subject(buf, at, label) if strong else NONE
        if found:
            return found
    title = _TITLE.match(buf, at, at + 24)
    if title is not None:
        at, words_min = title.end(), 0
    stop = _name_at(buf, at, indexed=indexed)
    if stop == at:
        return NONE
    if _words(buf, at, stop) < words_min and (words_min == 2 or not (strong and stop - at >= 1)):  # noqa: PLR2004
        return NONE
    if strong is None or title is None:
        if not _ends_field(buf, stop) and _words(buf, at, stop) < 2:  # noqa: PLR2004 - "Name: Tests are pending"
            return NONE
    if label == b"re" and title is None and not _FIELD_END.match(buf, stop, stop + 6):
        return NONE
    return (Span(at, stop, "PERSON", 0.9 if strong else 0.8, "label:person"),)


_STRONG_ONLY = frozenset(
    b"from to cc re subject attn name number user nom caller sender recipient author son mother father husband wife daughter "
    b"brother sister partner member group".split()
)
_STRONG_ONLY_TWO = frozenset(b"subject re caller to agent user".split())


def _ends_field(buf: bytes, stop: int) -> bool:
    return _FIELD_END.match(buf, stop, min(len(buf), stop + 6)) is not None


def _subject(buf: bytes, at: int, label: bytes) -> Spans:
    """A subject line ``topic - name - reference``."""
    line = _SUBJECT_REST.match(buf, at)
    pieces = line.group().split(b" - ") if line is not None else []
    if len(pieces) < 2 or label == b"re":  # noqa: PLR2004
        return NONE
    found: list[Span] = []
    for piece in pieces[1:]:
        start = buf.find(piece, at)
        title = _TITLE.match(buf, start, start + 24)
        start = title.end() if title else start
        stop = start + len(piece.rstrip()) - (title.end() - title.start() if title else 0)
        name = _name_at(buf, start)
        if name == stop and _words(buf, start, stop) > 1:
            found.append(Span(start, stop, "PERSON", 0.8, "label:subject"))
        elif _REFERENCE.fullmatch(buf, start, stop) and sum(byte in b"0123456789" for byte in piece) > 2:  # noqa: PLR2004
            found.append(Span(start, stop, "CASE_ID", 0.8, "label:subject"))
    return tuple(found)


def titled(buf: bytes, start: int, end: int) -> Spans:
    """The name after a title: ``Dr. Ruben Castellan``, ``Mrs SMITH``."""
    title = _TITLE.match(buf, start, start + 24)
    if title is None or title.end() < end or (start and buf[start - 1 : start].isalnum()):
        return NONE
    at = title.end()
    stop = _name_at(buf, at, indexed=False)
    if stop == at:
        return NONE
    return (Span(at, stop, "PERSON", 0.85, "title:person"),)


def greeted(buf: bytes, _start: int, end: int) -> Spans:
    """The name in a salutation: ``Dear Ms Smith,``."""
    at = end + len(buf[end : end + 2]) - len(buf[end : end + 2].lstrip(b" "))
    title = _TITLE.match(buf, at, at + 24)
    at = title.end() if title else at
    stop = _name_at(buf, at, indexed=False)
    if stop == at or (buf[stop : stop + 1] not in (b",", b"!", b":", b";", b"\n", b"\r", b"") and title is None):
        return NONE
    return (Span(at, stop, "PERSON", 0.8, "greeting:person"),)


def closed(buf: bytes, _start: int, end: int) -> Spans:
    """The name on the line after a closing: ``Kind regards,`` and below it ``Anna Smith``."""
    match = _CLOSING_NAME.match(buf, end, end + 8)
    at = match.end() if match else end
    title = _TITLE.match(buf, at, at + 24)
    at = title.end() if title else at
    stop = _name_at(buf, at, indexed=False)
    if stop == at or buf[stop : stop + 1] not in (b"", b"\n", b"\r", b",", b" ", b";", b"<"):
        return NONE
    return (Span(at, stop, "PERSON", 0.8, "closing:person"),)


def introduced(buf: bytes, _start: int, end: int) -> Spans:
    """The name after ``my name is`` and the like: two words at least, not all capitals."""
    stop = _name_at(buf, end, indexed=False)
    if _words(buf, end, stop) < 2 or buf[end:stop].isupper():  # noqa: PLR2004
        return NONE
    return (Span(end, stop, "PERSON", 0.7, "introduction:person"),)


def speaking(buf: bytes, start: int, _end: int) -> Spans:
    """The name before ``here,`` or ``speaking``."""
    return _before(buf, start, "introduction:person", anywhere=True)


def before_number(buf: bytes, start: int) -> Spans:
    """The name that stands before a labelled number: ``for Anna Smith (MRN 1234567)``. Called by the look at numbers."""
    return _before(buf, start, "number:person", anywhere=False)


def _before(buf: bytes, end: int, recogniser: str, *, anywhere: bool) -> Spans:
    left = max(0, end - 80)
    window = buf[left:end]
    trimmed = window.rstrip(b" ,;(:[\t-" if not anywhere else b" ")
    if len(trimmed) == len(window):
        return NONE
    # Only the last few words can be a name: the pattern runs on at most 64 bytes.
    base = max(0, len(trimmed) - 64)
    match = _NAME_TAIL.search(trimmed, base)
    if match is None:
        return NONE
    start, stop = left + match.start(), left + match.end()
    words = [word.strip(b".,'").lower().decode("latin-1") for word in buf[start:stop].split()]
    while words and words[0] in NOT_NAMES and words[0] not in PARTICLES:
        start = buf.index(b" ", start) + 1
        words.pop(0)
    if len(words) < 2 or any(word in NOT_NAMES and word not in PARTICLES and len(word) > 1 for word in words):  # noqa: PLR2004
        return NONE
    if not anywhere and start and not _BEFORE_NAME.search(buf, max(0, start - 16), start):
        return NONE
    return (Span(start, stop, "PERSON", 0.7, recogniser),)
