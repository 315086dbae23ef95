"""The reserved spaces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.labels import Category, Level
from ringfence.recognize import DEFAULT, ENTITIES, is_reserved, residual
from ringfence.recognize.finding import Finding
from ringfence.recognize.generic import (
    DATE_GENERIC,
    DATE_WORDS,
    PLACE_GENERIC,
    TITLE_WORDS,
    fold_word,
    is_particle,
)
from ringfence.recognize.pools import FEMALE_NAMES, LAST_NAMES, MALE_NAMES, PERSON_WORDS, PLACE_WORDS, PLACES
from ringfence.recognize.reserved import NAME_WORDS, identifying


@pytest.mark.parametrize(
    ("entity_type", "ours", "real"),
    [
        ("PERSON", f"{LAST_NAMES[3]}, {MALE_NAMES[5]} Q.", f"{LAST_NAMES[3]} Smith"),
        ("PERSON", LAST_NAMES[3].upper(), "Smith"),
        ("DATE", "11/02/2143", "11/02/2026"),
        ("DATE", "14 March 2143", "14 March"),
        ("AGE", "90-year-old", "93-year-old"),
        ("PHONE", "(216) 555-0142", "(216) 555-1142"),
        ("EMAIL", "user012345@example.org", "user012345@example.org.evil.com"),
        ("EMAIL", "user012345@example.com", "john.smith@example.com"),
        ("URL", "https://www.example.org/x/0a1b2c3d", "https://www.example.org/r/402917"),
        ("IP", "203.0.113.9", "203.0.114.9"),
        ("IP", "2001:db8::1", "2001:db9::1"),
        ("MAC", "00:00:5E:00:53:07", "00:1a:2b:3c:4d:5e"),
        ("SSN", "666-12-3456", "524-71-6038"),
        ("NPI", "9920187009", "2580730218"),
        ("PAN", "9999 1709 9356 9669", "4012 8888 8888 1881"),
        ("IBAN", "XX35 4351 2295 4310 4734 41", "DE26 2931 3758 5847 1954 06"),
        ("ADDRESS", "242 Quornick Street, Velmgate, OH 00428", "242 Linden Street, Fairview, OH 44126"),
        ("ADDRESS", "00428", "44126"),
        ("MRN", "Q-9993-46984", "H-2291-40873"),
        ("CASE_ID", "99", "98"),
        ("MRN", "[MRN-999123456]", "[MRN-998123456]"),
    ],
)
def test_ours_are_told_from_real_ones(entity_type, ours, real):
    """A surrogate is recognised without its mapping, and a real identifier is not taken for one."""
    assert is_reserved(entity_type, ours)
    assert not is_reserved(entity_type, real)


OURS = f"{MALE_NAMES[5]} {LAST_NAMES[3]}"
PLACE = PLACES[7]


@pytest.mark.parametrize(
    ("entity_type", "text"),
    [
        ("PERSON", f"Dr. {OURS}, MD"),
        ("PERSON", f"{MALE_NAMES[5]} van der {LAST_NAMES[3]}"),
        ("PERSON", f"{PLACE} University Hospital"),
        ("ORGANISATION", f"{LAST_NAMES[3]} & {LAST_NAMES[4]} Ltd"),
        ("PLACE", f"{PLACE} General Hospital, Dept. of Cardiology"),
        ("ADDRESS", f"12b {PLACE} Street, Apt 4, {PLACE}, OH 00428"),
        ("ADDRESS", f"Calle {PLACE} 12, 00428 {PLACE}, 999 123 456, user012345@example.org"),
        ("ADDRESS", f"{PLACE} Road, ZZ1Q 9ZZ"),
        ("ADDRESS", f"{PLACE} Road, OH 00428-1234"),
        ("DATE", "Tuesday, 4 March 2150 at 10:30"),
        ("DATE", "21500304T103000".replace("T", "")),
        ("DATE", "2150-03-04T10:30:00.000+01:00"),
        ("DATE", "last Monday"),
        ("AGE", "over 90 years old"),
        ("USERNAME", "@user012345"),
        ("COORDINATES", "-48.1234, -123.4567"),
        ("BIC", "QXZJZZQ0XXX"),
        ("TAX_ID", "QQ 12 34 56 C"),
        ("INSURANCE_ID", "999 012 3460"),
        ("ID", "(216) 555-0142"),
        ("MRN", "03/04/2150"),
        ("CUSTOM", PLACE),
        ("SSN", f"{OURS} 9991234"),
    ],
)
def test_what_identifies_nobody_may_stand_beside_a_surrogate(entity_type, text):
    """Titles, particles, kinds of places, times; a surrogate of another type."""
    assert is_reserved(entity_type, text)


@pytest.mark.parametrize(
    ("entity_type", "text"),
    [
        ("PERSON", "Dr."),
        ("PERSON", "van der"),
        ("PERSON", f"{OURS} Smith"),
        ("PERSON", f"{OURS} West"),
        ("PERSON", f"{OURS} 12"),
        ("PERSON", f"{MALE_NAMES[5]} Le"),
        ("PERSON", f"王 {LAST_NAMES[3]}"),
        ("PERSON", f"{OURS}son"),
        ("PLACE", "General Hospital"),
        ("PLACE", "Zzyzx"),
        ("PLACE", f"{PLACE} Mercy Hospital"),
        ("ADDRESS", f"216 445 0142 {PLACE} Street"),
        ("ADDRESS", f"12 {PLACE} Street, OH 44126"),
        ("ADDRESS", f"{PLACE} Street, SW1A 1AA"),
        ("DATE", "Smith 2150"),
        ("DATE", "4 March 2150, 4 March 2019"),
        ("DATE", "4 March"),
        ("DATE", "March"),
        ("DATE", "21500304-4711"),
        ("DATE", "21500304524716"),
        ("DATE", "20190304"),
        ("DATE", "2150"[:3]),
        ("AGE", "John, 90"),
        ("EMAIL", "user012345@example.org.evil.com"),
        ("URL", "https://john-smith.example.com/x/0a1b2c3d"),
        ("IP", "192.0.2.9 John"),
        ("PHONE", "999 Smith"),
        ("MRN", "SMITH-9991"),
        ("MRN", "99944126Smith"),
        ("COORDINATES", "48.1234, 123.4567"),
        ("COORDINATES", "42.3601, -71.0589"),
        ("SSN", "666-12-3456 524-71-6038"),
        ("COORDINATES", "GPS: 48.2082, 16.3738"),
        ("COORDINATES", "S 48.2 E 16.3"),
        ("BIC", "DEUTDEFF"),
        ("INSURANCE_ID", "943 476 5919"),
        ("CUSTOM", "Falcon"),
        ("SSN", f"{OURS} 524-71-6038"),
        ("ID", f"{OURS}, 12"),
    ],
)
def test_nothing_real_hides_beside_a_surrogate(entity_type, text):
    """One real word or number makes the whole span real, and generic words alone are no surrogate."""
    assert not is_reserved(entity_type, text)


@given(
    st.sampled_from(["PERSON", "PLACE", "ORGANISATION", "ADDRESS", "DATE", "ID"]),
    st.from_regex(r"[A-Z][a-z]{3,9}", fullmatch=True),
)
def test_a_real_word_is_never_covered_by_a_surrogate(entity_type, word):
    """Whatever type a span has: a word that is on no closed list is not reserved, nor is it beside a surrogate."""
    known = NAME_WORDS | TITLE_WORDS | PLACE_GENERIC | DATE_GENERIC | DATE_WORDS
    if fold_word(word) not in known and not is_particle(word) and not set(fold_word(word)) <= set("zqxj"):
        assert not is_reserved(entity_type, word)
        assert not is_reserved(entity_type, f"{OURS} {word}")
        assert (0, len(word)) in identifying(entity_type, f"{word} {OURS}")


@pytest.mark.parametrize("entity_type", sorted(ENTITIES))
@pytest.mark.parametrize(
    "unseen",
    [
        "",
        "".join(chr(0xE0100 + byte - 16) for byte in b"05/14/1946"),
        "".join(chr(0xE0000 + byte) for byte in b"05/14/1946"),
        "\u200b\u200c" * 40,
        "\u2800\u2801",
    ],
)
def test_what_cannot_be_seen_is_no_surrogate(entity_type, unseen):
    """It was found in a view of the text, which says more than the text itself shows."""
    assert not is_reserved(entity_type, unseen)


def test_a_secret_is_never_reserved():
    assert not is_reserved("SECRET", "[SECRET-999123456]")


@given(st.sampled_from([*ENTITIES, "NEW"]), st.text())
def test_asking_never_raises(entity_type, text):
    assert is_reserved(entity_type, text) in (True, False)


def test_the_pools_are_large_and_disjoint():
    """No word twice, in no pool and in no two, so each half of a name is known alone."""
    pools = (FEMALE_NAMES, MALE_NAMES, LAST_NAMES, PLACES)
    assert [len(pool) for pool in pools] == [1400, 1400, 1920, 600]
    assert len(PERSON_WORDS | PLACE_WORDS) == sum(map(len, pools))


def test_residual_leaves_out_surrogates_only():
    """What the agent asks of a text."""
    text = "SSN 666-12-3456, SSN 524-71-6038"

    def scan(_text):
        return (Finding(4, 15, "SSN", 1.0, "r"), Finding(21, 32, "SSN", 1.0, "r"))

    assert residual(scan, text) == (Finding(21, 32, "SSN", 1.0, "r"),)


def test_labels_follow_the_table():
    """The join of what was found; what nobody knows counts as RESTRICTED."""
    mrn, pan, new = (Finding(0, 1, entity, 1.0, "r") for entity in ("MRN", "PAN", "NEW"))
    assert str(DEFAULT.label_of((mrn,))) == "CONFIDENTIAL {PHI}"
    assert DEFAULT.label_of((mrn, pan)).categories == {Category.PHI, Category.PCI}
    assert DEFAULT.label_of((new,)).level == Level.RESTRICTED
    assert DEFAULT.label_of(()).level == Level.PUBLIC
