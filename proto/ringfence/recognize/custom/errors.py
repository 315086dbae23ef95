"""What is wrong with a site's own files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROBLEMS_MAX = 20
"""More than this are only counted: one mistake in a list of 100,000 is usually in every line."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. Never holds a term of a list: it may be somebody's name."""

    path: Path
    """The file."""
    line: int
    """The line, from 1; 0 for the file as a whole."""
    what: str
    """What is wrong, and what to write instead."""

    def __str__(self) -> str:
        """As compilers print it."""
        return f"{self.path}:{self.line}: {self.what}" if self.line else f"{self.path}: {self.what}"


class CustomError(Exception):
    """A site's own recognisers cannot be used; the text has a line for each problem: file, line, what to write."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Take at least one problem."""
        self.problems = tuple(problems)
        shown = [str(problem) for problem in self.problems[:PROBLEMS_MAX]]
        if len(self.problems) > PROBLEMS_MAX:
            shown.append(f"and {len(self.problems) - PROBLEMS_MAX} more like these")
        super().__init__("\n".join(shown))


def refuse(problems: Sequence[Problem]) -> None:
    """Raise if there are any.

    Raises:
        CustomError: with all of `problems`.
    """
    if problems:
        raise CustomError(problems)


def read_file(path: Path) -> bytes:
    """All of a file.

    Raises:
        CustomError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise CustomError([Problem(path, 0, f"cannot be read: {error.strerror}")]) from None


def read_text(path: Path) -> str:
    """All of a text file, a byte order mark left out.

    Raises:
        CustomError: it cannot be read, or is not UTF-8.
    """
    blob = read_file(path)
    try:
        return blob.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = blob.count(b"\n", 0, error.start) + 1
        raise CustomError([Problem(path, line, "is not UTF-8; save the file as UTF-8")]) from None
