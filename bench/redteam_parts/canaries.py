"""Canaries: identifiers of nobody, each made once, and words that mean nothing and that no recogniser looks for."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from evasion_parts.seeds import CARRIERS, value_of


@dataclass(frozen=True, slots=True)
class Canary:
    """Something that must not arrive."""

    kind: str
    """What it is, for example ``SSN``; ``WORDS`` for words that only the permit holds back."""
    value: str
    """As it is written plainly."""
    before: str = ""
    """The sentence before it."""
    after: str = ""
    """And after it."""

    def text(self, written: str | None = None) -> str:
        """The sentence with the canary in it, or with what is `written` in its place."""
        return f"{self.before}{self.value if written is None else written}{self.after}"


_WORDS = tuple(
    """
basket candle engine feather jacket kettle ladder needle ribbon saddle table umbrella window yarn blanket drawer elbow
gravel jigsaw kitten nutmeg oyster pebble shovel thimble yoghurt pillow carpet spoon bucket pencil mirror cushion bottle
curtain puzzle whistle sandwich biscuit
""".split()  # noqa: SIM905 - one a line would be a page
)
_WORDS_EACH = 7
"""39 words, seven times: more than a hundred thousand million, so that none comes twice."""
_MORE = {
    "NHS": ("NHS number: {} is on the letter.", "The NHS number {} was checked."),
    "DOB": ("Date of birth: {}, no allergies.", "DOB {} as on the card."),
    "PRIVATE_KEY": ("Here is the key:\n{}\nPlease keep it.",),
    "TOKEN": ("Authorization: Bearer {}\nAccept: text/html", "The token {} expires soon."),
    "NPI": ("NPI: {} signed the note.",),
    "PASSPORT": ("Passport number: {} was shown.",),
}
KINDS = (*CARRIERS, *_MORE)
"""Every kind that a policy forbids."""


def _nhs(rng: Random) -> str:
    """Nine digits and the check digit modulo 11 (NHS Data Dictionary)."""
    while True:
        digits = f"{rng.randrange(400_000_000, 500_000_000)}"
        check = (11 - sum(int(digit) * (10 - at) for at, digit in enumerate(digits)) % 11) % 11
        if check < 10:
            return f"{digits[:3]} {digits[3:6]} {digits[6:]}{check}"


def _npi(rng: Random) -> str:
    """Ten digits with the Luhn digit over 80840 and the first nine (45 CFR 162.406)."""
    body = f"1{rng.randrange(10**8):08d}"
    total = 24 + sum(sum(divmod(2 * int(digit), 10)) if at % 2 == 0 else int(digit) for at, digit in enumerate(body))
    return f"{body}{-total % 10}"


def _pem(rng: Random) -> str:
    return f"-----BEGIN PRIVATE KEY-----\n{base64.b64encode(rng.randbytes(48)).decode()}\n-----END PRIVATE KEY-----"


_MADE: dict[str, Callable[[Random], str]] = {
    "NHS": _nhs,
    "NPI": _npi,
    "DOB": lambda rng: f"{rng.randint(1, 12):02d}/{rng.randint(1, 28):02d}/{rng.randint(1931, 2009)}",
    "PRIVATE_KEY": _pem,
    "TOKEN": lambda rng: (
        "ghp_" + "".join(rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrst23456789") for _ in range(36))
    ),
    "PASSPORT": lambda rng: f"{rng.choice('CFGHJK')}{rng.randrange(10**8):08d}",
}


def canary(kind: str, rng: Random) -> Canary:
    """A new canary of `kind`, in one of its sentences."""
    carriers = CARRIERS.get(kind) or _MORE[kind]
    before, _, after = rng.choice(carriers).partition("{}")
    value = _MADE[kind](rng) if kind in _MADE else value_of(kind, rng)
    return Canary(kind, value, before, after)


def words(rng: Random) -> Canary:
    """Innocent words: nothing but the permit can hold them back."""
    return Canary("WORDS", " ".join(rng.choice(_WORDS) for _ in range(_WORDS_EACH)), "Please explain: ", ".")
