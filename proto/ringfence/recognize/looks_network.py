"""Second looks at addresses of networks and of people on them: e-mail, URLs, IP and MAC addresses, handles."""

from __future__ import annotations

import re
import socket

from ringfence.recognize.bytesets import DIGITS, WORD, is_bounded
from ringfence.recognize.span import NONE, Span, Spans

_OCTET_MAX = 255
_LOCAL = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_%+.-\xc0\xe0"
_LABELS = re.compile(rb"[A-Za-z0-9\xc0\xe0-]{1,63}+(?:\.[A-Za-z0-9\xc0\xe0-]{1,63}+){0,8}")
_URL_REST = re.compile(rb"[^\s<>\"|\\^{}\x80]{1,2048}+")
_URL_HOST = re.compile(rb"(?:[a-z][a-z0-9]{1,9}://)?(?:[^/?#@]{0,256}@)?([^/?#:]*+)(?::\d{1,5})?[/]?", re.IGNORECASE)
_PUBLIC_HOST = re.compile(
    rb"(?:.+\.)?(?:gov|int|edu|mil|org|eu|io|dev|(?:gov|nhs|ac|edu|gob|gouv|go)\.[a-z]{2}|gouv\.fr|localhost|\d+)",
    re.IGNORECASE,
)
"""Hosts of authorities, schools, societies and projects: a page of theirs that has no path is nobody's."""
_SOFTWARE_BEFORE = re.compile(
    rb"(?:version|release|build|firmware|software|update|upgrade|driver|kernel|\bver|\bv|\brev|chapter|section|"
    rb"clause|paragraph|article|oid)[ .:=#(\"']{0,3}v?$",
    re.IGNORECASE,
)
_HEX = b"0123456789abcdefABCDEF:."
_HANDLE = re.compile(rb"[A-Za-z_][A-Za-z0-9_.]{2,29}+")
_NOT_HANDLES = frozenset(
    b"home param return returns throws see since author override overload media import charset keyframes supports "
    b"fontface layer everyone here channel all types deprecated property staticmethod classmethod dataclass "
    b"pytest app test tests router component injectable autowired bean entity id todo version example".split()
)
"""Words after ``@`` in source code and chats that name nobody."""
_USER_MARK = re.compile(rb"['\"]?[ \t]{0,3}(?:[:=|]|is\b)[ \t]{0,3}['\"]?@?", re.IGNORECASE)
_USER = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_.\\-]{2,63}+")
_NOT_USERS = frozenset(
    b"required invalid unknown none null true false string not the and or was has wrong name empty missing a an "
    b"optional password failed".split()
)


def email(buf: bytes, _start: int, end: int) -> Spans:
    """An e-mail address round the ``@`` (RFC 5321's lengths: 64 and 255)."""
    at = end - 2
    window = buf[max(0, at - 64) : at]
    left = at - (len(window) - len(window.rstrip(_LOCAL)))
    while left < at and buf[left] not in WORD:
        left += 1
    domain = _LABELS.match(buf, at + 1, at + 256)
    if domain is None or left == at:
        return NONE
    stop = domain.end()
    if b"." not in domain.group():
        return NONE
    top_level = domain.group().rpartition(b".")[2]
    if top_level.isdigit() or not top_level[0] not in DIGITS:
        return NONE
    return (Span(left, stop, "EMAIL", 0.99, "pattern:email"),)


def url(buf: bytes, start: int, _end: int) -> Spans:
    """A URL with a path, a query, a fragment or a user; of a bare host only one that may be somebody's own."""
    if start and buf[start - 1] in WORD:
        return NONE
    match = _URL_REST.match(buf, start)
    if match is None:
        return NONE
    run = match.group()
    if b"&" in run and b"?" not in run[: run.index(b"&")]:
        run = run[: run.index(b"&")]  # an ampersand outside a query belongs to what is around the URL
    stop = start + len(run.rstrip(b".,;:!?)]}'*"))
    host = _URL_HOST.match(buf, start, stop)
    if host is None:
        return NONE
    if host.end() >= stop and b"@" not in host.group():
        name = host.group(1)
        if b"." not in name or _PUBLIC_HOST.fullmatch(name):
            return NONE
        return (Span(start, stop, "URL", 0.6, "pattern:url-host"),)
    return (Span(start, stop, "URL", 0.95, "pattern:url"),)


