"""Strings made to be slow: for each kind a text of any length, and how its cost grows with it. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

Kind = Callable[[int], str]
"""A length in characters in; a text of that length out."""


def _repeated(unit: str, head: str = "", tail: str = "") -> Kind:
    """`head`, then `unit` over and over, then `tail`; a tail that spoils a match is what makes backtracking costly."""

    def text(size: int) -> str:
        body = size - len(head) - len(tail)
        return (head + (unit * (body // len(unit) + 1))[: max(0, body)] + tail)[:size]

    return text


def _nested(opening: str, closing: str) -> Kind:
    """Brackets in brackets."""

    def text(size: int) -> str:
        depth = size // (len(opening) + len(closing))
        return (opening * depth + closing * depth).ljust(size)[:size]

    return text


def _drawn(alphabet: str) -> Kind:
    """Letters drawn from `alphabet`, the same for each length."""

    def text(size: int) -> str:
        rng = random.Random(alphabet)
        return "".join(rng.choices(alphabet, k=size))

    return text


KINDS: dict[str, Kind] = {
    "digits": _repeated("1234567890"),
    "one digit": _repeated("0"),
    "digits and blanks": _repeated("0 "),
    "digits and hyphens": _repeated("1-"),
    "digits and dots": _repeated("1."),
    "groups of four": _repeated("4111 "),
    "groups of three": _repeated("212-"),
    "digits, then a letter": _repeated("7", tail="x"),
    "drawn digits": _drawn("0123456789"),
    "drawn digits and signs": _drawn("0123456789 -./()+"),
    "at signs": _repeated("@"),
    "at signs and letters": _repeated("a@"),
    "dots": _repeated("."),
    "dots and letters": _repeated("a."),
    "hosts without end": _repeated("a.b-", head="x@"),
    "local parts without at": _repeated("first.last+tag_"),
    "addresses": _repeated("a@b.co "),
    "schemes": _repeated("http://"),
    "paths": _repeated("/a", head="https://x.org"),
    "queries": _repeated("&a=b", head="https://x.org/?a=b"),
    "colons": _repeated(":"),
    "hexadecimal pairs": _repeated("fe:"),
    "IPv6 groups": _repeated("2001:db8::"),
    "base64": _drawn("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"),
    "base64 of base64": _repeated("VmxkV2RWWlhWbDVXVm14V2JGWT0="),
    "hexadecimal": _drawn("0123456789abcdef"),
    "percent escapes": _repeated("%2541"),
    "HTML escapes": _repeated("&amp;#x41;"),
    "JSON escapes": _repeated("\\u0041"),
    "backslashes": _repeated("\\"),
    "quotes": _repeated("\"'"),
    "quoted-printable": _repeated("=41"),
    "brackets": _nested("[", "]"),
    "braces and keys": _nested('{"a":', "}"),
    "tags": _nested("<a>", "</a>"),
    "capitals": _repeated("Smith "),
    "names in a row": _repeated("Maria Lopez Garcia "),
    "one long word": _repeated("a"),
    "one long capital word": _repeated("A"),
    "capitals and dots": _repeated("J. R. "),
    "name labels": _repeated("Patient: "),
    "name label, then a name without end": _repeated("Anna ", head="Patient: "),
    "titles": _repeated("Dr. "),
    "many different names": lambda size: " ".join(f"Mr. X{index:05x}y" for index in range(size // 12 + 1))[:size],
    "date parts": _repeated("12/"),
    "months": _repeated("May "),
    "ages": _repeated("99-year-old "),
    "street words": _repeated("12 Main Street "),
    "record labels": _repeated("MRN "),
    "record label, then digits without end": _repeated("9", head="MRN: "),
    "secrets' labels": _repeated("password="),
    "secret without end": _repeated("aB3", head="api_key = "),
    "key without end": _repeated("MIIEow", head="-----BEGIN RSA PRIVATE KEY-----\n"),
    "blanks": _repeated(" "),
    "line ends": _repeated("\n"),
    "blanks between letters": _repeated("J o h n "),
    "zero width": _repeated("1\u200b"),
    "combining marks": _repeated("\u0301", head="a"),
    "Cyrillic look-alikes": _repeated("\u0410\u0435\u043e "),
    "wide digits": _repeated("\uff11\uff12"),
    "one character that folds to many": _repeated("\ufdfa"),
    "words for digits": _repeated("one two three "),
    "commas": _repeated("a,"),
    "CSV quotes": _repeated('"a","b"\n'),
    "HL7 segments": _repeated("PID|1||123^^^A^MR||DOE^JOHN\r", head="MSH|^~\\&|A|B|C|D|20240101||ADT^A01|1|P|2.5\r"),
    "X12 segments": _repeated("NM1*IL*1*DOE*JOHN****MI*123~"),
    "UUIDs": _repeated("123e4567-e89b-12d3-a456-426614174000 "),
}
"""What each is called and how it is made."""

UNITS = (
    *(
        "0",
        "7 ",
        "12-",
        "3.",
        "(5) ",
        "+1 ",
        "99/",
        "2024-",
        "a",
        "A",
        "ab",
        "Dr. ",
        "Mr ",
        "Anna ",
        "Lopez-",
        "de la ",
    ),
    *(
        "@",
        "a@b.",
        ".com",
        "http://",
        "/x",
        "?a=b&",
        "%41",
        "&#65;",
        "\\u0041",
        "=\n",
        "\n",
        "\r\n",
        " ",
        "\t",
        '"',
        "'",
    ),
    *(
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "|",
        "^",
        "~",
        "*",
        "<a>",
        "</a>",
        "MRN: ",
        "SSN ",
        "Name: ",
        "DOB ",
        "tel ",
        "IBAN ",
    ),
    *(
        "QUJD",
        "4a6f",
        "\u200b",
        "\u0301",
        "\u0430",
        "\uff11",
        "\ufdfa",
        "XX",
        "O'",
        "five ",
        "password: ",
        "sk-",
        "-----BEGIN ",
    ),
)
"""What the fuzzer's strings are put together from."""


def fuzzed(seed: int) -> Kind:
    """A kind of the fuzzer's: one to five units, over and over, sometimes behind a head or before a tail."""
    rng = random.Random(seed)
    unit = "".join(rng.choices(UNITS, k=rng.randint(1, 5)))
    head, tail = (rng.choice(UNITS) * rng.randint(0, 2) for _ in range(2))
    return _repeated(unit, head, tail)


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """The power of the size that the cost grows with: the slope of the least squares line through the logarithms.

    Args:
        sizes: at least two different ones.
        seconds: what each cost; above zero.
    """
    xs, ys = [math.log(size) for size in sizes], [math.log(second) for second in seconds]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    across = sum((x - x_mean) ** 2 for x in xs)
    return sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / across
