"""Ringfence in a child process of the same kind as its peers, so that both are measured alike."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from peers.child import Child

CHILD = Path(__file__).with_name("ours_child.py")

Side = Literal["patterns", "custom", "gazetteer", "tagger", "all"]
"""patterns: `Recogniser.scan_patterns`. custom: with a site's own patterns and words. gazetteer: with every word looked
up in the gazetteer, and nothing made of it. tagger: with that and the tagger. all: everything that ships, views and
schemas of structured payloads included."""


class Ours(Child):
    """The recogniser as it ships."""

    def __init__(self, side: Side, cache: Path, *extra: str) -> None:
        """Start it.

        Args:
            side: see `Side`.
            cache: folder of its compiled database.
            extra: further arguments of `ours_child.py`.
        """
        super().__init__([sys.executable, str(CHILD), side, str(cache), *extra])
