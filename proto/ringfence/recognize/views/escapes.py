"""Characters that are written as their codes: in strings of programs, URLs, HTML, mail and by name."""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterator

from ringfence.recognize.views.passage import Edit

_CODE_MAX = 0x10FFFF
_BACKSLASH = re.compile(
    r"\\{1,4}(?:x\{?([0-9a-fA-F]{2,6})\}?|[uU]\{([0-9a-fA-F]{1,6})\}|"
    r"u\+?([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3]?[0-7]{2})(?![0-7])|"
    r"N\{([A-Za-z0-9 -]{2,60})\}|([\"'/]))"
)
_U_PLUS = re.compile(r"(?<![A-Za-z0-9])[Uu]\+([0-9a-fA-F]{4,6})(?![0-9a-fA-F])(?:[ ,;]{1,2}(?=[Uu]\+[0-9a-fA-F]{4}))?")
_PERCENT = re.compile(r"%(?:25){0,3}(?:[uU]([0-9a-fA-F]{4})|([0-9a-fA-F]{2}))")
_ENTITY = re.compile(
    r"&(?:amp;){0,3}(?:#[xX]0{0,8}[0-9a-fA-F]{1,6}|#0{0,8}[0-9]{1,7}|[A-Za-z][A-Za-z0-9]{1,31}(?=;));?"
)
_QUOTED = re.compile(r"=(?:([0-9A-Fa-f]{2})|[ \t]{0,8}\r?\n)")
_UTF7 = re.compile(r"\+([A-Za-z0-9+/]{3,4096}+)-?")
_OCTAL = re.compile(r"[0-3][0-7]{2}")
_CSS = re.compile(r"\\([0-9a-fA-F]{2,6})(?![0-9a-fA-F]) ?")


def _char(code: str, base: int = 16) -> str | None:
    number = int(code, base)
    return chr(number) if 0 < number <= _CODE_MAX else None


def backslash(text: str) -> Iterator[Edit]:
    r"""``\x41``, ``\u0041``, ``\u{41}``, ``\U00000041``, ``\101``, ``\N{DIGIT ONE}``."""
    for match in _BACKSLASH.finditer(text):
        by_name = match[6]
        if by_name is not None:
            try:
                char: str | None = unicodedata.lookup(by_name)
            except KeyError:
                char = None
        elif match[7] is not None:
            char = match[7]
        elif match[5] is not None:
            char = _char(match[5], 8) if int(match[5], 8) >= 32 else None  # noqa: PLR2004 - a style sheet's
        else:
            char = _char(match[1] or match[2] or match[3] or match[4])
        if char is not None:
            yield Edit(match.start(), match.end(), char)


def css(text: str) -> Iterator[Edit]:
    r"""``\35 \32``: a style sheet's escapes, by code in hexadecimal digits (CSS Syntax 3, 4.3.7)."""
    matches = list(_CSS.finditer(text))
    if matches and all(_OCTAL.fullmatch(match[1]) for match in matches):
        return  # a program's, in octal digits
    for match in matches:
        char = _char(match[1])
        if char is not None and char >= " ":
            yield Edit(match.start(), match.end(), char)


def u_plus(text: str) -> Iterator[Edit]:
    """``U+0041``, and the blank or comma after it."""
    for match in _U_PLUS.finditer(text):
        char = _char(match[1])
        if char is not None:
            yield Edit(match.start(), match.end(), char)


def percent(text: str) -> Iterator[Edit]:
    """URL escapes (RFC 3986, 2.1), also escaped again, and ``%u0041``; several bytes of UTF-8 together."""
    run: list[tuple[int, int, int]] = []
    for match in _PERCENT.finditer(text):
        if match[1] is not None:
            char = _char(match[1])
            if char is not None:
                yield Edit(match.start(), match.end(), char)
            continue
        if run and run[-1][1] != match.start():
            yield from _utf8(run)
            run = []
        run.append((match.start(), match.end(), int(match[2], 16)))
    yield from _utf8(run)


def quoted_printable(text: str) -> Iterator[Edit]:
    """``=41`` and soft line breaks (RFC 2045, 6.7)."""
    run: list[tuple[int, int, int]] = []
    for match in _QUOTED.finditer(text):
        if match[1] is None:
            yield from _utf8(run)
            run = []
            yield Edit(match.start(), match.end(), "")
            continue
        if run and run[-1][1] != match.start():
            yield from _utf8(run)
            run = []
        run.append((match.start(), match.end(), int(match[1], 16)))
    yield from _utf8(run)


def _utf8(run: list[tuple[int, int, int]]) -> Iterator[Edit]:
    """Bytes that stand beside each other, as characters; what is no UTF-8 is read as Latin-1."""
    if not run:
        return
    places = [(start, end) for start, end, _ in run]
    text, where = decoded_utf8(bytes(byte for _, _, byte in run), places)
    yield Edit(run[0][0], run[-1][1], text, where)


def decoded_utf8(raw: bytes, places: list[tuple[int, int]]) -> tuple[str, list[tuple[int, int]]]:
    """`raw` as text, UTF-8 or else Latin-1, and the place of each character, given the place of each byte."""
    if raw.isascii():
        return raw.decode("ascii"), places
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1"), places
    where: list[tuple[int, int]] = []
    at = 0
    for char in text:
        size = len(char.encode("utf-8"))
        where.append((places[at][0], places[at + size - 1][1]))
        at += size
    return text, where


def entities(text: str) -> Iterator[Edit]:
    """HTML's character references (HTML 5, 13.2.5.72 on): named, decimal, hexadecimal, escaped again."""
    for match in _ENTITY.finditer(text):
        raw = match.group()
        if raw.startswith("&amp;") and raw != "&amp;":
            raw = raw.replace("amp;", "")
        if not raw.startswith("&#") and not raw.endswith(";"):
            raw += ";"
        char = html.unescape(raw)
        if char != raw and len(char) <= 2:  # noqa: PLR2004 - some names stand for two
            yield Edit(match.start(), match.end(), char)


def utf7(text: str) -> Iterator[Edit]:
    """``+ADU-``: UTF-7 (RFC 2152) of what had no need of it; other signs and words follow a plus as well."""
    for match in _UTF7.finditer(text):
        body = match[1]
        try:
            raw = base64.b64decode(body + "=" * (-len(body) % 4))
        except binascii.Error:
            continue
        char = raw[: len(raw) // 2 * 2].decode("utf-16-be", "ignore")
        if char and sum(map(str.isascii, char)) * 2 >= len(char):
            yield Edit(match.start(), match.end(), char)
