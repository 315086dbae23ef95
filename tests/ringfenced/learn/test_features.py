"""Prompts become numbers that hold none of their text."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfenced.learn.features import BUCKETS, CHARS_MAX, NAMES, featured, keyed, read
from ringfenced.learn.outcome import EMBEDDED, BadState, Features
from ringfenced.learn.prior import PRIOR, SAID, Prior

SALT = bytes(range(16))


def hand(text, name):
    return float(read(text).hand[NAMES.index(name)])


@settings(deadline=None)
@given(st.text(max_size=400))
def test_any_text_becomes_finite_numbers(text):
    """Whatever is asked, the features are finite, of one length, and in their range."""
    features = featured(text, salt=SALT)
    assert len(features.hand) == len(NAMES) + SAID
    assert np.isfinite(features.hand).all()
    assert len(features.index) == len(features.weight)
    assert (features.index < BUCKETS).all()
    if len(features.weight):
        assert float(features.weight @ features.weight) == pytest.approx(1, rel=1e-4)


@settings(deadline=None)
@given(st.text(min_size=1, max_size=200))
def test_stored_bytes_give_the_same_features(text):
    """What is written is what is read."""
    features = featured(text, salt=SALT)
    again = Features.from_bytes(features.to_bytes())
    assert (again.hand == features.hand).all()
    assert (again.index == features.index).all()
    assert (again.weight == features.weight).all()


EMBEDDED_BYTES = replace(
    featured("two words", salt=SALT), embedded=np.arange(EMBEDDED, dtype=np.float32), space=7
).to_bytes()


def test_an_embeddings_numbers_come_back_and_features_without_are_written_as_ever():
    """Outcomes of before there were any are read with those of after."""
    again = Features.from_bytes(EMBEDDED_BYTES)
    assert (again.space, again.embedded.tolist()) == (7, list(range(EMBEDDED)))
    plain = featured("two words", salt=SALT).to_bytes()
    assert (plain[:4], EMBEDDED_BYTES[:4]) == (b"RFF1", b"RFF2")
    assert EMBEDDED_BYTES[4 : len(plain)] == plain[4:]
    assert (Features.from_bytes(plain).space, len(Features.from_bytes(plain).embedded)) == (0, 0)


@pytest.mark.parametrize(
    "broken",
    [
        EMBEDDED_BYTES[:-1],
        EMBEDDED_BYTES + b"0",
        b"RFF1" + EMBEDDED_BYTES[4:],
        EMBEDDED_BYTES[:-100] + bytes(4) + EMBEDDED_BYTES[-96:],
        EMBEDDED_BYTES[:-4] + np.float32(np.nan).tobytes(),
    ],
    ids=["cut", "longer", "unmarked", "no space", "no number"],
)
def test_broken_numbers_of_an_embedding_are_refused(broken):
    with pytest.raises(BadState):
        Features.from_bytes(broken)


@pytest.mark.parametrize(("numbers", "space"), [(0, 7), (EMBEDDED, 0), (EMBEDDED - 1, 7)])
def test_numbers_and_their_space_come_together(numbers, space):
    with pytest.raises(ValueError, match="space"):
        replace(featured("two", salt=SALT), embedded=np.zeros(numbers, np.float32), space=space)


@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused(content):
    """Bytes that are no features raise one typed error."""
    with pytest.raises(BadState):
        Features.from_bytes(content)


def test_stored_bytes_hold_no_word_of_the_prompt():
    """A canary in the prompt is not in the bytes, in whatever encoding."""
    kept = featured("The password of Zaphodia Quux is hunter2hunter2", salt=SALT).to_bytes()
    for canary in ("zaphodia", "Zaphodia", "hunter", "quux"):
        for encoding in ("utf-8", "utf-16-le", "utf-32-le"):
            assert canary.encode(encoding) not in kept


def test_another_salt_gives_other_buckets():
    """Who has stored buckets and not the salt cannot look a word up."""
    one = set(featured("diabetes insulin metformin", salt=SALT).index.tolist())
    other = set(featured("diabetes insulin metformin", salt=bytes(16)).index.tolist())
    assert not one & other


def test_keyed_buckets_are_spread():
    """Neighbouring hashes do not land in neighbouring buckets."""
    buckets = keyed(np.arange(20_000, dtype=np.uint32), SALT)
    assert len(np.unique(buckets)) > 0.95 * BUCKETS * (1 - np.exp(-20_000 / BUCKETS))


def test_case_and_digits_do_not_matter_to_words():
    """Two account numbers of one length are the same word."""
    one, other = read("Account 12345 of ALICE"), read("account 98760 of alice")
    assert (one.grams == other.grams).all()


def test_a_long_prompt_is_read_at_both_ends_only():
    """What stands in the middle of a long prompt changes nothing but its length."""
    ends = "start " * 500, " finish" * 430
    one = read(ends[0] + "x" * 10 * CHARS_MAX + ends[1])
    other = read(ends[0] + "y" * 10 * CHARS_MAX + ends[1])
    assert (one.hand == other.hand).all()
    assert (one.grams == other.grams).all()


def test_marks_of_form_are_seen():
    """Choices, maths and the language of a question show."""
    question = "Solve x^2 = 4.\nA. 1\nB. 2\nC. 3\nAnswer:"
    assert hand(question, "choices") == 3
    assert hand(question, "choices_numeric") == 1
    assert hand(question, "cue_calculate") > 0
    assert hand("Wer ist der Arzt und was ist das?", "cue_german") > hand("Who is the doctor?", "cue_german")
    assert hand("Write a function in python", "cue_write") > 0


def test_the_prior_speaks_where_it_is_given():
    """Without it zeros stand there, so that the length is the same."""
    prior = Prior.from_bytes(PRIOR.read_bytes())
    with_it, without = featured("Why?", salt=SALT, prior=prior), featured("Why?", salt=SALT)
    assert not without.hand[-SAID:].any()
    assert with_it.hand[-SAID:].any()
    assert (with_it.hand[:-SAID] == without.hand[:-SAID]).all()
