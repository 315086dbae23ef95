"""Words that are no names: common ones, and those of medicine, occupations, relatives, organisations."""

from __future__ import annotations

import csv
import gzip
import importlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from gazetteers.entries import Entries
from ringfence.recognize.gazetteer import (
    BIG_CITY,
    COMMON,
    COUNTRY,
    EPONYM,
    FACILITY_WORD,
    FREQUENT_GIVEN,
    FREQUENT_SURNAME,
    KINSHIP,
    MEDICAL,
    NATIONALITY,
    ORG_WORD,
    PROFESSION,
)

LISTS = Path(__file__).parent / "lists"
"""Our own lists: words, `#` before a remark, ``_`` for a blank."""
OWN = {
    "common": COMMON,
    "country": COUNTRY,
    "eponym": EPONYM,
    "function": COMMON,
    "facility": FACILITY_WORD | ORG_WORD,
    "kinship": KINSHIP,
    "medical": MEDICAL,
    "nationality": NATIONALITY,
    "org": ORG_WORD,
    "profession": PROFESSION,
}
"""A list's name and what its words are."""
SCOWL_SIZES = (10, 20, 35, 40, 50)
"""Which of SCOWL's sizes count as common words."""
SCOWL_SURE = (10, 20)
"""In these a word is common even where it is a frequent given name: will, mark, rose."""
MEDICAL_SUBJECTS = frozenset(
    {
        "anatomy",
        "clinical_knowledge",
        "college_medicine",
        "medical_genetics",
        "nutrition",
        "professional_medicine",
        "virology",
        "human_aging",
    }
)
"""Subjects of MMLU whose rarer words are medical."""
SEEN_MIN = 2
"""How often a word must stand in a text in lower case."""
LOWER_SHARE_MIN = 0.8
"""And which share of all its places."""
_MEDICAL_END = re.compile(
    r".{3,}(itis|osis|oses|aemia|emia|ectomy|ectomia|ostomy|otomy|oplasty|plastia|pathy|patia|pathie|oma|omas|omata|"
    r"scopy|scopia|scopie|graphy|grafia|graphie|algia|algie|uria|penia|penie|plegia|plegie|trophy|megaly|megalia|"
    r"cillin|cilina|mycin|micina|azole|azol|prazole|prazol|olol|pril|sartan|statin|statina|mab|nib|vir|caine|caina|"
    r"lysis|rrhea|rrhage|logy|logia|logie|cardia|cardie|tension|toxin|ase|cyte|cytes|citos)$"
)
"""Endings of diseases, operations, tests and drugs (INN stems)."""
_WORD = re.compile(r"(?<![\w@./+-])[^\W\d_]+(?![\w@/+-]|\.\w)")
"""A word; not a part of an address or a name of a file."""


def own(entries: Entries) -> None:
    """Our own lists; what `function.txt` names is no name at all."""
    entries.drop(_own("function"), ~COMMON)
    for name, flags in OWN.items():
        entries.add(_own(name), flags)


def _own(name: str) -> list[str]:
    lines = (line for line in (LISTS / f"{name}.txt").read_text().splitlines() if not line.startswith("#"))
    return [word.replace("_", " ") for line in lines for word in line.split()]


def english(entries: Entries, wordlist: Path) -> None:
    """SCOWL's lower-case words. Call after the names: of the rarer words frequent given names are left out."""
    for dialect in ("english", "american", "british"):
        for size in (*SCOWL_SIZES, 55, 60, 70):
            words = json.loads((wordlist / "package" / f"{dialect}-words-{size}.json").read_text())
            entries.add((word for word in words if _MEDICAL_END.fullmatch(word)), MEDICAL)
            if size in SCOWL_SIZES:
                sure = size in SCOWL_SURE
                entries.add(
                    (word for word in words if word.islower() and (sure or not entries.has(word, FREQUENT_GIVEN))),
                    COMMON,
                )


def stop_words(entries: Entries, stopwords: Path) -> None:
    """Function words."""
    table = json.loads((stopwords / "package" / "stopwords-iso.json").read_text())
    for language in ("en", "es", "fr", "de", "it", "pt", "nl", "ca"):
        entries.add((word for word in table[language] if not entries.has(word, FREQUENT_GIVEN)), COMMON)


def lorem(entries: Entries) -> None:
    """Faker's plain words; German nouns are common too."""
    for locale in ("en_US", "es_ES", "fr_FR", "de_DE", "nl_NL", "it_IT"):
        provider = importlib.import_module(f"faker.providers.lorem.{locale}").Provider
        words = {
            word for word in provider.word_list if not entries.has(word, FREQUENT_GIVEN | FREQUENT_SURNAME | BIG_CITY)
        }
        entries.add(sorted(words), COMMON)


def jobs(entries: Entries) -> None:
    """Faker's occupations: of ``Engineer, electrical`` the head; of ``Médico/a`` the first form."""
    for locale in ("en_US", "es_ES", "fr_FR", "de_DE"):
        provider = importlib.import_module(f"faker.providers.job.{locale}").Provider
        for name in ("jobs", "jobs_male", "jobs_female"):
            entries.add((re.split(r"[,/(]", job)[0] for job in getattr(provider, name, ())), PROFESSION)


def corpora(entries: Entries, data: Path) -> None:
    """Words in lower case in clinical cases and judgments; rows kept for measuring (every fifth) are not read."""
    for pattern in ("meddocan_*.jsonl", "echr_*.jsonl"):
        common = _lower(
            json.loads(line)["text"]
            for file in sorted((data / "deid").glob(pattern))
            for index, line in enumerate(file.read_text().splitlines())
            if index % 5
        )
        entries.add(common, COMMON)
        entries.add((word for word in common if _MEDICAL_END.fullmatch(word)), MEDICAL)


def mmlu(entries: Entries, data: Path) -> None:
    """Words of medical examination questions that stand in lower case, unless they are among SCOWL's smaller sizes."""
    with gzip.open(data / "routing" / "mmlu_dev.csv.gz", "rt", newline="") as lines:
        rows = [row["prompt"] for row in csv.DictReader(lines) if row["subject"] in MEDICAL_SUBJECTS]
    words = _lower(rows)
    entries.add((word for word in words if not entries.has(word, COMMON)), MEDICAL)
    entries.add(words, COMMON)


def _lower(texts: Iterable[str]) -> list[str]:
    """Words of three letters and more that mostly stand in lower case."""
    lower, everywhere = Counter[str](), Counter[str]()
    for word in _words(texts):
        lower[word.lower()] += word.islower()
        everywhere[word.lower()] += 1
    return sorted(
        word
        for word, count in lower.items()
        if len(word) >= 3 and count >= SEEN_MIN and count >= LOWER_SHARE_MIN * everywhere[word]
    )


def _words(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from _WORD.findall(text)
