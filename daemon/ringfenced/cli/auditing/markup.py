"""HTML and SVG as text in which nothing from outside is ever markup. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import Final

_VOID: Final = frozenset({"meta", "br", "hr"})
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""No HTML (and bidirectional overrides, with which a cell reads otherwise than it is)."""


@dataclass(frozen=True, slots=True)
class Markup:
    """Text that is markup already."""

    text: str
    """As it stands in the page."""


Child = Markup | str | int


def element(tag: str, *children: Child, **attributes: str | float) -> Markup:
    """One element; whatever of it is not `Markup` is escaped.

    Args:
        tag: its name.
        children: what stands in it.
        attributes: by name; a trailing underscore falls away (`class_`), others become hyphens (`font_size`).
    """
    names = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    opened = "".join(f' {name}="{plain(str(value))}"' for name, value in names.items())
    if tag in _VOID:
        return Markup(f"<{tag}{opened}>")
    return Markup(f"<{tag}{opened}>{''.join(_text(child) for child in children)}</{tag}>")


def plain(text: str) -> str:
    """Text that is no markup."""
    return escape(_CONTROL.sub("\ufffd", text))


def _text(child: Child) -> str:
    """A child as it stands in the page."""
    return child.text if isinstance(child, Markup) else plain(str(child))
