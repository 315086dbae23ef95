"""Second looks at persons' names: after labels, titles, salutations and closings, and before labelled numbers."""

from __future__ import annotations

import re

from ringfence.recognize.span import NONE, Span, Spans
from ringfence.recognize.vocabulary import FIELD_WORDS, NOT_NAMES, PARTICLES, SHORT_TITLES, TITLES

_UP = rb"[A-Z\xc0]"
_ANY = rb"[A-Za-z\xc0\xe0]"
_WORD = rb"(?:(?:al-|el-|[dlo]')?" + _UP + rb"(?:" + _ANY + rb"|['-](?=" + _ANY + rb")){0,30}+)"
_LONGEST_FIRST: list[bytes] = sorted(PARTICLES, key=len, reverse=True)
_PARTICLE = rb"(?:(?:st\.|" + b"|".join(_LONGEST_FIRST) + rb") )"
_PIECE = rb"(?:(?i:" + _PARTICLE + rb"){0,3}+" + _WORD + rb"(?:(?<=[ (,:\t|>='\"-].)\.|(?<=^.)\.)?)"
_NAME = re.compile(_PIECE + rb"(?: {1,2}" + _PIECE + rb"){0,4}+")
_INDEXED = re.compile(_PIECE + rb"(?: {1,2}" + _PIECE + rb"){0,2}+, ?" + _PIECE + rb"(?: {1,2}" + _PIECE + rb"){0,2}+")
_TITLE = re.compile(
    rb"(?:(?:" + SHORT_TITLES.encode() + rb")\.[ ]{0,2}|(?:" + TITLES.encode() + rb")[ ]{1,2}){1,2}+", re.IGNORECASE
)
_STRONG = re.compile(
    rb"[ \t]{0,4}['\"]?[ \t]{0,4}(?:[:|=>]|-(?= )|\s-\s)[ \t]{0,4}(?:\r?\n[ \t]{0,4}(?=[A-Z]))?[ \t]{0,4}['\"*_]{0,2}"
)
_WEAK = re.compile(rb"[ ]{1,2}(?:is |was |named )?")
_FIELD_END = re.compile(rb"[ \t]{0,3}(?:[,;|<\r\n(&\"'*_)]|\.[\s<]|\.$| - |$)")
_NAME_TAIL = re.compile(rb"(?<![A-Za-z\xc0\xe0'.-])" + _PIECE + rb"(?: {1,2}" + _PIECE + rb"){1,4}$")
_BEFORE_NAME = re.compile(
    rb"(?:\b(?:for|about|of|patient|customer|client|is|with|to|by|from|regarding|concerning|para|pour|fur|uber|"
    rb"von|the|named|member|holder)"
    rb"|[:;>|(]|\bRe:|\b(?:" + TITLES.encode() + rb")\.?)[ ]{1,2}$",
    re.IGNORECASE,
)
_SUBJECT_REST = re.compile(rb"[^\r\n<]{1,160}")
_REFERENCE = re.compile(rb"[A-Za-z0-9][A-Za-z0-9./_-]*(?: [A-Z0-9][A-Z0-9./_-]*){0,3}")
_TOKENS = re.compile(rb"\S+")
_CLOSING_NAME = re.compile(rb"[ \t]{0,4}(?:[-*_]{1,3} ?)?")


def _cut(buf: bytes, start: int, end: int, stops: frozenset[bytes]) -> int:
    """Where the name that begins at `start` ends: before the first of `stops`, and not with a lower-case particle."""
    stop = start
    for word in _TOKENS.finditer(buf, start, end):
        token = word.group()
        bare = token.strip(b".,'").lower()
        if bare in PARTICLES:
            if token[:1].isupper():
                stop = word.end()
            continue
        if bare in stops and not (len(bare) == 1 and token.endswith(b".")):
            break
        stop = word.end()
    return start + len(buf[start:stop].rstrip(b" ,"))


