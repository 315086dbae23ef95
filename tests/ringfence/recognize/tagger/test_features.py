"""Features: what is told of a token, and what its neighbours of one gazetteer entry share."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.fold import Folder
from ringfence.recognize.gazetteer import key
from ringfence.recognize.tagger.features import FLAGS, ROWS, SLICES, features
from ringfence.recognize.tagger.tokens import tokenise


def listing(**entries):
    table = {key(words.replace("_", " ").encode()): flag for words, flag in entries.items()}
    return lambda hashes: np.array([table.get(int(value), 0) for value in hashes], dtype=np.uint16)


def flags(text, **entries):
    given_features = features(tokenise(text), listing(**entries))
    return [sum(1 << bit for bit in range(FLAGS) if row[bit]) for row in given_features.flags]


def test_a_word_has_the_flags_of_its_entry():
    assert flags(b"anna 12 Rome", anna=1, rome=4) == [1, 0, 4]


def test_every_word_of_an_entry_of_several_words_has_its_flags():
    assert flags(b"in New York, NY", new_york=4) == [0, 4 << 16, 4 << 16, 0, 0]
    assert flags(b"San Juan de Rio", san_juan_de_rio=8) == [8 << 16] * 4
    assert flags(b"St. Mary", st_mary=2) == [2 << 16, 0, 2 << 16]


def test_words_far_apart_are_no_entry():
    assert flags(b"New   -  York", new_york=4) == [0, 0, 0]


def test_case_and_length_make_the_shape():
    rows = features(tokenise(b"anna Anna ANNA McDo 1234 , ;"), listing()).rows
    assert len(set(rows[:, 6].tolist())) == 7
    assert rows[0, 0] == rows[1, 0] == rows[2, 0]


def test_line_ends_make_the_gap():
    rows = features(tokenise(b"a b\nc\n\nd"), listing()).rows
    assert len(set(rows[:, 7].tolist())) == 4


@given(st.text())
def test_rows_lie_in_the_slices_of_their_kinds(text):
    found = features(tokenise(Folder().fold(text).data), listing())
    low = 0
    for column, size in enumerate(SLICES.values()):
        assert ((found.rows[:, column] >= low) & (found.rows[:, column] < low + size)).all()
        low += size
    assert low == ROWS
    assert found.flags.shape == (len(found.rows), FLAGS)
