"""Looks for canaries in what arrived: as it is, and as each decoder that anybody could use would read it.

Nothing here is the product's: decoders are the standard library's, so that an encoding which the recognisers do not
know is found all the same.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import gzip
import html
import json
import quopri
import re
import unicodedata
import urllib.parse
import zlib
from collections.abc import Iterable, Iterator

DEPTH_MAX = 3
"""Encodings of encodings of encodings."""
LONG_CHARS = 20_000
"""A longer text is read at one depth less: what is hidden in such a one is told by its other readings."""
_B64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_B32 = re.compile(r"[A-Z2-7]{8,}={0,6}")
_HEX = re.compile(r"(?:0x)?[0-9A-Fa-f]{2}(?:[\s,:]*(?:0x)?[0-9A-Fa-f]{2}){4,}")
_A85 = re.compile(r"<~(.*?)~>", re.DOTALL)
_CODES = re.compile(r"\b[01]{8}(?: [01]{8}){3,}|\b\d{2,3}(?:[ ,]+\d{2,3}){4,}")
_ESCAPES = re.compile(
    r"\\(?:x([0-9A-Fa-f]{2})|u\{?([0-9A-Fa-f]{1,6})\}?|U([0-9A-Fa-f]{8})|([0-7]{3})|([0-9A-Fa-f]{1,6}) ?)"
)
_POINTS = re.compile(r"(?:U\+|%u)([0-9A-Fa-f]{4,6})\s?")
_NAMED = re.compile(r"\\N\{([A-Z0-9 -]+)\}")
_UTF7 = re.compile(r"\+([A-Za-z0-9+/]{4,})-")
_TAG = re.compile(r"<[^>]*>|\[/?[a-z]+\]|/\*.*?\*/|\\textbf\{|\x1b\[\d*m", re.DOTALL)
_DIGITS = {
    word: str(digit)
    for words in (
        "zero one two three four five six seven eight nine",
        "cero uno dos tres cuatro cinco seis siete ocho nueve",
        "zéro un deux trois quatre cinq six sept huit neuf",
        "null eins zwei drei vier fünf sechs sieben acht neun",
    )
    for digit, word in enumerate(words.split())
}
_SAID = re.compile("|".join(["dash", "slash", *sorted(_DIGITS, key=len, reverse=True)]), re.IGNORECASE)
_LOOKALIKES = str.maketrans(
    "\u0410\u0412\u0421\u0415\u041d\u0406\u0408\u041a\u041c\u041e\u0420\u0405\u0422\u0425\u0423\u0430\u0441\u0435\u0456\u0458\u043e\u0440\u0455\u0445\u0443"
    "\u0391\u0392\u0395\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a7\u03a5\u0396\u03bf\u03bd",
    "ABCEHIJKMOPSTXYaceijopsxyABEHIKMNOPTXYZov",
)
_LEET = str.maketrans("431057OlSB", "aeiostoisb")
_FIGURES = str.maketrans("OlSB", "0158")
_SIGNS = re.compile(r"\b(?:at|dot)\b")
"""Words for the signs of an address."""
_FILLERS = "\u115f\u1160\u3164\uffa0"
_LOW = "abcdefghijklmnopqrstuvwxyz"
_CAESAR = str.maketrans(_LOW + _LOW.upper(), (_LOW[-3:] + _LOW[:-3]) + (_LOW[-3:] + _LOW[:-3]).upper())
_TAGS, _SELECTORS = 0xE0000, 0xE0100
_ATBASH = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLKJIHGFEDCBA"
)


def core(text: str) -> str:
    """Letters and digits alone, small: what is left of a canary however it is set."""
    return "".join(char for char in text.lower() if char.isalnum())


def digits(text: str) -> str:
    """Digits alone."""
    return "".join(char for char in text if char in "0123456789")


def readings(data: bytes) -> str:
    """Everything that `data` can be read as, each reading's core on a line of its own."""
    lines: set[str] = set()
    seen: set[str] = set()
    todo = [(data.decode("utf-8", "replace"), 0)]
    while todo:
        text, depth = todo.pop()
        if text in seen:
            continue
        seen.add(text)
        lines.update(core(one) for one in _last(text))
        if depth < DEPTH_MAX - (len(text) > LONG_CHARS):
            todo += [(one, depth + 1) for one in decoded(text) if one and one != text]
    return "\n".join(sorted(lines - {""}))


def _last(text: str) -> Iterator[str]:
    """What a reader does last: letters in another order, rotated ones, spelled digits, digits alone."""
    yield text
    yield text[::-1]
    yield digits(text)
    yield codecs.encode(text, "rot13")
    yield text.translate(_CAESAR)
    yield text.translate(_ATBASH)
    yield text.translate(_LEET)
    yield text.translate(_FIGURES)
    yield _SIGNS.sub(" ", text)
    yield _SAID.sub(lambda match: _DIGITS.get(match.group().lower(), ""), text)


