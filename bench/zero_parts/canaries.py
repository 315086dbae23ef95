"""Canaries: a person that there is not and a word that there is not, made for one request, and found by one stem. Pure.

Every word of a run begins with the run's stem, which no other run has and no text contains. So a search looks for one
stem however many requests there were; the rest of the word says whose it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from zero_parts.encodings import Encoding

_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
MARKED_CHARS = 4
"""Letters at the beginning of a stem of which two bear marks."""
CORE_CHARS = 8
"""Plain letters at the end of a stem, which no escape changes: they are looked for by themselves too, so that escapes
of escapes are found whatever made them."""
_REST_SYLLABLES = 3
"""70 to the third: 343,000 ends of words, so that those of a run differ."""


@dataclass(frozen=True, slots=True)
class Canary:
    """What must not be found. Its words are told in no report, only its place in the run."""

    given: str
    """A given name."""
    family: str
    """A family name: with it a person, whom recognisers find."""
    word: str
    """A word of prose that no recogniser looks for."""
    scene: str
    """The scene that it was made for."""
    encoding: str
    """How it is written there."""

    @property
    def words(self) -> tuple[str, str, str]:
        """All that is looked for."""
        return self.given, self.family, self.word


def stem(rng: Random) -> str:
    """Twelve small letters: four with marks, so that escapes differ from what they escape, and the core."""
    core = "".join(rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(CORE_CHARS // 2))
    return f"{rng.choice(_CONSONANTS)}ö{rng.choice(_CONSONANTS)}é{core}"


def canary(stem_of_run: str, scene: str, encoding: str, rng: Random) -> Canary:
    """A new one."""

    def word() -> str:
        return stem_of_run + "".join(rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(_REST_SYLLABLES))

    return Canary(word().capitalize(), word().capitalize(), word(), scene, encoding)


def note(one: Canary, encoding: Encoding) -> str:
    """A note with the person and the word in it, for encodings that are text; the words around them are plain."""
    person = _text(encoding, f"{one.given} {one.family}")
    return f"Patient: {person}, MRN: 00482913\nThe {_text(encoding, one.word)} was checked."


def prose(one: Canary, encoding: Encoding) -> str:
    """A question with nothing but the word in it."""
    return f"What does the word {_text(encoding, one.word)} mean?"


def document(one: Canary, encoding: Encoding) -> bytes:
    """The note as the bytes of a file, all of them so encoded."""
    return encoding.write(f"Patient: {one.given} {one.family}, MRN: 00482913\nThe {one.word} was checked.")


def _text(encoding: Encoding, plain: str) -> str:
    return encoding.write(plain).decode("utf-8") if encoding.is_text else plain
