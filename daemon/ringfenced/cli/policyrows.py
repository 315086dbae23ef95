"""The rows of a file of policy cases, with their lines, and whom they name."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ringfence.recognize.settings_types import near
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.config import Config
from ringfenced.model import Caller

_HEADER: Final = re.compile(r"^\s*\[\[\s*case\s*\]\]", re.MULTILINE)
_TOML_LINE: Final = re.compile(r"line (\d+)")


def are_cases(path: Path) -> bool:
    """Whether a file holds cases, rather than examples for recognisers."""
    if path.suffix == ".csv":
        return True
    try:
        return path.suffix == ".toml" and bool(_HEADER.search(path.read_text("utf-8", errors="replace")))
    except OSError:
        return False


def failure(error: Exception) -> Failure:
    """An error of several lines as the command line tells it."""
    first, *rest = str(error).splitlines()
    return Failure(first, code=ExitCode.USAGE, advice=tuple(rest))


def rows_of(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each case's line and what stands there.

    Args:
        path: TOML or CSV.

    Raises:
        Failure: it cannot be read, or is neither.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{path}: cannot be read: {error}", code=ExitCode.USAGE) from None
    if path.suffix == ".csv":
        reader = csv.DictReader(io.StringIO(text), restkey="", skipinitialspace=True)
        for row in reader:
            yield reader.line_num, {key: value for key, value in row.items() if value}
        return
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _TOML_LINE.search(str(error))
        raise Failure(f"{path}:{line.group(1) if line else 1}: is no TOML", code=ExitCode.USAGE) from None
    if set(document) - {"case"}:
        raise Failure(f"{path}:1: must hold [[case]] tables and nothing else", code=ExitCode.USAGE)
    starts = [text.count("\n", 0, header.end()) + 1 for header in _HEADER.finditer(text)]
    yield from zip(starts, document.get("case", []), strict=False)


def caller_of(who: str, config: Config) -> Caller:
    """The caller that a case names: by its identity, or by its last part where that is no other's.

    Raises:
        ValueError: there is none, or several; with what to write instead.
    """
    callers = config.callers_by_identity()
    if who in callers:
        return callers[who]
    found = [identity for identity in callers if identity.rpartition("/")[2] == who]
    if len(found) != 1:
        short = [identity.rpartition("/")[2] for identity in callers] if not found else []
        what = "several callers end in that" if found else "there is no such caller"
        raise ValueError(f"who: {what}; write {near(who, sorted({*found, *short}))}")
    return callers[found[0]]
