"""``python -m ringfenced.engines.vllm``: goes on as `bootstrap.py`, which the processes that vLLM starts run too."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    program = str(Path(__file__).with_name("bootstrap.py"))
    os.execv(sys.executable, [sys.executable, "-P", program, *sys.argv[1:]])  # noqa: S606  # itself
