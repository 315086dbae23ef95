"""Measurements in processes of their own, so that none has another's memory or threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_ROOTS = ("proto", "daemon", "agent", "bench")


def measured(module: str, *arguments: object) -> dict[str, Any]:
    """The JSON object that a module of this folder writes."""
    return dict(json.loads(python("-m", f"log_parts.{module}", *map(str, arguments))))


def python(*arguments: str) -> str:
    """What Python writes; RuntimeError with its words where it fails."""
    path = os.pathsep.join(str(ROOT / name) for name in _ROOTS)
    environment = {**os.environ, "PYTHONPATH": path}  # noqa: TID251 - the launcher of this process
    command = [sys.executable, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout
