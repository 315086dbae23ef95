"""Invented patients and customers, written in several layouts, for questions whose answers are known to stand there."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

from deid_parts.generate.names import person


@dataclass(frozen=True, slots=True)
class Record:
    """One text and who it speaks of."""

    text: str
    """What a model is given."""
    name: str
    """The patient or customer, as the questions write it."""


_DATES = ("{0:%Y-%m-%d}", "{0:%m/%d/%Y}", "{0:%B} {0.day}, {0:%Y}", "{0.day} {0:%B} {0:%Y}")
_SHEET = """Patient: {name}
MRN: {mrn}
DOB: {born}
Admitted: {admitted}
Discharged: {discharged}
Attending: Dr. {doctor}
Phone: {phone}

{name} is a {age}-year-old with {illness}, treated with {drug}. Lives at {house} Linden Street, Springfield, IL 62704.
"""
_LETTER = """Dear Dr. {doctor},

thank you for seeing {name} (DOB: {born}, MRN: {mrn}), a {age}-year-old with {illness}. Admitted: {admitted}.
Discharged: {discharged}. The dose of {drug} was raised. Call Mr {family} at {phone}.
"""
_FIELDS = """Name: {name}
DOB: {born}
MRN: {mrn}
Admitted: {admitted}
Discharged: {discharged}
Attending: Dr. {doctor}
Phone: {phone}
Diagnosis: {illness}
Drug: {drug}
Age: {age}-year-old
"""
_LAYOUTS = (_SHEET, _LETTER, _FIELDS)
_ILLNESSES = ("pneumonia", "atrial fibrillation", "type 2 diabetes", "a hip fracture", "chronic kidney disease")
_DRUGS = ("apixaban 5 mg", "metformin 500 mg", "ceftriaxone 2 g", "furosemide 40 mg")


def records(count: int, seed: int) -> list[Record]:
    """`count` records; the same for the same `seed`."""
    return [_record(random.Random(f"utility-{seed}-{number}")) for number in range(count)]


def _record(rng: random.Random) -> Record:
    admitted = date(2019, 1, 1) + timedelta(days=rng.randrange(2000))
    born = admitted - timedelta(days=rng.randrange(20 * 366, 88 * 365))
    style = rng.choice(_DATES)
    patient, doctor = person("en", rng, "eval"), person("en", rng, "eval")
    name = f"{patient.given} {patient.family}"

    def written(day: date) -> str:
        return style.format(day)

    text = rng.choice(_LAYOUTS).format(
        name=name,
        family=patient.family,
        doctor=f"{doctor.given} {doctor.family}",
        mrn=f"{rng.randrange(10**7, 10**8)}",
        born=written(born),
        admitted=written(admitted),
        discharged=written(admitted + timedelta(days=rng.randrange(1, 40))),
        phone=f"({rng.randrange(201, 990)}) {rng.randrange(220, 990)}-{rng.randrange(1000, 10000)}",
        age=(admitted - born).days // 366,
        illness=rng.choice(_ILLNESSES),
        drug=rng.choice(_DRUGS),
        house=rng.randrange(1, 999),
    )
    return Record(text, name)
