"""Length, wording and repetition of an answer, and which of the question's words come back in it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

__all__ = ["NAMES", "measured", "words_of"]

_WORDS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")  # noqa: RUF001
_WORDS_MAX = 2_000
_KINDS: dict[str, str] = {
    "hedges": (
        "maybe perhaps possibly probably likely unclear unsure uncertain assume assuming assumed assumption "
        "might could seems appears unfortunately ambiguous vielleicht wahrscheinlich vermutlich unklar peut- "
        "être probablement"
    ),
    "refusals": ("sorry cannot unable apologize apologies can't insufficient impossible leider désolé"),
    "corrections": ("wait actually mistake correction however but although incorrect wrong error recalculate"),
    "rounds": ("approximately about around roughly rounded rounding nearest estimate ungefähr environ"),
    "concludes": ("therefore thus hence so finally altogether total overall daher also donc"),
    "orders": ("first second third then next step now after finally firstly secondly zuerst dann ensuite"),
    "explains": ("because since means given need know find calculate let determine"),
    "lacks": ("information specify specified provided given mentioned specific enough missing unknown"),
    "negates": ("not no never none without nicht kein pas aucun doesn't isn't don't"),
}
_OF = {word: place for place, words in enumerate(_KINDS.values()) for word in words.split()}
_ASKED: dict[str, str] = {
    "asks_fraction": (
        "half third quarter fourth fifth percent percentage ratio fraction twice double triple thrice times"
    ),
    "asks_rate": ("per each every rate speed average daily weekly hourly"),
    "asks_compare": ("more less fewer than older younger taller difference remaining left rest another other"),
    "asks_time": ("hour hours minute minutes day days week weeks month months year years age old"),
    "asks_money": ("cost costs price dollars cents pay paid earn earns spend spends profit sells sold buys salary"),
    "asks_if": ("if unless except but only instead however least most maximum minimum"),
    "asks_not": ("not no never except incorrect false without"),
}
_ASKED_OF = {word: place for place, words in enumerate(_ASKED.values()) for word in words.split()}

NAMES: tuple[str, ...] = (
    "question_chars", "question_words", "question_sentences", *_ASKED,
    "chars", "words", "lines", "sentences", "sentence_words", "word_chars", "answer_over_question",
    *_KINDS,
    "distinct_words", "repeated_lines", "repeated_run", "asked_words_back", "words_from_question", "other_script",
    "ends_open", "empty",
)  # fmt: skip
"""What each number is, in their order; lengths and counts are logarithms."""


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, at most `_WORDS_MAX`, the last ones."""
    return _WORDS.findall(text.lower())[-_WORDS_MAX:]


def measured(question: str, answer: str, words: Sequence[str]) -> list[float]:
    """The features named in `NAMES`.

    Args:
        question: the question itself.
        answer: the whole answer.
        words: its words, of `words_of`.
    """
    asked = words_of(question)
    sentences = 1 + sum(map(answer.count, (". ", ".\n", "!", "?")))
    return [
        math.log1p(len(question)),
        math.log1p(len(asked)),
        math.log1p(sum(map(question.count, (". ", "?", "!", ".\n")))),
        *_counted(asked, _ASKED_OF, len(_ASKED)),
        math.log1p(len(answer)),
        math.log1p(len(words)),
        math.log1p(answer.count("\n")),
        math.log1p(sentences),
        math.log1p(len(words) / sentences),
        math.log1p(sum(map(len, words)) / max(1, len(words))),
        math.log((1 + len(answer)) / (1 + len(question))),
        *_counted(words, _OF, len(_KINDS)),
        *_echoed(question, answer, asked, words),
        float(bool(answer) and answer.rstrip()[-1:] not in '.!?)]}"*`$%'),
        float(not answer.strip()),
    ]


def _counted(words: Sequence[str], kinds: dict[str, int], count: int) -> list[float]:
    counts = [0] * count
    for word in words:
        place = kinds.get(word)
        if place is not None:
            counts[place] += 1
    return [math.log1p(number) for number in counts]


def _echoed(question: str, answer: str, asked: Sequence[str], words: Sequence[str]) -> list[float]:
    distinct, asked_distinct = set(words), {word for word in asked if len(word) > 3}  # noqa: PLR2004  content words
    shared = len(distinct & asked_distinct)
    lines = [line for line in answer.split("\n") if len(line) > 8]  # noqa: PLR2004  not numbering or marks
    pairs = list(zip(words, words[1:], words[2:], words[3:], strict=False))
    return [
        len(distinct) / max(1, len(words)),
        1 - len(set(lines)) / max(1, len(lines)),
        1 - len(set(pairs)) / max(1, len(pairs)),
        shared / max(1, len(asked_distinct)),
        shared / max(1, len(distinct)),
        float(question.isascii() != answer.isascii()),
    ]
