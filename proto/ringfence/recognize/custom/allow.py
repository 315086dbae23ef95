"""Allow lists: what a site knows to be nobody's, as its own name or the helpdesk's number.

An allow list makes findings disappear: the one thing here that does not narrow. It is kept small by these rules:

* an occurrence is exact: all words of the term, bounded by blanks or marks that do not bind it to something longer;
* a finding goes only if it lies inside the occurrence; one that reaches beyond it, by a word, stays;
* each entry names the types that it lets go, and none whose built-in label is RESTRICTED (SSN, card numbers, secrets)
  can be named, whatever the site's policy makes of them: the floor of DESIGN.md, invariant 4, stays out of reach;
* expressions must match a whole finding, have an upper limit, are open to a few types that organisations own in ranges,
  and are refused where they match any of a list of ordinary identifiers;
* the lists are part of the policy's digest, and each use is counted by type, without content;
* the agent reads its own configuration: what the daemon alone lets go, the agent still finds and refuses.

It never lowers what a caller, a source or an earlier turn asserted, nor makes readable what is not.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from ringfence.labels import Level
from ringfence.recognize.custom.cache import cache_name
from ringfence.recognize.custom.errors import CustomError, Problem, refuse
from ringfence.recognize.custom.expression import WIDTH_MAX, compile_expression, fold_expression, wrong
from ringfence.recognize.custom.literals import Hit, Literal, Literals, load_literals
from ringfence.recognize.custom.terms import WORDS_MAX, fold_term
from ringfence.recognize.custom.tomlfile import Table, read_tables
from ringfence.recognize.entities import ENTITIES
from ringfence.recognize.fold import Folder
from ringfence.recognize.span import Span

NEVER = frozenset(name for name, label in ENTITIES.items() if label.level >= Level.RESTRICTED)
"""Types that no list lets go."""
BY_EXPRESSION = frozenset(
    {"PHONE", "EMAIL", "URL", "IP", "MAC", "ORGANISATION", "PLACE", "ID", "CASE_ID", "DEVICE_ID", "CUSTOM"}
)
"""Types that may be let go by expression: what organisations own in ranges, or what numbers of things look like."""
TERM_BYTES_MIN = 3
"""Shortest term."""
ENTRIES_MAX = 120
"""Most entries of a site."""

_KEYS = frozenset({"terms", "patterns", "types"})
_ORDINARY = (
    b"John Smith", b"Maria Garcia Lopez", b"212-555-0188", b"+1 212 555 0188", b"(212) 555-0188", b"+44 20 7946 0018",
    b"030 1234567", b"jane.doe@mail.example", b"john.smith@gmail.com", b"https://portal.example/x?id=12345",
    b"8.8.8.8", b"203.0.113.77", b"00:1b:44:11:3a:b7", b"Springfield", b"Acme Corporation", b"12345678", b"1234567890",
    b"MRN-448211", b"A1234567", b"2023-004711", b"123-45-6789",
)  # fmt: skip
"""What an allowed expression must not match: made up, but such as anybody's may be."""
_BINDING = frozenset(b"-./_@+#:&=")
"""Marks that make one thing of what stands on both sides."""


class _Entry(NamedTuple):
    types: frozenset[str]
    patterns: tuple[Any, ...]


