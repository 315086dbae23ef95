"""Second looks at secrets: keys by their shape, passwords and tokens by their label, passwords inside URLs."""

from __future__ import annotations

import re

from ringfence.recognize.bytesets import has_digit
from ringfence.recognize.span import NONE, Span, Spans

_SECRET = re.compile(rb"[^\s'\"<>,;]{4,256}")
_SECRET_MARK = re.compile(
    rb"['\"]?(?:[ _-]{0,1}(?:value|key))?[ \t]{0,3}(?:[:=]>?|is\b|es\b|ist\b|est\b|to\b|->|\|)[ \t]{0,3}['\"]?",
    re.IGNORECASE,
)
_BLANK = re.compile(rb" ['\"]?")
_STRONG_WORD = re.compile(rb"(?=.*[A-Za-z])(?=.*\d)(?=.*[^A-Za-z0-9.])[!-~]{6,64}")
"""A password where only a blank parts it from its word: letters, digits and a sign."""
_NO_SECRETS = frozenset(
    b"required optional none null true false string reset expired forgotten unknown wrong policy protected undefined "
    b"changed invalid missing incorrect redacted hidden masked str int bytes bool object self your the not".split()
)
_PLACEHOLDER = re.compile(
    rb"[*.xX<>\[\]_-]{3,}|\$\{?[A-Za-z_]+\}?|\{\{?[^}]{1,40}\}?\}|%[A-Za-z_]+%|os\.environ.*|process\.env.*|getenv.*"
)
_WORDS_IN_PROSE = (b"is", b"es", b"ist", b"est", b"to")
_KEY_REST = re.compile(rb"[A-Za-z0-9_./+=~:-]{0,4096}")
_KEY_BYTES_MIN = 20
"""The shortest of the known shapes, an AWS access key id."""
_CREDENTIALS = re.compile(
    rb"[a-z][a-z0-9+.-]{1,24}://[^\s/@:'\"]{0,64}:[^\s/@'\"]{1,128}@[^\s'\"<>]{1,256}", re.IGNORECASE
)
_PEM_BYTES_MAX = 8192
_BASIC_MIN = 8


def labelled(buf: bytes, _start: int, end: int) -> Spans:
    """What follows ``password:``, ``api_key =``, ``Passwort ist`` and the like."""
    match = _SECRET_MARK.match(buf, end, end + 18) or _BLANK.match(buf, end, end + 2)
    value = None if match is None else _SECRET.match(buf, match.end(), match.end() + 256)
    if match is None or value is None:
        return NONE
    word = value.group().rstrip(b".)")
    if match.group().isspace() and not _STRONG_WORD.fullmatch(word):
        return NONE
    is_prose = match.group().strip(b" \t'\"").lower().endswith(_WORDS_IN_PROSE)
    if len(word) < 4 or word.lower() in _NO_SECRETS or _PLACEHOLDER.fullmatch(word):  # noqa: PLR2004 - as the pattern has it
        return NONE
    if is_prose and (word.isalpha() or not (has_digit(word) or len(word) > _BASIC_MIN)):
        return NONE  # "The password is wrong": after a verb a plain word is none
    return (Span(value.start(), value.start() + len(word), "SECRET", 0.8, "label:secret"),)


def key(buf: bytes, start: int, end: int) -> Spans:
    """A key with a known prefix and sixteen characters or more, a digit among them, to the end of its run."""
    run = _KEY_REST.match(buf, end)
    stop = end + len(run.group().rstrip(b".:")) if run is not None else end
    if stop - start < _KEY_BYTES_MIN or not has_digit(buf[start:stop]):
        return NONE
    return (Span(start, stop, "SECRET", 0.95, "pattern:key"),)


def shaped(_buf: bytes, start: int, end: int) -> Spans:
    """A key that its expression describes in full."""
    return (Span(start, end, "SECRET", 0.9, "pattern:key-shape"),)


def credentials(buf: bytes, start: int, end: int) -> Spans:
    """A URL with a password in it: ``postgres://user:secret@host/db`` (RFC 3986, 3.2.1)."""
    at = buf.rfind(b"://", max(0, start - 4), end)
    begin = at
    while begin > 0 and at - begin < 24 and (buf[begin - 1 : begin].isalnum() or buf[begin - 1] in b"+.-"):  # noqa: PLR2004 - schemes are short
        begin -= 1
    match = _CREDENTIALS.match(buf, begin) if at >= 0 else None
    if match is None:
        return NONE
    return (Span(match.start(), begin + len(match.group().rstrip(b".,;)")), "SECRET", 0.9, "pattern:credentials"),)


def private_key(buf: bytes, start: int, end: int) -> Spans:
    """A PEM block (RFC 7468), to its end line or 8 KiB on."""
    close = buf.find(b"-----END", end, end + _PEM_BYTES_MAX)
    last = buf.find(b"-----", close + 8, close + 64) if close >= 0 else -1
    stop = last + 5 if last >= 0 else min(len(buf), end + _PEM_BYTES_MAX)
    return (Span(start, stop, "SECRET", 1.0, "pattern:private-key"),)
