"""An engine that attacks: the supervisor starts it as it starts any other, and it tries every way out.

``python engine.py RESULTS ARGUMENT ... --socket PATH --parent PID``: the arguments are the attempts', its parent is the
process that they attack. It never gets ready; what was tried is written to RESULTS once.
"""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path

from ringfence.confine.attempts.__main__ import main


def attack(results: Path, words: list[str]) -> None:
    """Try everything, then wait for the end."""
    at = words.index("--socket")
    launched = dict(zip(words[at::2], words[at + 1 :: 2], strict=False))
    sys.argv = ["attempts", *words[:at], "--pid", launched["--parent"]]
    part = results.with_suffix(".part")
    with part.open("w") as file, contextlib.redirect_stdout(file):
        main()
    part.rename(results)


if __name__ == "__main__":
    if not Path(sys.argv[1]).exists():
        attack(Path(sys.argv[1]), sys.argv[2:])
    time.sleep(600)
