"""From a prompt's text to numbers that hold none of it.

Two kinds come out: `NAMES`, counts and marks of form; and buckets of words and pairs of neighbouring words, hashed with
a salt of the site's own. Letters' case and digits' values are dropped before hashing. The cost is linear in the
characters that are read, which are at most `CHARS_MAX`: 0.11 ms for 550, and 0.19 ms with the prior's word (processor
time, one core, 2026-11-30).
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from math import log1p, sqrt
from typing import Final

import numpy as np

from ringfenced.learn.outcome import Features, Float32s, Uint32s
from ringfenced.learn.prior import SAID, Prior
from ringfenced.learn.question import Question, question_of

CHARS_MAX: Final = 6000
"""How much of a prompt is read: half from its beginning, half from its end, where the question mostly is."""
BUCKETS: Final = 1 << 18
"""Of the hash. A site's prompts of a year fill few of them twice, and a head's weights for all are 1 MB."""
SALT_BYTES: Final = 16
"""Length of the salt."""

_FIRST, _SECOND, _ONE = np.uint32(0x9E3779B1), np.uint32(0x85EBCA6B), np.uint32(1)
"""Odd numbers, so that a pair's hash depends on the order: xxHash's first prime and murmur3's first constant."""
_MURMUR_1, _MURMUR_2 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT, _MASK = np.uint64(33), np.uint64(BUCKETS - 1)
_LOG1P_MAX = CHARS_MAX
_LOG1P: Final = np.log1p(np.arange(_LOG1P_MAX + 1)).astype(np.float32)
"""Of every count that there can be: no more tokens are read than characters."""
_LETTER, _ZERO = ord("a"), ord("0")
"""Tokens of letters begin with this or a higher byte; tokens of digits with a zero."""
LONG_WORD: Final = 9
"""Letters of a word that counts as long."""
_TOKEN = re.compile(rb"[a-z\x80-\xff]+|0+(?:[.,]0+)*|[^\sa-z0\x80-\xff]")
_LOWER = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ123456789", b"abcdefghijklmnopqrstuvwxyz000000000")
"""Lower case, every digit a zero."""

_CUES: Final[dict[str, str]] = {
    "what": "what", "which": "which", "who": "who whom whose", "when": "when", "where": "where", "why": "why",
    "how": "how",
    "following": "following below", "not": "not except least false incorrect never cannot",
    "best": "best most likely true correct", "statement": "statement statements", "you": "you your",
    "first_person": "i me my we our", "third_person": "he she him her his hers they", "if": "if suppose assume given",
    "all_none": "above none both neither", "count": "many much total each every per altogether sum left remaining",
    "calculate": "calculate compute find determine solve evaluate simplify prove derive equation",
    "write": "write function code program implement python return list string array def class import",
    "explain": "explain describe discuss summarize summarise compare analyze analyse why",
    "format": "print only json format boxed choice answer single", "law": "court defendant plaintiff law act state v",
    "time": "year years century after before during since war", "german": "der die das und ist nicht ein eine welche",
    "french": "le les des est une dans que qui pour quelle", "spanish": "el los las del una por con para cual",
}  # fmt: skip
"""Words that are counted together."""
_CUE_OF: Final = {word.encode(): number for number, words in enumerate(_CUES.values()) for word in words.split()}
_CLASSES: Final = (
    "upper",
    "digit",
    "maths",
    "quote",
    "bracket",
    "comma",
    "point",
    "high",
    "other",
    "dollar",
    "percent",
)
_CLASS_OF: Final = np.full(256, len(_CLASSES), np.uint8)
for _marks, _class in (
    (bytes(range(65, 91)), 0), (b"0123456789", 1), (b"+-*/=^<>~|\\", 2), (b"\"'`", 3), (b"()[]{}", 4), (b",;", 5),
    (b".!?:", 6), (bytes(range(128, 256)), 7), (b"#&@_", 8), (b"$", 9), (b"%", 10),
):  # fmt: skip
    _CLASS_OF[np.frombuffer(_marks, np.uint8)] = _class

NAMES: Final = (
    "chars", "chars_read", "question_chars", "words", "sentences", "lines", "word_chars", "long_words", "distinct",
    "numbers", *(f"share_{name}" for name in _CLASSES), "maths_marks", "high_marks", "examples",
    "ends_question", "ends_colon", "ends_point", "blank", "starts_space",
    "choices", "choice_chars", "choice_chars_max", "choice_chars_min", "choice_chars_spread", "choices_numeric",
    "choices_digits", "choices_one_word", "choices_capital", "choices_overlap", "choices_alike", "choice_word_chars",
    *(f"cue_{name}" for name in _CUES),
)  # fmt: skip
"""The hand features, in order."""


