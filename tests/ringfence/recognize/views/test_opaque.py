"""Files and noise inside a text are found; what can be read, or is meant for everybody, is not."""

import base64
import gzip
import random
import re
import time
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringfence.recognize.views import Reader, opaque
from ringfence.recognize.views.opaque import BLOB_CHARS_MIN

NOISE = random.Random(5).randbytes(900)
WORDS = b"plain words, which views read "


FILES = {
    "picture": b"\x89PNG\r\n\x1a\n" + NOISE[:40],
    "DICOM, which begins with zeros": bytes(128) + b"DICM" + NOISE[:90],
    "picture of a telephone": b"\0\0\0\x24ftypheic" + NOISE[:40],
    "icon": b"\0\0\x01\0" + NOISE,
    "font": b"\0\x01\0\0" + NOISE,
    "text before noise": WORDS * 200 + NOISE,
    "compressed, with a name longer than is looked at": b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 5000 + b"\0" + NOISE,
    "compressed words beyond what is inflated": gzip.compress(b"a" * (1 << 20) + WORDS, mtime=0),
    "compressed words and what is no member": gzip.compress(WORDS * 30, mtime=0) + NOISE[:30],
    "compressed words, cut off": zlib.compress(random.Random(1).randbytes(200).hex().encode())[:150],
    "compressed words of another alphabet": gzip.compress(WORDS * 30 + b"caf\xe9", mtime=0),
    "document": b"%PDF-1.7\n" + NOISE[:60],
    "archive": b"PK\x03\x04" + NOISE[:60],
    "noise": NOISE,
    "compressed noise": gzip.compress(NOISE, mtime=0),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("encode", [base64.b64encode, base64.encodebytes])
def test_a_file_in_a_text_is_found_whole(kind, encode):
    """From its first character to its padding, alone or in lines."""
    blob = encode(FILES[kind]).decode().strip()
    (span,) = opaque(f"See data:image/png;base64,{blob} please.")
    assert f"See data:image/png;base64,{blob} please."[span.start : span.end] == blob


@pytest.mark.parametrize("raw", [FILES["picture"], random.Random(6).randbytes(700)])
def test_hexadecimal_hides_no_file(raw):
    """As a database writes it; more than any key has."""
    for mark in ("", "x", "\\x", "0x", "X'"):
        text = f"The column is {mark}{raw.hex()} in row 3."
        (span,) = opaque(text)
        assert text[span.start : span.end].endswith(raw.hex())


@pytest.mark.parametrize("end", ["\n", "\r\n", "\\n", "\\r\\n", "\n> ", " \n\t"])
@pytest.mark.parametrize("width", [20, 64])
def test_lines_of_any_width_are_one_file(end, width):
    """Also where a document writes their ends as escapes."""
    code = base64.b64encode(NOISE).decode()
    text = "See:\n" + end.join(code[at : at + width] for at in range(0, len(code), width))
    (span,) = opaque(text)
    assert (span.start, span.end) == (5, len(text))


def test_the_first_word_of_what_follows_makes_no_file_of_what_can_be_read():
    """Without padding it looks like one more line."""
    code = base64.encodebytes(WORDS * 30).decode()
    assert "=" not in code
    assert opaque(code + "Regards, the ward") == ()
    assert len(opaque(base64.encodebytes(NOISE).decode() + "Regards, the ward")) == 1


@pytest.mark.parametrize(
    "before",
    [
        "-----BEGIN CERTIFICATE-----\n",
        "attachment-of-today-\n",
        "words\nlongerWordsOfAKind\n",
        "entlassungsbrief\nbild\ntext\n",
        "path/of/the/scan/01\npath/of/the/scan/02\n",
    ],
)
def test_a_file_begins_after_words_on_lines_of_their_own(before):
    """They are of its alphabet, and are none of it."""
    text = before + base64.encodebytes(NOISE).decode().strip()
    (span,) = opaque(text)
    assert (span.start, span.end) == (len(before), len(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256-" + base64.b64encode(NOISE[:32]).decode(),
        "commit 987d3a1f0b and 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        base64.b64encode(b"plain words, which views read " * 30).decode(),
        base64.b64encode(("plain words " * 40).encode("utf-16-le")).decode(),
        base64.b64encode(("Wörter, слова " * 40).encode("utf-16")).decode(),
        base64.b64encode((WORDS * 30).decode().encode("utf-32-be")).decode(),
        base64.b64encode(zlib.compress(WORDS) + zlib.compress(WORDS) + bytes(80)).decode(),
        (WORDS * 60).hex(),
        (WORDS * 60).hex().upper(),
        random.Random(7).randbytes(512).hex(),
        base64.b64encode(gzip.compress(b"plain words, which views read " * 30, mtime=0)).decode(),
        "-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(NOISE[:400]).decode() + "-----END PUBLIC KEY-----",
        "word" * 300,
        "31415926535897932384" * 30,
        "\n".join(["314159265358979323846264338327950288419716939937"] * 12),
        "\n".join(["pygmentsLexerName", "fooBar", "barBazQux", "someOtherName", "aLongerNameStill"] * 20),
    ],
)
def test_what_can_be_read_is_not_opaque(text):
    """Short hashes, encoded words in each way that views read, public keys, a key's modulus, long words."""
    assert opaque(text) == ()


@given(st.text() | st.binary().map(lambda raw: base64.b64encode(raw * 9).decode()))
def test_spans_lie_in_the_text(text):
    """Whatever the text, nothing is raised and every span lies in it."""
    assert all(0 <= span.start < span.end <= len(text) for span in opaque(text))


NUMBERS = random.Random(9)
LISTS = {
    "card numbers": [f"{NUMBERS.randrange(10**16):016d}" for _ in range(90)],
    "digests": [NUMBERS.randbytes(20).hex() for _ in range(90)],
    "UUIDs": [NUMBERS.randbytes(16).hex() for _ in range(90)],
    "accounts": [f"DE{NUMBERS.randrange(10**20):020d}" for _ in range(90)],
}


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_is_no_file(kind):
    """It would be RESTRICTED, and would hide of which kind the numbers are."""
    assert opaque("\n".join(LISTS[kind])) == ()


@pytest.mark.parametrize("line", ["thanks for looking", "0", "administrationen"])
@pytest.mark.parametrize("width", [60, 6000])
def test_words_and_odd_digits_hide_no_hexadecimal(line, width):
    """Before it and after it."""
    digits = (FILES["picture"] + random.Random(3).randbytes(700)).hex()
    lines = "\n".join(digits[at : at + width] for at in range(0, len(digits), width))
    for text in (f"{line}\n{lines}", f"{lines}\n{line}", f"{lines}{line[0]}"):
        assert [span.entity_type for span in opaque(text)] == ["OPAQUE"]


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_a_line_beside_what_can_be_read_is_looked_at_by_itself(cut):
    """Text in one line, and a file in a shorter one that could be the text's last."""
    line = base64.b64encode(WORDS * 40)[: 1600 - cut].decode()
    (span,) = opaque(f"{line}\n{base64.b64encode(NOISE).decode()}")
    assert span.start == len(line) + 1
    assert opaque(f"{line}\n{base64.b64encode(WORDS * 20).decode()}") == ()


def test_a_code_after_compressed_text_is_looked_at_by_itself():
    """It was read with what the text left over, which is to say by nobody."""
    first = base64.encodebytes(zlib.compress(WORDS * 2)).decode().rstrip("=\n")
    text = f"{first}\n{base64.encodebytes(NOISE).decode()}"
    assert [span.entity_type for span in opaque(text)] == ["OPAQUE"]
    assert opaque(f"{first}\n{base64.encodebytes(WORDS * 20).decode()}") == ()


def test_many_lines_of_changing_widths_take_no_time_of_each_other():
    """They took a minute a megabyte."""
    text = "aBcDeFgHiJkLmNoP" + "".join(f"\naB1{'c' * (1 + at % 2)}" for at in range(60_000))
    started_s = time.process_time()
    opaque(text)
    assert time.process_time() - started_s < 20


@given(st.binary(min_size=300, max_size=900) | st.text(min_size=300).map(str.encode))
@example(WORDS * 30)
@example(zlib.compress(NOISE.hex().encode()) + zlib.compress(WORDS))
def test_what_is_not_opaque_some_view_reads_whole(raw):
    """Who judges and who reads are of one mind: what neither takes would leave unread."""
    code = base64.b64encode(raw).decode()
    if len(code) >= BLOB_CHARS_MIN and re.search("[a-z0-9][A-Z]", code) and not opaque(code):
        assert any(view.starts[0] == 0 and view.ends[-1] >= len(code) - 4 for view in Reader()(code))
