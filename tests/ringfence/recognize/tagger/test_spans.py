"""From probabilities to spans: edges, titles, whole words, years, countries."""

import numpy as np
import pytest

from ringfence.recognize.gazetteer import CITY, COMMON, COUNTRY, FACILITY_WORD, ORG_WORD, SURNAME
from ringfence.recognize.tagger.runs import runs
from ringfence.recognize.tagger.spans import spans
from ringfence.recognize.tagger.text import Text
from ringfence.recognize.tagger.tokens import tokenise

TYPES = ("PERSON", "PLACE", "ORGANISATION", "DATE", "CONTACT", "AGE", "ID")


def tell(text, tokens, chances):
    return spans(text, runs(tokens, chances, TYPES))


def found(text, name, *words, chance=0.95, also=(), flags=()):
    """The spans where the network is sure of `words` of `text`, and half doubts `also`."""
    data = text.encode("latin-1")
    tokens = tokenise(data)
    spelled = [data[start:end].decode("latin-1") for start, end in zip(tokens.starts, tokens.ends, strict=True)]
    chances = np.zeros((len(tokens), len(TYPES)), dtype=np.float32)
    for index, word in enumerate(spelled):
        chances[index, TYPES.index(name)] = chance if word in words else 0.13 if word in also else 0
    bits = np.array([dict(flags).get(word, 0) for word in spelled], dtype=np.uint32)
    return [
        (span.entity_type, text[span.start : span.end]) for span in tell(Text.of(data, tokens, bits), tokens, chances)
    ]


def test_neighbouring_tokens_are_one_entity():
    assert found("saw Anna Smith there", "PERSON", "Anna", "Smith") == [("PERSON", "Anna Smith")]


def test_what_is_far_apart_is_two():
    text = "Anna Smith      Boris Jones"
    assert found(text, "PERSON", "Anna", "Smith", "Boris", "Jones") == [
        ("PERSON", "Anna Smith"),
        ("PERSON", "Boris Jones"),
    ]


def test_an_entity_reaches_as_far_as_the_network_doubts():
    assert found("White, Willis and Hoffman rose", "ORGANISATION", "White", "Hoffman", also=(",", "Willis", "and")) == [
        ("ORGANISATION", "White, Willis and Hoffman")
    ]
    assert found("saw Willis there", "PERSON", also=("Willis",)) == []


def test_words_and_marks_at_the_edges_are_no_part():
    assert found("seen by Anna, on Monday", "PERSON", "by", "Anna", ",", "on") == [("PERSON", "Anna")]
    assert found("visit the clinic", "PERSON", "the") == []


def test_an_initial_keeps_its_full_stop_and_a_sentence_does_not():
    assert found("for Sarah L. today", "PERSON", "Sarah", "L", ".") == [("PERSON", "Sarah L.")]
    assert found("for Sarah.", "PERSON", "Sarah", ".") == [("PERSON", "Sarah")]


def test_a_title_belongs_to_its_name_and_is_none_alone():
    assert found("to Dr. Lee at", "PERSON", "Lee") == [("PERSON", "Dr. Lee")]
    assert found("to the Dr today", "PERSON", "Dr") == []


def test_letters_and_digits_that_hang_together_are_one_word():
    assert found("MRN H678934 on", "DATE", "678934") == [("DATE", "H678934")]


def test_a_year_alone_is_a_year():
    assert found("noted in 2021.", "DATE", "2021") == [("YEAR", "2021")]
    assert found("a score of 25", "DATE", "25") == []
    assert found("on 4 May 2021", "DATE", "4", "May", "2021") == [("DATE", "4 May 2021")]


def test_contacts_are_told_by_their_marks():
    assert found("mail a@b.example now", "CONTACT", "a", "@", "b", ".", "example") == [("EMAIL", "a@b.example")]
    assert found("call 555 0100", "CONTACT", "555", "0100") == [("PHONE", "555 0100")]
    assert found("see www.b.example/", "CONTACT", "www", ".", "b", "example", "/") == [("URL", "www.b.example/")]


def test_a_country_is_no_place_in_it():
    assert found("in France now", "PLACE", "France", flags={"France": COUNTRY}.items()) == [("COUNTRY", "France")]
    assert found("in Nice, France now", "PLACE", "Nice", ",", "France", flags={"France": COUNTRY}.items()) == [
        ("PLACE", "Nice, France")
    ]


