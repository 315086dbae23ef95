"""The child's half of `peers.child`: lines of JSON in, lines of JSON out. Imports nothing but the standard library."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Iterable

Scan = Callable[[str, str], Iterable[tuple[int, int, str, float]]]
"""Text and language in; start, end, type and score of each finding out."""


def serve(scan: Scan) -> None:
    """Say that it is ready, then answer until standard input ends. Nothing else may write to standard output."""
    out, sys.stdout = sys.stdout, sys.stderr
    print('{"ready": true}', file=out, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        said = rounds(scan, **asked) if "texts" in asked else answer(scan, **asked)
        print(json.dumps(said), file=out, flush=True)


def answer(scan: Scan, text: str, language: str) -> dict[str, object]:
    """Findings of one text, or the name of what was raised."""
    began = time.process_time()
    try:
        found = [list(span) for span in scan(text, language)]
    except Exception as error:  # noqa: BLE001 - whatever it raises is its answer
        return {"refused": type(error).__name__, "cpu_s": time.process_time() - began}
    return {"spans": found, "cpu_s": time.process_time() - began}


def rounds(scan: Scan, texts: list[str], language: str, repeat: int) -> dict[str, object]:
    """CPU time of each text, the least of all rounds."""
    least = [float("inf")] * len(texts)
    for _ in range(repeat):
        gc.collect()
        for index, text in enumerate(texts):
            began = time.process_time()
            scan(text, language)
            least[index] = min(least[index], time.process_time() - began)
    return {"cpu_s": least}
