r"""How a text may stand in bytes: fourteen encodings, to send canaries in and to look for them in. Pure.

Chosen by who would write them. What our processes, their runtimes and libraries make of a string when they log, store,
escape, pack or dump it comes first; then what people do to hide one.

utf-8               files, SQLite, JSON without escapes, C and Rust strings
latin-1             CPython keeps a string up to U+00FF so (PEP 393): its memory, core dumps, shared memory
utf-16-le, -be      CPython keeps a string with wider characters as little-endian pairs; ASN.1's BMPString is the other
base64              bytes in protobuf's JSON, data URLs, PEM; both alphabets, at each of the three offsets
hex                 ``bytes.hex()``, digests' printers, ``strace -xx``
percent             URLs, and gRPC's own ``grpc-message`` (PROTOCOL-HTTP2.md)
json                ``\u00f6``: Python's json by default
entities            XML and HTML: reports, ISO 20022
quoted-printable    mail, MIME
escapes             ``repr`` of bytes, ``ascii`` of a string, octal ones in protobuf's text format
compressed          gzip and zlib streams: turned logs, gRPC messages; looked for by undoing them
reversed, rot13     what somebody writes who means to obscure and not to encrypt

Not looked for: what only a key opens (TLS, the sealed archive), token ids, vectors, other archives and alphabets.
"""

from __future__ import annotations

import base64
import codecs
import gzip
import html.entities
import quopri
import unicodedata
import urllib.parse
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product

INFLATED_BYTES_MAX = 1 << 24
"""No more of one compressed stream is looked at, in bytes."""
_STREAMS = ((b"\x1f\x8b\x08", 31), *((bytes((0x78, flags)), 15) for flags in (0x01, 0x5E, 0x9C, 0xDA)))
"""How a stream begins (RFC 1952, RFC 1950 with windows of 32 KB) and the window that zlib is told."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """One of them."""

    name: str
    write: Callable[[str], bytes]
    """As a sender would write a text."""
    needles: Callable[[str], Iterable[bytes]]
    """What stands in bytes wherever the text does, however they began; empty where that takes undoing."""
    is_text: bool = True
    """What is written is UTF-8 text, so that it can stand in a message."""


def _base64(data: bytes) -> Iterator[bytes]:
    """At each offset in the three bytes of a group: those characters that no neighbour changes."""
    for before in range(3):
        said = base64.b64encode(bytes(before) + data)
        inner = said[(0, 2, 3)[before] : len(said) - (0, 3, 2)[(before + len(data)) % 3]]
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")


def _percent(data: bytes) -> Iterator[bytes]:
    every = b"".join(b"%%%02X" % byte for byte in data)
    marked = urllib.parse.quote(data).encode()
    for said in (every, marked):
        yield said
        yield said.lower() if said is every else _lower_escapes(said, b"%")


def _lower_escapes(said: bytes, mark: bytes) -> bytes:
    """The two digits after each mark small, everything else as it is."""
    head, *rest = said.split(mark)
    return mark.join([head, *(one[:2].lower() + one[2:] for one in rest)])


def _units(text: str) -> Iterator[int]:
    """UTF-16 code units."""
    data = text.encode("utf-16-be")
    return (int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2))


def _json(text: str) -> Iterator[bytes]:
    for style in ("\\u%04x", "\\u%04X"):
        yield "".join(style % unit for unit in _units(text)).encode()
        yield "".join(chr(unit) if 32 <= unit < 127 else style % unit for unit in _units(text)).encode()


def _entities(text: str) -> Iterator[bytes]:
    def named(char: str) -> str:
        return f"&{html.entities.codepoint2name[ord(char)]};" if ord(char) in html.entities.codepoint2name else char

    for style in ("&#%d;", "&#x%x;", "&#x%X;"):
        yield "".join(style % ord(char) for char in text).encode()
        yield "".join(char if char.isascii() else style % ord(char) for char in text).encode()
    yield "".join(named(char) for char in text).encode()


def _quoted_printable(text: str) -> Iterator[bytes]:
    data = text.encode()
    for every in (
        b"".join(b"=%02X" % byte for byte in data),
        quopri.encodestring(data, quotetabs=False).rstrip(b"=\n"),
    ):
        yield every
        yield _lower_escapes(every, b"=")


def _escapes(text: str) -> Iterator[bytes]:
    data = text.encode()
    yield ascii(text)[1:-1].encode()
    yield repr(data)[2:-1].encode()
    yield "".join(chr(byte) if byte < 128 else f"\\{byte:03o}" for byte in data).encode()
    yield "".join(f"\\x{byte:02x}" for byte in data).encode()
    yield "".join(f"\\{byte:03o}" for byte in data).encode()


def _rot13(text: str) -> bytes:
    return codecs.encode(text, "rot13").encode()


def _plain(codec: str) -> Encoding:
    return Encoding(codec, lambda text: text.encode(codec, "replace"), lambda text: [text.encode(codec, "replace")])


def _first(name: str, make: Callable[[str], Iterable[bytes]]) -> Encoding:
    """An encoding whose needles are whole texts; it is written as the first."""
    return Encoding(name, lambda text: next(iter(make(text))), make)


def _bytes_of(codec: str) -> Encoding:
    plain = _plain(codec)
    return Encoding(codec, plain.write, plain.needles, is_text=False)


ENCODINGS = (
    _plain("utf-8"),
    _bytes_of("latin-1"),
    _bytes_of("utf-16-le"),
    _bytes_of("utf-16-be"),
    Encoding("base64", lambda text: base64.b64encode(text.encode()), lambda text: _base64(text.encode())),
    _first("hex", lambda text: (text.encode().hex().encode(), text.encode().hex().upper().encode())),
    _first("percent", lambda text: _percent(text.encode())),
    _first("json", _json),
    _first("entities", _entities),
    _first("quoted-printable", _quoted_printable),
    _first("escapes", _escapes),
    Encoding("compressed", lambda text: gzip.compress(text.encode()), lambda _text: (), is_text=False),
    _first("reversed", lambda text: (text[::-1].encode(), text.encode()[::-1])),
    _first("rot13", lambda text: (_rot13(text),)),
)
"""All of them, in the order of the module's table."""


