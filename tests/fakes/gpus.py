"""Machines with GPUs that are not there: a process whose libnvidia-ml.so.1 is the stand-in of fakes/nvml.

The stand-in is loaded in a process of its own, so that nothing of it reaches other tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

SOURCE = Path(__file__).parent / "nvml" / "nvml.c"
CHILD = Path(__file__).parent / "gpus_child.py"
SONAME = "libnvidia-ml.so.1"

SYSTEM = {"gpus": 1, "driver": "580.159.03", "cuda": 13000}
H200 = {
    "name": "NVIDIA H200",
    "uuid": "GPU-aaaa",
    "serial": "1650123",
    "minor": 0,
    "pci_bus_id": "00000000:3B:00.0",
    "compute_capability": "9.0",
    "persistence": 1,
    "memory_total": 150_754_820_096,
    "memory_reserved": 631_242_752,
    "memory_used": 2_147_483_648,
    "gpu_utilisation": 37,
    "memory_utilisation": 12,
    "temperature": 41,
    "field82": 47,
    "power_mw": 123_456,
    "power_limit_mw": 700_000,
    "energy_mj": 9_876_543_210,
    "sm_clock": 1980,
    "sm_clock_max": 1980,
    "memory_clock": 3201,
    "memory_clock_max": 3201,
    "pstate": 0,
    "clock_events": 0x4 | 0x20,
    "ecc": 1,
    "ecc_corrected_volatile": 0,
    "ecc_uncorrected_volatile": 0,
    "ecc_corrected_aggregate": 3,
    "ecc_uncorrected_aggregate": 0,
    "remapped": "1 0 0 0",
    "pcie_gen": 5,
    "pcie_gen_max": 5,
    "pcie_width": 16,
    "pcie_width_max": 16,
    "pcie_replays": 0,
    "field197": 1_000_000,
    "field198": 2_000_000,
    "field230": 0,
    "nvlink0": 1,
    "nvlink1": 0,
    "numa_mask": 2,
    "cpu_mask": 0xFF0F,
    "mig": 0,
    "processes": "4242:2147483648 17:-1",
}
"""One GPU that tells everything."""


def one(**changes: object) -> dict[str, object]:
    """A machine with one H200; None takes a line out."""
    return machine(H200 | changes)


def machine(*gpus: dict[str, object], **system: object) -> dict[str, object]:
    """A machine's scenario.

    Args:
        gpus: each one's facts.
        system: what holds for all.
    """
    lines = SYSTEM | {"gpus": len(gpus)} | system
    lines |= {f"gpu{number}.{key}": value for number, gpu in enumerate(gpus) for key, value in gpu.items()}
    return {key: value for key, value in lines.items() if value is not None}


def two() -> dict[str, object]:
    """A machine with two GPUs under one PCIe switch."""
    second = H200 | {"uuid": "GPU-bbbb", "minor": 1, "pci_bus_id": "00000000:5E:00.0", "ancestor.gpu0": 10}
    return machine(H200 | {"ancestor.gpu1": 10}, second)


def divided() -> dict[str, object]:
    """A machine with one GPU that is divided in two."""
    instances = {}
    for number, (profile, gigabytes) in enumerate((("3g.71gb", 71), ("1g.18gb", 18))):
        told = {
            "name": f"NVIDIA H200 MIG {profile}",
            "uuid": f"MIG-{number}",
            "memory_total": gigabytes * 10**9,
            "memory_used": 10**9,
            "gpu_instance": number + 1,
            "compute_instance": 0,
            "processes": "-",
        }
        instances |= {f"mig{number}.{key}": value for key, value in told.items()}
    return one(mig=1, gpu_utilisation=None, memory_utilisation=None, **instances)


def compiled(folder: Path) -> Path:
    """The stand-in library, under the name that the real one has."""
    library = folder / SONAME
    flags = ("-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", f"-Wl,-soname,{SONAME}")
    subprocess.run(["gcc", *flags, "-o", str(library), str(SOURCE)], check=True)
    return library


class Machine:
    """A process that reads GPUs; with the stand-in's, or with what is really there."""

    def __init__(self, folder: Path, library: Path | None) -> None:
        """Start it; `library` None for the machine's own."""
        self._scenario = folder / "scenario.txt"
        self.set({})
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        if library:
            environment["FAKE_NVML"] = str(self._scenario)
        self._process = subprocess.Popen(
            [sys.executable, str(CHILD), str(library or "")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def set(self, scenario: dict[str, object]) -> None:
        """What the machine is from now on."""
        text = "".join(f"{key} {value}\n" for key, value in scenario.items())
        fresh = self._scenario.with_suffix(".new")
        fresh.write_bytes(text.encode("latin-1"))
        fresh.replace(self._scenario)

    def sample(self) -> list[SimpleNamespace]:
        """Every GPU, judged, as an `Inventory` would tell it; each by its facts' names."""
        return self._do("sample")

    def raw(self) -> list[SimpleNamespace]:
        """Every GPU as the reader tells it."""
        return self._do("raw")

    def linger(self) -> None:
        """Let the reader read what takes long."""
        self._do("linger")

    def reopen(self) -> None:
        """Forget all, as a daemon that was just started."""
        self._do("reopen")

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._do("advance", seconds)

    def calls(self, function: str) -> int:
        """How often the library was asked this since it was loaded."""
        return self._do("calls", function)

    def sample_us(self, times: int) -> float:
        """What a sample costs, in microseconds."""
        return self._do("sample_us", times)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _do(self, command: str, argument: object = None):
        self._process.stdin.write(json.dumps([command, argument]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the process that reads GPUs has died"
        return json.loads(answer, object_hook=lambda fields: SimpleNamespace(**fields))
