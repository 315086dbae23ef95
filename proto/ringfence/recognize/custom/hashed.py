"""Dictionaries of keyed hashes: exact-data match whose list is no leak.

What a file holds. For each way to write each term: HMAC-SHA-256 (FIPS 198-1) under the site key of its words, folded,
small, one blank between, cut to 64 bits; and the same of each first word, so that a scan need not try every run of
words. Both sorted, so their order says nothing. Beside them: how many words terms have, and of what kind and length
first words are. Who has the file without the key learns these numbers and nothing else; who has the key too can try
names, so the key is kept apart from the file (0600, not in the same backup).

Why no Bloom filter before the hashes: an unkeyed one would answer "is this name in the list?" to anybody, and a keyed
one costs the same HMAC. The cheap filters are the kinds and lengths of first words and a list of everyday words that
begin no term.

A false alarm needs two texts with one 64-bit hash: with 100,000 terms one in 2^47 words.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ringfence.recognize.custom.dictionaries import Owner
from ringfence.recognize.custom.errors import CustomError, Problem, read_file
from ringfence.recognize.custom.numbers import grouped_numbers
from ringfence.recognize.custom.settings import Case, Dictionary
from ringfence.recognize.custom.squeeze import Places, words
from ringfence.recognize.custom.terms import TERM_BYTES_MAX, WORDS_MAX, Term, written
from ringfence.recognize.span import Span
from ringfence.recognize.vocabulary import COMMON_WORDS, NOT_NAMES

MAGIC = b"ringfence hashed dictionary 1\n"
"""First line of a file."""
KEY_BYTES_MIN = 32
"""Shortest site key: as long as the hash (FIPS 198-1, section 3)."""
HASH_BYTES = 8
"""How much of each HMAC is kept."""

_HEAD, _TERM, _NAME = b"h\x00", b"t\x00", b"n\x00"
"""First words, whole terms and the key's own name are hashed apart."""

Hashes = NDArray[np.uint64]


def read_key(path: Path) -> bytes:
    """The site key.

    Raises:
        CustomError: it cannot be read, is too short, or others may read it.
    """
    blob = read_file(path)
    if path.stat().st_mode & 0o077:
        raise CustomError([Problem(path, 0, "others may read this key; chmod 600")])
    if len(blob) < KEY_BYTES_MIN:
        raise CustomError([Problem(path, 0, f"shorter than {KEY_BYTES_MIN} bytes; make one by ringfence policy key")])
    return blob


def build(terms: Iterable[Term], key: bytes, *, person_variants: bool) -> bytes:
    """A hashed file of `terms`.

    Args:
        terms: their words, folded.
        key: the site key, `KEY_BYTES_MIN` bytes or more.
        person_variants: whether they are names, of which variants are found too.
    """
    ways = {tuple(word.lower() for word in way) for term in terms for way in written(term, variants=person_variants)}
    heads = {way[0] for way in ways}
    body = _sorted(_mac(key, _HEAD, head) for head in heads) + _sorted(_mac(key, _TERM, b" ".join(way)) for way in ways)
    header = {
        "key": _mac(key, _NAME, b"").hex(),
        "heads": len({_mac(key, _HEAD, head) for head in heads}),
        "words": sorted({len(way) for way in ways}),
        "kinds": sorted({_kind(head) for head in heads}),
        "sha256": sha256(body).hexdigest(),
    }
    return MAGIC + json.dumps(header, sort_keys=True).encode() + b"\n" + body


def _sorted(hashes: Iterable[bytes]) -> bytes:
    return np.unique(np.frombuffer(b"".join(hashes), "<u8")).astype("<u8").tobytes()


def _mac(key: bytes, purpose: bytes, text: bytes) -> bytes:
    return hmac.digest(key, purpose + text, "sha256")[:HASH_BYTES]


def _kind(word: bytes) -> int:
    """A word's length, and whether it holds digits, as one number."""
    return len(word) * 2 + any(byte in b"0123456789" for byte in word)


@dataclass(frozen=True, slots=True)
class HashedFile:
    """A hashed dictionary as it was read."""

    heads: Hashes
    """Of first words; sorted."""
    terms: Hashes
    """Of whole terms; sorted."""
    words: tuple[int, ...]
    """How many words terms have."""
    kinds: frozenset[int]
    """Kinds of first words."""


def parse(path: Path, blob: bytes, key: bytes) -> HashedFile:
    """Read a hashed file.

    Raises:
        CustomError: it is none, is damaged, or was made with another key.
    """
    if not blob.startswith(MAGIC):
        raise CustomError([Problem(path, 1, "is no hashed dictionary; make one by ringfence policy hash")])
    line, _, body = blob[len(MAGIC) :].partition(b"\n")
    try:
        header: Any = json.loads(line)
        digest, named = header["sha256"], header["key"]
        heads = int(header["heads"])
        counts = tuple(int(count) for count in header["words"])
        kinds = frozenset(int(kind) for kind in header["kinds"])
    except (ValueError, TypeError, KeyError):
        raise CustomError([Problem(path, 2, "is damaged; make it again by ringfence policy hash")]) from None
    if sha256(body).hexdigest() != digest or len(body) % HASH_BYTES or not 0 < heads * HASH_BYTES < len(body):
        raise CustomError([Problem(path, 0, "is damaged; make it again by ringfence policy hash")])
    if not counts or not all(1 <= count <= WORDS_MAX for count in counts):
        raise CustomError([Problem(path, 2, "is damaged; make it again by ringfence policy hash")])
    if named != _mac(key, _NAME, b"").hex():
        raise CustomError([Problem(path, 0, "was made with another key; name that key, or make the file again")])
    hashes = np.frombuffer(body, "<u8").astype(np.uint64)
    return HashedFile(hashes[:heads], hashes[heads:], counts, kinds)