@pytest.mark.parametrize(("text", "expected"), [("Her walker fell.", []), ("walker", [("PERSON", "walker")])])
def test_a_lower_case_name_in_a_text_with_capitals_must_be_sure(text, expected):
    assert found(text, "PERSON", "walker", chance=0.6, flags={"walker": SURNAME}.items()) == expected


def test_a_lower_case_word_that_nobody_bears_is_no_name_among_capitals():
    assert found("Her appetite fell.", "PERSON", "appetite", chance=1) == []
    assert found("Her walker fell.", "PERSON", "walker", chance=1, flags={"walker": SURNAME}.items()) != []


def test_a_word_that_mostly_names_nobody_must_be_sure():
    assert found("He saw Mark there.", "PERSON", "Mark", chance=0.6, flags={"Mark": COMMON}.items()) == []
    assert found("He saw Mark there.", "PERSON", "Mark", chance=0.95, flags={"Mark": COMMON}.items()) != []


def test_a_state_is_as_large_as_a_country():
    assert found("lives in New Mexico now", "PLACE", "New", "Mexico") == [("COUNTRY", "New Mexico")]
    assert found("lives in Santa Fe, New Mexico now", "PLACE", "Santa", "Fe", ",", "New", "Mexico") == [
        ("PLACE", "Santa Fe, New Mexico")
    ]


@pytest.mark.parametrize(("chance", "expected"), [(0.95, "PERSON"), (0.6, "COUNTRY")])
def test_who_is_called_as_a_country_is_must_be_sure(chance, expected):
    chad = {"Chad": COUNTRY | SURNAME}.items()
    assert found("Her son Chad fell.", "PERSON", "Chad", chance=chance, flags=chad) == [(expected, "Chad")]
    virginia = {"Virginia": SURNAME}.items()
    assert found("Her aunt Virginia fell.", "PERSON", "Virginia", chance=chance, flags=virginia) == [
        (expected, "Virginia")
    ]


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("95F with cough", ("95",), ["95"]),
        ("95 y.o. female", ("95", "y", ".", "o", "."), ["95"]),
        ("aged 95 and 97", ("95", "and", "97"), ["95", "97"]),
        ("a ninety-two-year-old", ("two", "-", "year", "old"), ["ninety-two-year-old"]),
        ("89F with cough", ("89",), []),
        ("BP 120/95", ("/", "95"), []),
        ("1234 y", ("1234", "y"), []),
    ],
)
def test_an_age_over_89_is_an_identifier_however_it_is_written(text, words, expected):
    assert [written for kind, written in found(text, "AGE", *words) if kind == "AGE"] == expected
    assert not [written for kind, written in found(text, "AGE", *words, chance=0.4) if kind == "AGE"]


def test_a_public_body_is_nothing():
    assert found("as the World Health Organization says", "ORGANISATION", "World", "Health", "Organization") == []
    assert found("as the World Health Organization says", "PLACE", "World", "Health") == []
    assert found("as the World Health Organisation says", "PLACE", "World", "Health") == []
    assert found("as Acme Health says", "ORGANISATION", "Acme", "Health") == [("ORGANISATION", "Acme Health")]


def test_a_few_capitals_must_be_sure_to_be_a_firm():
    assert found("He has IBS.", "ORGANISATION", "IBS", chance=0.7) == []
    assert found("He is at IBM.", "ORGANISATION", "IBM", chance=0.95) == [("ORGANISATION", "IBM")]


def test_a_word_of_any_length_is_told_once():
    text = "12ab" * 50
    assert found(text, "ID", "12", "ab") == [("ID", text)]


def test_a_kind_of_place_is_no_place_among_capitals():
    flags = {"university": CITY | ORG_WORD, "hospital": FACILITY_WORD, "francisco": CITY}
    assert found("Near a university hospital.", "PLACE", "university", "hospital", flags=flags.items()) == []
    assert found("At san francisco hospital. Now.", "PLACE", "san", "francisco", "hospital", flags=flags.items()) == [
        ("PLACE", "san francisco hospital")
    ]
