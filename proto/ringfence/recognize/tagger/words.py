"""Words that say where an entity ends, and what is none: folded, in lower case, in four languages."""

from __future__ import annotations

from typing import Final

from ringfence.recognize.vocabulary import MONTHS

TITLES: Final = frozenset(
    b"dr dra mr mrs ms mx miss prof professor doctor sir "
    b"sr sra srta don dona herr frau fr hr mme mlle madame monsieur".split()
)
"""Before a name, and part of it: who bears it is known by it."""
EDGES: Final = frozenset(
    b"a an the of and or on in at for from to with by is was are were be has had his her their our your my this that "
    b"who whose which when where seen ref re as until since before after via "
    b"el la los las de del en y con por para un una al se que le les du des et chez dans pour par "
    b"der die das den dem und von vom zum zur im am bei mit fur".split()
)
"""Words that no entity ends with; none begins with one in lower case, but for particles of names."""
PARTICLES: Final = frozenset(b"de del la las los el van von der den da di du le al bin ibn st".split())
ABBREVIATIONS: Final = frozenset(
    b"inc ltd co corp llc gmbh sa st ave rd blvd dr ln ct pl sq apt no str u al ul".split()
)
"""End with a full stop that belongs to a firm, a street or a town."""
CODE_SYSTEMS: Final = frozenset(
    b"loinc icd cpt drg hcpcs snomed ndc rxnorm atc mesh omim modifier pmid doi isbn issn nct gene chapter table "
    b"figure grade stage type form version section article usc cfr iso din rfc cve".split()
)
"""Before a number that everybody may know."""
TIME_WORDS: Final = frozenset(word.encode() for word in MONTHS) | frozenset(
    b"monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun "
    b"lunes martes miercoles jueves viernes sabado domingo lundi mardi mercredi jeudi vendredi samedi dimanche "
    b"montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag "
    b"christmas easter thanksgiving halloween ramadan navidad noel paques weihnachten ostern pfingsten silvester "
    b"spring summer autumn winter primavera verano otono invierno printemps ete automne hiver fruhling sommer herbst "
    b"yesterday today tomorrow ayer hoy manana hier demain gestern heute morgen "
    b"week weekend month semana mes semaine mois woche monat".split()
)
"""One of them makes a day of a few digits."""
