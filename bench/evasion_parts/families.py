"""The public list of evasions: what each does to an identifier or to a sentence. docs/evasion.md tells it."""

from __future__ import annotations

import base64
import codecs
import gzip
import html
import json
import quopri
import unicodedata
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

Disguise = Callable[[str, Random], str]
"""What is written in place of a text."""

DIGIT_TYPES = frozenset({"SSN", "PAN", "MRN", "PHONE", "DATE", "ACCOUNT"})
NAME_TYPES = frozenset({"PERSON"})
SHAPED = frozenset({"SSN", "PAN", "IBAN", "PHONE", "EMAIL"})


@dataclass(frozen=True, slots=True)
class Family:
    """One way of writing what a reader still understands."""

    name: str
    """Unique."""
    disguise: Disguise
    """What it does."""
    whole: bool = False
    """It is done to the sentence, not to the identifier alone."""
    types: frozenset[str] | None = None
    """Types of identifiers that it can be done to; None for all."""
    note: str = ""
    """What it is."""


def each(form: Callable[[str], str], join: str = "") -> Disguise:
    """`form` of every character, with `join` between."""
    return lambda text, _rng: join.join(form(char) for char in text)


def table(source: str, target: str | list[str]) -> Disguise:
    """Characters replaced one by one."""
    mapping = dict(zip(source, target, strict=True))
    return lambda text, _rng: "".join(mapping.get(char, char) for char in text)


def shifted(upper: int, lower: int, digit: int | None = None) -> Disguise:
    """Letters and digits of a mathematical alphabet that begins at these code points."""

    def disguise(text: str, _rng: Random) -> str:
        def one(char: str) -> str:
            if char.isascii() and char.isupper():
                moved = chr(upper + ord(char) - 65)
            elif char.isascii() and char.islower():
                moved = chr(lower + ord(char) - 97)
            elif char.isascii() and char in "0123456789" and digit is not None:
                moved = chr(digit + int(char))
            else:
                return char
            return moved if unicodedata.name(moved, "") else char

        return "".join(map(one, text))

    return disguise


def numerals(zero: int) -> Disguise:
    """Digits of another script."""
    return lambda text, _rng: "".join(chr(zero + int(char)) if char in "0123456789" else char for char in text)


def sprinkled(char: str, share: float = 1.0) -> Disguise:
    """`char` between characters."""
    return lambda text, rng: text[:1] + "".join((char if rng.random() < share else "") + one for one in text[1:])


def grouped(sep: str) -> Disguise:
    """Digits in groups of two or three, and one or four, with `sep` between."""

    def disguise(text: str, rng: Random) -> str:
        digits = [char for char in text if char.isalnum()]
        out = []
        while digits:
            size = rng.choice((2, 3, 4))
            out.append("".join(digits[:size]))
            digits = digits[size:]
        return sep.join(out)

    return disguise


def in_words(words: str, join: str = " ", dash: str = "") -> Disguise:
    """Digits as words."""
    names = words.split()

    def disguise(text: str, _rng: Random) -> str:
        said = []
        for char in text:
            if char in "0123456789":
                said.append(names[int(char)])
            elif char.isalpha():
                said.append(char.upper())
            elif dash and char == "-":
                said.append(dash)
            elif char == "/":
                said.append("slash")
        return join.join(said)

    return disguise


_TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def in_pairs(text: str, _rng: Random) -> str:
    """Digits as two-digit numbers in words: fifty-two forty-seven."""
    digits = [char for char in text if char in "0123456789"]
    said = []
    for at in range(0, len(digits), 2):
        pair = "".join(digits[at : at + 2])
        number = int(pair)
        if len(pair) == 1 or pair[0] == "0":
            said += [_ONES[int(char)] for char in pair]
        elif number < 20:
            said.append(_TEENS[number - 10])
        else:
            said.append(_TENS[number // 10 - 2] + (f"-{_ONES[number % 10]}" if number % 10 else ""))
    return " ".join(said)


_NATO = [
    "Alpha",
    "Bravo",
    "Charlie",
    "Delta",
    "Echo",
    "Foxtrot",
    "Golf",
    "Hotel",
    "India",
    "Juliett",
    "Kilo",
    "Lima",
    "Mike",
    "November",
    "Oscar",
    "Papa",
    "Quebec",
    "Romeo",
    "Sierra",
    "Tango",
    "Uniform",
    "Victor",
    "Whiskey",
    "Xray",
    "Yankee",
    "Zulu",
]


def spelled(text: str, _rng: Random) -> str:
    """The spelling alphabet."""
    said = []
    for char in text:
        if char.isascii() and char.isalpha():
            said.append(_NATO[ord(char.upper()) - 65])
        elif char in "0123456789":
            said.append(_ONES[int(char)])
        elif char == "-":
            said.append("dash")
        elif char == " " and said:
            said[-1] += ","
    return " ".join(said)


_MORSE = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-./@ ",
        [
            ".-",
            "-...",
            "-.-.",
            "-..",
            ".",
            "..-.",
            "--.",
            "....",
            "..",
            ".---",
            "-.-",
            ".-..",
            "--",
            "-.",
            "---",
            ".--.",
            "--.-",
            ".-.",
            "...",
            "-",
            "..-",
            "...-",
            ".--",
            "-..-",
            "-.--",
            "--..",
            "-----",
            ".----",
            "..---",
            "...--",
            "....-",
            ".....",
            "-....",
            "--...",
            "---..",
            "----.",
            "-....-",
            ".-.-.-",
            "-..-.",
            ".--.-.",
            "/",
        ],
        strict=True,
    )
)


def braille(text: str, _rng: Random) -> str:
    """Grade 1 Braille."""
    cells = dict(
        zip(
            "abcdefghijklmnopqrstuvwxyz",
            (1, 3, 9, 25, 17, 11, 27, 19, 10, 26, 5, 7, 13, 29, 21, 15, 31, 23, 14, 30, 37, 39, 58, 45, 61, 53),
            strict=True,
        )
    )
    out, number = [], False
    for char in text:
        if char in "0123456789":
            if not number:
                out.append(60)
            number = True
            out.append(cells["jabcdefghi"[int(char)]])
        else:
            number = False
            if char.isupper():
                out.append(32)
            out.append(cells.get(char.lower(), {" ": 0, "-": 36, ".": 50}.get(char, 0)))
    return "".join(chr(0x2800 + cell) for cell in out)


def cut(text: str, rng: Random, pieces: int = 2) -> list[str]:
    """`text` in pieces, cut inside."""
    places = sorted(rng.sample(range(1, len(text)), min(pieces - 1, len(text) - 1)))
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


def wrapped(margin: str) -> Disguise:
    """A line's end inside."""
    return lambda text, rng: f"\n{margin}".join(cut(text.replace(" ", "") if text[:1].isdigit() else text, rng))


def quoted(text: str, _rng: Random) -> str:
    """Quoted-printable, every character escaped."""
    return (
        quopri.encodestring(text.encode(), quotetabs=True).decode().strip()
        if not text.isascii()
        else "".join(f"={ord(char):02X}" for char in text)
    )


def b64(text: str, _rng: Random) -> str:
    """Base64."""
    return base64.b64encode(text.encode()).decode()


def compose(*disguises: Disguise) -> Disguise:
    """One after the other."""

    def disguise(text: str, rng: Random) -> str:
        for one in disguises:
            text = one(text, rng)
        return text

    return disguise


def caesar(shift: int) -> Disguise:
    """Letters moved along the alphabet."""
    low = "abcdefghijklmnopqrstuvwxyz"
    moved = low[shift:] + low[:shift]
    return lambda text, _rng: text.translate(str.maketrans(low + low.upper(), moved + moved.upper()))


