"""The gazetteer: keys, look-ups, what it knows, and that the file is the one that was built."""

import hashlib
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize import gazetteer
from ringfence.recognize.fold import Folder
from ringfence.recognize.gazetteer import (
    BIG_CITY,
    CITY,
    COMMON,
    COUNTRY,
    EPONYM,
    FACILITY_WORD,
    FREQUENT_GIVEN,
    FREQUENT_SURNAME,
    GIVEN,
    KINSHIP,
    MEDICAL,
    NATIONALITY,
    ORG_WORD,
    PROFESSION,
    REGION,
    SURNAME,
    Gazetteer,
    key,
    load_gazetteer,
    normal,
)

MODELS = Path(__file__).resolve().parents[3] / "models"


@pytest.fixture(scope="module")
def known():
    return load_gazetteer()


def _of(known, text):
    return known.of(Folder().fold(text).data)


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("Maria", GIVEN | FREQUENT_GIVEN),
        ("Smith", SURNAME | FREQUENT_SURNAME),
        ("García", SURNAME | FREQUENT_SURNAME),
        ("O'Brien", SURNAME),
        ("de la Cruz", SURNAME),
        ("Mueller", SURNAME),
        ("Müller", SURNAME),
        ("NEW YORK", CITY | BIG_CITY | REGION),
        ("San Sebastián", CITY),
        ("Texas", REGION),
        ("España", COUNTRY),
        ("Deutschland", COUNTRY),
        ("marroquí", NATIONALITY),
        ("française", NATIONALITY),
        ("discharge", COMMON),
        ("paciente", COMMON),
        ("Schmerzen", COMMON),
        ("GmbH", ORG_WORD),
        ("Klinikum", ORG_WORD | FACILITY_WORD),
        ("metformin", MEDICAL),
        ("pancreatitis", MEDICAL),
        ("Crohn", EPONYM),
        ("enfermera", PROFESSION),
        ("sœur", KINSHIP),
        ("mother-in-law", KINSHIP),
    ],
)
def test_the_gazetteer_knows(known, text, flags):
    assert _of(known, text) & flags == flags


@pytest.mark.parametrize("text", ["qzxv", "Xqwertz Yuiop", "", "a", "1234"])
def test_what_is_no_entry_has_no_flags(known, text):
    assert _of(known, text) == 0


@pytest.mark.parametrize("text", ["the", "and", "de", "der", "les", "she"])
def test_form_words_are_no_names(known, text):
    assert not _of(known, text) & (GIVEN | SURNAME | CITY | REGION | COUNTRY)


@pytest.mark.parametrize("text", ["John", "Madrid", "García"])
def test_plain_names_are_no_common_words(known, text):
    assert not _of(known, text) & COMMON


def test_keys_are_sorted_and_each_there_once(known):
    assert known.keys.dtype == np.uint64
    assert known.flags.dtype == np.uint16
    assert len(known.keys) == len(known.flags)
    assert np.all(known.keys[1:] > known.keys[:-1])
    assert np.all(known.flags > 0)


def test_every_flag_is_one_bit_of_its_own():
    flags = [
        GIVEN, SURNAME, CITY, REGION, COUNTRY, NATIONALITY, COMMON, ORG_WORD, MEDICAL, EPONYM, PROFESSION, KINSHIP,
        FREQUENT_GIVEN, FREQUENT_SURNAME, BIG_CITY, FACILITY_WORD,
    ]  # fmt: skip
    assert sorted(flags) == [1 << bit for bit in range(16)]


def test_frequent_names_are_names_and_big_cities_cities(known):
    for narrow, wide in ((FREQUENT_GIVEN, GIVEN), (FREQUENT_SURNAME, SURNAME), (BIG_CITY, CITY)):
        assert not np.any((known.flags & narrow).astype(bool) & ~(known.flags & wide).astype(bool))


def test_the_file_stays_small_and_is_the_one_that_was_built(known):
    content = (files("ringfence.recognize") / "data" / "gazetteer.npz").read_bytes()
    assert len(content) <= 3_000_000
    assert len(known.keys) <= 400_000
    written = (MODELS / "gazetteers" / "gazetteer.npz.sha256").read_text().split()[0]
    assert hashlib.sha256(content).hexdigest() == written
    assert known.version == hashlib.sha256(known.keys.tobytes() + known.flags.tobytes()).hexdigest()[:12]


@given(st.lists(st.integers(0, 2**64 - 1), max_size=20), st.lists(st.integers(0, 2**64 - 1), max_size=20))
def test_a_look_up_is_what_a_dictionary_would_say(entries, asked):
    table = {value: index % 65535 + 1 for index, value in enumerate(sorted({0, *entries}))}
    own = Gazetteer(np.array(list(table), np.uint64), np.array(list(table.values()), np.uint16), "")
    asked = [*asked, *entries]
    assert own.lookup(np.array(asked, np.uint64)).tolist() == [table.get(value, 0) for value in asked]


def test_a_look_up_keeps_the_shape(known):
    assert known.lookup(np.zeros((3, 4), np.uint64)).shape == (3, 4)


@given(st.binary(max_size=80))
def test_a_key_is_the_polynomial_of_the_normal_form(folded):
    powers = [pow(gazetteer.MULTIPLIER, place, 2**64) for place in range(200)]
    form = normal(folded)
    assert key(folded) == sum((byte + 1) * powers[len(form) - 1 - at] for at, byte in enumerate(form)) % 2**64


@given(st.binary(max_size=80))
def test_the_normal_form_has_short_lower_case_words_and_one_blank_between(folded):
    form = normal(folded)
    assert normal(form) == form == form.lower()
    assert all(0 < len(word) <= gazetteer.WORD_BYTES_MAX for word in form.split(b" ") if form)


def test_hyphens_apostrophes_and_dots_count_as_blanks():
    assert key(b"O'Brien-Smith Jr.") == key(b"o brien  smith jr")
