"""Words that identify nobody, beside surrogates: titles, kinds of facilities and streets, parts of dates.

A finding may reach over them without making a surrogate somebody's. Each set is closed, written folded (no accents) in
lower case, and counts for its own types alone: ``West`` is a direction in an address and a surname in a person's name.
"""

from __future__ import annotations

from ringfence.recognize.fold import fold_char
from ringfence.recognize.vocabulary import MONTHS, PARTICLES, STATES, TITLES

_LATIN = {code: fold_char(chr(code)) for code in range(0x80, 0x250)}
"""Latin letters with accents, so that most words fold in one go."""


def fold_word(word: str) -> str:
    """`word` without accents, in lower case."""
    if not word.isascii():
        word = word.translate(_LATIN)
        if not word.isascii():
            word = "".join(map(fold_char, word))
    return word.lower()


def is_letter(word: str) -> bool:
    """Whether `word` is a single Latin letter; one of another script may be a whole name."""
    return len(word) == 1 and fold_word(word).isascii()


_SUFFIXES = "jr ii iii iv md phd rn dds esq frcp facs mba msc"
TITLE_WORDS = frozenset(TITLES.split("|")) | frozenset(_SUFFIXES.split())
"""Before and after a person's name."""

_WITH_A_CAPITAL = "van von der den de del della di dos das los las zum zur"
_CAPITAL_PARTICLES = frozenset(_WITH_A_CAPITAL.split())


def is_particle(word: str) -> bool:
    """Whether `word` is a particle of a surname; with a capital only where hardly anybody is called so."""
    folded = fold_word(word)
    return folded.encode("ascii", "replace") in PARTICLES and (word == folded or folded in _CAPITAL_PARTICLES)


_FACILITIES = """
hospital hospitals medical center centre centers clinic clinics university general regional memorial children childrens
county city community health healthcare care system systems institute school college department dept ward unit units
emergency surgery surgical cardiology oncology radiology pediatric paediatric rehabilitation nursing home hospice
practice laboratory laboratories lab pharmacy office campus building wing floor room suite
clinica centro salud universitario universitaria provincial comarcal ambulatorio consultorio servicio unidad
hopital clinique hospitalier hospitaliere universitaire cabinet
klinikum klinik krankenhaus universitatsklinikum universitatsklinik praxis abteilung
inc llc llp ltd limited gmbh ag kg sa sl sarl sas se plc corp corporation company co bank banco banque sparkasse group
holding holdings insurance assurance versicherung partners associates services service foundation trust fund
international national federal association society agency authority council union
of the and for at in on de del la el las los y du des le les et der die das und am im an
"""
_STREETS = """
street st avenue ave road rd lane ln drive dr court ct boulevard blvd way square sq terrace highway hwy ste apt
apartment fl unit box po north south east west nw ne sw se
calle avenida av avda plaza pza paseo carretera ctra camino
rue chemin allee impasse quai
strasse str weg platz gasse allee zip postcode plz
address addr adresse direccion domicilio anschrift residence bis ter
"""
_PRACTICES = """
hospital hospitals medical clinic clinics university healthcare institute center centre clinica clinique hopital
hospitalier universitaire klinik klinikum krankenhaus of the
"""
FACILITY_WORDS = frozenset(_PRACTICES.split())
"""Those that hardly anybody is called by: beside a name they do not make it a person's."""
PLACE_GENERIC = frozenset(_FACILITIES.split()) | frozenset(_STREETS.split())
"""Beside the name of a place, an organisation or a street."""


def is_state(word: str) -> bool:
    """Whether `word` is the code of a US state, which 45 CFR 164.514(b)(2)(i)(B) lets stand."""
    return len(word) == 2 and word.isascii() and word.isupper() and word.encode() in STATES  # noqa: PLR2004


_WEEKDAYS = """
monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun
lunes martes miercoles jueves viernes sabado domingo lundi mardi mercredi jeudi vendredi samedi dimanche
montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag
"""
_RELATIVE = """
the of on in at to from until since and by this last next past early late mid end day days week weeks month months year
years ago before after today yesterday tomorrow morning afternoon evening night noon midnight st nd rd th
spring summer autumn fall winter
de del el la los las en desde hasta al a y dia mes ano pasado proximo hace hoy ayer manana
le les du des au depuis jusqu il er matin soir an ans jour mois annee dernier prochain hier aujourd hui demain
am im den der dem vom bis seit um uhr und letzten nachsten vor heute gestern morgen jahr monat tag woche
ptm am pm utc gmt z t h
"""
DATE_WORDS = frozenset(MONTHS)
"""Names of months."""
DATE_GENERIC = frozenset(_WEEKDAYS.split()) | frozenset(_RELATIVE.split())
"""Beside a date. Weekdays hold when dates move by whole weeks."""
_AGES = """
a an age aged ages at of the is was year years old yo y o yr yrs over than more older and plus or above
edad de anos ano mas ans alter jahre jahrige jahriger jahriges jahren alt alte
woman man female male patient lady gentleman mujer hombre varon femme homme frau mann
"""
AGE_GENERIC = frozenset(_AGES.split())
"""Beside an age over 89."""
