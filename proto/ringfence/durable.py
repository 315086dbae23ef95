"""Files that are old or new after a crash, and never something between. Blocking."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600
"""For the writer alone."""


def replace(path: Path, text: str, mode: int = PRIVATE) -> None:
    """Replace a file's content; durable on return. Two writers at once are their callers' mistake.

    Args:
        path: the file; its folder must exist. What is being written lies beside it, under ``.new``.
        text: all that it then holds.
        mode: of the file.

    Raises:
        OSError: it may hold the old or the new text.
    """
    fresh = path.with_name(path.name + ".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8", newline="") as file:  # noqa: PTH123 - mode
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
