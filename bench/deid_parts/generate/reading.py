r"""Reads the grammars: plain text, so that whoever knows a language can write for it.

``= name`` begins a rule, each line under it is one alternative; ``: name`` begins a list of words between semicolons.
``= name *`` begins a rule whose alternatives training and evaluation share: how a street is written, for example.
``#`` begins a comment line. In alternatives ``\n`` is a line's end, ``\t`` a tab, ``\s`` a space at either end and
``\e`` nothing.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from deid_parts.generate.grammar import Rules, Shared

GRAMMARS = Path(__file__).resolve().parent / "grammars"
"""One folder a language; a rule may stand in any file of it."""


@cache
def grammar(lang: str) -> Rules:
    """All rules of `lang`.

    Raises:
        KeyError: nothing is written in `lang`.
        ValueError: a line before any rule, or a rule that stands twice.
    """
    files = sorted((GRAMMARS / lang).glob("*.txt"))
    if not files:
        raise KeyError(lang)
    rules: dict[str, tuple[str, ...]] = {}
    for file in files:
        for name, alternatives in parse(file.read_text("utf-8")).items():
            if name in rules:
                raise ValueError(f"{file.name}: rule {name} stands twice")
            rules[name] = alternatives
    return rules


def parse(text: str) -> dict[str, tuple[str, ...]]:
    """The rules of one file.

    Raises:
        ValueError: a line before any rule.
    """
    rules: dict[str, list[str]] = {}
    lists: set[str] = set()
    shared: set[str] = set()
    current: list[str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("# "):
            continue
        if line.startswith(("= ", ": ")):
            name, _, mark = line[2:].strip().partition(" ")
            current = rules.setdefault(name, [])
            if mark == "*":
                shared.add(name)
            if line.startswith(":"):
                lists.add(name)
        elif current is None:
            raise ValueError(f"line {number}: stands before any rule")
        else:
            current.append(line)
    read = {name: _words(lines) if name in lists else tuple(map(_plain, lines)) for name, lines in rules.items()}
    return {name: Shared(lines) if name in shared else lines for name, lines in read.items()}


def _words(lines: list[str]) -> tuple[str, ...]:
    return tuple(_plain(word.strip()) for word in " ".join(lines).split(";") if word.strip())


def _plain(line: str) -> str:
    for mark, meaning in ((r"\n", "\n"), (r"\t", "\t"), (r"\s", " "), (r"\e", "")):
        line = line.replace(mark, meaning)
    return line