percent = each(lambda char: "".join(f"%{byte:02X}" for byte in char.encode()))
backslash_x = each(lambda char: f"\\x{ord(char):02x}")
entities = each(lambda char: f"&#{ord(char)};")
_CYRILLIC = table(
    "ABCEHIJKMOPSTXYaceijopsxy",
    "\u0410\u0412\u0421\u0415\u041d\u0406\u0408\u041a\u041c\u041e\u0420\u0405\u0422\u0425\u0423\u0430\u0441\u0435\u0456\u0458\u043e\u0440\u0455\u0445\u0443",
)
_GREEK = table(
    "ABEHIKMNOPTXYZov",
    "\u0391\u0392\u0395\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a7\u03a5\u0396\u03bf\u03bd",
)
_LISU = table(
    "ABCDEFGHIJKLMNOPRSTUVWXYZ",
    "\ua4ee\ua4d0\ua4da\ua4d3\ua4f0\ua4dd\ua4d6\ua4e7\ua4f2\ua4d9\ua4d7\ua4e1\ua4df\ua4e0\ua4f3\ua4d1\ua4e3\ua4e2\ua4d4\ua4f4\ua4e6\ua4ea\ua4eb\ua4ec\ua4dc",
)
_SMALL = table(
    "abcdefghijklmnoprstuvwyz",
    "\u1d00\u0299\u1d04\u1d05\u1d07\ua730\u0262\u029c\u026a\u1d0a\u1d0b\u029f\u1d0d\u0274\u1d0f\u1d18\u0280\ua731\u1d1b\u1d1c\u1d20\u1d21\u028f\u1d22",
)
_LEET = table("aeiostAEIOST", "431057431057")
_LETTER_DIGITS = table("0158", "OlSB")


def leet(text: str, rng: Random) -> str:
    """Two letters of each word as digits: a word of more digits than letters is no name."""
    words = []
    for word in text.split(" "):
        places = [at for at, char in enumerate(word) if at and char in "aeiostAEIOST"][:2]
        words.append("".join(_LEET(char, rng) if at in places else char for at, char in enumerate(word)))
    return " ".join(words)


def some_letters(text: str, rng: Random) -> str:
    """One or two of a number's digits as the letters that look like them."""
    places = [at for at, char in enumerate(text) if char in "0158"]
    chosen = set(rng.sample(places, min(2, len(places))))
    return "".join(_LETTER_DIGITS(char, rng) if at in chosen else char for at, char in enumerate(text))


def in_address(text: str, _rng: Random) -> str:
    """Signs of an address in words."""
    return text.replace("@", " at ").replace(".", " dot ")


def tag_some(left: str, right: str) -> Disguise:
    """Marks round a part in the middle."""

    def disguise(text: str, rng: Random) -> str:
        pieces = cut(text, rng, 3)
        return f"{pieces[0]}{left}{''.join(pieces[1:2])}{right}{''.join(pieces[2:])}"

    return disguise


def concatenated(text: str, rng: Random) -> str:
    """A program's string literals, put together."""
    return " + ".join(f'"{piece}"' for piece in cut(text, rng, 3))


def zero_width_bits(text: str, _rng: Random) -> str:
    """Bits as two zero-width characters."""
    bits = "".join(f"{byte:08b}" for byte in text.encode())
    return "see" + bits.replace("0", "\u200b").replace("1", "\u200c") + " here"


def _octets(form: str, join: str) -> Disguise:
    return lambda text, _rng: join.join(format(byte, form) for byte in text.encode())


EN, ES = "zero one two three four five six seven eight nine", "cero uno dos tres cuatro cinco seis siete ocho nueve"
FR, DE = "zéro un deux trois quatre cinq six sept huit neuf", "null eins zwei drei vier fünf sechs sieben acht neun"