def decoded(text: str) -> Iterator[str]:
    """`text` after one step of every decoder that has anything to do."""
    yield from _json(text)
    yield from _marks(text)
    yield from _letters(text)
    for match in _B64.finditer(text):
        yield from _base64(match.group())
    yield from _base64("".join(text.split())[:4096])
    for match in _B32.finditer(text):
        yield from _tried(base64.b32decode, match.group().rstrip("=") + "=" * (-len(match.group().rstrip("=")) % 8))
    for match in _HEX.finditer(text):
        yield from _tried(bytes.fromhex, re.sub(r"0x|[\s,:]", "", match.group()))
    for match in _A85.finditer(text):
        yield from _tried(base64.a85decode, match.group(1))
    for match in _CODES.finditer(text):
        for base in (2, 8, 10):
            yield from _tried(
                lambda said, base=base: bytes(int(one, base) for one in re.split(r"[ ,]+", said)), match.group()
            )


def _json(text: str) -> Iterator[str]:
    """Strings, keys and numbers of a document, together and one by one."""
    if text[:1] not in '{["':
        return
    try:
        document = json.loads(text, object_pairs_hook=list, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return
    leaves: list[str] = []
    stack = [document]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            leaves.append(value)
        elif isinstance(value, list | tuple):
            stack.extend(reversed(value))
    yield "".join(leaves)
    yield from leaves


def _marks(text: str) -> Iterator[str]:
    """Escapes and markup undone."""
    if "%" in text:
        yield urllib.parse.unquote(text)
    if "&" in text:
        yield html.unescape(text)
    if "=" in text:
        yield quopri.decodestring(text.encode("utf-8", "replace")).decode("utf-8", "replace")
    if "\\" in text:
        yield _ESCAPES.sub(_escaped, text)
        yield _NAMED.sub(lambda match: unicodedata.lookup(match.group(1)), text)
    if "U+" in text or "%u" in text:
        yield _POINTS.sub(lambda match: chr(int(match.group(1), 16)), text)
    if "+" in text:
        yield _UTF7.sub(_utf7, text)
    if _TAG.search(text):
        yield _TAG.sub("", text)


def _escaped(match: re.Match[str]) -> str:
    two, four, eight, octal, style = match.groups()
    number = int(octal, 8) if octal else int(two or four or eight or style, 16)
    return chr(number) if number < 0x110000 else ""


def _utf7(match: re.Match[str]) -> str:
    said = match.group(1)
    try:
        return base64.b64decode(said + "=" * (-len(said) % 4)).decode("utf-16-be", "replace")
    except binascii.Error:
        return match.group()


def _letters(text: str) -> Iterator[str]:
    """Letters and digits of other alphabets, and hidden ones."""
    if text.isascii():
        return
    plain = unicodedata.normalize("NFKC", text).translate(_LOOKALIKES)
    yield "".join(map(_plain, plain))
    if any(ord(char) >= _TAGS for char in text):
        yield "".join(chr(ord(char) - _TAGS) for char in text if _TAGS + 32 <= ord(char) < _TAGS + 128)
        selectors = bytes(ord(char) - _SELECTORS + 16 for char in text if _SELECTORS <= ord(char) < _SELECTORS + 240)
        yield selectors.decode("utf-8", "replace")
    bits = "".join("01"[char == "\u200c"] for char in text if char in "\u200b\u200c")
    octets = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8))
    yield octets.decode("utf-8", "replace")


def _plain(char: str) -> str:
    """A character's digit; nothing for marks and what nobody sees."""
    if char.isascii():
        return char
    digit = unicodedata.digit(char, None)
    if digit is not None:
        return str(digit)
    return "" if char in _FILLERS or unicodedata.category(char) in {"Cf", "Mn", "Me", "Cc"} else char


def _base64(said: str) -> Iterator[str]:
    plain = said.rstrip("=").replace("-", "+").replace("_", "/")
    yield from _tried(base64.b64decode, plain + "=" * (-len(plain) % 4))


def _tried(decode: object, said: str) -> Iterator[str]:
    """What a decoder gives, as text of each kind; nothing where it gives none."""
    assert callable(decode)
    try:
        data = decode(said)
    except (ValueError, binascii.Error):
        return
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            return
    for codec in ("utf-8", "utf-16-le", "utf-16-be"):
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            continue
        if sum(char.isascii() for char in text) * 2 > len(text):
            yield text


def arrived(bodies: Iterable[bytes], values: Iterable[str]) -> set[str]:
    """Those of `values` that can be read in one of `bodies`, or in bodies that follow one another."""
    bodies = list(bodies)
    haystack = "\n".join(readings(body) for body in bodies)
    return {value for value in set(values) if _in(value, haystack)}


def verbatim(bodies: Iterable[bytes], texts: Iterable[str]) -> set[str]:
    """Those of `texts` that arrived as they were written, in a string of a body or of a document in one."""
    leaves: set[str] = set()
    for body in bodies:
        todo = [(body.decode("utf-8", "replace"), 0)]
        while todo:
            text, depth = todo.pop()
            leaves.add(text)
            todo += [(one, depth + 1) for one in _json(text) if depth < DEPTH_MAX]
    haystack = "\n\n".join(leaves)
    return {text for text in set(texts) if text in haystack}


def written(log: bytes, values: Iterable[str]) -> set[str]:
    """Those of `values` that stand in a log's strings, however they are set; digests are read as they are."""
    haystack = "\n".join(core(one) for one in re.findall(r'"((?:[^"\\\\]|\\\\.)*)"', log.decode("utf-8", "replace")))
    return {value for value in set(values) if core(value) in haystack}


def _in(value: str, haystack: str) -> bool:
    said = core(value)
    return said in haystack or said[::-1] in haystack