class AllowList:
    """Drops what is allowed. Calls from several threads take turns where they count."""

    __slots__ = ("_entries", "_folder", "_literals", "_lock", "_used")

    def __init__(self, literals: Literals | None, entries: Sequence[_Entry]) -> None:
        """Serve `entries`, whose terms are `literals`; see `load_allow`."""
        self._literals = literals
        self._entries = tuple(entries)
        self._folder = Folder()
        self._lock = threading.Lock()
        self._used: Counter[str] = Counter()

    def __call__(self, folded: bytes, spans: list[Span]) -> list[Span]:
        """Those of `spans` (positions in `folded`) that are not allowed. Never raises."""
        return self._kept(folded, spans, spans)

    def in_text(self, text: str, spans: list[Span]) -> list[Span]:
        """The same for spans that count characters of `text` as it is written, as those of readings."""
        if not spans:
            return spans
        folded = self._folder.fold(text)
        offsets = folded.offsets
        if offsets is None:
            return self._kept(folded.data, spans, spans)
        moved = [
            span._replace(start=bisect_left(offsets, span.start), end=bisect_left(offsets, span.end)) for span in spans
        ]
        return self._kept(folded.data, moved, spans)

    def used(self) -> Mapping[str, int]:
        """How many findings were let go so far, by entity type."""
        with self._lock:
            return dict(self._used)

    def _kept(self, folded: bytes, moved: list[Span], spans: list[Span]) -> list[Span]:
        """Those of `spans` whose twin in `moved` is not allowed."""
        if not spans:
            return spans
        cover = _Cover(self._places(folded), self._entries)
        allowed = [self._is_allowed(folded, span, cover) for span in moved]
        if not any(allowed):
            return spans
        with self._lock:
            self._used.update(span.entity_type for span, is_allowed in zip(spans, allowed, strict=True) if is_allowed)
        return [span for span, is_allowed in zip(spans, allowed, strict=True) if not is_allowed]

    def _places(self, folded: bytes) -> list[Hit]:
        if self._literals is None:
            return []
        return sorted(hit for hit in self._literals.find(folded) if _stands_free(folded, hit.start, hit.end))

    def _is_allowed(self, folded: bytes, span: Span, cover: _Cover) -> bool:
        if span.entity_type in NEVER:
            return False
        start, end = _shrunk(folded, span.start, span.end)
        if start >= end:
            return False
        if cover.holds(span.entity_type, start, end):
            return True
        return end - start <= WIDTH_MAX and any(
            pattern.fullmatch(folded, start, end) is not None and _stands_free(folded, start, end)
            for entry in self._entries
            if span.entity_type in entry.types
            for pattern in entry.patterns
        )


class _Cover:
    """Where allowed terms stand in one text, by entity type; a span is looked up in logarithmic time."""

    __slots__ = ("_by_type", "_entries", "_hits")

    def __init__(self, hits: Sequence[Hit], entries: Sequence[_Entry]) -> None:
        """Take all sorted places."""
        self._hits = hits
        self._entries = entries
        self._by_type: dict[str, tuple[list[int], list[int]]] = {}

    def holds(self, entity_type: str, start: int, end: int) -> bool:
        """Whether one place of a term that is allowed as `entity_type` covers bytes `start` to `end`."""
        known = self._by_type.get(entity_type)
        if known is None:
            hits = [hit for hit in self._hits if entity_type in self._entries[hit.owner].types]
            known = [hit.start for hit in hits], list(accumulate((hit.end for hit in hits), max))
            self._by_type[entity_type] = known
        starts, reach = known
        index = bisect_right(starts, start) - 1
        return index >= 0 and reach[index] >= end


def _is_letter(byte: int) -> bool:
    return byte in (0xC0, 0xE0) or (byte < 0x80 and chr(byte).isalnum())  # noqa: PLR2004 - fold's letters, ASCII


def _shrunk(folded: bytes, start: int, end: int) -> tuple[int, int]:
    """The span without marks and blanks at its ends."""
    while start < end and not _is_letter(folded[start]):
        start += 1
    while start < end and not _is_letter(folded[end - 1]):
        end -= 1
    return start, end


def _stands_free(folded: bytes, start: int, end: int) -> bool:
    """Whether nothing binds bytes `start` to `end` to a letter or digit beside them."""
    before = folded[max(0, start - 2) : start]
    after = folded[end : end + 2]
    if before and (_is_letter(before[-1]) or (len(before) == 2 and before[-1] in _BINDING and _is_letter(before[0]))):  # noqa: PLR2004 - the mark and what stands before it
        return False
    return not (after and (_is_letter(after[0]) or (len(after) == 2 and after[0] in _BINDING and _is_letter(after[1]))))  # noqa: PLR2004 - likewise


