"""Units of measure: what a name means, in the base unit of its dimension.

The SI's own factors are exact (BIPM, The International System of Units, 9th edition, 2019, tables 2, 7 and 8); those of
the inch, the pound and what follows from them are exact by definition (NIST Special Publication 811, 2008, appendix B;
the US customary measures of volume are those of NIST Handbook 44, appendix C). A month or a year is no unit here: how
many days it has depends on which one. Scales of temperature are none either: they differ by more than a factor.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

__all__ = ["MONEY", "UNITS", "Unit", "unit_of"]


class Unit(NamedTuple):
    """What one of a unit is."""

    dimension: str
    """What it measures: only units of the same dimension compare."""
    factor: float
    """How many of its dimension's base unit one is."""


_INCH_M = 0.0254
_POUND_G = 453.59237
_GALLON_L = 3.785411784

_TABLE: tuple[tuple[str, float, str], ...] = (
    ("time", 1e-3, "ms millisecond milliseconds Millisekunde Millisekunden milliseconde millisecondes"),
    ("time", 1, "s sec secs second seconds Sekunde Sekunden seconde secondes"),
    ("time", 60, "min mins minute minutes Minute Minuten"),
    ("time", 3600, "h hr hrs hour hours Stunde Stunden Std heure heures"),
    ("time", 86400, "day days Tag Tage Tagen jour jours"),
    ("time", 604800, "week weeks Woche Wochen semaine semaines"),
    ("length", 1e-3, "mm millimeter millimeters millimetre millimetres Millimeter millimètre millimètres"),
    ("length", 1e-2, "cm centimeter centimeters centimetre centimetres Zentimeter centimètre centimètres"),
    ("length", 1, "m meter meters metre metres Metern mètre mètres"),
    ("length", 1e3, "km kilometer kilometers kilometre kilometres Kilometern kilomètre kilomètres"),
    ("length", _INCH_M, "in inch inches Zoll pouce pouces"),
    ("length", 12 * _INCH_M, "ft foot feet"),
    ("length", 36 * _INCH_M, "yd yard yards"),
    ("length", 63360 * _INCH_M, "mi mile miles Meile Meilen"),
    ("mass", 1e-6, "µg ug mcg microgram micrograms Mikrogramm microgramme microgrammes"),
    ("mass", 1e-3, "mg milligram milligrams Milligramm milligramme milligrammes"),
    ("mass", 1, "g gram grams gramme grammes Gramm"),
    ("mass", 1e3, "kg kilo kilos kilogram kilograms Kilogramm kilogramme kilogrammes"),
    ("mass", 1e6, "tonne tonnes Tonne Tonnen"),
    ("mass", _POUND_G / 16, "oz ounce ounces"),
    ("mass", _POUND_G, "lb lbs pound pounds"),
    ("volume", 1e-3, "ml milliliter milliliters millilitre millilitres Milliliter"),
    ("volume", 1e-2, "cl centiliter centiliters centilitre centilitres Zentiliter"),
    ("volume", 1, "l liter liters litre litres Litern"),
    ("volume", _GALLON_L / 16, "cup cups"),
    ("volume", _GALLON_L / 8, "pint pints"),
    ("volume", _GALLON_L / 4, "quart quarts"),
    ("volume", _GALLON_L, "gal gallon gallons"),
    ("count", 2, "pair pairs Paar Paare paire paires"),
    ("count", 12, "dozen dozens Dutzend douzaine douzaines"),
    ("money", 0.01, "cent cents penny pennies c ¢ centime centimes"),
    ("money", 0.05, "nickel nickels"),
    ("money", 0.10, "dime dimes"),
    ("money", 0.25, "quarter quarters"),
    ("money", 1, "dollar dollars $ euro euros Euro € USD EUR"),
    ("data", 1, "B byte bytes Byte"),
    ("data", 1e3, "kB KB kilobyte kilobytes"),
    ("data", 1e6, "MB megabyte megabytes"),
    ("data", 1e9, "GB gigabyte gigabytes"),
    ("data", 1e12, "TB terabyte terabytes"),
)

UNITS = MappingProxyType(
    {name: Unit(dimension, factor) for dimension, factor, names in _TABLE for name in names.split()}
)
"""Every name's unit."""

MONEY = Unit("money", 1.0)
"""What a sign of currency before a number says: one of the currency's own unit, whichever that is."""


def unit_of(words: str) -> Unit | None:
    """The unit that `words`, which follow a number, begin with; None where the table has none."""
    first = words.partition(" ")[0]
    return UNITS.get(first) or UNITS.get(first.lower())