FAMILIES: tuple[Family, ...] = (
    # Unicode
    Family("fullwidth", each(lambda char: chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char)),
    Family("mathematical bold", shifted(0x1D400, 0x1D41A, 0x1D7CE)),
    Family("mathematical sans", shifted(0x1D5A0, 0x1D5BA, 0x1D7E2)),
    Family("mathematical monospace", shifted(0x1D670, 0x1D68A, 0x1D7F6)),
    Family("double-struck digits", numerals(0x1D7D8), types=DIGIT_TYPES),
    Family("circled letters", shifted(0x24B6, 0x24D0)),
    Family("negative circles", shifted(0x1F150, 0x1F150), types=NAME_TYPES | {"IBAN"}),
    Family("negative squares", shifted(0x1F170, 0x1F170), types=NAME_TYPES),
    Family("regional indicators", shifted(0x1F1E6, 0x1F1E6), types=NAME_TYPES),
    Family("circled digits", table("123456789", [chr(0x2460 + at) for at in range(9)]), types=DIGIT_TYPES),
    Family(
        "superscript digits",
        table("0123456789", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"),
        types=DIGIT_TYPES,
    ),
    Family("keycaps", each(lambda char: f"{char}\ufe0f\u20e3" if char in "0123456789" else char), types=DIGIT_TYPES),
    Family("small capitals", _SMALL, types=NAME_TYPES),
    Family("Arabic digits", numerals(0x660), types=DIGIT_TYPES),
    Family("Devanagari digits", numerals(0x966), types=DIGIT_TYPES),
    Family("Thai digits", numerals(0xE50), types=DIGIT_TYPES),
    Family("Cyrillic look-alikes", _CYRILLIC),
    Family("Greek look-alikes", _GREEK),
    Family("Lisu look-alikes", _LISU, types=NAME_TYPES | {"IBAN", "MRN"}),
    Family("combining marks", sprinkled("\u0336")),
    Family("piled marks", sprinkled("\u0301\u0316\u0334")),
    Family("zero-width spaces", sprinkled("\u200b")),
    Family("zero-width joiners", sprinkled("\u200d", 0.5)),
    Family("soft hyphens", sprinkled("\u00ad")),
    Family("word joiners", sprinkled("\u2060", 0.5)),
    Family("byte order marks", sprinkled("\ufeff", 0.3)),
    Family("bidi marks", sprinkled("\u200f", 0.5)),
    Family("variation selectors", sprinkled("\ufe0e")),
    Family("Hangul fillers", sprinkled("\u3164")),
    Family("right-to-left override", lambda text, _rng: f"\u202e{text[::-1]}\u202c"),
    Family("tag characters", each(lambda char: chr(0xE0000 + ord(char)))),
    Family(
        "bytes as variation selectors",
        lambda text, _rng: "x" + "".join(chr(0xE0100 + byte - 16) for byte in text.encode()),
    ),
    Family("bits as zero-width characters", zero_width_bits, types=SHAPED),
    Family("exotic blanks and dashes", lambda text, _rng: text.replace(" ", "\u2003").replace("-", "\u2011")),
    Family("Braille", braille, types=frozenset({"SSN", "PHONE", "PERSON"})),
    # apart
    Family("spaced", each(lambda char: char, " ")),
    Family("spaced out, words wide apart", lambda text, _rng: "   ".join(" ".join(word) for word in text.split(" "))),
    Family(
        "full stops between",
        lambda text, _rng: " ".join(".".join(word) for word in text.split(" ")),
        types=NAME_TYPES | {"SSN", "PAN", "PHONE"},
    ),
    Family(
        "hyphens between",
        lambda text, _rng: " ".join("-".join(word.replace("-", "")) for word in text.split(" ")),
        types=NAME_TYPES | {"SSN", "PAN", "PHONE"},
    ),
    Family(
        "underscores between",
        lambda text, _rng: " ".join("_".join(word) for word in text.split(" ")),
        types=NAME_TYPES | {"SSN", "PAN", "PHONE"},
    ),
    Family("asterisks between", each(lambda char: char, "*"), types=frozenset({"SSN", "PAN", "PHONE"})),
    Family("commas between", each(lambda char: char, ", "), types=frozenset({"SSN", "PAN", "PHONE", "IBAN"})),
    Family("one a line", each(lambda char: char, "\n"), types=NAME_TYPES | SHAPED),
    Family(
        "one a cell",
        lambda text, _rng: "| " + " | ".join(text.replace(" ", "")) + " |",
        types=frozenset({"SSN", "PAN", "PHONE", "IBAN"}),
    ),
    Family("tabs between", each(lambda char: char, "\t"), types=SHAPED),
    Family(
        "in brackets",
        each(lambda char: f"({char})" if char.isalnum() else char),
        types=frozenset({"SSN", "PAN", "PHONE"}),
    ),
    Family("pictures between", sprinkled("\U0001f642"), types=frozenset({"SSN", "PAN", "PHONE"})),
    Family(
        "letters between",
        lambda text, _rng: "x".join(char for char in text if char in "0123456789"),
        types=frozenset({"SSN", "PAN", "PHONE"}),
    ),
    Family(
        "odd separators", lambda text, rng: text.replace("-", rng.choice("._/*|:")), types=frozenset({"SSN", "PHONE"})
    ),
    Family("blanks round separators", lambda text, _rng: text.replace("-", " - "), types=frozenset({"SSN", "PHONE"})),
    Family("other groups", grouped(" "), types=frozenset({"SSN", "IBAN"})),
    # words
    Family("digits in English", in_words(EN), types=DIGIT_TYPES),
    Family("digits in English, dashes said", in_words(EN, dash="dash"), types=frozenset({"SSN", "PHONE"})),
    Family("digits in English, hyphens", in_words(EN, join="-"), types=frozenset({"SSN", "PAN", "PHONE"})),
    Family("digits in English, commas", in_words(EN, join=", "), types=frozenset({"SSN", "PAN", "PHONE"})),
    Family(
        "digits in English, capitals",
        compose(in_words(EN), lambda text, _rng: text.upper()),
        types=frozenset({"SSN", "PAN", "PHONE"}),
    ),
    Family("digits in English, together", in_words(EN, join=""), types=frozenset({"SSN", "PAN", "PHONE"})),
    Family("pairs of digits in English", in_pairs, types=frozenset({"SSN", "PAN", "PHONE"})),
    Family("digits in Spanish", in_words(ES), types=frozenset({"SSN", "PAN", "PHONE"})),
    Family("digits in French", in_words(FR), types=frozenset({"SSN", "PAN", "PHONE"})),
    Family("digits in German", in_words(DE), types=frozenset({"SSN", "PAN", "PHONE"})),
    Family(
        "words and digits mixed",
        lambda text, rng: " ".join(
            _ONES[int(char)] if rng.random() < 0.5 else char for char in text if char in "0123456789"
        ),
        types=frozenset({"SSN", "PAN", "PHONE"}),
    ),
    Family("spelling alphabet", spelled, types=NAME_TYPES | {"SSN", "PHONE"}),
    Family("address in words", in_address, types=frozenset({"EMAIL"})),
    Family(
        "signs in brackets",
        lambda text, _rng: text.replace("@", "[at]").replace(".", "[dot]"),
        types=frozenset({"EMAIL"}),
    ),
    Family("sign in brackets, stops plain", lambda text, _rng: text.replace("@", " (at) "), types=frozenset({"EMAIL"})),
    Family("leetspeak", leet, types=NAME_TYPES),
    Family("letters for digits", some_letters, types=frozenset({"SSN", "PAN", "PHONE"})),
    # codes
    Family("base64", b64),
    Family(
        "base64 for URLs, no padding", lambda text, _rng: base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    ),
    Family("base64 of the sentence", b64, whole=True),
    Family(
        "base64 of the sentence in lines",
        lambda text, _rng: base64.encodebytes((text * 3).encode()).decode(),
        whole=True,
    ),
    Family(
        "base64 in groups",
        lambda text, rng: " ".join(b64(text, rng)[at : at + 4] for at in range(0, len(b64(text, rng)), 4)),
    ),
    Family("base64 of UTF-16", lambda text, _rng: base64.b64encode(text.encode("utf-16-le")).decode()),
    Family(
        "base64 of gzip",
        lambda text, _rng: base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode(),
        whole=True,
    ),
    Family("base32", lambda text, _rng: base64.b32encode(text.encode()).decode()),
    Family("hexadecimal", _octets("02x", "")),
    Family("hexadecimal in capitals", _octets("02X", "")),
    Family("hexadecimal pairs", _octets("02x", " ")),
    Family("hexadecimal with 0x", _octets("#04x", ", ")),
    Family("Ascii85", lambda text, _rng: base64.a85encode(text.encode(), adobe=True).decode()),
    Family("binary", _octets("08b", " ")),
    Family("decimal codes", _octets("d", " ")),
    Family("octal codes", _octets("03o", " "), types=SHAPED),
    Family(
        "Morse",
        each(lambda char: _MORSE.get(char.upper(), "/"), " "),
        types=frozenset({"SSN", "PAN", "PHONE", "PERSON"}),
    ),
    Family("escapes with x", backslash_x),
    Family("escapes with u", each(lambda char: f"\\u{ord(char):04x}")),
    Family("escapes with u in braces", each(lambda char: f"\\u{{{ord(char):x}}}")),
    Family("escapes with U", each(lambda char: f"\\U{ord(char):08x}")),
    Family("octal escapes", each(lambda char: f"\\{ord(char):03o}")),
    Family("escapes by name", each(lambda char: f"\\N{{{unicodedata.name(char)}}}" if char >= " " else char)),
    Family("style sheet's escapes", each(lambda char: f"\\{ord(char):x} ")),
    Family("code points", each(lambda char: f"U+{ord(char):04X}", " ")),
    Family("URL escapes", percent),
    Family("URL escapes twice", compose(percent, lambda text, _rng: urllib.parse.quote(text))),
    Family("URL escapes with u", each(lambda char: f"%u{ord(char):04X}")),
    Family("URL escapes of the sentence", lambda text, _rng: urllib.parse.quote(text, safe=""), whole=True),
    Family("entities", entities),
    Family("hexadecimal entities", each(lambda char: f"&#x{ord(char):X};")),
    Family("entities without semicolon", each(lambda char: f"&#{ord(char)}"), types=SHAPED | NAME_TYPES),
    Family("entities twice", compose(entities, lambda text, _rng: html.escape(text))),
    Family("quoted-printable", quoted),
    Family("soft line breaks", lambda text, rng: "=\n".join(cut(text, rng))),
    Family("UTF-7", lambda text, _rng: "+" + base64.b64encode(text.encode("utf-16-be")).decode().rstrip("=") + "-"),
    Family(
        "JSON in JSON",
        lambda text, _rng: json.dumps(json.dumps({"t": "".join(f"\\u{ord(char):04x}" for char in text)})),
        types=SHAPED,
    ),
    # markup
    Family("bold tags inside", tag_some("<b>", "</b>")),
    Family("spans with attributes inside", tag_some('<span style="color:red">', "</span>")),
    Family("comments inside", tag_some("<!-- x -->", "<!---->")),
    Family("Markdown bold inside", tag_some("**", "**")),
    Family("Markdown code inside", tag_some("`", "`")),
    Family("forum tags inside", tag_some("[b]", "[/b]")),
    Family("LaTeX inside", tag_some("\\textbf{", "}")),
    Family("program's comments inside", tag_some("/* x */", "/**/")),
    Family("string literals put together", concatenated, types=SHAPED | {"MRN", "ACCOUNT", "DATE"}),
    Family("control characters", sprinkled("\x07", 0.5)),
    Family("terminal colours", tag_some("\x1b[31m", "\x1b[0m")),
    # lines and order
    Family("line end inside", wrapped(""), types=SHAPED),
    Family("indented line end inside", wrapped("    "), types=SHAPED),
    Family("quoted line end inside", wrapped("> "), types=SHAPED),
    Family("reversed", lambda text, _rng: text[::-1], types=SHAPED | {"DATE"}),
    Family("reversed sentence", lambda text, _rng: text[::-1], whole=True),
    Family("reversed words", lambda text, _rng: " ".join(word[::-1] for word in text.split(" ")), whole=True),
    Family("ROT13 of the sentence", lambda text, _rng: codecs.encode(text, "rot13"), whole=True),
    Family("Caesar's three of the sentence", caesar(3), whole=True),
    Family(
        "Atbash of the sentence",
        lambda text, _rng: text.translate(
            str.maketrans(
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
                "zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLKJIHGFEDCBA",
            )
        ),
        whole=True,
    ),
    # nested
    Family("base64 of URL escapes", compose(percent, b64)),
    Family("URL escapes of base64", compose(b64, percent)),
    Family("base64 of base64", compose(b64, b64)),
    Family("hexadecimal of base64", compose(b64, _octets("02x", ""))),
    Family("base64 of reversed", compose(lambda text, _rng: text[::-1], b64), types=SHAPED),
    Family(
        "entities of fullwidth",
        compose(each(lambda char: chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char), entities),
    ),
    Family("spaced words of digits in base64", compose(in_words(EN), b64), types=frozenset({"SSN", "PAN", "PHONE"})),
    Family("zero-width in base64", compose(b64, sprinkled("\u200b", 0.3))),
    Family(
        "spaced fullwidth",
        compose(
            each(lambda char: chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char), each(lambda char: char, " ")
        ),
        types=SHAPED,
    ),
)
