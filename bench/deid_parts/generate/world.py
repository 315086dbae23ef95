"""Towns and streets of other countries, from Faker's lists; parted between training and evaluation like names."""

from __future__ import annotations

import importlib
import random
from functools import cache

from deid_parts.generate.document import Split
from deid_parts.generate.names import kept

TOWNS = (
    "cs_CZ", "da_DK", "de_AT", "de_CH", "de_DE", "el_GR", "en_IN", "fi_FI", "fr_DZ", "hr_HR", "id_ID", "it_IT", "nl_BE",
    "nl_NL", "pl_PL", "pt_PT", "ro_RO", "sk_SK", "sl_SI", "sv_SE",
)  # fmt: skip
"""Locales whose provider lists towns as ``cities``."""
STREETS = {
    "cs_CZ": ("streets", "{} {}"),
    "da_DK": ("street_names", "{}vej {}"),
    "fi_FI": ("street_prefixes", "{}tie {}"),
    "hr_HR": ("streets", "{} {}"),
    "id_ID": ("streets", "Jalan {} {}"),
    "pl_PL": ("streets", "ul. {} {}"),
    "sk_SK": ("streets", "{} {}"),
    "sl_SI": ("streets", "{} {}"),
    "sv_SE": ("street_prefixes", "{}gatan {}"),
    "vi_VN": ("streets", "Đường {} {}"),
}
"""Locale to the provider's list and how a name of it is written with a number."""


@cache
def _listed(locale: str, attribute: str, split: Split) -> tuple[str, ...]:
    provider = importlib.import_module(f"faker.providers.address.{locale}").Provider
    # Sorted: Faker makes some of its lists from sets, whose order is another one in each process.
    names = sorted(str(name).strip() for name in getattr(provider, attribute))
    plain = (name for name in names if len(name) > 2 and all(mark.isalpha() or mark in " -'." for mark in name))
    return tuple(name for name in dict.fromkeys(plain) if kept(name, split))


def town(rng: random.Random, split: Split) -> str:
    """A town somewhere."""
    return rng.choice(_listed(rng.choice(TOWNS), "cities", split))


def street(rng: random.Random, split: Split) -> str:
    """A street with its number somewhere."""
    locale = rng.choice(tuple(STREETS))
    attribute, form = STREETS[locale]
    name = rng.choice(_listed(locale, attribute, split))
    return form.format(name, rng.randint(1, 199)).replace("katutie", "katu").replace("veje vej", "veje")
