"""`make test-helm`: the chart under every Kubernetes version and 300 sets of values; checkov and hadolint beside it.

1. **try**: tests/helm and tests/images at their full size, in a process of their own.
2. **judge**: scripts/checks.sh, the tools of others.
3. **tell**: what was counted; with ``--write`` it is kept in bench/results.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

from flow_parts import machine

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench/results"
SUMMARY = re.compile(
    r"^(\w+) scan results:\s+Passed checks: (\d+), Failed checks: (\d+), Skipped checks: (\d+)", re.MULTILINE
)
"""How checkov sums up."""


@dataclass(frozen=True)
class Tried:
    """What became of the tests."""

    status: int
    """pytest's exit status."""
    seconds: float
    """How long they took."""
    results: dict[str, int]
    """How many there were, failed and were skipped."""
    counts: dict[str, str]
    """What the tests counted themselves (tests/helm/conftest.py)."""


@dataclass(frozen=True)
class Judged:
    """What the tools said."""

    status: int
    """The exit status of scripts/checks.sh: not 0 where either tool has something to say."""
    seconds: float
    """How long they took."""
    text: str
    """All that they said."""

    def scans(self) -> list[tuple[str, int, int, int]]:
        """What checkov sums up: what was looked at, and how many checks passed, failed and were skipped."""
        return [(name, int(a), int(b), int(c)) for name, a, b, c in SUMMARY.findall(self.text)]


def main() -> int:
    """Try, judge, tell; the exit status says whether both went well."""
    parser = argparse.ArgumentParser(prog="bench/chart.py", description="The chart and the images, tried in full.")
    parser.add_argument("--write", action="store_true", help="keep the result in bench/results")
    parser.add_argument("tests", nargs="*", help="more arguments for pytest, after --")
    options = parser.parse_args()
    facts = _facts(f"make test-helm ARGS={sys.argv[1]}" if len(sys.argv) > 1 else "make test-helm")
    tried, judged = _try(options.tests), _judge()
    is_good = tried.status == 0 and judged.status == 0
    lines = _told(tried, judged)
    print("\n".join(lines))
    if options.write and is_good:
        file = RESULTS / f"helm-{facts['date'][:10]}.md"
        head = ["# The chart, tried in full", "", *(f"- {name}: {fact}" for name, fact in facts.items()), ""]
        file.write_text("\n".join(head + lines) + "\n")
        print(f"written to {file.relative_to(ROOT)}")
    return 0 if is_good else 1


def _try(more: list[str]) -> Tried:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", f"--junitxml={report}", "tests/helm", "tests/images", *more]
        full = os.environ | {"RINGFENCE_HELM": "full"}  # noqa: TID251 - a child process's
        status = subprocess.run(command, cwd=ROOT, env=full, check=False).returncode
        suite = next(ET.parse(report).iter("testsuite"))
    told = {one.get("name", ""): one.get("value", "") for one in suite.iter("property")}
    counts = {name: count for name, count in told.items() if not name.startswith("hypothesis-")}
    results = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    return Tried(status, time.monotonic() - began, results, counts)


def _judge() -> Judged:
    began = time.monotonic()
    done = subprocess.run(["scripts/checks.sh"], cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout + done.stderr)
    return Judged(done.returncode, time.monotonic() - began, done.stdout)


def _told(tried: Tried, judged: Judged) -> list[str]:
    rows = [f"| what | count |\n|---|---:|\n| seconds of tests | {tried.seconds:.0f} |"]
    rows += [f"| {name} | {count} |" for name, count in tried.results.items()]
    rows += [f"| {name} | {count} |" for name, count in sorted(tried.counts.items())]
    for name, passed, failed, skipped in judged.scans():
        rows.append(f"| checkov, {name}: passed, failed, skipped | {passed}, {failed}, {skipped} |")
    said = "nothing" if judged.status == 0 else "see above"
    return [
        *rows,
        f"| what hadolint has to say | {said} |",
        f"| seconds of checkov and hadolint | {judged.seconds:.0f} |",
    ]


def _facts(command: str) -> dict[str, str]:
    described = machine.describe()
    described.pop("packages")
    date = datetime.now(UTC).isoformat(timespec="seconds")  # noqa: TID251 - the date of a report
    return {name: str(fact) for name, fact in described.items()} | {"date": date, "command": command}


if __name__ == "__main__":
    sys.exit(main())
