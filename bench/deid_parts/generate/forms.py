"""How somebody is written: whole, by initials, with a title, as an address of the net."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from deid_parts.generate.grammar import Piece
from deid_parts.generate.names import Person

Form = Callable[[Person, str, random.Random], Sequence[Piece]]
"""Somebody, a language and chance to what is written. A title names nobody, so it stands outside of the
name's span."""

PROVIDERS = (
    "gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com", "proton.me", "web.de", "gmx.de", "orange.fr",
    "free.fr", "telefonica.net", "yahoo.es", "aol.com", "comcast.net",
)  # fmt: skip
TITLES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "en": {"F": ("Mrs.", "Ms.", "Miss", "Ms"), "M": ("Mr.", "Mr", "Mr.")},
    "es": {"F": ("Sra.", "Dña.", "Doña", "la señora"), "M": ("Sr.", "D.", "Don", "el señor")},
    "fr": {"F": ("Mme", "Madame", "Mme."), "M": ("M.", "Monsieur", "Mr")},
    "de": {"F": ("Frau",), "M": ("Herr", "Herrn")},
}
DOCTORS = {
    "en": ("Dr.", "Dr", "Dr.", "Doctor"),
    "es": ("Dr.", "Dra.", "Dr."),
    "fr": ("Dr", "Dr.", "Docteur", "Pr"),
    "de": ("Dr.", "Dr. med.", "Prof. Dr.", "OA Dr."),
}
PRONOUNS = {
    "en": {"F": "She", "M": "He"},
    "es": {"F": "Ella", "M": "Él"},
    "fr": {"F": "Elle", "M": "Il"},
    "de": {"F": "Sie", "M": "Er"},
}


def _plain(write: Callable[[Person], str]) -> Form:
    return lambda who, _lang, _rng: ((write(who), "PERSON"),)


def _titled(who: Person, lang: str, rng: random.Random) -> Sequence[Piece]:
    return (rng.choice(TITLES[lang][who.sex]), "TITLE"), (" ", None), (who.family, "PERSON")


def _titled_full(who: Person, lang: str, rng: random.Random) -> Sequence[Piece]:
    return (rng.choice(TITLES[lang][who.sex]), "TITLE"), (" ", None), (who.full, "PERSON")


def _doctor(who: Person, lang: str, rng: random.Random) -> Sequence[Piece]:
    name = rng.choice((who.full, who.family, who.family))
    return (rng.choice(DOCTORS[lang]), "TITLE"), (" ", None), (name, "PERSON")


def _doctor_short(who: Person, lang: str, rng: random.Random) -> Sequence[Piece]:
    return (rng.choice(DOCTORS[lang]), "TITLE"), (" ", None), (f"{who.given} {who.family[0]}.", "PERSON")


def _email(who: Person, _lang: str, rng: random.Random) -> Sequence[Piece]:
    given, family = ascii_of(who.given).lower(), ascii_of(who.family).lower()
    local = rng.choice((
        f"{given}.{family}", f"{given[0]}{family}", f"{given}{family}{rng.randint(1, 99)}", f"{given}_{family}",
        f"{family}.{given[0]}", f"{given}{rng.randint(1960, 2005)}",
    ))  # fmt: skip
    return ((f"{local}@{rng.choice(PROVIDERS)}", "EMAIL"),)


def _user(who: Person, _lang: str, rng: random.Random) -> Sequence[Piece]:
    name = ascii_of(who.given)[:1] + ascii_of(who.family) + rng.choice(("", "", str(rng.randint(1, 99))))
    return ((name.lower(), "USERNAME"),)


def _url(who: Person, _lang: str, rng: random.Random) -> Sequence[Piece]:
    host = ascii_of(who.family).lower() + rng.choice(("family", "blog", "home", ""))
    page = f"{rng.choice(('u', 'p', 'profile', 'album'))}/{rng.randint(100, 99999)}"
    where = f"{rng.choice(('portal', 'www', 'photos', 'my'))}.{host}.{rng.choice(('com', 'net', 'org', 'info'))}"
    return ((f"https://{where}/{page}", "URL"),)


def ascii_of(name: str) -> str:
    """The letters of `name` that an address of the net may have."""
    flat = unicodedata.normalize("NFKD", name.replace("ß", "ss").replace("ø", "o").replace("ł", "l"))
    return "".join(letter for letter in flat if letter.isascii() and letter.isalpha()) or "x"


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "full": _plain(lambda who: who.full),
        "given": _plain(lambda who: who.given),
        "family": _plain(lambda who: who.family),
        "short": _plain(lambda who: f"{who.given} {who.family[0]}."),
        "initialled": _plain(lambda who: f"{who.given[0]}. {who.family}"),
        "initials": _plain(lambda who: f"{who.given[0]}.{who.family[0]}."),
        "comma": _plain(lambda who: f"{who.family}, {who.given}"),
        "caps": _plain(lambda who: who.full.upper()),
        "capscomma": _plain(lambda who: f"{who.family.upper()}, {who.given.upper()}"),
        "famcaps": _plain(lambda who: f"{who.given} {who.family.upper()}"),
        "lower": _plain(lambda who: who.full.lower()),
        "titled": _titled,
        "titledfull": _titled_full,
        "doctor": _doctor,
        "doctorshort": _doctor_short,
        "email": _email,
        "user": _user,
        "url": _url,
        "he": lambda who, lang, _rng: ((PRONOUNS[lang][who.sex], None),),
    }
)
"""What may stand after the point in ``{role.form}``."""
