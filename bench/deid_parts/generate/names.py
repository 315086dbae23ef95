"""Names of people: Faker's lists of many countries, parted between training and evaluation by a digest of the name."""

from __future__ import annotations

import importlib
import random
from dataclasses import dataclass
from functools import cache
from typing import Literal
from zlib import crc32

from deid_parts.generate.document import Split

Sex = Literal["F", "M"]
SEXES: tuple[Sex, ...] = ("F", "M")

HOME = {
    "en": ("en_US", "en_US", "en_GB"),
    "es": ("es_ES", "es_ES", "es_MX", "es_AR"),
    "fr": ("fr_FR", "fr_FR", "fr_CH"),
    "de": ("de_DE", "de_DE", "de_AT"),
}
"""Faker's locales of each language's own names; one named twice is drawn twice as often."""
ABROAD = (
    "en_IN", "en_PK", "es_MX", "it_IT", "pt_BR", "tr_TR", "nl_NL", "sv_SE", "hu_HU", "cs_CZ", "hr_HR", "ro_RO",
    "fi_FI", "zu_ZA", "yo_NG", "ga_IE", "no_NO", "da_DK", "es_ES", "fr_FR", "de_DE",
)  # fmt: skip
"""Where people come from who live elsewhere."""
SHARE_ABROAD = 0.22
"""How many bear names of another country."""

FAR_EAST: dict[str, tuple[str, ...]] = {
    "given": (
        "Wei", "Xiu", "Ming", "Jing", "Hao", "Lin", "Yan", "Jun", "Mei", "Xin", "Thanh", "Linh", "Minh", "Huong", "Duc",
        "Quang", "Phuong", "Hiroshi", "Yuki", "Kenji", "Sakura", "Haruto", "Aiko", "Takumi", "Ji-woo", "Min-jun",
        "Seo-yeon", "Hyun", "Jae", "Eun-ji", "Amara", "Chidi", "Ngozi", "Kwame", "Abena", "Kofi", "Yaw", "Fatima",
        "Omar", "Layla", "Yusuf", "Zainab", "Khalid", "Noor", "Hamza", "Amina", "Olena", "Dmytro", "Svetlana", "Igor",
    ),
    "family": (
        "Wang", "Li", "Zhang", "Chen", "Liu", "Huang", "Zhao", "Wu", "Zhou", "Xu", "Nguyen", "Tran", "Le", "Pham",
        "Hoang", "Vo", "Dang", "Bui", "Tanaka", "Suzuki", "Sato", "Watanabe", "Yamamoto", "Nakamura", "Kim", "Park",
        "Choi", "Jung", "Kang", "Yoon", "Okafor", "Mensah", "Adeyemi", "Boateng", "Diallo", "Traoré", "Haddad",
        "Rahman", "Siddiqui", "El-Sayed", "Al-Farsi", "Benali", "Kovalenko", "Shevchenko", "Ivanova", "Petrov",
    ),
}  # fmt: skip
"""Names in Latin letters that Faker has in other scripts only."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who does not exist."""

    given: str
    """First name; sometimes two."""
    family: str
    """Family name; in Spanish two."""
    sex: Sex
    """Which pronouns fit."""
    middle: str
    """Initial of a middle name, often none."""

    @property
    def full(self) -> str:
        """Given and family name, with a middle initial where there is one."""
        return f"{self.given} {self.middle}. {self.family}" if self.middle else f"{self.given} {self.family}"


def kept(name: str, split: Split) -> bool:
    """Whether `name` belongs to `split`: one in five is for evaluation, by CRC-32 of its letters."""
    return (crc32(name.casefold().encode()) % 5 == 0) == (split == "eval")


@cache
def _listed(locale: str, part: str) -> tuple[str, ...]:
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    found: dict[str, None] = {}
    for attribute in sorted(dir(provider)):
        value = getattr(provider, attribute)
        if attribute.startswith(part) and not callable(value):
            found.update(dict.fromkeys(name for name in value if isinstance(name, str) and name.strip()))
    return tuple(name for name in found if name[0].isalpha() and len(name) > 1)


@cache
def given_names(locale: str, sex: Sex, split: Split) -> tuple[str, ...]:
    """First names of one sex; where the locale does not tell them apart, all."""
    part = "first_names_female" if sex == "F" else "first_names_male"
    names = _listed(locale, part) or _listed(locale, "first_names")
    return tuple(name for name in names if kept(name, split)) or names


@cache
def family_names(locale: str, split: Split) -> tuple[str, ...]:
    """Family names."""
    names = _listed(locale, "last_names")
    return tuple(name for name in names if kept(name, split)) or names


@cache
def _far(part: str, split: Split) -> tuple[str, ...]:
    return tuple(name for name in FAR_EAST[part] if kept(name, split))


def person(lang: str, rng: random.Random, split: Split) -> Person:
    """Somebody, as `lang` would write them."""
    sex = rng.choice(SEXES)
    if rng.random() < 0.06:
        return Person(rng.choice(_far("given", split)), rng.choice(_far("family", split)), sex, "")
    abroad = rng.random() < SHARE_ABROAD
    locale = rng.choice(ABROAD) if abroad else rng.choice(HOME[lang])
    given, family = rng.choice(given_names(locale, sex, split)), rng.choice(family_names(locale, split))
    if locale.startswith("es") and rng.random() < (0.75 if lang == "es" else 0.25):
        family = f"{family} {rng.choice(family_names(locale, split))}"
    elif rng.random() < 0.05:
        family = f"{family}-{rng.choice(family_names(locale, split))}"
    if lang != "en" and rng.random() < 0.12:
        given = f"{given}{'-' if lang in ('fr', 'de') else ' '}{rng.choice(given_names(locale, sex, split))}"
    middle = rng.choice("ABCDEFGHJKLMNPRSTW") if lang == "en" and rng.random() < 0.12 else ""
    return Person(given, family, sex, middle)


def family_name(lang: str, rng: random.Random, split: Split) -> str:
    """A family name of the language's first country, as streets and firms bear it."""
    return rng.choice(family_names(HOME[lang][0], split))