def load_allow(paths: Sequence[Path], cache_dir: Path | None) -> tuple[AllowList, tuple[str, ...], tuple[bytes, ...]]:
    """The allow list of all files, the names of its cache files, and what it says.

    Raises:
        CustomError: with file and line of each problem.
    """
    problems: list[Problem] = []
    entries: list[_Entry] = []
    literals: dict[Literal, None] = {}
    said: list[bytes] = []
    tables = [table for path in paths for table in read_tables(path, "allow")]
    for owner, table in enumerate(tables[:ENTRIES_MAX]):
        try:
            problems += table.unknown(_KEYS)
            types = _types(table, problems)
            patterns = _expressions(table, types, problems)
            for term in _terms(table, problems):
                literals[Literal(term, owner, whole_word=True, exact_case=False)] = None
        except CustomError as error:
            problems += error.problems
            continue
        entries.append(_Entry(types, patterns))
        said.append(repr((sorted(types), table.texts("terms"), table.texts("patterns"))).encode())
    if len(tables) > ENTRIES_MAX:
        problems.append(tables[ENTRIES_MAX].problem("", f"more than {ENTRIES_MAX} entries; join those of equal types"))
    refuse(problems)
    if not literals:
        return AllowList(None, entries), (), tuple(said)
    found, names = load_literals(lambda: list(literals), cache_dir=cache_dir, name=cache_name("allow", said))
    return AllowList(found, entries), names, tuple(said)


def _types(table: Table, problems: list[Problem]) -> frozenset[str]:
    types = frozenset(table.texts("types"))
    if not types:
        problems.append(table.problem("types", 'is missing; write what it is taken for, as ["ORGANISATION", "PLACE"]'))
    problems += [
        table.problem("types", f"{name} is RESTRICTED and cannot be allowed; remove it")
        for name in sorted(types & NEVER)
    ]
    if unknown := types - ENTITIES.keys():
        known = ", ".join(sorted(ENTITIES.keys() - NEVER))
        problems.append(table.problem("types", f"{len(unknown)} of them unknown; write some of {known}"))
    return types


def _terms(table: Table, problems: list[Problem]) -> Iterable[bytes]:
    for number, text in enumerate(table.texts("terms"), 1):
        term = fold_term(text)
        joined = b"".join(term)
        if len(joined) < TERM_BYTES_MIN or len(term) > WORDS_MAX or b"\xe0" in joined:
            what = f"term {number}: write {TERM_BYTES_MIN} letters or more, {WORDS_MAX} words at most, in Latin letters"
            problems.append(table.problem("terms", what))
            continue
        yield b" ".join(term).lower()


def _expressions(table: Table, types: frozenset[str], problems: list[Problem]) -> tuple[Any, ...]:
    expressions = table.texts("patterns")
    if expressions and (closed := types - BY_EXPRESSION - NEVER):
        what = f"not for {', '.join(sorted(closed & ENTITIES.keys()))}; list exact terms"
        problems.append(table.problem("patterns", what))
    if not expressions and not table.texts("terms"):
        problems.append(table.problem("terms", "is missing; write the terms, or remove the entry"))
    found = []
    for number, text in enumerate(expressions, 1):
        if what := wrong(text, any_case=True):
            problems.append(table.problem("patterns", f"pattern {number}: {what}"))
            continue
        compiled = compile_expression(fold_expression(text), any_case=True)
        if any(compiled.fullmatch(one) is not None for one in _ORDINARY):
            what = f"pattern {number} allows anybody's; write what only yours have, or list exact terms"
            problems.append(table.problem("patterns", what))
            continue
        found.append(compiled)
    return tuple(found)