class HashedDictionaries:
    """Finds the terms of hashed lists in folded bytes."""

    __slots__ = ("_counts", "_heads", "_key", "_kinds", "_owner_of", "_owners", "_skipped", "_terms")

    def __init__(self, files: Sequence[HashedFile], owners: Sequence[Owner], key: bytes) -> None:
        """Serve `files`, all made with `key`; what a hit of each becomes stands in `owners`."""
        self._key = key
        self._owners = tuple(owners)
        self._heads = np.unique(np.concatenate([file.heads for file in files]))
        terms = np.concatenate([file.terms for file in files])
        owner = np.concatenate([np.full(len(file.terms), index, np.uint8) for index, file in enumerate(files)])
        order = np.argsort(terms, kind="stable")
        self._terms, self._owner_of = terms[order], owner[order]
        self._counts = tuple(sorted({count for file in files for count in file.words}))
        self._kinds = frozenset[int]().union(*(file.kinds for file in files))
        everyday = sorted(COMMON_WORDS | NOT_NAMES)
        begins = self._are_heads(everyday)
        self._skipped = frozenset(word for word, is_head in zip(everyday, begins, strict=True) if not is_head)

    def __call__(self, folded: bytes) -> Iterable[Span]:
        """What stands in `folded`. Never raises; linear; may be called from several threads."""
        tokens = words(folded.lower())
        kinds, skipped = self._kinds, self._skipped
        distinct = [
            token
            for token in set(tokens)
            if token not in skipped and len(token) <= TERM_BYTES_MAX and _kind(token) in kinds
        ]
        heads = {token for token, is_head in zip(distinct, self._are_heads(distinct), strict=True) if is_head}
        found: list[Span] = []
        if heads:
            found += self._find(folded, tokens, heads)
        numbers = [number for number in grouped_numbers(folded) if _kind(number.key) in kinds]
        for number, owners in zip(numbers, self._owners_of([number.key.lower() for number in numbers]), strict=True):
            for owner in owners:
                found += self._owners[owner].span(folded, number.start, number.end)
        return found

    def _find(self, folded: bytes, tokens: list[bytes], heads: set[bytes]) -> list[Span]:
        """The terms that begin with one of `heads`."""
        tried = [
            (index, index + count - 1)
            for index, token in enumerate(tokens)
            if token in heads
            for count in self._counts
            if index + count <= len(tokens)
        ]
        keys = [b" ".join(tokens[first : last + 1]) for first, last in tried]
        places: Places | None = None
        found: list[Span] = []
        for (first, last), owners in zip(tried, self._owners_of(keys), strict=True):
            if not owners:
                continue
            places = places or Places(folded)
            if places.is_close(first, last):
                for owner in owners:
                    found += self._owners[owner].span(folded, *places.word_span(first, last))
        return found

    def _are_heads(self, tokens: Sequence[bytes]) -> Sequence[bool]:
        if not tokens:
            return ()
        hashes = self._hashes(_HEAD, tokens)
        places = np.minimum(np.searchsorted(self._heads, hashes), len(self._heads) - 1)
        return list(self._heads[places] == hashes)

    def _owners_of(self, keys: Sequence[bytes]) -> Sequence[tuple[int, ...]]:
        """For each key the dictionaries that hold it."""
        if not keys:
            return ()
        hashes = self._hashes(_TERM, keys)
        first = np.searchsorted(self._terms, hashes, "left").tolist()
        last = np.searchsorted(self._terms, hashes, "right").tolist()
        return [tuple(self._owner_of[start:end].tolist()) for start, end in zip(first, last, strict=True)]

    def _hashes(self, purpose: bytes, texts: Iterable[bytes]) -> Hashes:
        key = self._key
        return np.frombuffer(b"".join([_mac(key, purpose, text) for text in texts]), "<u8")


def load_hashed(
    dictionaries: Sequence[Dictionary], key_file: Path | None
) -> tuple[HashedDictionaries, tuple[bytes, ...]]:
    """The stage of hashed `dictionaries`, and what they hold for the digest.

    Raises:
        CustomError: a file or the key cannot be used.
    """
    if key_file is None:
        raise CustomError([Problem(dictionaries[0].path, 0, "needs a key file; name the key that it was made with")])
    for one in dictionaries:
        if one.case is Case.EXACT or not one.whole_word:
            raise CustomError([Problem(one.path, 0, 'is hashed: set case to "ignore" or "capital", whole_word = true')])
    key = read_key(key_file)
    contents = tuple(read_file(one.path) for one in dictionaries)
    files = [parse(one.path, blob, key) for one, blob in zip(dictionaries, contents, strict=True)]
    return HashedDictionaries(files, [Owner.of(one) for one in dictionaries], key), contents
