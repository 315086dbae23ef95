"""What a recogniser does beside its patterns, and what of it ships."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ringfence.recognize.payload import Payload, read_payload
from ringfence.recognize.span import Span
from ringfence.recognize.tagger import WEIGHTS, load_tagger
from ringfence.recognize.view import Views
from ringfence.recognize.views import Reader, opaque

Stage = Callable[[bytes], Iterable[Span]]
"""Reads a folded text; positions in bytes of it. Never raises; linear in its length; callable from several threads."""
Reading = Callable[[str], Iterable[Span]]
"""Reads a text as it is written; positions in its characters. Likewise."""
Structure = Callable[[str], Payload]
"""Reads a text by the schemas that it follows. Likewise."""


def unstructured(_text: str) -> Payload:
    """No schema."""
    return Payload([], [])


class Allow(Protocol):
    """Drops findings that the site knows to be nobody's (see `ringfence.recognize.custom.allow`). Likewise."""

    def __call__(self, folded: bytes, spans: list[Span]) -> list[Span]:
        """Those of `spans`, in bytes of `folded`, that count."""

    def in_text(self, text: str, spans: list[Span]) -> list[Span]:
        """Those of `spans`, in characters of `text`, that count."""

    def used(self) -> Mapping[str, int]:
        """How many findings were let go so far, by entity type."""


@dataclass(frozen=True, slots=True)
class Stages:
    """What a recogniser does beside its patterns."""

    folded: tuple[Stage, ...] = ()
    """Read every folded text, views included."""
    prose: tuple[Stage, ...] = ()
    """Read the folded text, and those views that undo an encoding."""
    structure: Structure = unstructured
    """Reads the schemas of structured payloads, in the text itself."""
    readings: tuple[Reading, ...] = ()
    """Read the text itself, not its views."""
    decoded: tuple[Reading, ...] = ()
    """Read the text itself, and those views that only undo codes."""
    views: Views | None = None
    """Other readings of the text."""
    allow: Allow | None = None
    """What of all this is no finding; None for a site without allow lists."""
    version: str = ""
    """Names all of them, for log entries."""


def shipped(weights: Path = WEIGHTS) -> Stages:
    """The tagger, the schemas of structured payloads, and the views.

    Args:
        weights: the tagger's; another file than the shipped one for measuring alone.

    Raises:
        OSError, ValueError, KeyError: the weights are not there or none of ours: a recogniser that misses its tagger
            must not start.
    """
    tagger = load_tagger(weights)
    return Stages(
        prose=(tagger,), structure=read_payload, decoded=(opaque,), views=Reader(), version=f"-{tagger.version}"
    )
