"""A process that only starts: what importing, loading and the first scan take, and what is resident then.

Prints one line of JSON. Run by `recognize_parts.measure` in a process of its own; imports come late on purpose.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path


def main() -> None:
    """Start, scan once, say how long it took."""
    parser = argparse.ArgumentParser(description="Start the recogniser in a fresh process.")
    parser.add_argument("side", choices=("patterns", "all"))
    parser.add_argument("cache", type=Path)
    parser.add_argument("--weights", type=Path, help="the tagger's, instead of the shipped ones")
    options = parser.parse_args()
    text = "Patient: Anna Example, seen on 3 May 2021, call 212-555-0100.\n" * 32
    before_mb, began = resident_mb(), time.perf_counter()
    from ringfence.recognize import DEFAULT, load  # noqa: PLC0415 - its time is what is measured
    from ringfence.recognize.stages import shipped  # noqa: PLC0415 - likewise

    imported = time.perf_counter()
    stages = None
    if options.side == "all":
        stages = shipped(options.weights) if options.weights else shipped()
    ours = load(options.cache, DEFAULT, stages)
    loaded = time.perf_counter()
    ours.scan(text)
    scanned = time.perf_counter()
    said = {
        "import_ms": (imported - began) * 1000,
        "load_ms": (loaded - imported) * 1000,
        "first_scan_ms": (scanned - loaded) * 1000,
        "rss_mb": resident_mb(),
        "bare_rss_mb": before_mb,
    }
    print(json.dumps(said))


def resident_mb() -> float:
    """Resident memory of this process in MB (10**6 bytes)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return float("nan")


if __name__ == "__main__":
    main()
