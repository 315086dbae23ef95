"""`nvidia-smi` as far as `bench/gpu_nvml.py` asks it, from a scenario of `fakes.gpus`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

MIB = 1024 * 1024
SWITCH = ("Disabled", "Enabled")


def answers(gpu: dict[str, str], system: dict[str, str], index: int) -> dict[str, str]:
    """One GPU's fields, in this program's form."""

    def mib(name: str) -> str:
        return str(int(gpu[name]) // MIB)

    rest = {
        "ecc.errors.corrected.volatile.total": "ecc_corrected_volatile",
        "ecc.errors.uncorrected.volatile.total": "ecc_uncorrected_volatile",
        "ecc.errors.corrected.aggregate.total": "ecc_corrected_aggregate",
        "ecc.errors.uncorrected.aggregate.total": "ecc_uncorrected_aggregate",
        "utilization.gpu": "gpu_utilisation",
        "utilization.memory": "memory_utilisation",
        "temperature.gpu": "temperature",
        "temperature.memory": "field82",
        "clocks.sm": "sm_clock",
        "clocks.mem": "memory_clock",
        "clocks.max.sm": "sm_clock_max",
        "clocks.max.mem": "memory_clock_max",
        "pcie.link.gen.current": "pcie_gen",
        "pcie.link.gen.max": "pcie_gen_max",
        "pcie.link.width.current": "pcie_width",
        "pcie.link.width.max": "pcie_width_max",
        "name": "name",
        "uuid": "uuid",
        "serial": "serial",
        "pci.bus_id": "pci_bus_id",
        "compute_cap": "compute_capability",
    }
    free = int(gpu["memory_total"]) - int(gpu["memory_used"]) - int(gpu["memory_reserved"])
    return {
        "index": str(index),
        "driver_version": system["driver"],
        "persistence_mode": SWITCH[int(gpu["persistence"])],
        "mig.mode.current": SWITCH[int(gpu["mig"])],
        "ecc.mode.current": SWITCH[int(gpu["ecc"])],
        "memory.total": mib("memory_total"),
        "memory.reserved": mib("memory_reserved"),
        "memory.used": mib("memory_used"),
        "memory.free": str(free // MIB),
        "power.draw": f"{int(gpu['power_mw']) / 1000:.2f}",
        "enforced.power.limit": f"{int(gpu['power_limit_mw']) / 1000:.2f}",
        "pstate": f"P{gpu['pstate']}",
        "clocks_event_reasons.active": f"0x{int(gpu['clock_events']):016x}",
        "retired_pages.single_bit_ecc.count": "[N/A]",
        "retired_pages.double_bit.count": "[N/A]",
    } | {field: gpu[name] for field, name in rest.items()}


def main(arguments: list[str]) -> int:
    """Answer one query."""
    lines = [line.split(" ", 1) for line in Path(os.environ["FAKE_NVML"]).read_text().splitlines()]
    system = dict(lines)
    gpus = [
        {key.removeprefix(f"gpu{number}."): value for key, value in lines if key.startswith(f"gpu{number}.")}
        for number in range(int(system["gpus"]))
    ]
    kind, _, wanted = arguments[0].partition("=")
    if kind == "--query-gpu":
        for number, gpu in enumerate(gpus):
            told = answers(gpu, system, number)
            for field in wanted.split(","):
                if field not in told:
                    print(f'Field "{field}" is not a valid field to query.\n')  # noqa: T201 - as the real one does
                    return 2
            print(", ".join(told[field] for field in wanted.split(",")))  # noqa: T201
    elif kind == "--query-remapped-rows":
        for gpu in gpus:
            corrected, uncorrected, pending, failed = gpu["remapped"].split()
            print(f"{gpu['uuid']}, {corrected}, {uncorrected}, {pending}, {failed}")  # noqa: T201
    elif kind == "--query-compute-apps":
        print("GPU-aaaa, 4242, 2048")  # noqa: T201
    elif kind == "-q":
        print("CUDA Version                              : 13.0")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
