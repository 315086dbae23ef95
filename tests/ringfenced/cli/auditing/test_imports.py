"""DESIGN.md, invariant 2: no HTTP client in the daemon's process. The command line has one, for webhooks."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]


def test_the_daemons_process_imports_nothing_of_the_command_line():
    code = (
        "import sys, ringfenced.__main__, ringfenced.build, ringfenced.workers\n"
        "print(*[name for name in sys.modules if name.startswith('ringfenced.cli')])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / name) for name in ("proto", "daemon"))}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
