"""Surrogates: for each identifier one of its reserved space (see `ringfence.recognize.reserved`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from ringfence.recognize import pools, validators
from ringfence.recognize.reserved import DOMAINS, ID_DIGITS, IPV4_BLOCKS, IPV6_BLOCK, is_reserved
from ringfenced.deidentify import dates, persons
from ringfenced.deidentify.keyed import Keyed, fill, scramble

VALUE_CHARS_MIN = 4
"""Shorter values are too often something else: ``12`` in ``2012``."""
_ATTEMPTS_MAX = 64
"""Draws before the literal ``[TYPE-999...]`` stands in; only texts full of surrogates come so far."""
_ZIP = re.compile(r"(?:[A-Z]{2} )?\d{5}(?:-\d{4})?")
_FITS = {
    "IBAN": re.compile(r"[A-Za-z0-9 ]{15,50}"),
    "PAN": re.compile(r"(?:\d[ -]?){11,18}\d"),
    "SSN": re.compile(r"(?:\d[ .-]?){8}\d"),
    "NPI": re.compile(r"(?:\d[ -]?){9}\d"),
    "MAC": re.compile(r"[0-9A-Fa-f:-]{17}"),
    "IP": re.compile(r"[0-9A-Fa-f:.]{3,45}"),
    "AGE": re.compile(r"[^\W\d]*\W{0,4}\d{2,3}\W{0,3}[\w/ -]{0,16}"),
    "PHONE": re.compile(r"[\d()+./ x-]{6,40}"),
}
"""What a maker can imitate; longer spans, in which findings of several types were merged, get a literal."""
_ZIP_FREE = 500
"""ZIPs below 00501 are not assigned (USPS)."""


class Surrogates:
    """Hands out surrogates for one text or run. The same original gets the same one, different ones differ.

    Not pure inside, but without I/O, clock or chance: seed and order of the calls determine every answer.
    """

    def __init__(self, seed: bytes, corpus: str) -> None:
        """Draw with `seed`, and never what occurs in `corpus`, all the texts to replace in, casefolded."""
        self._keyed = Keyed(seed)
        self._corpus = corpus
        self._given: dict[tuple[str, str], str] = {}
        self._words: dict[tuple[str, str], str] = {}
        self._families: set[str] = set()
        self._givens: set[str] = set()
        self._taken: dict[str, str] = {}
        self._values: tuple[str, ...] = ()
        self._year_reference = 2025
        self._days = 7 * (dates.WEEKS_MIN + self._keyed.number("weeks") % (dates.WEEKS_MAX - dates.WEEKS_MIN))
        self.originals: dict[str, str] = {}
        """Surrogate, as placed, to original: what re-identification needs."""
        self.placed: set[str] = set()
        """Every surrogate handed out, whole."""

    def learn(self, found: Iterable[tuple[str, str]]) -> None:
        """Look at all of `found`, entity type and text, before the first is replaced.

        Full names tell which word is a surname, and dates with a year tell the year of those without.
        """
        found = tuple(found)
        self._values = tuple(text.casefold() for _, text in found if len(text) >= VALUE_CHARS_MIN)
        years: list[int] = []
        for entity_type, text in found:
            if entity_type == "PERSON":
                parts = persons.pieces(text, set(), set())
                if len(parts) > 1:
                    for piece in parts:
                        words = self._families if piece.role == "family" else self._givens
                        words.add(text[piece.start : piece.end].casefold())
            elif entity_type == "DATE":
                year = dates.year_of(text)
                if year is not None:
                    years.append(year)
        self._year_reference = max(years, default=self._year_reference)

    def of(self, entity_type: str, original: str) -> str:
        """The surrogate of `original`."""
        known = self._given.get((entity_type, original))
        if known is None:
            known = self._person(original) if entity_type == "PERSON" else self._draw(entity_type, original)
            self._given[entity_type, original] = known
            self.placed.add(known)
        return known

    def _draw(self, entity_type: str, original: str) -> str:
        make = _MAKERS.get(entity_type, _number)
        fits = _FITS.get(entity_type)
        if fits is not None and fits.fullmatch(original) is None:
            return self._literal(entity_type, original)
        if entity_type == "AGE" and is_reserved("AGE", original):
            return original  # "90 or over" already
        for attempt in range(_ATTEMPTS_MAX):
            made = self._date(original, attempt) if entity_type == "DATE" else make(original, self._keyed, attempt)
            if made is None:
                break
            if self._is_free(made, original) and is_reserved(entity_type, made):
                return self._take(made, original)
        return self._literal(entity_type, original)

    def _date(self, original: str, attempt: int) -> str | None:
        return dates.shift(original, self._days, self._year_reference) if attempt == 0 else None

    def _literal(self, entity_type: str, original: str) -> str:
        attempt = 0
        while True:
            made = f"[{entity_type}-{ID_DIGITS}{self._keyed.number(entity_type, original, attempt) % 10**6:06d}]"
            if self._is_free(made, original):
                return self._take(made, original)
            attempt += 1

    def _is_free(self, made: str, original: str) -> bool:
        """Whether nothing else stands for `made`, it occurs in no text, and no original occurs in it."""
        folded = made.casefold()
        if self._taken.get(folded, original) != original or folded in self._corpus:
            return False
        return not any(value in folded for value in self._values)

    def _take(self, made: str, original: str) -> str:
        self._taken[made.casefold()] = original
        self.originals[made] = original
        return made

    def _person(self, original: str) -> str:
        written: list[str] = []
        at, has_initial = 0, False
        for piece in persons.pieces(original, self._families, self._givens):
            word = original[piece.start : piece.end]
            has_initial |= piece.role == "initial"
            written += [
                original[at : piece.start],
                self._initial(word) if piece.role == "initial" else self._word(piece.role, word),
            ]
            at = piece.end
        if not written or written[1::2] == []:
            return self._literal("PERSON", original)
        made = "".join(written) + original[at:]
        if not is_reserved("PERSON", made):  # initials alone, or letters that no word is made of
            return self._literal("PERSON", original)
        if has_initial:
            if self.originals.get(made, original) != original:
                return self._literal("PERSON", original)
            self.originals[made] = original
        return made

    def _initial(self, letter: str) -> str:
        """Another letter: all move by one secret number of places."""
        places = 1 + self._keyed.number("initial") % 25
        moved = chr(65 + (ord(letter.upper()) - 65 + places) % 26)
        return moved if letter.isupper() else moved.lower()

    def _word(self, role: str, word: str) -> str:
        """The surrogate of one word of a name, in its case."""
        known = self._words.get((role, word))
        if known is not None:
            return known
        # By the word whatever its case; where that form already stands for another spelling, by the spelling.
        made = persons.like(self._base(role, word.casefold()), word)
        if self.originals.get(made, word) != word:
            made = persons.like(self._base(role, f"{word}/"), word)
        self._words[role, word] = made
        self.originals[made] = word
        return made

    def _base(self, role: str, word: str) -> str:
        """The pool's name for `word`; names that are taken or occur in the text are passed over."""
        known = self._words.get((f"base {role}", word))
        if known is not None:
            return known
        pool = persons.POOLS[role]
        first = self._keyed.number("PERSON", role, word) % len(pool)
        name = next(
            (
                candidate
                for candidate in (pool[(first + step) % len(pool)] for step in range(len(pool)))
                if candidate.casefold() not in self._taken and candidate.casefold() not in self._corpus
            ),
            None,
        )
        if name is None:  # more persons than the pool has names: two pool names make one more
            name = f"{pool[first]}-{pool[self._keyed.number(word, role) % len(pool)]}"
        self._taken[name.casefold()] = word
        self._words[f"base {role}", word] = name
        return name


