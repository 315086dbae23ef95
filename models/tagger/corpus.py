"""What the tagger learns from: annotated texts, as tokens with targets, and which of their labels can be believed.

A corpus annotates some types and says nothing of others: each has a table from its labels to ours, and the types that
its unlabelled tokens speak of. Everything else is masked and teaches nothing.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from deid_parts.generate import CLEAN, KINDS, LANGUAGES, generate
from ringfence.recognize.fold import Folder
from ringfence.recognize.tagger.tokens import Tokens, tokenise

TYPES = (
    "PERSON",
    "PLACE",
    "ADDRESS",
    "ORGANISATION",
    "DATE",
    "AGE",
    "SEX",
    "KINSHIP",
    "PROFESSION",
    "NATIONALITY",
    "COUNTRY",
    "ID",
    "CONTACT",
    "TITLE",
)
"""What the network tells apart; the first six and the last need context, the others are patterns' too."""

Span = tuple[int, int, str]


class Document(NamedTuple):
    """One annotated text."""

    text: str
    spans: tuple[Span, ...]
    """First character, one past the last, and one of `TYPES`, or "" for what teaches nothing."""
    known: frozenset[str]
    """Types that its unlabelled tokens are certainly not."""
    corpus: str
    """Where it comes from."""


def _words(text: str) -> list[str]:
    return text.split()


_IDENTIFIERS = frozenset({"PERSON", "PLACE", "ADDRESS", "ORGANISATION", "DATE", "ID", "CONTACT"})
_NAMED = frozenset({"PERSON", "PLACE", "ORGANISATION"})

