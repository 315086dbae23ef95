"""What held nothing is not read again; nothing else is remembered, and of nothing more than a digest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.finding import Finding
from ringfenced.site.cleantexts import KEY_BYTES, CleanTexts

KEY = bytes(KEY_BYTES)
WARD, LAB = b"ward", b"lab"
NAME = Finding(0, 3, "PERSON", 0.9, "t")


class Reader:
    """Finds a name in whatever begins with one, and knows what it was asked."""

    def __init__(self):
        self.read = []

    def __call__(self, text):
        self.read.append(text)
        return (NAME,) if text.startswith("Ann") else ()


def test_what_held_nothing_is_read_once_and_what_held_something_each_time():
    reader = Reader()
    scan = CleanTexts(KEY).remembering(reader, WARD)
    assert [scan(text) for text in ("hello", "Ann", "hello", "Ann")] == [(), (NAME,), (), (NAME,)]
    assert reader.read == ["hello", "Ann", "Ann"]


def test_a_department_learns_nothing_of_what_another_sends():
    """Not even by the time that an answer takes."""
    reader, texts = Reader(), CleanTexts(KEY)
    for share in (WARD, LAB, WARD, LAB):
        texts.remembering(reader, share)("hello")
    assert reader.read == ["hello", "hello"]


def test_a_text_that_could_not_be_read_is_not_taken_for_clean():
    def fails(_text):
        raise RuntimeError

    texts = CleanTexts(KEY)
    with pytest.raises(RuntimeError):
        texts.remembering(fails, WARD)("Ann")
    assert texts.remembering(Reader(), WARD)("Ann") == (NAME,)


def test_a_full_memory_forgets_what_was_not_asked_for_longest():
    reader = Reader()
    scan = CleanTexts(KEY, texts_max=10).remembering(reader, WARD)
    for text in ("always", *(f"{number}" for number in range(10))):
        scan(text)
        scan("always")
    assert reader.read.count("always") == 1
    scan("0")
    assert reader.read.count("0") == 2


def test_nothing_of_a_text_is_kept():
    texts = CleanTexts(KEY)
    texts.remembering(Reader(), WARD)("palpitations " * 100)
    kept = [key for owner in texts._known._owners.values() for key in owner]
    assert [len(key) for key in kept] == [16]


@given(st.lists(st.sampled_from(["", "a", "Ann", "Ann S.", "\ud800", "\udfff", "é", "b" * 300]), max_size=40))
def test_answers_are_those_of_the_reader(texts):
    """Lone surrogates, which JSON may bring, included."""
    scan = CleanTexts(KEY, texts_max=4).remembering(Reader(), WARD)
    assert [scan(text) for text in texts] == [Reader()(text) for text in texts]


def test_another_key_makes_other_digests():
    """Who reads a memory cannot look for a text in it without the key."""
    made = []
    for key in (KEY, b"k" * KEY_BYTES):
        texts = CleanTexts(key)
        texts.remembering(Reader(), WARD)("hello")
        made.append(next(iter(texts._known._owners[WARD.hex()])))
    assert made[0] != made[1]
