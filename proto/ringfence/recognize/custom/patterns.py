"""A site's own patterns: expressions with context, check digits and examples.

1. trigger   hyperscan over all expressions at once: where something may begin
2. look      RE2 reads the longest match from there, in a bounded window; the first group, if there is one, is the span
3. check     the check digits of its letters and digits
4. near      one of the pattern's context words round it
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hyperscan

from ringfence.recognize.cache import read_cached, write_cached
from ringfence.recognize.custom.cache import cache_name
from ringfence.recognize.custom.checks import CHECKS
from ringfence.recognize.custom.errors import CustomError, Problem, refuse
from ringfence.recognize.custom.expression import (
    WIDTH_MAX,
    compile_expression,
    fold_expression,
    hyperscan_flags,
    refused_by_hyperscan,
    wrong,
)
from ringfence.recognize.custom.squeeze import words
from ringfence.recognize.custom.tomlfile import Table, read_tables
from ringfence.recognize.entities import ENTITIES
from ringfence.recognize.fold import Folder
from ringfence.recognize.span import NONE, Span, Spans

PATTERNS_MAX = 10_000
"""Most patterns of a site."""
SHARD_PATTERNS_MAX = 1_000
"""Patterns compiled together: compiling costs more than linearly in their number, scanning a shard a microsecond."""
NEAR_BYTES_BEFORE, NEAR_BYTES_AFTER = 64, 32
"""How far from a match its context words may stand."""
SCORE = 0.8
"""A pattern that says nothing else."""

_KEYS = frozenset({"name", "expression", "type", "case", "near", "check", "score", "matches", "misses"})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_SEPARATORS = bytes(code for code in range(256) if not chr(code).isalnum() or code > 0x7F)  # noqa: PLR2004 - ASCII


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern, valid."""

    name: str
    """Names it in findings, ``custom:NAME``."""
    expression: bytes
    """RE2's syntax, over folded bytes."""
    entity_type: str
    """What it finds."""
    any_case: bool
    """Whether capitals do not matter."""
    near: frozenset[bytes]
    """Words, folded and small, of which one must stand near; none for anywhere."""
    check: str
    """A key of `CHECKS`; empty for none."""
    score: float
    """Confidence from 0 to 1."""
    matches: tuple[str, ...] = field(default=(), compare=False)
    """Texts in which it must find something."""
    misses: tuple[str, ...] = field(default=(), compare=False)
    """Texts in which it must not."""


class Patterns:
    """Finds a site's patterns in folded bytes."""

    __slots__ = ("_compiled", "_lock", "_patterns", "_shards")

    def __init__(self, shards: Sequence[hyperscan.Database], patterns: Sequence[Pattern]) -> None:
        """Serve `patterns`, compiled as `shards` of `SHARD_PATTERNS_MAX` each; see `load_patterns`."""
        self._shards = tuple(shards)
        for shard in self._shards:
            shard.scratch = hyperscan.Scratch(shard)
        self._patterns = tuple(patterns)
        self._compiled: dict[int, Any] = {}
        self._lock = threading.Lock()

    def __call__(self, folded: bytes) -> Iterable[Span]:
        """What stands in `folded`. Never raises; linear; may be called from several threads."""
        hits: set[tuple[int, int]] = set()
        with self._lock:
            for shard in self._shards:
                shard.scan(folded, match_event_handler=_keep, context=hits)
        return [span for number, start in sorted(hits) for span in self._look(number, folded, start)]

    def _look(self, number: int, folded: bytes, start: int) -> Spans:
        pattern = self._patterns[number]
        compiled = self._compiled.get(number)
        if compiled is None:  # 10,000 at the start would cost a second, and most never match
            compiled = compile_expression(pattern.expression, any_case=pattern.any_case)
            self._compiled[number] = compiled
        match = compiled.match(folded, start, min(len(folded), start + WIDTH_MAX))
        if match is None:
            return NONE
        first, last = match.span(1) if compiled.groups and match.start(1) >= 0 else match.span()
        if (
            first == last
            or not _passes(pattern, folded[first:last])
            or not _is_near(pattern, folded, start, match.end())
        ):
            return NONE
        return (Span(first, last, pattern.entity_type, pattern.score, f"custom:{pattern.name}"),)


def _keep(number: int, start: int, _end: int, _flags: int, hits: Any) -> None:
    """Called by hyperscan for each match."""
    hits.add((number, start))


def _passes(pattern: Pattern, found: bytes) -> bool:
    """Whether check digits hold."""
    return not pattern.check or CHECKS[pattern.check](found.translate(None, _SEPARATORS).decode("ascii").upper())


def _is_near(pattern: Pattern, folded: bytes, start: int, end: int) -> bool:
    """Whether one of the context words stands near."""
    if not pattern.near:
        return True
    around = folded[max(0, start - NEAR_BYTES_BEFORE) : start] + b" " + folded[end : end + NEAR_BYTES_AFTER]
    return not pattern.near.isdisjoint(words(around.lower()))


