"""The two stages, and what of them could not be tried here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from containment import needs
from containment.machine import Machine
from containment.namespaces import until
from containment.network import Network
from containment.report import Kept
from containment.units import Attacked, accomplice

ROOT = Path(__file__).parents[2]
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
def machine(network, tmp_path_factory):
    """A machine with a real systemd in the site's network, Ringfence installed, with somebody on it who helps."""
    if missing := needs.machine():
        pytest.skip(missing)
    with Machine(network, tmp_path_factory.mktemp("machine")) as made:
        accomplice(made)
        yield made


@pytest.fixture(scope="session")
def seen(network, machine, tmp_path_factory):
    """Everybody outside answers; gives the file of what the provider was asked."""
    folder = tmp_path_factory.mktemp("outside")
    seen, said = folder / "seen.jsonl", folder / "outside.log"
    seen.touch()
    path = ":".join(str(ROOT / name) for name in ("proto", "daemon", "agent", "tests"))
    with said.open("wb") as log:
        words = (sys.executable, "-m", "containment.outside", str(machine.certs), str(seen))
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
def keep(request):
    """Keep an assault for the report: ``keep(assault, standing)`` gives it back."""
    return request.config.stash.setdefault(KEPT, Kept()).keep
