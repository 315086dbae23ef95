"""Every family of readings, each behind a trigger; a few automata over all triggers say which can have work to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import re2

from ringfence.recognize.views import codes, encodings, escapes, lookalikes, markup, spacing, whole, words, wraps
from ringfence.recognize.views.passage import Edit, Passage

Finder = Callable[[str], Iterable[Edit]]
"""The edits that a family makes in a text; linear, never raises."""
Transform = Callable[[Passage], Iterator[Passage]]
"""Readings of a whole passage."""


class Family(NamedTuple):
    """Stretches that read as something else."""

    name: str
    """Names the reading."""
    trigger: str
    """RE2's syntax, over folded bytes in any case: what a text must have for `find` to be asked."""
    find: Finder
    """What it reads."""


FAMILIES = (
    Family("backslash", r"\\(?:x|u|U|N\{|[0-3]?[0-7]{2}|[\"'/])", escapes.backslash),
    Family("css", r"\\[0-9a-f]{2,6} ?\\[0-9a-f]{2}", escapes.css),
    Family("percent", r"%(?:25)*[0-9a-f]{2}|%u[0-9a-f]{4}", escapes.percent),
    Family("entities", r"&(?:#|[a-z][a-z0-9]{1,20};)", escapes.entities),
    Family("quoted-printable", r"=[0-9a-f]{2}|=\r?\n", escapes.quoted_printable),
    Family("utf7", r"\+[a-z0-9+/]{3,}", escapes.utf7),
    Family("u-plus", r"\bu\+[0-9a-f]{4}", escapes.u_plus),
    Family("base64", encodings.BASE64_TRIGGER, encodings.base64_text),
    Family("base32", encodings.BASE32_TRIGGER, encodings.base32_text),
    Family("hex", r"\b(?:0x|x')?[0-9a-f]{10}|(?:\b(?:0x)?[0-9a-f]{2}[ :,;.\-|]{1,2}){4}", encodings.hexadecimal),
    Family("ascii85", r"<~", encodings.ascii85),
    Family("binary", r"[01]{7}[ ,;|.\-01]{4}[01]", codes.binary),
    Family("decimal", r"(?:\d{2,3}\)?[ ,;+\-|.&]{1,3}(?:chr\()?){4}\d{2}", codes.decimal),
    Family(
        "morse",
        r"[.\-]{1,5}(?: {1,3}| ?[/|] ?)[.\-]{1,5}(?: {1,3}| ?[/|] ?)[.\-]{1,5}(?: {1,3}| ?[/|] ?)[.\-]",
        codes.morse,
    ),
    Family("spelling", codes.SPELLING_TRIGGER, codes.spelling),
    Family("words", words.TRIGGER, words.numbers),
    Family("singles", spacing.SINGLES_TRIGGER, spacing.singles),
    Family("padded", spacing.PADDED_TRIGGER, spacing.padded),
    Family("labelled", spacing.LABELLED_TRIGGER, spacing.labelled),
    Family("grouped", spacing.GROUPED_TRIGGER, spacing.grouped),
    Family("grouped-iban", spacing.GROUPED_IBAN_TRIGGER, spacing.grouped_iban),
    Family("tags", r"</?[a-z!]", markup.tags),
    Family("markdown", r"[a-z0-9@.\-+(/:](?:\*|__|~|`|\|\||==)[a-z0-9@.\-+(/:*_~`]|\]\(", markup.markdown),
    Family(
        "markup",
        r"\[/?[a-z]+(?:=[^\]]*)?\]|/\*|\{#|<%--|\(\*|\\(?:text|emph|math|underline|mbox|[,!;])|\{\}|\{\{ ?[\"']|\$\{",
        markup.other_markup,
    ),
    Family(
        "concatenated",
        r"[\"'`]\s{0,8}(?:\+|\.\.?|&|\|\||<<|\\\r?\n|\r?\n)\s{0,8}[\"'`]|[\"'] [\"']",
        markup.concatenated,
    ),
    Family("controls", r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", markup.controls),
    Family("line-ends", wraps.BREAK_TRIGGER, wraps.line_ends),
    Family("cells", wraps.CELLS_TRIGGER, wraps.cells),
    Family("worded", lookalikes.AT_TRIGGER, lookalikes.worded),
    Family("digits", lookalikes.DIGIT_TRIGGER, lookalikes.letters_for_digits),
    Family("leet", lookalikes.LEET_TRIGGER, lookalikes.leet),
)
"""In order: where two read the same stretch, the first goes first."""

_PUT_TOGETHER = frozenset({"grouped", "grouped-iban", "labelled", "line-ends", "cells"})
_OTHER_LETTERS = frozenset({"leet", "digits", "worded"})
"""Readings of single words: identifiers and abbreviations of any note set them off."""
_REARRANGED = _PUT_TOGETHER | {"reversed", "reversed-words"}
"""Readings that put together what stands apart, or turn it round: no sentences come of it."""
_CODES = frozenset(
    {"backslash", "percent", "entities", "base64", "base32", "hex", "ascii85", "binary", "decimal", "controls"}
)
"""Readings of codes that say what was written, character for character."""
_SENTENCE_CHARS_MAX = 400
_JOINTS = re.compile(r"[+,]")


def is_last(name: str) -> bool:
    """Whether nothing further hides in the last of the readings that `name` names: all such are read at once, too."""
    return (_PUT_TOGETHER | _OTHER_LETTERS).issuperset(name.rpartition("+")[2].split(","))


def brings_sentences(name: str, chars: int) -> bool:
    """Whether one of the readings that `name` names brings sentences to light that could not be read before.

    Args:
        name: of the readings.
        chars: how long what they read is; in a long text other letters for some words do not make new sentences.
    """
    none = _REARRANGED | _OTHER_LETTERS if chars > _SENTENCE_CHARS_MAX else _REARRANGED
    return not none.issuperset(_JOINTS.split(name))


def is_decoded(name: str) -> bool:
    """Whether the readings that `name` names undo codes alone: what stands in it was written so, before it was coded.

    Any other reading turns base64 that can be read into noise.
    """
    return _CODES.issuperset(_JOINTS.split(name))


WHOLE: tuple[tuple[str, Transform], ...] = (
    (whole.REVERSED_TRIGGER, whole.backwards),
    (rf"{whole.CIPHER_TRIGGER}|{whole.ROT47_TRIGGER}", whole.deciphered),
)
"""Readings of whole passages, with their triggers."""


_TOGETHER = (
    ("backslash", "css", "percent", "entities", "quoted-printable", "utf7", "u-plus", "ascii85", "tags", "markdown"),
    ("markup", "concatenated", "controls", "cells", "singles"),
    ("base64", "base32", "hex", "binary", "decimal", "morse", "padded"),
    ("labelled", "grouped", "grouped-iban", "digits", "leet"),
    ("spelling", "words"),
)
"""Families whose triggers share an automaton; the others have one each. An automaton's states are made while it reads:
all triggers in one would have so many that each text makes new ones (measured: 2.7 ms for 2 KB, against 0.05)."""


class Triggers:
    """Says which families may have something to read in a text, in a few passes."""

    def __init__(self) -> None:
        """Compile them, in some milliseconds."""
        names = [family.name for family in FAMILIES]
        groups = [tuple(names.index(name) for name in group) for group in _TOGETHER]
        alone = set(range(len(FAMILIES) + len(WHOLE))) - {index for group in groups for index in group}
        triggers = [*(family.trigger for family in FAMILIES), *(trigger for trigger, _ in WHOLE)]
        self._automata = [
            (group, _automaton([triggers[index] for index in group]))
            for group in (*groups, *((index,) for index in sorted(alone)))
        ]

    def families(self, data: bytes) -> tuple[list[Family], list[Transform]]:
        """The families, in order, and transforms that `data`, folded, is worth asking for."""
        hits = sorted(group[hit] for group, automaton in self._automata for hit in automaton.Match(data) or ())
        return (
            [FAMILIES[hit] for hit in hits if hit < len(FAMILIES)],
            [WHOLE[hit - len(FAMILIES)][1] for hit in hits if hit >= len(FAMILIES)],
        )


def _automaton(triggers: list[str]) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = 1 << 25  # bytes; beyond it states are dropped and made anew
    automaton = re2.Set.SearchSet(options)  # type: ignore[no-untyped-call]  # re2 has no types
    for trigger in triggers:
        automaton.Add(trigger)
    automaton.Compile()
    return automaton
