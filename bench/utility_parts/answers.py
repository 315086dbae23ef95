"""A deterministic reader that answers questions from a text alone: it stands for a model that makes no mistakes.

It sees the surrogate text as a model would and knows nothing of surrogates, so what it answers there, with the
originals put back, must be what it answers on the original.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from types import MappingProxyType

_FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%B %d, %Y", "%d %B %Y")
_DAY = r"(\d{4}-\d\d-\d\d|\d{1,2}/\d{1,2}/\d{4}|[A-Z][a-z]+ \d{1,2}, \d{4}|\d{1,2} [A-Z][a-z]+ \d{4})"
_NAME = r"([^\W\d_][\w'\u2019.-]*(?: [^\W\d_][\w'\u2019.-]*)*?)"


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found.group(1) if found else "unknown"


def _dated(label: str, text: str) -> str:
    return _first(rf"{label}: {_DAY}", text)


def _day(label: str, text: str) -> date | None:
    written = _dated(label, text)
    for form in _FORMATS:
        try:
            return datetime.strptime(written, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None


def _patient(text: str) -> str:
    return _first(rf"(?:Patient: |Name: |seeing ){_NAME}(?:\n| \()", text)


def _stay(text: str) -> str:
    first, last = _day("Admitted", text), _day("Discharged", text)
    return "unknown" if first is None or last is None else f"{(last - first).days} days"


def _weekday(text: str) -> str:
    day = _day("Admitted", text)
    return "unknown" if day is None else f"{day:%A}"


def _spelt_out(text: str) -> str:
    day = _day("Admitted", text)
    return "unknown" if day is None else f"{_patient(text)} was admitted on {day:%B} {day.day}, {day.year}."


def _iso(text: str) -> str:
    day = _day("Discharged", text)
    return "unknown" if day is None else f"discharged={day:%Y-%m-%d}"


def _initials(text: str) -> str:
    words = _patient(text).split()
    return f"Patient {words[0][0]}. {words[-1]}"


def _mail(text: str) -> str:
    words = _patient(text).split()
    return f'{{"to": "{words[-1].upper()}, {words[0]}", "about": "{_dated("DOB", text)}"}}'


QUESTIONS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "Who is the patient?": _patient,
        "Who is the physician?": lambda text: _first(rf"Dr\. {_NAME}(?:\n|,)", text),
        "When was the patient admitted?": lambda text: _dated("Admitted", text),
        "When was the patient born?": lambda text: _dated("DOB", text),
        "How many days between admission and discharge?": _stay,
        "On which weekday was the patient admitted?": _weekday,
        "What is the record number?": lambda text: _first(r"MRN: (\w+)", text),
        "Where can the patient be reached?": lambda text: _first(r"(\(\d{3}\) \d{3}-\d{4})", text),
        "How old is the patient?": lambda text: _first(r"(\d+)-year-old", text),
        "What was found?": lambda text: _first(r"(?:with |Diagnosis: )([a-z][^.,\n]*)", text),
        "Write the admission as a sentence.": _spelt_out,
        "Write the discharge in ISO 8601.": _iso,
        "Name the patient with an initial.": _initials,
        "Address a message to the patient.": _mail,
        "Summarise in bold.": lambda text: f"**{_patient(text)}** ({_patient(text).split()[-1]}'s file)",
    }
)
"""Question to what answers it, from the text alone."""