_ASQ = {
    "NAME": "PERSON",
    "GEOGRAPHIC_LOCATION": "PLACE",
    "DATE": "DATE",
    "MEDICAL_RECORD_NUMBER": "ID",
    "HEALTH_PLAN_BENEFICIARY_NUMBER": "ID",
    "SOCIAL_SECURITY_NUMBER": "ID",
    "UNIQUE_IDENTIFIER": "ID",
    "CERTIFICATE_LICENSE_NUMBER": "ID",
    "PHONE_NUMBER": "CONTACT",
    "FAX_NUMBER": "CONTACT",
    "EMAIL_ADDRESS": "CONTACT",
    "IP_ADDRESS": "CONTACT",
}
_MEDDOCAN = {
    "TERRITORIO": "PLACE",
    "PAIS": "COUNTRY",
    "CALLE": "ADDRESS",
    "HOSPITAL": "PLACE",
    "INSTITUCION": "PLACE",
    "CENTRO_SALUD": "PLACE",
    "FECHAS": "DATE",
    "EDAD_SUJETO_ASISTENCIA": "AGE",
    "SEXO_SUJETO_ASISTENCIA": "SEX",
    "FAMILIARES_SUJETO_ASISTENCIA": "KINSHIP",
    "OTROS_SUJETO_ASISTENCIA": "KINSHIP",
    "PROFESION": "PROFESSION",
    "NOMBRE_SUJETO_ASISTENCIA": "PERSON",
    "NOMBRE_PERSONAL_SANITARIO": "PERSON",
    "CORREO_ELECTRONICO": "CONTACT",
    "NUMERO_TELEFONO": "CONTACT",
    "NUMERO_FAX": "CONTACT",
}
_PRESIDIO = {
    "PERSON": "PERSON",
    "TITLE": "TITLE",
    "STREET_ADDRESS": "ADDRESS",
    "ZIP_CODE": "ADDRESS",
    "GPE": "PLACE",
    "ORGANIZATION": "ORGANISATION",
    "NRP": "NATIONALITY",
    "DATE_TIME": "DATE",
    "AGE": "AGE",
    "PHONE_NUMBER": "CONTACT",
    "EMAIL_ADDRESS": "CONTACT",
    "DOMAIN_NAME": "CONTACT",
    "IP_ADDRESS": "CONTACT",
}
_ECHR = {
    "DATE": "DATE",
    "LOC": "PLACE",
    "PER": "PERSON",
    "LEGAL_PROFESSIONAL": "PERSON",
    "ORG": "ORGANISATION",
    "NATIONALITY": "NATIONALITY",
    "CODE": "ID",
}
_NEWS = {
    "PER": "PERSON",
    "LOC": "PLACE",
    "ORG": "ORGANISATION",
    "person": "PERSON",
    "location": "PLACE",
    "place": "PLACE",
    "group": "ORGANISATION",
    "corporation": "ORGANISATION",
    "organization": "ORGANISATION",
    "Person": "PERSON",
    "Location": "PLACE",
    "Organisation": "ORGANISATION",
}
_TABLES: Mapping[str, tuple[Mapping[str, str], frozenset[str], str]] = {
    "asq_phi_dev": (_ASQ, _IDENTIFIERS, "ID"),
    "meddocan_train": (_MEDDOCAN, frozenset(TYPES) - {"TITLE", "ORGANISATION"}, "ID"),
    "meddocan_dev": (_MEDDOCAN, frozenset(TYPES) - {"TITLE", "ORGANISATION"}, "ID"),
    "presidio_research_dev": (_PRESIDIO, frozenset(TYPES) - {"COUNTRY", "SEX", "KINSHIP", "PROFESSION"}, "ID"),
    "echr_fr_dev": (_ECHR, _NAMED | {"DATE", "NATIONALITY"}, ""),
    "echr_es_dev": (_ECHR, _NAMED | {"DATE", "NATIONALITY"}, ""),
    "wikigold": (_NEWS, _NAMED, ""),
    "gum_train": (_NEWS, _NAMED, ""),
    "wnut_train": (_NEWS, _NAMED, ""),
    "re3d_train": (_NEWS, _NAMED, ""),
    "sec_train": (_NEWS, _NAMED, ""),
}
"""File to its labels, the types that it annotates, and what a label outside the table means."""
_NOUNS_TOO = frozenset({"gum_train", "re3d_train", "sec_train"})
"""Corpora whose entities are phrases, pronouns and roles too: only capitalised words inside a text's line teach."""
_ROLES = frozenset(
    _words(
        "borrower borrowers lender lenders agent company employee executive bank purchaser seller guarantor holder "
        "party parties administrative issuer i you he she it we they his her its their our your my who"
    )
)
_CAPITALISED = re.compile(r"[A-ZÀ-ÞŁŠŽ][\w'\u2019.-]+")
_CLINICAL = frozenset({"anatomy", "nutrition", "professional_medicine", "virology", "human_aging"})
_SCIENCES = frozenset(
    _words(
        "high_school_biology conceptual_physics electrical_engineering machine_learning computer_security astronomy "
        "high_school_chemistry high_school_physics college_mathematics high_school_computer_science abstract_algebra"
    )
)
"""Subjects that name laws and tests after people, and nobody else."""


def read_folder(folder: Path) -> Iterator[tuple[str, int, Document]]:
    """Every annotated text under `folder`: its file's stem, its row, and the text."""
    for stem, (labels, known, other) in _TABLES.items():
        path = folder / f"{stem}.jsonl"
        if not path.exists():
            continue
        with path.open(encoding="utf-8") as lines:
            for row, line in enumerate(lines):
                yield stem, row, _document(json.loads(line), stem, labels, known, other)


def _document(
    row: Mapping[str, object], stem: str, labels: Mapping[str, str], known: frozenset[str], other: str
) -> Document:
    text = str(row["text"])
    spans: list[Span] = []
    raw = row["spans"]
    assert isinstance(raw, list)
    for start, end, label, _group in raw:
        kind = labels.get(label, other)
        if stem in _NOUNS_TOO and kind:
            spans.append((start, end, ""))
            spans += [
                (start + word.start(), start + word.end(), kind)
                for word in _CAPITALISED.finditer(text[start:end])
                if start + word.start() > 0 and word.group().lower() not in _ROLES
            ]
        else:
            spans.append((start, end, kind))
    return Document(text, tuple(spans), known, stem)


