"""The gazetteer: what the words of a text are known as. Sorted hashes and flags, no strings.

`models/gazetteers/` builds its file and says where its entries come from. An entry is one to four words; its key is
a hash of its normal form (`normal`), so a reader of a folded text hashes its words and looks all of them up at once.
A hash of 64 bits among less than half a million entries meets a foreign word once in 10**13 look-ups.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

GIVEN = 1
"""A given name."""
SURNAME = 2
"""A family name."""
CITY = 4
"""A city, town or village."""
REGION = 8
"""A state, province, county or department."""
COUNTRY = 16
"""A country."""
NATIONALITY = 32
"""A people, an origin or a language."""
COMMON = 64
"""A word that mostly names nobody: frequent in lower case."""
ORG_WORD = 128
"""A word that organisations' names are made with."""
MEDICAL = 256
"""A disease, drug, test, organism or finding."""
EPONYM = 512
"""A name that in clinical prose mostly stands for a disease, sign, test or device."""
PROFESSION = 1024
"""An occupation or a role."""
KINSHIP = 2048
"""A relative."""
FREQUENT_GIVEN = 4096
"""Among the thousand most frequent given names of a country; comes with `GIVEN`."""
FREQUENT_SURNAME = 8192
"""Among the five thousand most frequent family names of a country; comes with `SURNAME`."""
BIG_CITY = 16384
"""A city of 100,000 people or more; comes with `CITY`."""
FACILITY_WORD = 32768
"""A word that health facilities' names are made with."""

WORDS_MAX = 4
"""Words of the longest entry."""
WORD_BYTES_MAX = 24
"""Bytes of a word that count; what follows is cut off."""
MULTIPLIER = 0x100000001B3
"""Of the hash: the 64-bit FNV prime (draft-eastlake-fnv, section 5)."""

SIEVE_BITS = 22
"""4 MiB: one in twelve of its places is taken."""
_MIX = np.uint64(0x9E3779B97F4A7C15)
"""2**64 / the golden ratio: spreads a hash over its upper bits (Knuth, TAOCP 6.4)."""
_MASK = (1 << 64) - 1
_BLANKS = re.compile(rb"[-'.\s]+")


def normal(folded: bytes) -> bytes:
    """The form that is hashed: lower case; hyphens, apostrophes, dots as blanks; each word cut to `WORD_BYTES_MAX`.

    Args:
        folded: an entry, folded (see `ringfence.recognize.fold`).
    """
    return b" ".join(word[:WORD_BYTES_MAX] for word in _BLANKS.split(folded.lower()) if word)


def key(folded: bytes) -> int:
    """The key of an entry: ``h = h * MULTIPLIER + byte + 1`` modulo 2**64 over its normal form."""
    value = 0
    for byte in normal(folded):
        value = (value * MULTIPLIER + byte + 1) & _MASK
    return value


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """Keys and what they are. May be used from several threads."""

    keys: NDArray[np.uint64]
    """Sorted, each once."""
    flags: NDArray[np.uint16]
    """For each key the flags of this module, or-ed."""
    version: str
    """Names the contents: the beginning of their SHA-256."""
    sieve: NDArray[np.bool_] = field(init=False)
    """For each value of a key's upper `SIEVE_BITS` bits, mixed, whether some key has it: most words of a text fall
    through here and need no search."""

    def __post_init__(self) -> None:
        """Make the sieve."""
        sieve = np.zeros(1 << SIEVE_BITS, np.bool_)
        sieve[_mixed(self.keys)] = True
        object.__setattr__(self, "sieve", sieve)  # once, before anybody sees it

    def lookup(self, hashes: NDArray[np.uint64]) -> NDArray[np.uint16]:
        """The flags of each of `hashes` (any shape); 0 where it is no key."""
        flags = np.zeros(hashes.shape, np.uint16)
        likely = self.sieve[_mixed(hashes)]
        if likely.any():
            wanted = hashes[likely]
            places = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
            flags[likely] = np.where(self.keys[places] == wanted, self.flags[places], np.uint16(0))
        return flags

    def of(self, folded: bytes) -> int:
        """The flags of one entry, folded; for tests and tools, not for the hot path."""
        return int(self.lookup(np.array([key(folded)], np.uint64))[0])


def load_gazetteer() -> Gazetteer:
    """The gazetteer that ships with the package.

    Raises:
        OSError: the package's file is missing or damaged.
        ValueError: it is no file of this kind.
    """
    with (files("ringfence.recognize") / "data" / "gazetteer.npz").open("rb") as file, np.load(file) as arrays:
        return Gazetteer(arrays["keys"], arrays["flags"], str(arrays["version"]))


def _mixed(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return (hashes * _MIX) >> np.uint64(64 - SIEVE_BITS)
