"""The generators are pure: another process, which hashes in another way, makes the same documents."""

import os
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench"
CODE = """
import hashlib
from deid_parts.generate import CLEAN, KINDS, LANGUAGES, generate
made = [generate(kind, lang, 7, 6) for lang in LANGUAGES for kind in (*KINDS, *CLEAN)]
print(hashlib.sha256(repr(made).encode()).hexdigest())
"""


def test_every_process_makes_the_same_documents():
    said = {
        subprocess.run(
            [sys.executable, "-c", CODE],
            env={**os.environ, "PYTHONPATH": str(BENCH), "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
