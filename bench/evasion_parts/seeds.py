"""Identifiers of nobody in sentences that a recogniser finds them in, and sentences without any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from ringfence.recognize.validators import iban_check_digits, luhn_digit


@dataclass(frozen=True, slots=True)
class Seed:
    """One identifier in one sentence."""

    entity_type: str
    """What it is."""
    value: str
    """As it is written plainly."""
    before: str
    """The sentence before it."""
    after: str
    """And after it."""

    def text(self, value: str) -> str:
        """The sentence with `value` in its place."""
        return f"{self.before}{value}{self.after}"


CARRIERS = {  # a row a type
    "PERSON": (
        "Patient: {}\nSeen on the ward today.",
        "The customer's name is: {}, who called about a fee.",
        "Dear Mr {},\nthank you for coming.",
        "Name: {}; diagnosis pending.",
    ),
    "SSN": (
        "Please note SSN {} for the file.",
        "The social security number: {} was given at the desk.",
        "It is {} as far as we know.",
        "SSN={}, checked.",
    ),
    "PAN": (
        "Charge card {} for the visit.",
        "The credit card: {} has been blocked.",
        "He paid with {} yesterday.",
        "Card number: {}.",
    ),
    "IBAN": ("Transfer it to {} today.", "IBAN: {}, please.", "The account {} was closed."),
    "MRN": ("MRN: {} was admitted.", "Medical record number: {} is missing.", "See the chart of patient ID: {} again."),
    "PHONE": ("Call {} before noon.", "Phone: {}, evenings only.", "Her mobile is {} now."),
    "EMAIL": ("Write to {} please.", "Email: {}, on weekdays.", "The report went to {} by mistake."),
    "DATE": ("Born on {} in a small town.", "DOB: {}, no allergies.", "Discharged on {} in good health."),
    "ADDRESS": ("Address: {}\nLives alone.", "She lives at {} with a dog."),
    "SECRET": ("The password: {} must be changed.", "api_key = {}\nretries = 3", "Use token: {} for the upload."),
    "ACCOUNT": ("Account number: {} is overdrawn.", "Account no. {} was opened."),
}
"""Entity type to sentences; each holds nothing else that identifies anybody."""

_GIVEN = ("John", "Mary", "Peter", "Susan", "Robert", "Linda", "Carlos", "Emma", "David", "Laura")
_FAMILY = (
    "Smith",
    "Johnson",
    "Walters",
    "Henderson",
    "Martinez",
    "Fletcher",
    "Schneider",
    "Dubois",
    "Morrison",
    "Keller",
)
_STREETS = ("Maple Street", "Oak Avenue", "Washington Street", "Park Road", "Mill Lane", "Chestnut Drive")
_HOSTS = ("mailbox.org", "hospital.com", "clinic-north.org", "gmail.com", "bank24.de")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789"


def _digits(rng: Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def _pan(rng: Random) -> str:
    body = rng.choice(("4", "51", "2221", "37")) + _digits(rng, 15)
    body = body[: 14 if body.startswith("37") else 15]
    digits = body + luhn_digit(body)
    if len(digits) == 16 and rng.random() < 0.5:
        return " ".join(digits[at : at + 4] for at in range(0, 16, 4))
    return digits


def _iban(rng: Random) -> str:
    country, length = rng.choice((("DE", 18), ("FR", 23), ("ES", 20), ("NL", 14)))
    national = ("ABNA" if country == "NL" else "") + _digits(rng, length - (4 if country == "NL" else 0))
    compact = country + iban_check_digits(country, national) + national
    if rng.random() < 0.5:
        return " ".join(compact[at : at + 4] for at in range(0, len(compact), 4))
    return compact


def _mrn(rng: Random) -> str:
    return rng.choice(
        (_digits(rng, 8), f"{rng.choice('ABKM')}{_digits(rng, 7)}", f"{rng.randint(100, 999)}-{_digits(rng, 4)}")
    )


def _date(rng: Random) -> str:
    year, month, day = rng.randint(1931, 2019), rng.randint(1, 12), rng.randint(1, 28)
    return rng.choice((f"{year}-{month:02d}-{day:02d}", f"{month:02d}/{day:02d}/{year}"))


def _secret(rng: Random) -> str:
    aws = "".join(rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16))
    return rng.choice((f"AKIA{aws}", "ghp_" + "".join(rng.choice(_LETTERS) for _ in range(36))))


_VALUES: dict[str, Callable[[Random], str]] = {
    "PERSON": lambda rng: f"{rng.choice(_GIVEN)} {rng.choice(_FAMILY)}",
    "SSN": lambda rng: f"{rng.randint(101, 665)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}",
    "PAN": _pan,
    "IBAN": _iban,
    "MRN": _mrn,
    "PHONE": lambda rng: f"{rng.randint(201, 989)}-{rng.randint(200, 989)}-{_digits(rng, 4)}",
    "EMAIL": lambda rng: f"{rng.choice(_GIVEN).lower()}.{rng.choice(_FAMILY).lower()}@{rng.choice(_HOSTS)}",
    "DATE": _date,
    "ADDRESS": lambda rng: f"{rng.randint(2, 980)} {rng.choice(_STREETS)}",
    "ACCOUNT": lambda rng: _digits(rng, rng.randint(8, 12)),
    "SECRET": _secret,
}


def value_of(entity_type: str, rng: Random) -> str:
    """An identifier of that type, nobody's but by chance."""
    return _VALUES[entity_type](rng)


def seeds(count: int, rng: Random) -> list[Seed]:
    """`count` seeds of every type."""
    made = []
    for entity_type, carriers in CARRIERS.items():
        for index in range(count):
            before, _, after = carriers[index % len(carriers)].partition("{}")
            made.append(Seed(entity_type, value_of(entity_type, rng), before, after))
    return made


CLEAN = (
    "Take three tablets of 5 mg daily for two to four weeks.",
    "Blood pressure was 120/80, heart rate 72, temperature 36.8, saturation 98 percent.",
    "Sodium 140, potassium 4.1, chloride 102, creatinine 0.9.",
    "What does an HbA1c of 7.2 say about the last three months?",
    "The scan showed a 12 mm nodule and two smaller ones of 3 and 4 mm.",
    "Please summarise the guideline on anticoagulation in five sentences.",
    "Interest rose from 3.25 to 3.75 percent over six quarters.",
    "The fee is 49.90 a month, 10 percent less for students.",
    "Compute the sum of 12, 45, 78 and 99 and divide it by 4.",
    "def area(width, height):\n    return width * height",
    "SELECT count(*) FROM visits WHERE ward = 7 AND stay > 3",
    "The meeting is at 10 in room 4, for one or two hours.",
    "Chapter 3 explains why 2 of 5 trials failed to show a benefit.",
    "Use a dose of 10 to 20 mg per kg, at most 400 mg.",
    "Write a short poem about the sea in winter.",
    "The recipe needs 250 g flour, 3 eggs and 100 ml milk.",
    "How do I reset a router and choose a channel between 1 and 11?",
    "Translate the sentence into French: the train leaves late.",
    "Grade 2 toxicity occurred in 14 percent, grade 3 in 4 percent.",
    "An Apgar of 8 after one minute and 9 after five is normal.",
)
"""Sentences that identify nobody."""
