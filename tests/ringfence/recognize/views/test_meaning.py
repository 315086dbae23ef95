"""A disguise hides no part of a label: a guess of its letters must not stand for what they say."""

import base64
import gzip
import zlib

import pytest

from ringfence.labels import covers

SENTENCES = (
    "His social security number is 524-71-6038, as the desk wrote.",
    "Medical record number: 4471120 was opened for her on Monday.",
    "Charge the card 4111 1111 1111 1111 for the visit, please.",
    "IBAN: DE89 3704 0044 0532 0130 00, to be paid by the end of the week.",
)
CODES = {
    "base64": lambda text: base64.b64encode(text).decode(),
    "base64 in lines": lambda text: base64.encodebytes(text * 3).decode(),
    "base64 of UTF-16": lambda text: base64.b64encode(text.decode().encode("utf-16")).decode(),
    "base64 of gzip": lambda text: base64.b64encode(gzip.compress(text, mtime=0)).decode(),
    "base64 of two members": lambda text: base64.b64encode(gzip.compress(b"Minutes. ") + gzip.compress(text)).decode(),
    "base64 twice": lambda text: base64.b64encode(base64.b64encode(text)).decode(),
    "base32": lambda text: base64.b32encode(text).decode(),
    "hexadecimal": lambda text: text.hex(),
    "hexadecimal in capitals": lambda text: text.hex().upper(),
    "backwards": lambda text: text.decode()[::-1],
}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_disguise_means_what_it_hides(everything_on, code, sentence):
    """A social security number in base64 is RESTRICTED, and no number of some kind."""
    policy = everything_on.policy
    plain = policy.label_of(everything_on.scan(sentence))
    hidden = policy.label_of(everything_on.scan(f"Please see {CODES[code](sentence.encode())} and thank you."))
    assert covers(hidden, plain)


@pytest.mark.parametrize("before", ["", "Table 3 lists "])
def test_what_is_written_plainly_means_no_more_for_its_views(everything_on, before):
    """What only gives way to others is no reason to read a plain sentence otherwise."""
    text = f"{before}card 4111 1111 1111 1111 exp 04/29 cvv 123 thank you so much"
    assert [finding.entity_type for finding in everything_on.scan(text)] == ["PAN", "CARD_CODE"]


@pytest.mark.parametrize("width", [59, 60, 75, 76, 500])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "compressed"])
def test_hexadecimal_over_lines_is_read_as_one(everything_on, pack, width):
    """Also where a line holds half a byte; what is read but for an end of two digits counts as unread."""
    digits = pack(" ".join(SENTENCES).encode() * 2).hex()
    lines = "\n".join(digits[at : at + width] for at in range(0, len(digits), width))
    policy = everything_on.policy
    plain = policy.label_of(everything_on.scan(" ".join(SENTENCES)))
    for text in (lines, f"See\n{lines}\nadd to the file", lines.upper()):
        found = everything_on.scan(text)
        assert covers(policy.label_of(found), plain) or [one.entity_type for one in found] == ["OPAQUE"]


def test_a_code_after_compressed_text_is_read_by_itself(everything_on):
    """It was taken for what the compressed text left over."""
    first = base64.encodebytes(zlib.compress(b"the committee met on the usual terms" * 2)).decode().rstrip("=\n")
    text = f"{first}\n{base64.encodebytes(' '.join(SENTENCES).encode()).decode()}"
    policy = everything_on.policy
    assert covers(policy.label_of(everything_on.scan(text)), policy.label_of(everything_on.scan(" ".join(SENTENCES))))


PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3).decode()


@pytest.mark.parametrize(
    "written",
    [
        base64.b64encode(f"See {PICTURE}".encode()).decode(),
        PICTURE.encode().hex(),
        PICTURE.replace("/", "\\/"),
        PICTURE.replace("/", "%2F").replace("+", "%2B"),
    ],
    ids=["base64 twice", "hexadecimal of base64", "as some write JSON", "in an address"],
)
def test_a_file_within_a_code_is_a_file(everything_on, written):
    """Readings of codes are looked at for what nobody can read, as the text is."""
    found = everything_on.scan(f'{{"image": "{written}"}}')
    assert "OPAQUE" in [finding.entity_type for finding in found]