def _name_at(buf: bytes, start: int, *, indexed: bool = True, stops: frozenset[bytes] = NOT_NAMES) -> int:
    """The end of the name that begins at `start`; `start` itself where there is none.

    Args:
        buf: the folded text.
        start: where the name would begin.
        indexed: whether ``Smith, Anna`` counts as one name.
        stops: words that no name contains here; fewer where a label or title says that a name follows.
    """
    window = min(len(buf), start + 120)
    match = _INDEXED.match(buf, start, window) if indexed else None
    if match is not None:
        stop = _cut(buf, start, match.end(), stops)
        # "Anna Smith, NPI: ...": what follows the comma is the next field's label.
        if buf.find(b",", start, stop) > 0 and buf[match.end() : match.end() + 3].lstrip()[:1] != b":":
            return _without_stop(buf, start, stop)
    match = _NAME.match(buf, start, window)
    if match is None:
        return start
    return _without_stop(buf, start, _cut(buf, start, match.end(), stops))


def _without_stop(buf: bytes, start: int, stop: int) -> int:
    """`stop` before a genitive's ``'s`` and before a full stop that ends the sentence; an initial keeps its own."""
    is_initial = stop - start < 3 or buf[stop - 3 : stop - 2] in (b" ", b".")  # noqa: PLR2004 - a letter and its full stop
    if buf[stop - 1 : stop] == b"." and not is_initial:
        stop -= 1
    return stop - 2 if buf[stop - 2 : stop] in (b"'s", b"'S") and stop - start > 2 else stop  # noqa: PLR2004 - the two


def _words(buf: bytes, start: int, end: int, but: frozenset[bytes] = frozenset()) -> int:
    """How many words of two letters or more stand there, without those of `but`."""
    return sum(len(word.strip(b".,")) > 1 and word.lower() not in but for word in buf[start:end].split())


def labelled(buf: bytes, start: int, end: int) -> Spans:
    """The name after a field's label: ``Patient: Anna Smith``, ``Name | SMITH, ANNA``, ``the patient Anna Smith``."""
    label = buf[start:end].lower()
    strong = _STRONG.match(buf, end, end + 24)
    if strong is not None:
        return _field(buf, label, strong.end())
    weak = _WEAK.match(buf, end, end + 12)
    if weak is None or buf[start:end].isupper():
        return NONE
    title = _TITLE.match(buf, weak.end(), weak.end() + 24)
    if title is not None:
        return NONE  # the title's own look finds it
    stop = _name_at(buf, weak.end())
    if _words(buf, weak.end(), stop, but=PARTICLES) < 2:  # noqa: PLR2004 - one capitalised word may be anything
        return NONE
    if label in _STRONG_ONLY and not (label in (b"to", b"from") and _is_line(buf, start, stop)):
        return NONE
    return (Span(weak.end(), stop, "PERSON", 0.8, "label:person"),)


def marked(buf: bytes, start: int, end: int) -> Spans:
    """The name after a word that is a label only with a mark: `labelled`, from the end of the word."""
    stop = start + 1
    while stop < end and buf[stop : stop + 1].isalpha():
        stop += 1
    return labelled(buf, start, stop)


def _field(buf: bytes, label: bytes, at: int) -> Spans:
    """The name that begins the value of a field."""
    if label == b"subject":
        found = _subject(buf, at)
        if found:
            return found
    title = _TITLE.match(buf, at, at + 24)
    at = title.end() if title is not None else at
    guessed = label in _STRONG_ONLY_TWO and title is None
    stop = _name_at(buf, at, stops=NOT_NAMES if guessed else FIELD_WORDS)
    if stop == at:
        return NONE
    words = _words(buf, at, stop)
    ends = _FIELD_END.match(buf, stop, min(len(buf), stop + 6)) is not None
    if title is None and ((guessed and (words < 2 or not ends)) or (words < 2 and not ends)):  # noqa: PLR2004
        return NONE  # "Name: Tests are pending"
    if words == 1 and title is None and buf[at:stop].strip(b".,'").lower() in NOT_NAMES:
        return NONE
    return (Span(at, stop, "PERSON", 0.9, "label:person"),)


