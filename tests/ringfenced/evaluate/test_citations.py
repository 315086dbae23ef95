"""What an answer quotes, counts and refers to stands in its source, however it is written."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.cases import case
from ringfenced.evaluate.citations import evaluate

SOURCE = (
    "[1] Revenue was 1,234.50 EUR in 2019. The patient was given 40 mg of furosemide daily.\n"
    "2. Smith, 2020: https://site.example/a?b=1 and doi 10.1000/xyz123"
)


@pytest.mark.parametrize(
    "answer",
    [
        "Revenue was 1.234,5 EUR [1].",
        "Revenue was 1234.50 EUR (2019), see [2].",
        "It says “the PATIENT was given  40 mg of furosemide”.",
        "„The patient was given 40 mg“, see https://site.example/a?b=1.",
        "See doi 10.1000/xyz123 [Smith, 2020].",
        "1. first\n2. second [1, 2]",
    ],
)
def test_what_is_in_the_source_is_supported(answer):
    assert evaluate(case(answer, SOURCE)).score == 1


@pytest.mark.parametrize(
    "answer",
    [
        "Revenue was 1,300 EUR.",
        'It says "the patient was given eighty mg".',
        "See [3].",
        "See https://elsewhere.example/a.",
        "See [Jones, 2021].",
    ],
)
def test_what_is_not_in_it_is_not(answer):
    opinion = evaluate(case(answer, SOURCE))
    assert opinion.score == 0
    assert opinion.reason == "1 of 1 quotes, numbers and references are not in the source"


def test_the_score_is_the_share_that_is_supported():
    assert evaluate(case("In 2019, not in 2018, it was 40 mg [9].", SOURCE)).score == pytest.approx(0.5)


def test_an_answer_that_claims_nothing_is_not_judged():
    assert evaluate(case('It went "well", with 3 of them.', SOURCE)) is None


WORDS = st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta", "epsilon", "zeta"]), min_size=5, max_size=12)


@given(WORDS, st.integers(0, 4))
def test_every_passage_of_the_source_can_be_quoted(words, start):
    passage = " ".join(words[start:])
    opinion = evaluate(case(f'It says "{passage.upper()}".', " ".join(words)))
    assert opinion is None or opinion.score == 1


@given(st.integers(10, 10**9), st.integers(0, 99))
def test_a_number_is_the_same_in_every_way_to_write_it(whole, cents):
    english = f"{whole:,}.{cents:02d}"
    ways = [english, f"{whole}.{cents:02d}", f"{whole:,}".replace(",", ".") + f",{cents:02d}"]
    ways += [f"{whole:,}".replace(",", "'") + f".{cents:02d}", f"{whole:,}".replace(",", "\u202f") + f",{cents:02d}"]
    for way in ways:
        assert evaluate(case(f"It was {way}.", f"It was {english} in all.")).score == 1


@given(st.text(), st.text())
def test_whatever_it_reads_the_score_is_a_share(answer, source):
    opinion = evaluate(case(answer, source))
    assert opinion is None or 0 <= opinion.score <= 1


@pytest.mark.parametrize(
    "piece", ['"', "[", "1,", "1", "https://", " ", "\n", "[A", '"a b c d e f" ', "[12] ", "10.1234/"]
)
def test_hostile_texts_take_time_in_proportion(piece):
    text = piece * (200_000 // len(piece))
    started_s = time.process_time()
    evaluate(case(text, text))
    assert time.process_time() - started_s < 10


def test_marks_that_pile_up_cost_no_more_than_others():
    """Normalising takes the square of their number, and nobody else's request goes on meanwhile: 40,000 took 2 s."""
    piled = "a" + "\u0301\u0316" * 50_000
    start = time.perf_counter()
    evaluate(case("In 2019 it was 40 mg.", piled))
    evaluate(case(piled + " 2019", SOURCE))
    assert time.perf_counter() - start < 2


def test_what_is_too_long_is_not_judged():
    """Four million characters took ten seconds of the thread that judges for everybody."""
    assert evaluate(case("In 2019 it was 40 mg.", SOURCE + "x " * 200_000)).score == 1
    assert evaluate(case("In 2019 it was 40 mg.", SOURCE + "x " * 250_000)) is None


def test_a_mark_stays_with_its_letter_wherever_a_text_is_cut():
    """Sources and quotes are cut at different places."""
    word = "cafe\u0301 "
    for before in range(505, 520):
        source = "x" * before + f" {word * 3}closes"
        assert evaluate(case(f'"{word * 3}closes"', source)).score == 1
