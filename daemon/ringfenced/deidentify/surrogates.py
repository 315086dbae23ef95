"""Surrogates: for each identifier one of its reserved space (see `ringfence.recognize.reserved`)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date

from ringfence.recognize.generic import fold_word
from ringfence.recognize.pools import FEMALE_NAMES, LAST_NAMES, MALE_NAMES, PLACES
from ringfence.recognize.reserved import ID_DIGITS, ZIP_LAST, is_reserved
from ringfenced.deidentify import dates, makers, persons, places
from ringfenced.deidentify.genders import is_female
from ringfenced.deidentify.keyed import Keyed, scramble
from ringfenced.deidentify.literals import Substrings
from ringfenced.deidentify.occurrences import VALUE_CHARS_MIN
from ringfenced.deidentify.values import ResidualFindings

_PLACES = frozenset({"PLACE", "ORGANISATION", "ADDRESS"})
_WORD = re.compile(r"[^\W_]+")
_DRAWS_MAX = 1000
"""Draws after which a text that holds every surrogate stays inside: nobody writes one by chance."""
_PROBES_MAX = 64
"""Names of a pool that are tried before two of them make one more."""
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/\d{2,4}")


class Surrogates:
    """Hands out surrogates for one text or run. The same original gets the same one, different ones differ.

    Not pure inside, but without I/O, clock or chance: seed and order of the calls determine every answer.
    """

    def __init__(
        self,
        seed: bytes,
        texts: Sequence[str],
        found: Iterable[tuple[str, str]],
        *,
        avoid: Collection[str] = (),
        plain: Collection[tuple[str, str]] = (),
    ) -> None:
        """Look at all that is to be replaced, before the first surrogate is drawn.

        Full names tell which word is a surname, and dates with a year tell the year of those without.

        Args:
            seed: secret.
            texts: all texts to replace in; no surrogate occurs in them.
            found: entity type and text of all that is found, in an order that says nothing.
            avoid: surrogates never to be drawn, casefolded.
            plain: entity types and texts for which the literal ``[TYPE-999...]`` stands.
        """
        found = tuple(found)
        self._keyed = Keyed(seed)
        self._texts = [text.casefold() for text in texts]
        self._words = frozenset(word for text in self._texts for word in _WORD.findall(text))
        self._values = Substrings(text.casefold() for _, text in found if len(text) >= VALUE_CHARS_MIN)
        self._avoid = frozenset(avoid)
        self._plain = frozenset(plain)
        self._given: dict[tuple[str, str], str] = {}
        self._bases: dict[tuple[str, str], str] = {}
        self._spelt: dict[str, str] = {}
        self._taken: dict[str, str] = {}
        self._roles = persons.Roles()
        for entity_type, text in found:
            if entity_type == "PERSON":
                self._roles.learn(text)
        self._days = 7 * (dates.WEEKS_MIN + self._keyed.number("weeks") % (dates.WEEKS_MAX - dates.WEEKS_MIN))
        written = [text for entity_type, text in found if entity_type == "DATE"]
        self.day_first = _is_day_first(written)
        """Whether ``04/03/2024`` is the fourth of March in these texts."""
        self._year_reference = _last_year(written, day_first=self.day_first)
        self.originals: dict[str, str] = {}
        """Surrogate, as placed, to original: what re-identification needs."""
        self.placed: set[str] = set()
        """Every surrogate handed out, whole."""
        self.dates: dict[date, date] = {}
        """Surrogate days to the days that they stand for, for those named in full."""

    def of(self, entity_type: str, original: str) -> str:
        """The surrogate of `original`."""
        known = self._given.get((entity_type, original))
        if known is None:
            known = self._drawn(entity_type, original)
            self._given[entity_type, original] = known
            self.placed.add(known)
        return known

    def handed(self) -> Iterator[tuple[tuple[str, str], str]]:
        """Entity type and original of all that was replaced, with its surrogate."""
        yield from self._given.items()

    def people(self) -> list[tuple[tuple[str, str], tuple[str, str]]]:
        """Given name and surname of each surrogate person with those of the original, where both were handed out."""
        found = []
        for given, family in self._roles.people():
            halves = [self._spelt.get(half) for half in family.split("-")]
            if given in self._spelt and None not in halves:
                found.append(((self._spelt[given], "-".join(filter(None, halves))), (given, family)))
        return found

    def _drawn(self, entity_type: str, original: str) -> str:
        made: str | None = None
        if (entity_type, original) not in self._plain:
            if entity_type == "PERSON":
                made = self._person(original)
            elif entity_type in _PLACES or (entity_type == "CUSTOM" and not any(map(str.isdigit, original))):
                made = self._place(entity_type, original)
            elif entity_type == "DATE":
                made = self._date(original)
            else:
                made = self._number(entity_type, original)
        return self._literal(entity_type, original) if made is None else made

    def _number(self, entity_type: str, original: str) -> str | None:
        make = makers.MAKERS.get(entity_type, makers.number)
        fits = makers.FITS.get(entity_type)
        if fits is not None and fits.fullmatch(original) is None:
            return None
        if entity_type == "AGE" and is_reserved("AGE", original):
            return original  # "90 or over" already
        for attempt in range(makers.ATTEMPTS_MAX):
            made = make(original, self._keyed, attempt)
            if made is None:
                return None
            if self._is_free(made, original) and self._is_clear(made) and is_reserved(entity_type, made):
                return self._take(made, original)
        return None

    def _date(self, original: str) -> str | None:
        if dates.stands(original) and is_reserved("DATE", original):
            return original
        written = dates.read(original, self._year_reference, day_first=self.day_first)
        made = None if written is None else dates.moved(written, self._days)
        if written is None or made is None or not self._is_free(made, original) or not is_reserved("DATE", made):
            return None
        moved = dates.read(made, self._year_reference, day_first=self.day_first)
        if written.is_whole and moved is not None:
            self.dates[moved.value] = written.value
        return self._take(made, original)

    def _literal(self, entity_type: str, original: str) -> str:
        """``[TYPE-999...]``; an original that is called as a type may occur in it, and says nothing."""
        for attempt in range(_DRAWS_MAX):
            made = f"[{entity_type}-{ID_DIGITS}{self._keyed.number(entity_type, original, attempt) % 10**6:06d}]"
            if self._is_free(made, original):
                return self._take(made, original)
        raise ResidualFindings({entity_type: 1})

    def _is_free(self, made: str, original: str) -> bool:
        """Whether nothing else stands for `made` and it occurs in no text."""
        folded = made.casefold()
        if self._taken.get(folded, original) != original or folded in self._avoid:
            return False
        return not self._occurs(folded)

    def _is_clear(self, made: str) -> bool:
        """Whether no original occurs in `made`."""
        return not self._values.any_in(made.casefold())

    def _occurs(self, folded: str) -> bool:
        """Whether `folded` stands in a text; its words are looked up first, which nearly always settles it."""
        return self._words.issuperset(_WORD.findall(folded)) and any(folded in text for text in self._texts)

    def _take(self, made: str, original: str) -> str:
        self._taken[made.casefold()] = original
        self.originals[made] = original
        return made

    def _person(self, original: str) -> str | None:
        found = persons.pieces(original, self._roles.role)
        if all(piece.role == "initial" for piece in found):
            return None
        for attempt in range(26 if any(piece.role == "initial" for piece in found) else 1):
            made = _patched(original, [(*piece[:2], self._part(original, piece, found, attempt)) for piece in found])
            if not is_reserved("PERSON", made):  # letters that no word is made of
                return None
            if all(piece.role != "initial" for piece in found):
                return made
            if self._is_free(made, original):
                return self._take(made, original)
        return None

    def _part(self, name: str, piece: persons.Piece, found: list[persons.Piece], attempt: int) -> str:
        word = name[piece.start : piece.end]
        if piece.role != "initial":
            return self._word(piece.role, word)
        return self._initial(name, word, found, attempt)

    def _initial(self, name: str, letter: str, found: list[persons.Piece], attempt: int) -> str:
        """The initial of the surrogate that `letter` stands for, as far as other names tell."""
        folded = fold_word(letter)
        beside = {piece.role: fold_word(name[piece.start : piece.end]) for piece in found}
        role = "given" if "family" in beside else "family"
        known = self._roles.named(folded, beside.get("family" if role == "given" else "given"), role)
        if known is not None and attempt == 0:
            made = self._base(role, known)[0]
        else:
            made = chr(65 + (self._keyed.number("initial", folded) + attempt) % 26)
        return made if letter.isupper() else made.lower()

    def _word(self, role: str, word: str) -> str:
        """The surrogate of one word of a name, in its case."""
        known = self._spelt.get(word)
        if known is not None:
            return known
        # By the word whatever its case; where that form already stands for another spelling, by the spelling.
        folded = fold_word(word)
        made = persons.like(self._base(role, folded), word)
        if self.originals.get(made, word) != word:
            made = persons.like(self._base(role, folded, word), word)
        self._spelt[word] = made
        self.originals[made] = word
        self.placed.add(made)
        return made

    def _base(self, role: str, folded: str, spelling: str = "") -> str:
        """The pool's name for a folded word or name; names that are taken or occur in the text are passed over."""
        known = self._bases.get((folded, spelling))
        if known is not None:
            return known
        pool = self._pool(role, folded)
        first = self._keyed.number("NAME", folded, spelling)
        drawn = (pool[(first + step) % len(pool)] for step in range(_PROBES_MAX))
        name = next((name for name in drawn if self._is_new(name.lower())), None)
        for step in range(_DRAWS_MAX if name is None else 0):  # more names than the pool has: two of them make one more
            pair = f"{pool[first % len(pool)]}-{pool[self._keyed.number(folded, spelling, step) % len(pool)]}"
            if self._is_new(pair.lower()):
                name = pair
                break
        if name is None:
            raise ResidualFindings({"PERSON": 1})
        self._taken[name.lower()] = folded
        self._bases[folded, spelling] = name
        return name

    @staticmethod
    def _pool(role: str, folded: str) -> tuple[str, ...]:
        if role == "place":
            return PLACES
        if role == "family":
            return LAST_NAMES
        return FEMALE_NAMES if is_female(folded) else MALE_NAMES

    def _is_new(self, name: str) -> bool:
        return name not in self._taken and name not in self._avoid and not self._occurs(name)

    def _place(self, entity_type: str, original: str) -> str | None:
        found = places.parts(original)
        if not found:  # of its kind alone: "General Hospital"
            made = f"{self._base('place', fold_word(original))} {original}"
            return self._take(made, original)
        if all(part.kind == "number" for part in found):  # a box or a house alone
            found = [part._replace(kind="box") for part in found]
        for attempt in range(makers.ATTEMPTS_MAX):
            parts = [
                (part.start, part.end, self._place_part(original[part.start : part.end], part.kind, attempt))
                for part in found
            ]
            made = _patched(original, parts)
            if not is_reserved(entity_type, made):
                return None
            if all(part.kind == "name" for part in found):
                return made
            if self._is_free(made, original):
                self._take_zips(original, parts)
                return self._take(made, original)
        return None

    def _place_part(self, original: str, kind: str, attempt: int) -> str:
        if kind == "name":
            return self._word("place", original)
        drawn = self._keyed.number("PLACE", kind, original.casefold(), attempt)
        if kind == "zip":
            return f"{drawn % (int(ZIP_LAST) + 1):05d}"
        if kind == "long":
            return scramble(original, drawn, ID_DIGITS)
        if kind == "box":
            return f"{ID_DIGITS}{drawn % 1000:03d}"
        if kind == "number":
            digits = original.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
            return f"{drawn % (10 ** len(digits) - 1) + 1}{original[len(digits) :]}"
        return _code(original, drawn)

    def _take_zips(self, original: str, parts: list[tuple[int, int, str]]) -> None:
        for start, end, made in parts:
            if len(made) == len(ZIP_LAST) and made.isdecimal() and self.originals.get(made) is None:
                self.originals[made] = original[start:end]


def _code(original: str, drawn: int) -> str:
    """A postcode with letters, in area ZZ."""
    if original[0].isdigit():
        return "9ZZ" if len(original) == 3 else "ZZ" + scramble(original, drawn, "")  # noqa: PLR2004 - a UK inward code
    return "ZZ" + scramble(original[2:], drawn, "")


def _is_day_first(written: Iterable[str]) -> bool:
    """Whether slashed dates that can be read one way only say so."""
    found = [match for match in map(_SLASHED.fullmatch, written) if match is not None]
    return sum(int(match[1]) > 12 for match in found) > sum(int(match[2]) > 12 for match in found)  # noqa: PLR2004


def _last_year(written: Iterable[str], *, day_first: bool) -> int:
    found = [dates.read(text, 2000, day_first=day_first) for text in written]
    return max((entry.value.year for entry in found if entry is not None and entry.year is not None), default=2025)


def _patched(text: str, new: Iterable[tuple[int, int, str]]) -> str:
    pieces: list[str] = []
    at = 0
    for start, end, piece in new:
        pieces += [text[at:start], piece]
        at = end
    return "".join(pieces) + text[at:]
