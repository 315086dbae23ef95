"""The two stages, and what of them could not be tried here."""

from __future__ import annotations

import os
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from containment import needs, package, processes, report, units
from containment.bare import Bare
from containment.machine import Machine
from containment.namespaces import until
from containment.network import Network
from containment.processes import Alone
from containment.report import Kept
from containment.units import Attacked

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "bench"))

from flow_parts.machine import describe  # noqa: E402 - the benchmarks' own words about a machine

LAST = "test_uninstall.py"
"""Leaves nothing on the machine that others could try."""
KEPT = pytest.StashKey[Kept]()
"""The assaults of this run."""


@pytest.fixture(scope="session")
def network(tmp_path_factory):
    """The site's network and the outside, where the machine allows it."""
    if missing := needs.namespaces():
        pytest.skip(missing)
    with Network(tmp_path_factory.mktemp("network")) as made:
        yield made


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    """Development certificates, the provider's with them."""
    return package.certificates(tmp_path_factory.mktemp("certs"))


@pytest.fixture(scope="session")
def machine(network, certs, tmp_path_factory):
    """A machine with a real systemd in the site's network, Ringfence installed, with somebody on it who helps."""
    if missing := needs.machine():
        pytest.skip(missing)
    try:
        made = Machine(network, certs, tmp_path_factory.mktemp("machine"))
    except AssertionError as error:
        if os.environ.get("CI"):  # whatever machine that is: elsewhere it is a failure
            pytest.skip(f"no systemd boots here: {error}")
        raise
    with made:
        units.accomplice(made)
        yield made


@pytest.fixture(scope="session")
def bare(network, certs, tmp_path_factory):
    """A machine on which nothing confines anybody, in the site's network, with somebody on it who helps."""
    with Bare(network, certs, tmp_path_factory.mktemp("bare")) as made:
        helping = processes.accomplice(made)
        yield made
        helping.kill()
        helping.wait()


@pytest.fixture(scope="session")
def seen(network, certs, tmp_path_factory):
    """Everybody outside answers; gives the file of what the provider was asked."""
    folder = tmp_path_factory.mktemp("outside")
    seen, said = folder / "seen.jsonl", folder / "outside.log"
    seen.touch()
    path = ":".join(str(ROOT / name) for name in ("proto", "daemon", "agent", "tests"))
    with said.open("wb") as log:
        words = (sys.executable, "-m", "containment.outside", str(certs), str(seen))
        process = network.outside.start("env", f"PYTHONPATH={path}", *words, stdout=log, stderr=log)
    until(lambda: b"ready" in said.read_bytes() or process.poll() is not None, "the outside")
    assert process.poll() is None, said.read_text()
    network.settle()
    yield seen
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def attacked(machine, network, seen):
    """The machine under attack, with everybody there who would answer."""
    return Attacked(machine, network)


@pytest.fixture(scope="session")
def alone(bare, network, seen):
    """The bare machine, with everybody there who would answer."""
    return Alone(bare, network)


@pytest.fixture(scope="session")
def keeping(request):
    """What is kept for the report."""
    return request.config.stash.setdefault(KEPT, Kept())


@pytest.fixture(scope="session")
def keep(keeping):
    """Keep an assault for the report: ``keep(assault, standing)`` gives it back."""
    return keeping.keep


def pytest_addoption(parser):
    """Without it, nothing is written."""
    parser.addoption("--write", action="store_true", help="keep the result in bench/results")


def pytest_collection_modifyitems(config, items):
    """Left out unless it is asked for (``-m containment``): it takes root, a few Debian packages and minutes."""
    if "containment" not in config.option.markexpr:
        left_out = [item for item in items if item.get_closest_marker("containment")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: item.path.name == LAST)


def pytest_terminal_summary(terminalreporter, config):
    """Say what could not be tried here and why, and keep the result where that is asked for."""
    reasons = Counter(
        each.longrepr[2].removeprefix("Skipped: ")
        for each in terminalreporter.stats.get("skipped", [])
        if each.nodeid.startswith("tests/containment/")
    )
    for reason, count in reasons.items():
        terminalreporter.line(f"containment: {count} not tried here: {reason}")
    kept = config.stash.get(KEPT, None)
    if getattr(config.option, "write", False) and kept and not terminalreporter.stats.get("failed"):
        now = datetime.now(UTC)
        when = now.isoformat(timespec="seconds")
        facts = {**describe(), "date": when, "command": report.COMMAND, "not tried": dict(reasons) or "nothing"}
        terminalreporter.line(f"containment: written to {report.write(ROOT / 'bench/results', now, kept, facts)}")
