"""Who and what a document speaks of: its people, its dates, and how each slot of a template is filled."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from deid_parts.generate import dates, world
from deid_parts.generate.document import Split
from deid_parts.generate.forms import FORMS
from deid_parts.generate.grammar import Piece
from deid_parts.generate.identifiers import MAKERS, digits, postcode
from deid_parts.generate.names import Person, family_name, person

TODAY = date(2026, 6, 30)
"""The last day that anything is dated."""

AGED = {
    "en": (
        "{n}-year-old", "{n} year old", "{n} y/o", "{n}yo", "{n} years old", "{n}yr old", "{n} y.o.",
        "{n} years of age", "{n}-yr-old",
    ),
    "es": ("{n} años", "{n} años de edad", "{n}a"),
    "fr": ("{n} ans",),
    "de": ("{n} Jahre", "{n} Jahre alt"),
}  # fmt: skip
"""An age after a comma."""
AGED_WHO = {
    "en": ("-year-old", " year old", "yo", " y/o", "-yr-old"),
    "es": (" años",),
    "fr": (" ans",),
    "de": ("-jährige", "-jähriger", "jährige"),
}
"""What stands between a number of years and the one who is so old."""
STATES = ("Texas", "Ohio", "California", "Nevada", "Oregon", "Florida")


class Cast:
    """Fills slots. What was said once stays so: the patient keeps name and age through the whole text."""

    def __init__(self, lang: str, rng: random.Random, split: Split, *, may_be_old: bool = True) -> None:
        """For one document; `may_be_old` lets ages be over 89, which identify (45 CFR 164.514(b)(2)(i)(C))."""
        self._lang, self._rng, self._split = lang, rng, split
        self._people: dict[str, Person] = {}
        self._style = rng.randrange(dates.styles(lang))
        self._now = dates.some_day(rng, 2015, 2025)
        is_old = may_be_old and rng.random() < 0.12
        self._age = rng.randint(90, 104) if is_old else rng.randint(1, 89)
        self._fill: Mapping[str, Callable[[str], Piece]] = {
            "date": lambda _: self._dated(self._now + timedelta(days=rng.randint(-400, 120))),
            "dob": lambda _: self._dated(self._now - timedelta(days=365 * self._age + rng.randint(0, 364))),
            "year": lambda _: (str(rng.randint(1975, 2025)), "YEAR"),
            "time": lambda _: (f"{rng.randint(0, 23)}:{rng.randint(0, 59):02d}", "TIME"),
            "age": lambda _: self._aged(rng.choice(AGED[lang])),
            "agedold": lambda _: self._aged("{n}" + rng.choice(AGED_WHO[lang])),
            "state": lambda _: (rng.choice(STATES), "STATE"),
            "surname": lambda _: (family_name(lang, rng, split), None),
            "worldtown": lambda _: (world.town(rng, split), None),
            "worldtowncaps": lambda _: (world.town(rng, split).upper(), None),
            "worldstreet": lambda _: (world.street(rng, split), None),
            "postcode": lambda _: (postcode(rng, lang), None),
            "number": lambda span: (str(rng.randint(*(int(end) for end in span.split("-")))), None),
            "digits": lambda count: (digits(rng, int(count)), None),
        }

    def __call__(self, name: str, argument: str) -> Sequence[Piece]:
        """What stands in the slot ``{name:argument}``.

        Raises:
            KeyError: no such slot.
        """
        role, _, form = name.partition(".")
        if form:
            return FORMS[form](self._who(role), self._lang, self._rng)
        if name in MAKERS:
            label, make = MAKERS[name]
            return ((make(self._rng, self._lang), "SSN" if (label, self._lang) == ("TAX_ID", "en") else label),)
        return (self._fill[name](argument),)

    def _dated(self, day: date) -> Piece:
        style = self._style if self._rng.random() < 0.7 else self._rng.randrange(dates.styles(self._lang))
        return dates.written(min(day, TODAY), self._lang, style), "DATE"

    def _aged(self, form: str) -> Piece:
        return form.format(n=self._age), "AGE" if self._age > 89 else "AGE_UNDER_90"

    def _who(self, role: str) -> Person:
        """The bearer of `role`; ``any`` is somebody new each time."""
        if role == "any":
            return person(self._lang, self._rng, self._split)
        if role not in self._people:
            self._people[role] = person(self._lang, self._rng, self._split)
        return self._people[role]
