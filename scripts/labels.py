"""Writes the tables of docs/labels.md from the templates; `--check` compares, so that they cannot fall behind."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from ringfence.labels import Label
from ringfence.recognize.entities import ENTITIES
from ringfence.recognize.templates import BUILT_IN, QUASI_IDENTIFIERS, TABLES, Template
from ringfence.recognize.together import Together

PAGE = Path(__file__).resolve().parent.parent / "docs" / "labels.md"
IDENTIFYING = frozenset(ENTITIES) - QUASI_IDENTIFIERS
BEGIN = "<!-- from here on made by scripts/labels.py -->\n"


def main() -> int:
    """Write the tables, or compare them; 1 if they are behind."""
    text = PAGE.read_text(encoding="utf-8")
    page = with_tables(text)
    if "--check" in sys.argv:
        if page != text:
            print("docs/labels.md is behind the templates: run scripts/labels.py", file=sys.stderr)
        return int(page != text)
    PAGE.write_text(page, encoding="utf-8")
    return 0


def with_tables(text: str) -> str:
    """`text` up to the mark, and the tables as they are now."""
    return text.partition(BEGIN)[0] + BEGIN + "\n" + "\n".join(_tables())


def _tables() -> Iterator[str]:
    yield "## What a finding of each type means\n"
    yield "`-`: not looked for. In brackets: a site may turn it off or lower it. **Bold**: built in, never lower.\n"
    yield from _rows(("type", *(table.name for table in TABLES)), (_type(name) for name in ENTITIES))
    for table in TABLES:
        yield f"\n## What several findings mean together: {table.name}\n"
        yield f"National numbers of: {', '.join(sorted(table.locales))}.\n"
        yield from _rows(
            ("rule", "holds where the request has", "adds", "source"), (_rule(table, row) for row in table.together)
        )
    yield ""


def _rows(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    columns = list(head)
    yield "| " + " | ".join(columns) + " |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def _type(name: str) -> Iterator[str]:
    yield f"**{name}**" if name in BUILT_IN else name
    for table in TABLES:
        yield _cell(table, name)


def _cell(table: Template, name: str) -> str:
    label: Label | None = table.rules.get(name)
    if label is None:
        return "-"
    return f"({label})" if name in table.optional else str(label)


def _rule(table: Template, row: Together) -> Iterator[str]:
    yield f"({row.name})" if row.name in table.optional else row.name
    yield _condition(row)
    yield str(row.label)
    yield row.source


def _condition(row: Together) -> str:
    what = "any finding that identifies" if row.types == IDENTIFYING else f"one of {', '.join(sorted(row.types))}"
    if row.kinds_min > 1:
        what = f"{row.kinds_min} different of {', '.join(sorted(row.types))}"
    if row.count_min > 1:
        what = f"{row.count_min} findings of {what}"
    beside = f" beside one of {', '.join(sorted(row.beside))}" if row.beside else ""
    formats = f" in a payload of {', '.join(sorted(row.formats))}" if row.formats else ""
    return what + beside + formats


if __name__ == "__main__":
    sys.exit(main())
