"""What nvidia-smi says, field by field."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence

UNKNOWN = {
    "",
    "N/A",
    "[N/A]",
    "[Not Supported]",
    "[Not Found]",
    "[Unknown Error]",
    "[Insufficient Permissions]",
    "[GPU requires reset]",
}


class Smi:
    """One nvidia-smi."""

    def __init__(self, program: str) -> None:
        """Take the program's path or name."""
        self._program = program
        self._invalid: set[str] = set()

    def gpus(self, fields: Sequence[str]) -> list[dict[str, str | None]]:
        """Every GPU's fields, None for what is not known; without those that this nvidia-smi does not have.

        The fields are asked for in one run; one that it does not know makes it refuse the whole, and is left out.
        """
        while True:
            asked = [field for field in fields if field not in self._invalid]
            done = self._run(f"--query-gpu={','.join(asked)}", "--format=csv,noheader,nounits")
            refused = re.search(r'"?([a-z_.0-9]+)"? is not a valid field', done.stdout + done.stderr, re.IGNORECASE)
            if refused is None or refused[1] not in asked:
                break
            self._invalid.add(refused[1])
        if done.returncode:
            raise SystemExit(f"nvidia-smi failed: {(done.stdout + done.stderr).strip()}")
        rows = [[known(cell) for cell in line.split(", ")] for line in done.stdout.splitlines() if line.strip()]
        return [dict(zip(asked, row, strict=True)) for row in rows]

    def remapped_rows(self) -> dict[str, tuple[str | None, ...]]:
        """By UUID: rows remapped for correctable and uncorrectable errors, pending, failed."""
        names = ("correctable", "uncorrectable", "pending", "failure")
        query = ",".join(f"remapped_rows.{name}" for name in names)
        done = self._run(f"--query-remapped-rows=gpu_uuid,{query}", "--format=csv,noheader,nounits")
        rows = [line.split(", ") for line in done.stdout.splitlines()] if not done.returncode else []
        return {row[0]: tuple(map(known, row[1:])) for row in rows if len(row) == len(names) + 1}

    def processes(self) -> set[tuple[str, int, str | None]]:
        """UUID, process and MiB of each that computes."""
        done = self._run("--query-compute-apps=gpu_uuid,pid,used_memory", "--format=csv,noheader,nounits")
        rows = [line.split(", ") for line in done.stdout.splitlines()] if not done.returncode else []
        return {(row[0], int(row[1]), known(row[2])) for row in rows if len(row) == 3 and row[1].isdecimal()}

    def cuda(self) -> str | None:
        """The newest CUDA that the driver serves."""
        found = re.search(r"CUDA Version\s*:\s*([\d.]+)", self._run("-q").stdout)
        return found[1] if found else None

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self._program, *arguments], check=False, capture_output=True, text=True, timeout=60)


def known(text: str) -> str | None:
    """A cell; None where it says that it does not know."""
    text = text.strip()
    return None if text in UNKNOWN else text
