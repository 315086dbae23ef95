"""How the gazetteer is built."""

import sys
from pathlib import Path

from ringfence.recognize.gazetteer import CITY, GIVEN

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models"))

from gazetteers.build import pack
from gazetteers.entries import Entries


def test_packing_the_same_entries_gives_the_same_bytes():
    first, second = Entries(), Entries()
    first.add(["Anna", "Bonn"], GIVEN)
    second.add(["bonn", "ANNA"], GIVEN)
    assert pack(first) == pack(second)
    second.add(["Bonn"], CITY)
    assert pack(first) != pack(second)


def test_an_entry_needs_letters_of_the_latin_alphabet_and_at_most_four_words():
    entries = Entries()
    assert entries.form("L'Hospitalet de Llobregat") == b"l hospitalet de llobregat"
    for text in ("", "X", "Иван", "B12", "one two three four five", "J. R."):
        assert entries.form(text) is None
    entries.add(["Jürgen"], GIVEN)
    assert set(entries.flags) == {b"jurgen", b"juergen"}
