"""Where a command's words go: results to stdout, remarks to stderr, tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TextIO

import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ringfenced.cli.terminal import safe

WIDTH_OFF_TERMINAL: Final = 160
"""Columns where the output is a file or a pipe: wide enough that reasons are not broken up."""

_WANTS_JSON: Final = "ringfenced.cli.output.json"
"""Where a command's context keeps that --json was given, for whoever has to report its end."""


def _remember(ctx: typer.Context, value: bool) -> bool:
    """Note --json where `wants_json` finds it."""
    ctx.meta[_WANTS_JSON] = value
    return value


def wants_json(ctx: typer.Context) -> bool:
    """Whether the command of this context was given --json."""
    return bool(ctx.meta.get(_WANTS_JSON, False))


json_option = Annotated[
    bool, typer.Option("--json", help="JSON, one object a line, instead of tables.", callback=_remember, is_eager=True)
]
"""The option that every command has."""


@dataclass(frozen=True, slots=True)
class Output:
    """One command's way to speak."""

    as_json: bool
    """Programs read this: JSON on stdout, nothing else there."""
    stdout: TextIO
    """Results."""
    stderr: TextIO
    """Remarks, progress and errors."""

    @classmethod
    def of(cls, *, as_json: bool) -> Output:
        """Speak on the process's own streams."""
        return cls(as_json, sys.stdout, sys.stderr)

    def json(self, value: Any) -> None:
        """Write one JSON object on one line and let it go at once. Non-ASCII is escaped, so any terminal is safe."""
        print(json.dumps(value, separators=(",", ":")), file=self.stdout, flush=True)

    def message(self, message: Message) -> None:
        """Write a message as one line of proto JSON."""
        self.json(to_dict(message))

    def text(self, text: str) -> None:
        """Write a piece of an answer as it comes; control characters are taken out only for a terminal."""
        self.stdout.write(safe(text) if self.stdout.isatty() else text)
        self.stdout.flush()

    def clear(self) -> None:
        """Begin anew on a terminal; elsewhere what was written stays."""
        _console(self.stdout).clear()

    def line(self, text: str = "", *, style: str = "") -> None:
        """Write a line of the result."""
        _console(self.stdout).print(Text(safe(text), style=style), soft_wrap=True)

    def remark(self, text: str, *, style: str = "") -> None:
        """Write a line beside the result."""
        _console(self.stderr).print(Text(safe(text), style=style), soft_wrap=True)

    def table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        beside: bool = False,
        right: frozenset[str] = frozenset(),
    ) -> None:
        """Write a table; cells are plain text, never markup.

        Args:
            title: one line above it; empty for none.
            columns: the heads.
            rows: as many cells each as there are columns.
            beside: to stderr instead of stdout.
            right: the heads of columns that hold figures.
        """
        table = Table(title=Text(safe(title)) if title else None, title_justify="left", box=box.SIMPLE_HEAD)
        for column in columns:
            table.add_column(column, justify="right" if column in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(safe(cell)) for cell in row))
        _console(self.stderr if beside else self.stdout).print(table)


def to_dict(message: Message) -> dict[str, Any]:
    """Proto JSON: lowerCamelCase names, unset fields at their defaults, 64-bit numbers as strings, bytes as base64."""
    return MessageToDict(message, always_print_fields_with_no_presence=True)


def _console(stream: TextIO) -> Console:
    """Colours where a terminal shows them and NO_COLOR does not forbid it; rich decides."""
    return Console(
        file=stream,
        width=None if stream.isatty() else WIDTH_OFF_TERMINAL,
        highlight=False,
        markup=False,
        emoji=False,
    )
