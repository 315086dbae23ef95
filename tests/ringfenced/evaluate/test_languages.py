"""Languages by their function words; in doubt none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.evaluate.languages import WORDS, language_of

TEXTS = {
    "en": "The patient was admitted on Monday with a fever, and it is not clear what the cause of it was.",
    "de": "Die Patientin wurde am Montag mit Fieber aufgenommen, und es ist aus der Akte nicht zu sehen, was es war.",
    "fr": "La patiente a été admise lundi avec de la fièvre et le dossier ne dit pas ce qui est la cause du mal.",
    "es": "La paciente ingresó el lunes con fiebre y no se sabe por el informe cuál es la causa de los síntomas.",
    "it": "La paziente è stata ricoverata lunedì con la febbre e non si sa dalla cartella che cosa ha causato il male.",
}


@pytest.mark.parametrize("code", TEXTS)
def test_a_sentence_is_told(code):
    assert language_of(TEXTS[code]) == code


@pytest.mark.parametrize("text", ["", "42", "Yes.", "SELECT a, b FROM t", "| a | b |\n| 1 | 2 |", "Metoprolol 40 mg"])
def test_what_is_too_short_or_no_prose_is_not(text):
    assert language_of(text) == ""


@given(st.text())
def test_any_text_is_in_a_known_language_or_in_none(text):
    assert language_of(text) in {"", *WORDS}
