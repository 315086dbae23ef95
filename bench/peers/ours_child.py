"""Ringfence as a child process; see `peers.child`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from answering import serve

from ringfence.recognize import DEFAULT, Recogniser, load
from ringfence.recognize.custom import CustomSettings, Dictionary, load_custom
from ringfence.recognize.gazetteer import load_gazetteer
from ringfence.recognize.span import Span
from ringfence.recognize.stages import Stages, shipped
from ringfence.recognize.tagger.features import features
from ringfence.recognize.tagger.tokens import tokenise

_GAZETTEER = load_gazetteer()


def looking_up(data: bytes) -> Iterable[Span]:
    """Look every word of a folded text up; find nothing."""
    features(tokenise(data), _GAZETTEER.lookup)
    return ()


def recogniser(options: argparse.Namespace) -> Recogniser:
    """The recogniser with what a side of `peers.ours.Side` has."""
    if options.side == "patterns":
        return load(options.cache)
    if options.side == "custom":
        lists = (Dictionary("staff", options.words),) if options.words else ()
        files = (options.patterns,) if options.patterns else ()
        return load(options.cache, DEFAULT, Stages(folded=load_custom(CustomSettings(files, lists), None).stages))
    if options.side == "gazetteer":
        return load(options.cache, DEFAULT, Stages(folded=(looking_up,)))
    stages = shipped(options.weights) if options.weights else shipped()
    return load(options.cache, DEFAULT, stages if options.side == "all" else Stages(prose=stages.prose))


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description="Ringfence behind JSON lines.")
    parser.add_argument("side", choices=("patterns", "custom", "gazetteer", "tagger", "all"))
    parser.add_argument("cache", type=Path)
    parser.add_argument("--patterns", type=Path, help="a site's own")
    parser.add_argument("--words", type=Path, help="a site's own")
    parser.add_argument("--weights", type=Path, help="the tagger's, instead of the shipped ones")
    options = parser.parse_args()
    ours = recogniser(options)
    scan = ours.scan_patterns if options.side == "patterns" else ours.scan
    serve(lambda text, _: [(one.start, one.end, one.entity_type, one.score) for one in scan(text)])


if __name__ == "__main__":
    main()
