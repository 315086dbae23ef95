"""What there is to know of an answer, beside its question, without what either says: numbers of form and of arithmetic.

`read_answer` runs where a request waits: it is linear in what it reads, reads at most `CHARS_MAX` characters of either
text, evaluates nothing but arithmetic (`ringfenced.evaluate.arithmetic`) and parses nothing that can nest deeper than
the parser's own bound. `agrees` compares what two answers come to: after an escalation that is a label of the cheaper
answer that no person has to give.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from ringfenced.evaluate.arithmetic import calculations
from ringfenced.learn import answers_ending, answers_form, answers_numbers, answers_words
from ringfenced.learn.answers_final import final_of, question_of
from ringfenced.learn.outcome import Features

__all__ = ["BUCKETS", "CHARS_MAX", "NAMES", "agrees", "read_answer"]

CHARS_MAX = 12_000
"""Characters of a question or an answer that are read: of a longer one its beginning and its end, half each."""
BUCKETS = 1 << 12
"""Buckets of the hashed words: more would only add noise at the some hundred labels that there are to learn from."""
GRAMS_MAX = 400
"""Words of an answer that are hashed, the last ones: how it ends says the most."""
NAMES: tuple[str, ...] = (*answers_words.NAMES, *answers_numbers.NAMES, *answers_ending.NAMES, *answers_form.NAMES)
"""What each hand feature is, in their order."""
_RELATIVE = 1e-6
_SHORT_CHARS = 80


def read_answer(question: str, answer: str, *, salt: bytes = b"") -> Features:
    """Numbers that tell how far an answer can be trusted.

    Args:
        question: the whole prompt; of examples before the question itself only the fact is used.
        answer: what a model said.
        salt: keys the hashing of words, so that nobody else can look words up in what is kept.

    Returns:
        Hand features in the order of `NAMES`, and hashed words of the answer's end with weights of length 1 together.
    """
    asked = question_of(_bounded(question))
    said = _bounded(answer)
    words = answers_words.words_of(said)
    known, done = answers_numbers.known_of(asked), calculations(said)
    hand = (
        *answers_words.measured(asked, said, words),
        *answers_numbers.measured(asked, said, known, done),
        *answers_ending.measured(asked, said, final_of(said), known, done),
        *answers_form.measured(asked, said),
    )
    index, weight = _hashed(words[-GRAMS_MAX:], said[-24:], salt)
    return Features(np.array(hand, np.float32), index, weight)


def agrees(question: str, cheap: str, strong: str) -> bool | None:
    """Whether two answers to a question come to the same.

    Args:
        question: the prompt that both answer.
        cheap: one answer.
        strong: the other.

    Returns:
        True or False where what they come to can be compared: a number, a choice's letter, a short text; None where
        it cannot, as for code and for prose.
    """
    asked = question_of(_bounded(question))
    if answers_form.asks_for_code(asked):
        return None
    choices = answers_form.choices_of(asked)
    if choices:
        one, other = (answers_form.choice_in(text, choices) for text in (cheap, strong))
        return None if one is None or other is None else one == other
    one_final, other_final = final_of(_bounded(cheap)), final_of(_bounded(strong))
    one_value, other_value = one_final.value, other_final.value
    if answers_numbers.has_numbers(asked) and not (one_value is None and other_value is None):
        if one_value is None or other_value is None:
            return None
        return abs(one_value - other_value) <= _RELATIVE * max(1.0, abs(one_value), abs(other_value))
    if max(len(cheap), len(strong)) <= _SHORT_CHARS:
        return _plain(cheap) == _plain(strong)
    return None


def _plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _bounded(text: str) -> str:
    if len(text) <= CHARS_MAX:
        return text
    half = CHARS_MAX // 2
    return f"{text[:half]}\n{text[-half:]}"


def _hashed(words: list[str], end: str, salt: bytes) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    """Buckets of single words and pairs of them, and of the marks that an answer ends in, digits all alike."""
    key = zlib.crc32(salt) | 1 << 32
    marks = [
        "#" + "".join("0" if mark.isdigit() else mark for mark in end[at : at + 4]) for at in range(0, len(end), 2)
    ]
    codes = np.array([zlib.crc32(word.encode()) for word in words + marks], np.uint64)
    if not len(codes):
        return np.zeros(0, np.uint32), np.zeros(0, np.float32)
    codes = _mixed(codes + np.uint64(key))
    pairs = _mixed(codes[: len(words)][:-1] * np.uint64(31) + codes[: len(words)][1:])
    buckets, counts = np.unique(
        (np.concatenate((codes, pairs)) % np.uint64(BUCKETS)).astype(np.uint32), return_counts=True
    )
    weight = np.log1p(counts).astype(np.float32)
    return buckets, weight / np.float32(np.sqrt(np.dot(weight, weight)))


def _mixed(codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A bijection that spreads every bit (the finaliser of MurmurHash3 by Austin Appleby, public domain)."""
    codes = (codes ^ (codes >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    codes = (codes ^ (codes >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return codes ^ (codes >> np.uint64(33))