def _is_line(buf: bytes, start: int, stop: int) -> bool:
    """Whether `start` to `stop` is a line of its own."""
    return buf[start - 1 : start] in (b"", b"\n") and buf[stop : stop + 1] in (b"", b"\n", b"\r")


_STRONG_ONLY = frozenset(
    b"from to cc re subject attn user nom caller sender recipient author son mother father husband wife daughter "
    b"brother sister partner member".split()
)
_STRONG_ONLY_TWO = frozenset(b"subject re caller to agent user n".split())


def _subject(buf: bytes, at: int) -> Spans:
    """The name and the reference in a subject line ``topic - name - reference``."""
    line = _SUBJECT_REST.match(buf, at)
    found: list[Span] = []
    start = at
    for place, piece in enumerate(line.group().split(b" - ") if line is not None else ()):
        stop = start + len(piece.rstrip())
        title = _TITLE.match(buf, start, start + 24)
        begin = title.end() if title else start
        if place and _name_at(buf, begin, stops=FIELD_WORDS) == stop and b" " in buf[begin:stop]:
            found.append(Span(begin, stop, "PERSON", 0.8, "label:subject"))
        elif place and _REFERENCE.fullmatch(buf, start, stop) and sum(byte in b"0123456789" for byte in piece) > 2:  # noqa: PLR2004
            found.append(Span(start, stop, "CASE_ID", 0.8, "label:subject"))
        start += len(piece) + 3
    return tuple(found)


def titled(buf: bytes, start: int, end: int) -> Spans:
    """The name after a title: ``Dr. Ruben Castellan``, ``Mrs SMITH``."""
    title = _TITLE.match(buf, start, start + 24)
    if title is None or title.end() < end or (start and buf[start - 1 : start].isalnum()):
        return NONE
    if start > 1 and buf[start].to_bytes().islower() and buf[start - 2 : start - 1].isdigit():
        return NONE  # "QTc 455 ms. Discharged"
    at = title.end()
    stop = _name_at(buf, at, indexed=False, stops=FIELD_WORDS)
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
    """The name before a labelled number: ``for Anna Smith (MRN 1234567)``. Called by the look at numbers."""
    return _before(buf, start, "number:person", anywhere=False)


def _ends_in_name(window: bytes) -> bool:
    """Whether the last word begins with a capital: cheaper than the pattern that says no more often than not."""
    first = window[window.rfind(b" ") + 1 :][:1]
    return first.isupper() or first == b"\xc0"


def _before(buf: bytes, end: int, recogniser: str, *, anywhere: bool) -> Spans:
    left = max(0, end - 80)
    window = buf[left:end]
    trimmed = window.rstrip(b" ,;(:[\t-" if not anywhere else b" ")
    if len(trimmed) == len(window):
        return NONE
    if not _ends_in_name(trimmed):
        return NONE
    # Only the last few words can be a name: the pattern runs on at most 64 bytes.
    base = max(0, len(trimmed) - 64)
    match = _NAME_TAIL.search(trimmed, base)
    if match is None:
        return NONE
    start, stop = left + match.start(), left + match.end()
    words = [word.strip(b".,'").lower() for word in buf[start:stop].split()]
    while words and words[0] in NOT_NAMES and words[0] not in PARTICLES:
        start = buf.index(b" ", start) + 1
        words.pop(0)
    if len(words) < 2 or any(word in NOT_NAMES and word not in PARTICLES and len(word) > 1 for word in words):  # noqa: PLR2004
        return NONE
    if not anywhere and start and not _BEFORE_NAME.search(buf, max(0, start - 16), start):
        return NONE
    return (Span(start, stop, "PERSON", 0.7, recogniser),)
