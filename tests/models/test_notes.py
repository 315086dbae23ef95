"""The notes generator: same seed, same notes; every answer can be read from its note; identifiers pass their checks."""

import json
import re
import sys
from pathlib import Path
from random import Random

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "models"))

from tiny import identifiers, notes, questions
from tiny.names import KNOWN, RESERVED
from tiny.surrogates import replaced


def drawn(seed: int, count: int) -> list[notes.Note]:
    """Draw notes in all layouts."""
    rng = Random(seed)
    return [notes.draw(rng, layouts=notes.FAMILIAR + notes.UNFAMILIAR) for _ in range(count)]


def luhn_holds(number: str) -> bool:
    """Whether the last digit is the Luhn digit of the others."""
    return identifiers.luhn_digit(number[:-1]) == number[-1]


def test_the_same_seed_draws_the_same_notes() -> None:
    """Two generators with one seed agree on every field, and another seed differs."""
    assert drawn(3, 50) == drawn(3, 50)
    assert drawn(3, 50) != drawn(4, 50)


@pytest.mark.parametrize("layout", notes.FAMILIAR + notes.UNFAMILIAR, ids=lambda layout: str(layout.__name__))
def test_every_layout_carries_name_and_case_verbatim(layout: notes.Layout) -> None:
    """What is to be copied stands in the note, character by character."""
    rng = Random(11)
    for _ in range(200):
        note = notes.draw(rng, layouts=[layout])
        assert note.name in note.text
        assert note.case in note.text


def test_answers_are_one_line_of_compact_json_with_the_five_keys() -> None:
    """An answer parses, has the keys in order, and holds no blank outside strings and no line break."""
    for note in drawn(5, 200):
        answer = json.loads(note.answer)
        assert tuple(answer) == notes.KEYS
        assert answer["urgency"] in {"routine", "soon", "urgent"}
        assert "\n" not in note.answer
        assert note.answer.startswith('{"name":"')


def test_the_case_is_not_part_of_another_identifier() -> None:
    """The reference occurs as a token of its own, so the right answer is unambiguous."""
    for note in drawn(6, 300):
        assert re.search(rf"(?<![\w]){re.escape(note.case)}(?![\w])", note.text)


def test_held_out_names_are_not_trained_on() -> None:
    """The two pools of names share nothing."""
    assert not set(KNOWN.given) & set(RESERVED.given)
    assert not set(KNOWN.family) & set(RESERVED.family)


def test_identifiers_pass_the_checks_that_a_validator_makes() -> None:
    """NPI and card number satisfy Luhn, the IBAN satisfies mod 97."""
    rng = Random(8)
    for _ in range(200):
        assert luhn_holds("80840" + identifiers.npi(rng))
        assert luhn_holds(re.sub(r"\D", "", identifiers.pan(rng)))
        iban = identifiers.iban(rng).replace(" ", "")
        assert int("".join(str(int(char, 36)) for char in iban[4:] + iban[:4])) % 97 == 1


def test_luhn_digit_of_a_known_number() -> None:
    """ISO/IEC 7812-1's digit of the much-used test card 4111 1111 1111 1111 is 1."""
    assert identifiers.luhn_digit("411111111111111") == "1"


def test_public_questions_are_distinct_and_answered() -> None:
    """Twenty-four questions, each once, each answer one sentence."""
    asked = [question for question, _ in questions.QUESTIONS]
    assert len(set(asked)) == len(asked) == 24
    assert all(answer.endswith(".") for _, answer in questions.QUESTIONS)


def test_replacing_identifiers_keeps_the_formats_and_the_clinical_text() -> None:
    """Names and numbers change, the reference keeps its form, the NPI stays valid, the text after the mark stays."""
    note = "Patient: Ada Ames\nMRN: AB-1234\nPhysician: Dr. Bo Berg, NPI 2580730218\n\nSeen for asthma. Pulse 76."
    text, people, case = replaced(Random(1), note, ("Ada Ames", "Bo Berg"), "AB-1234", "Seen")
    assert text.endswith("Seen for asthma. Pulse 76.")
    assert f"Patient: {people[0]}\nMRN: {case}\nPhysician: Dr. {people[1]}, NPI " in text
    assert re.fullmatch(r"AB-\d{4}", case)
    assert luhn_holds("80840" + re.search(r"NPI (\d+)", text)[1])