def featured(text: str, *, salt: bytes, prior: Prior | None = None, chars_max: int = CHARS_MAX) -> Features:
    """What there is to know of a prompt before it runs, without its text.

    Args:
        text: the prompt, all of its turns; the question that matters is taken to stand at the end.
        salt: `SALT_BYTES` secret bytes of the site that key the hashing: whoever has stored features and not the salt
            cannot look words up in them.
        prior: the shipped prior, whose word on the prompt is added to the hand features; zeros stand there without.
        chars_max: characters read at most, half from the beginning and half from the end.
    """
    seen = read(text, chars_max=chars_max)
    said = prior.said(seen.hand, seen.grams, seen.weight) if prior else np.zeros(SAID, np.float32)
    return Features(np.concatenate((seen.hand, said)), keyed(seen.grams, salt), seen.weight)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What is read of a prompt for the moment; its hashes are not keyed, so it must not be stored."""

    hand: Float32s
    """In the order of `NAMES`."""
    grams: Uint32s
    """Hashes of the words and of pairs of neighbours, each once."""
    weight: Float32s
    """The logarithm of how often each comes; of length 1 together."""


def read(text: str, *, chars_max: int = CHARS_MAX) -> Seen:
    """Read a prompt; arguments as those of `featured`."""
    half = chars_max // 2
    shown = text if len(text) <= chars_max else text[:half] + "\n" + text[-half:]
    question = question_of(shown)
    said = question.stem.encode("utf-8", "replace")
    tokens = _TOKEN.findall(said.translate(_LOWER))
    choices = _TOKEN.findall("\n".join(question.choices).encode("utf-8", "replace").translate(_LOWER))
    both = tokens + choices
    sizes = [log1p(len(text)), log1p(len(shown))]
    hand = np.array([*sizes, *_form(said, tokens, question), *question.choice_form(), *_cues(both)], np.float32)
    return Seen(hand, *_grams(both))


def _grams(tokens: list[bytes]) -> tuple[Uint32s, Float32s]:
    if not tokens:
        return np.zeros(0, np.uint32), np.zeros(0, np.float32)
    count = len(tokens)
    hashes = np.empty(2 * count - 1, np.uint32)
    words = hashes[:count]
    words[:] = np.fromiter(map(zlib.crc32, tokens), np.uint32, count)
    hashes[count:] = words[:-1] * _FIRST ^ (words[1:] * _SECOND + _ONE)
    hashes.sort()
    is_first = np.empty(len(hashes) + 1, np.bool_)
    is_first[0] = is_first[-1] = True
    np.not_equal(hashes[1:], hashes[:-1], out=is_first[1:-1])
    starts = is_first.nonzero()[0]
    weight = _LOG1P.take(np.minimum(starts[1:] - starts[:-1], _LOG1P_MAX))
    return hashes[starts[:-1]], weight / np.float32(sqrt(weight @ weight))


def keyed(hashes: Uint32s, salt: bytes) -> Uint32s:
    """A bucket for each hash: two rounds of murmur3's 64-bit finaliser with a half of the salt before each."""
    mixed = hashes.astype(np.uint64)
    for key in np.frombuffer(salt, "<u8", 2):
        mixed ^= key
        mixed ^= mixed >> _SHIFT
        mixed *= _MURMUR_1
        mixed ^= mixed >> _SHIFT
        mixed *= _MURMUR_2
        mixed ^= mixed >> _SHIFT
    return (mixed & _MASK).astype(np.uint32)


def _form(said: bytes, tokens: list[bytes], question: Question) -> list[float]:
    firsts = [token[0] for token in tokens]
    lengths = [len(token) for token in tokens if token[0] >= _LETTER]
    classes: list[int] = np.bincount(_CLASS_OF[np.frombuffer(said, np.uint8)], minlength=len(_CLASSES) + 1).tolist()
    size, count = max(1, len(said)), max(1, len(lengths))
    last = question.stem[-1:]
    return [
        log1p(len(said)),
        log1p(len(lengths)),
        log1p(classes[6]),
        log1p(said.count(b"\n")),
        sum(lengths) / count,
        len([length for length in lengths if length >= LONG_WORD]) / count,
        len(set(tokens)) / max(1, len(tokens)),
        log1p(firsts.count(_ZERO)),
        *[marks / size for marks in classes[:-1]],
        log1p(classes[2]),
        log1p(classes[7]),
        log1p(question.examples),
        float(last == "?"),
        float(last == ":"),
        float(last == "."),
        float("__" in question.stem),
        float(question.starts_with_space),
    ]


def _cues(tokens: list[bytes]) -> list[float]:
    """How often words of each group come, as logarithms."""
    counts = [0] * len(_CUES)
    for cue in map(_CUE_OF.get, tokens):
        if cue is not None:
            counts[cue] += 1
    return [log1p(count) for count in counts]