def forms(text: str) -> tuple[str, ...]:
    """What a normaliser may have made of a text: itself, small, capital, composed, decomposed, without its marks."""
    decomposed = unicodedata.normalize("NFD", text)
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    shapes = (unicodedata.normalize("NFC", text), decomposed, bare)
    return tuple(dict.fromkeys(case(shape) for case, shape in product((str, str.lower, str.upper), shapes)))


def needles(text: str) -> dict[str, tuple[bytes, ...]]:
    """By encoding, everything to look for. Those of an encoding that are plain text as well are told as UTF-8.

    Args:
        text: the longer, the surer: eight characters and more meet nothing by chance.
    """
    plain = {form.encode() for form in forms(text)}
    found = {"utf-8": tuple(sorted(plain))}
    for encoding in ENCODINGS[1:]:
        every = {needle for form in forms(text) for needle in encoding.needles(form)}
        # Escapes in a string of JSON, and of JSON in JSON, have their own mark escaped.
        nested = {needle.replace(b"\\", b"\\" * times) for needle in every for times in (2, 4)}
        found[encoding.name] = tuple(sorted((every | nested) - plain))
    return found


def inflated(data: bytes) -> Iterator[bytes]:
    """What is compressed in `data`, each stream undone as far as it goes."""
    for magic, window in _STREAMS:
        at = data.find(magic)
        while at >= 0:
            undone = _inflate(memoryview(data)[at:], window)
            if undone:
                yield undone
            at = data.find(magic, at + 1)


def _inflate(data: memoryview, window: int) -> bytes:
    undoing = zlib.decompressobj(window)
    undone = b""
    try:
        for at in range(0, len(data), 4096):  # piecewise: what comes before an error counts
            undone += undoing.decompress(data[at : at + 4096], INFLATED_BYTES_MAX)
            if undoing.eof or len(undone) > INFLATED_BYTES_MAX:
                break
    except zlib.error:
        pass
    return undone