def read_clean(path: Path) -> Iterator[tuple[int, Document]]:
    """Questions of MMLU on medicine and the sciences: hardly anything in them identifies anybody (see the card)."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        for row, fields in enumerate(csv.DictReader(lines)):
            if fields["subject"] in _CLINICAL:
                yield row, Document(fields["prompt"], (), _IDENTIFIERS - {"DATE"}, "mmlu")
            elif fields["subject"] in _SCIENCES:
                yield row, Document(fields["prompt"], (), _IDENTIFIERS - {"DATE", "PLACE", "ORGANISATION"}, "mmlu")


_GENERATED = {
    "PERSON": "PERSON",
    "PLACE": "PLACE",
    "HOSPITAL": "PLACE",
    "ADDRESS": "ADDRESS",
    "ORGANISATION": "ORGANISATION",
    "DATE": "DATE",
    "TIME": "",
    "STATE": "",
    "YEAR": "",
    "AGE": "AGE",
    "AGE_UNDER_90": "AGE",
    "SEX": "SEX",
    "KINSHIP": "KINSHIP",
    "PROFESSION": "PROFESSION",
    "NATIONALITY": "NATIONALITY",
    "COUNTRY": "COUNTRY",
    "PHONE": "CONTACT",
    "EMAIL": "CONTACT",
    "URL": "CONTACT",
    "IP": "",
    "MAC": "",
    "USERNAME": "",
    "SECRET": "",
    "TITLE": "TITLE",
}


def read_generated(seed: int, count: int) -> Iterator[Document]:
    """Generated notes, letters, claims, chats and questions, and look-alikes without identifiers.

    Their frame, names and towns are those of the generators' ``train`` split; what figures are measured on is ``eval``.

    Args:
        seed: another one gives other documents.
        count: documents of each kind and language.
    """
    known = frozenset(TYPES) - {"TITLE", "SEX", "KINSHIP", "PROFESSION", "NATIONALITY", "COUNTRY", "AGE"}
    for lang in LANGUAGES:
        for kind in (*KINDS, *CLEAN):
            for made in generate(kind, lang, seed, count * (2 if lang == "en" else 1), "train"):
                spans = tuple((start, end, _GENERATED.get(label, "ID")) for start, end, label, _ in made.spans)
                yield Document(made.text, spans, known, f"generated_{lang}")


class Example(NamedTuple):
    """A document as the network reads it."""

    tokens: Tokens
    targets: npt.NDArray[np.float32]
    """n x types: 1 where a token belongs to an entity of the type."""
    mask: npt.NDArray[np.float32]
    """n x types: 0 where nobody knows."""


def example(document: Document, folder: Folder) -> Example:
    """`document`, folded, in tokens."""
    folded = folder.fold(document.text)
    tokens = tokenise(folded.data)
    places = (
        np.asarray(folded.offsets, dtype=np.int64)
        if folded.offsets is not None
        else np.arange(len(folded.data) + 1, dtype=np.int64)
    )
    starts, ends = places[tokens.starts], places[np.maximum(tokens.ends - 1, 0)] + 1
    targets = np.zeros((len(tokens), len(TYPES)), dtype=np.float32)
    mask = np.zeros_like(targets)
    mask[:, [TYPES.index(name) for name in sorted(document.known)]] = 1
    for start, end, kind in sorted(document.spans, key=lambda span: span[2] != ""):
        inside = (starts < end) & (ends > start)
        # What is one entity may be another too (a hospital is a place and an organisation): only the own type is sure.
        mask[inside] = 0
        if kind:
            targets[inside] = 0
            targets[inside, TYPES.index(kind)] = 1
            mask[np.ix_(inside, _sure(kind))] = 1
    return Example(tokens, targets, mask)


def _sure(kind: str) -> Sequence[int]:
    """The types of which an entity of `kind` says something: itself, and what nobody would mix it up with."""
    blurred = {
        "PLACE": {"ORGANISATION", "COUNTRY", "ADDRESS"},
        "ORGANISATION": {"PLACE", "NATIONALITY"},
        "COUNTRY": {"PLACE", "ADDRESS"},
        "ADDRESS": {"PLACE", "COUNTRY"},
        "NATIONALITY": {"COUNTRY"},
        "KINSHIP": {"SEX", "PROFESSION"},
        "SEX": {"KINSHIP", "PROFESSION"},
        "PROFESSION": {"TITLE"},
        "PERSON": {"TITLE"},
        "TITLE": {"PROFESSION"},
    }.get(kind, set())
    return [index for index, name in enumerate(TYPES) if name not in blurred]
