"""Clinical prose that names nobody, from examination questions, and the rule by which it was chosen.

MMLU's questions on clinical subjects are public and speak of ages, labs, drugs, eponyms and public bodies. A row is
left out where it holds one of the words below, which somebody found by reading every capitalised word of these
subjects: people, places from continents down to towns, months as dates; and where it holds an age over 89, which
identifies (45 CFR 164.514(b)(2)(i)(C)). What a recogniser finds plays no part. Public bodies (WHO, FDA), viruses named
after places (West Nile, Lassa), eponyms and adjectives of origin (African-American) stay: they name nobody.
"""

from __future__ import annotations

import csv
import gzip
import re
from pathlib import Path

from deid_parts.rows import HELD_OUT_EVERY
from deid_parts.score import Row

SUBJECTS = frozenset({"professional_medicine", "anatomy", "nutrition", "virology"})
"""Of MMLU; the ones that are clinical prose."""
PEOPLE = (
    "Antonie,Leeuwenhoek,Charles,Chamberland,Dmitri,Iwanowsky,Jonas,Salk,David,Shoptaw,Pasteur,Robert,MacArthur,"
    "Watson,Crick,Darwin,Mendel,Patricia,Gary,Tom,Thomas,James,Jim,John,Mary,Smith"
)
PLACES = (
    "Afghanistan,Africa,Alaska,America,Arabia,Argentina,Asia,Australia,Bahamas,Baltimore,Bolivia,Britain,California,"
    "Canada,Caribbean,China,Colorado,England,Estonia,Europe,Florida,France,Germany,Hawaii,Helsinki,Idaho,India,Iraq,"
    "Japan,Kansas,Kenya,Latvia,Lithuania,London,Mexico,Mississippi,Missouri,Myanmar,Northwest,Norway,Nuremberg,Oregon,"
    "Pacific,Russia,Scotland,Sudan,Sweden,Thailand,USA,Wales,Washington,York,UK,EU,NZ"
)
MONTHS = "January,February,March,April,June,July,August,September,October,November,December"
NAMED = re.compile(
    rf"\b(?:{'|'.join(f'{PEOPLE},{PLACES},{MONTHS}'.split(','))})\b|\bUnited States\b|U\. ?S\.|\bin May\b"
)
OVER_89 = re.compile(r"\b(?:9\d|1[01]\d)[- ]?(?:years?|yrs?|y/?o)\b", re.IGNORECASE)
ANSWER = re.compile(r"\s*Answer:\s*$")


def names_nobody(text: str) -> bool:
    """Whether the rule above keeps `text`."""
    return NAMED.search(text) is None and OVER_89.search(text) is None


def clean_prose(path: Path) -> list[Row]:
    """The questions with their options, as documents without entities; those rows alone that no training saw.

    Raises:
        OSError: the file cannot be read.
        KeyError: it has no columns ``subject`` and ``prompt``.
    """
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        asked = [
            ANSWER.sub("", row["prompt"])
            for index, row in enumerate(csv.DictReader(file))
            if row["subject"] in SUBJECTS and index % HELD_OUT_EVERY == 0
        ]
    return [Row(text, "en", ()) for text in asked if names_nobody(text)]
