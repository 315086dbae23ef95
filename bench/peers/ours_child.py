"""Ringfence as a child process; see `peers.child`."""

from __future__ import annotations

import argparse
from pathlib import Path

from answering import serve

from ringfence.recognize import DEFAULT, Recogniser, load
from ringfence.recognize.stages import Stages, shipped


def recogniser(side: str, cache: Path) -> Recogniser:
    """The recogniser with what a side of `peers.ours.Side` has."""
    if side == "patterns":
        return load(cache)
    stages = shipped()
    return load(cache, DEFAULT, stages if side == "all" else Stages(folded=stages.folded))


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description="Ringfence behind JSON lines.")
    parser.add_argument("side", choices=("patterns", "tagger", "all"))
    parser.add_argument("cache", type=Path)
    options = parser.parse_args()
    ours = recogniser(options.side, options.cache)
    scan = ours.scan_patterns if options.side == "patterns" else ours.scan
    serve(lambda text, _: [(one.start, one.end, one.entity_type, one.score) for one in scan(text)])


if __name__ == "__main__":
    main()