def ipv4(buf: bytes, start: int, end: int) -> Spans:
    """A dotted quad that is no version or section number."""
    octets = buf[start:end].split(b".")
    if not is_bounded(buf, start, end) or any(
        int(octet) > _OCTET_MAX or (len(octet) > 1 and octet[:1] == b"0") for octet in octets
    ):
        return NONE
    if (start and buf[start - 1] in b"-_/" and buf[start - 2 : start] != b"//") or buf[end : end + 1] in (b"-", b"_"):
        return NONE  # a release's name: "openssl-1.1.1.2", "1.2.3.4-rc1"
    if _SOFTWARE_BEFORE.search(buf, max(0, start - 14), start):
        return NONE
    score = 0.6 if all(len(octet) == 1 for octet in octets) else 0.95
    return (Span(start, end, "IP", score, "pattern:ipv4"),)


def ipv6(buf: bytes, _start: int, end: int) -> Spans:
    """The run of hexadecimal groups round the hit, if the system reads it as an IPv6 address (RFC 4291)."""
    before, after = buf[max(0, end - 45) : end], buf[end : end + 45]
    left = end - (len(before) - len(before.rstrip(_HEX)))
    stop = end + (len(after) - len(after.lstrip(_HEX)))
    while stop > left and buf[stop - 1] in b".":
        stop -= 1
    run = buf[left:stop]
    if (left and buf[left - 1] in WORD) or (stop < len(buf) and buf[stop] in WORD) or DIGITS.isdisjoint(run):
        return NONE
    try:
        socket.inet_pton(socket.AF_INET6, run.decode("ascii"))
    except OSError:
        return NONE
    return (Span(left, stop, "IP", 0.95, "pattern:ipv6"),)


def mac(buf: bytes, start: int, end: int) -> Spans:
    """Six hexadecimal pairs, or three groups of four (IEEE 802, and as switches print them)."""
    return (Span(start, end, "MAC", 0.95, "pattern:mac"),) if is_bounded(buf, start, end) else NONE


def handle(buf: bytes, _start: int, end: int) -> Spans:
    """``@name`` as social networks and chats write it; the word after the sign decides."""
    name = _HANDLE.match(buf, end - 1, end + 40)
    if name is None:
        return NONE
    word = name.group().rstrip(b".")
    after = buf[name.end() : name.end() + 1]
    if word.lower() in _NOT_HANDLES or after in (b"(", b"/", b"@", b"{"):
        return NONE
    return (Span(end - 2, end - 1 + len(word), "USERNAME", 0.6, "pattern:handle"),)


def username(buf: bytes, start: int, end: int) -> Spans:
    """What follows ``username:``, ``login=`` and the like."""
    mark = _USER_MARK.match(buf, end, end + 12)
    name = None if mark is None else _USER.match(buf, mark.end(), mark.end() + 72)
    if mark is None or name is None:
        return NONE
    word = name.group().rstrip(b".-\\")
    is_verb = mark.group().rstrip(b" \t'\"@").lower().endswith(b"is")
    if word.lower() in _NOT_USERS or (is_verb and (word.islower() or word.istitle()) and word.isalpha()):
        return NONE
    if word.isalpha() and word.istitle():
        return NONE  # a name or the first word of a message: other looks' affair
    if buf[end - 1 : end] == b"d" and buf[start:end].lower().endswith(b"id") and DIGITS.isdisjoint(word):
        return NONE  # "user id: pending"
    return (Span(name.start(), name.start() + len(word), "USERNAME", 0.8, "label:username"),)


def bracketed(buf: bytes, _start: int, end: int) -> Spans:
    """The account in brackets behind a name: ``User: Anna Smith (asmith)``."""
    at = buf.rfind(b"(", max(0, end - 36), end) + 1
    return (Span(at, end - 1, "USERNAME", 0.8, "label:username"),) if at and not buf[at : end - 1].isdigit() else NONE


def logged(buf: bytes, start: int, end: int) -> Spans:
    """The account before ``logged in``, if it is no word of a sentence."""
    word = buf[start:end].split(b" ", 1)[0]
    if word in _LOGGED or (start and buf[start - 1] in WORD):
        return NONE
    return (Span(start, start + len(word), "USERNAME", 0.7, "context:username"),)


_LOGGED = frozenset(
    b"was were been being are get gets got has have had not you they she who user users patient customer client "
    b"staff nurse doctor when then never always already also automatically and but which that is stay stayed".split()
)
"""Words that stand before ``logged in`` and name no account."""