def load_patterns(paths: Sequence[Path], cache_dir: Path | None) -> tuple[Patterns, tuple[str, ...], tuple[bytes, ...]]:
    """The stage of all patterns in `paths`, the names of its cache files, and what its patterns say.

    Expressions are judged and compiled where the cache does not hold them; examples are tried each time.

    Raises:
        CustomError: with file and line of each problem.
    """
    tables = [table for path in paths for table in read_tables(path, "pattern")]
    patterns = _patterns(tables)
    said = repr(patterns).encode()
    parts = range(0, len(patterns), SHARD_PATTERNS_MAX)
    names = [cache_name(f"patterns-{start // SHARD_PATTERNS_MAX}", (said,)) for start in parts]
    cached = [_cached(None if cache_dir is None else cache_dir / name) for name in names]
    shards = [shard for shard in cached if shard is not None]
    if len(shards) < len(names):
        refuse(_expressions(tables, patterns))
        shards = [_compile(tables, patterns, start) for start in parts]
        if cache_dir is not None:
            for name, shard in zip(names, shards, strict=True):
                write_cached(cache_dir / name, hyperscan.dumpb(shard))
    stage = Patterns(shards, patterns)
    refuse(_examples(tables, patterns, stage))
    return stage, tuple(names), (said,)


def _patterns(tables: Sequence[Table]) -> list[Pattern]:
    problems: list[Problem] = []
    found: list[Pattern] = []
    seen: set[str] = set()
    for table in tables:
        try:
            problems += table.unknown(_KEYS)
            pattern = _pattern(table, problems)
        except CustomError as error:
            problems += error.problems
            continue
        if pattern.name in seen:
            problems.append(table.problem("name", "stands twice; give each pattern a name of its own"))
        seen.add(pattern.name)
        found.append(pattern)
    if len(tables) > PATTERNS_MAX:
        problems.append(tables[PATTERNS_MAX].problem("", f"more than {PATTERNS_MAX:,} patterns; join some by |"))
    refuse(problems)
    return found


def _pattern(table: Table, problems: list[Problem]) -> Pattern:
    """The pattern of `table`; what is wrong with it goes to `problems`."""
    rules: tuple[tuple[str, Callable[[str], bool], str, str], ...] = (
        ("name", lambda text: _NAME.fullmatch(text) is not None, "", "write 1 to 64 letters, digits, - or _"),
        ("type", ENTITIES.__contains__, "CUSTOM", f"write one of {', '.join(ENTITIES)}"),
        ("case", {"exact", "ignore"}.__contains__, "exact", 'write "exact" or "ignore"'),
        ("check", lambda text: not text or text in CHECKS, "", f"write one of {', '.join(CHECKS)}"),
    )
    values = {}
    for key, holds, default, advice in rules:
        values[key] = table.text(key, default)
        if not holds(values[key]):
            problems.append(table.problem(key, f"is missing; {advice}" if not values[key] else advice))
    score = table.number("score", SCORE)
    if not 0 < score <= 1:
        problems.append(table.problem("score", "write a number above 0, up to 1"))
    near = [tuple(words(Folder().fold(text.lower()).data)) for text in table.texts("near")]
    if any(len(one) != 1 for one in near):
        problems.append(table.problem("near", 'write single words, for example ["badge", "employee"]'))
    return Pattern(
        name=values["name"],
        expression=fold_expression(table.text("expression")),
        entity_type=values["type"],
        any_case=values["case"] == "ignore",
        near=frozenset(one[0] for one in near if one),
        check=values["check"],
        score=score,
        matches=table.texts("matches"),
        misses=table.texts("misses"),
    )


def _expressions(tables: Sequence[Table], patterns: Sequence[Pattern]) -> list[Problem]:
    return [
        table.problem("expression", what)
        for table, pattern in zip(tables, patterns, strict=True)
        if (what := wrong(table.text("expression"), any_case=pattern.any_case))
    ]


def _examples(tables: Sequence[Table], patterns: Sequence[Pattern], stage: Patterns) -> list[Problem]:
    """A problem for each example that does not come out as its pattern says."""
    folder = Folder()
    problems = []
    for table, pattern in zip(tables, patterns, strict=True):
        for key, texts, wanted in (("matches", pattern.matches, True), ("misses", pattern.misses, False)):
            for number, text in enumerate(texts, 1):
                found = any(span.recogniser == f"custom:{pattern.name}" for span in stage(folder.fold(text).data))
                if found is not wanted:
                    what = "is not found" if wanted else "is found"
                    problems.append(table.problem(key, f"example {number} {what}; correct it, or the pattern"))
    return problems


def _compile(tables: Sequence[Table], patterns: Sequence[Pattern], start: int) -> hyperscan.Database:
    """Compile the shard that begins with pattern `start`.

    Raises:
        CustomError: hyperscan refuses some of it, or its sum.
    """
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    some = patterns[start : start + SHARD_PATTERNS_MAX]
    try:
        database.compile(
            expressions=[pattern.expression for pattern in some],
            ids=list(range(start, start + len(some))),
            elements=len(some),
            flags=[hyperscan_flags(any_case=pattern.any_case) for pattern in some],
        )
    except hyperscan.error:
        refuse(
            [
                table.problem("expression", what)
                for table, pattern in zip(tables[start:], some, strict=False)
                if (what := refused_by_hyperscan(pattern.expression, any_case=pattern.any_case))
            ]
        )
        raise CustomError([tables[start].problem("", "these patterns together are too large; lower limits")]) from None
    return database


def _cached(path: Path | None) -> hyperscan.Database | None:
    body = None if path is None else read_cached(path)
    if body is None:
        return None
    try:
        return hyperscan.loadb(body, hyperscan.HS_MODE_BLOCK)
    except hyperscan.error:
        return None
