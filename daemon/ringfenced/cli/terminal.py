"""What may be written to a terminal.

A model's answer, a file name or a server's message may hold escape sequences that move the cursor, rewrite the title or
answer back into the shell's input (ECMA-48's C0 and C1 sets). None of them is written to a terminal.
"""

from __future__ import annotations

from typing import Final

_KEPT: Final = "\n\t"

_CONTROL: Final = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in _KEPT}
"""C0 but newline and tab, DEL, and C1."""

_BIDI: Final = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""Bidirectional embeddings, overrides and isolates (Unicode UAX #9): with them a line reads otherwise than it is."""

_TABLE: Final = _CONTROL | _BIDI


def safe(text: str) -> str:
    """The text without control characters, newline and tab excepted, and without bidirectional overrides."""
    return text.translate(_TABLE)