Maker = Callable[[str, Keyed, int], str | None]
"""Makes a candidate from original, keyed function and attempt; None where the space has nothing for it."""


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _number(original: str, keyed: Keyed, attempt: int) -> str:
    """The same shape, the first digits 999; every eighth attempt one digit longer."""
    shape = original + "0" * (attempt // 8)
    return scramble(shape, keyed.number("ID", original, attempt), ID_DIGITS)


def _age(original: str, _keyed: Keyed, attempt: int) -> str | None:
    written = ("90", "90+", "over 90")
    return re.sub(r"\d+", written[attempt], original, count=1) if attempt < len(written) else None


def _phone(original: str, keyed: Keyed, attempt: int) -> str:
    number = keyed.number("PHONE", original, attempt)
    area, line = 200 + number // 100 % 800, f"55501{number % 100:02d}"
    shape = re.sub(r"(?i)\s?(?:ext\.?|x|extension)\s?\d+$", "", original)
    count = len(_digits(shape))
    if count == 7 and attempt < _ATTEMPTS_MAX // 2 and not shape.startswith("+"):  # noqa: PLR2004 - without an area code
        return fill(shape, line)
    if count == 10 and not shape.startswith("+"):  # noqa: PLR2004
        return fill(shape, f"{area}{line}")
    if count == 11 and _digits(shape).startswith("1"):  # noqa: PLR2004 - with the NANP's country code
        return fill(shape, f"1{area}{line}")
    return f"+1 {area} 555 {line[3:]}"


def _email(original: str, keyed: Keyed, attempt: int) -> str:
    number = keyed.number("EMAIL", original.casefold(), attempt)
    return f"user{number // 3 % 10**6:06d}@{DOMAINS[number % 3]}"


def _url(original: str, keyed: Keyed, attempt: int) -> str:
    number = keyed.number("URL", original, attempt)
    path = f"{number // 3 % 36**8:08x}"[-8:]
    return f"{'' if original[:3].lower() == 'www' else 'https://'}www.{DOMAINS[number % 3]}/x/{path}"


def _ip(original: str, keyed: Keyed, attempt: int) -> str:
    number = keyed.number("IP", original, attempt)
    if ":" in original:
        return f"{IPV6_BLOCK}:{number % 65535 + 1:x}:{number // 65536 % 65535 + 1:x}"
    return f"{IPV4_BLOCKS[number % 3]}{number // 3 % 254 + 1}"


def _mac(original: str, keyed: Keyed, attempt: int) -> str:
    separator = "-" if "-" in original else ":"
    return separator.join(("00", "00", "5E", "00", "53", f"{keyed.number('MAC', original, attempt) % 256:02X}"))


def _ssn(original: str, keyed: Keyed, attempt: int) -> str:
    number = keyed.number("SSN", original, attempt)
    return fill(original, f"666{number % 99 + 1:02d}{number // 99 % 9999 + 1:04d}")


def _npi(original: str, keyed: Keyed, attempt: int) -> str:
    body = f"9{keyed.number('NPI', original, attempt) % 10**8:08d}"
    return fill(original, body + validators.luhn_digit("80840" + body))


def _pan(original: str, keyed: Keyed, attempt: int) -> str:
    count = len(_digits(original))
    body = f"9999{keyed.number('PAN', original, attempt) % 10 ** (count - 5):0{count - 5}d}"
    return fill(original, body + validators.luhn_digit(body))


def _iban(original: str, keyed: Keyed, attempt: int) -> str | None:
    compact = original.replace(" ", "").upper()
    if not validators.IBAN_LENGTH_MIN <= len(compact) <= validators.IBAN_LENGTH_MAX:
        return None
    number = keyed.number("IBAN", compact, attempt)
    country = ("XX", "ZZ")[number % 2]
    national = scramble(compact[4:], number, "")
    made = country + validators.iban_check_digits(country, national) + national
    following = iter(made)
    return (
        "".join(char if char.isspace() else next(following) for char in original) if validators.is_iban(made) else None
    )


def _address(original: str, keyed: Keyed, attempt: int) -> str:
    number = keyed.number("ADDRESS", original.casefold(), attempt)
    zip_code = f"{number % _ZIP_FREE:05d}"
    if _ZIP.fullmatch(original) and attempt < _ATTEMPTS_MAX // 2:
        return f"ZZ {zip_code}" if original[0].isalpha() else zip_code
    street = pools.STREETS[number // 500 % len(pools.STREETS)]
    town = pools.TOWNS[number // 20_000 % len(pools.TOWNS)]
    return f"{number // 80_000 % 999 + 1} {street} Street, {town}, ZZ {zip_code}"


_MAKERS: dict[str, Maker] = {
    "AGE": _age,
    "PHONE": _phone,
    "EMAIL": _email,
    "URL": _url,
    "IP": _ip,
    "MAC": _mac,
    "SSN": _ssn,
    "NPI": _npi,
    "PAN": _pan,
    "IBAN": _iban,
    "ADDRESS": _address,
}
