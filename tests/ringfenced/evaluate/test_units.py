"""The table of units: names are found, in any case that means the same."""

import pytest

from ringfenced.evaluate.units import UNITS, unit_of


@pytest.mark.parametrize(
    ("words", "dimension", "factor"),
    [
        ("hours", "time", 3600),
        ("Hours of work", "time", 3600),
        ("km", "length", 1000),
        ("Stunden", "time", 3600),
        ("lb", "mass", 453.59237),
    ],
)
def test_a_name_finds_its_unit(words, dimension, factor):
    """The first of the words decides."""
    unit = unit_of(words)
    assert unit is not None
    assert (unit.dimension, unit.factor) == (dimension, factor)


@pytest.mark.parametrize("words", ["apples", "", "month", "years ago", "the hours"])
def test_what_is_no_unit_finds_none(words):
    """A month or a year has no fixed length; other things have no unit."""
    assert unit_of(words) is None


def test_factors_are_positive():
    """A unit of nothing would make every conversion right."""
    assert all(unit.factor > 0 for unit in UNITS.values())
