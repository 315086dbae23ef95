"""NVML's numbers as words: https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html and nvml.h."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

FAILURES: Final = {
    1: "closed",  # NVML_ERROR_UNINITIALIZED
    9: "driver_not_loaded",  # NVML_ERROR_DRIVER_NOT_LOADED
    12: "no_driver",  # NVML_ERROR_LIBRARY_NOT_FOUND
    15: "lost",  # NVML_ERROR_GPU_IS_LOST
    16: "reset_required",  # NVML_ERROR_RESET_REQUIRED
    18: "driver_mismatch",  # NVML_ERROR_LIB_RM_VERSION_MISMATCH
    28: "lost",  # NVML_ERROR_GPU_NOT_FOUND
}
"""Answers after which nothing else that the device or the library says counts."""

PASSING: Final = frozenset({10, 11, 17, 19, 20, 23, 27, 29, 999})
"""Answers that may be others in the next sample: timeout, interrupt, operating system, in use, out of memory, out of
resources, not ready, invalid state, unknown."""

LASTING: Final = frozenset({3, 13, 25, 26})
"""Answers that stay as long as the library is open: not supported, no such function, no such version, deprecated. The
call is not made again."""

CLOCK_EVENTS: Final = {
    0x1: "idle",
    0x2: "clocks set by somebody",
    0x4: "power cap",
    0x8: "hardware slowdown",
    0x10: "sync boost",
    0x20: "thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
    0x100: "display clocks",
    0x200: "board limit",
    0x400: "reliability",
}
"""nvmlClocksEventReason* and the older nvmlClocksThrottleReason*."""

ANCESTORS: Final = {
    0: "same board",
    10: "PCIe switch",
    20: "PCIe switches",
    30: "PCIe host bridge",
    40: "same NUMA node",
    50: "across NUMA nodes",
}
"""nvmlGpuTopologyLevel_t, the nearest first."""

NVLINK: Final = "NVLink"
"""What lies between two GPUs that reach each other's memory over NVLink."""

RECOVERIES: Final = {
    1: "gpu_reset",
    2: "node_reboot",
    3: "drain_p2p",
    4: "drain_and_reset",
    5: "recover_imex_domain",
    6: "bus_reset",
    7: "system_reboot",
}
"""nvmlDeviceGpuRecoveryAction_t without 0, which is none."""

PSTATE_UNKNOWN: Final = 32
"""NVML_PSTATE_UNKNOWN."""


def clock_events(bits: int) -> tuple[str, ...]:
    """Why clocks are as they are, without mere idling; a bit without a word is named by its value.

    Args:
        bits: NVML's mask.
    """
    unnamed = bits & ~sum(CLOCK_EVENTS)
    named = (word for bit, word in CLOCK_EVENTS.items() if bits & bit and word != "idle")
    return (*named, *(f"bit {position}" for position in range(unnamed.bit_length()) if unnamed >> position & 1))


def cuda_version(number: int) -> str:
    """A version of CUDA as people write it: 13000 is ``13.0``, 12040 is ``12.4``."""
    return f"{number // 1000}.{number % 1000 // 10}"


def cpu_list(masks: Iterable[int]) -> str:
    """Processors as the kernel lists them, for example ``0-3,8``; empty for none.

    Args:
        masks: 64 processors each, the lowest first.
    """
    whole = sum(mask << (64 * position) for position, mask in enumerate(masks))
    ranges: list[str] = []
    first = 0
    while whole >> first:
        first += ((whole >> first) & -(whole >> first)).bit_length() - 1
        rest = ~(whole >> first)
        length = (rest & -rest).bit_length() - 1
        ranges.append(str(first) if length == 1 else f"{first}-{first + length - 1}")
        first += length
    return ",".join(ranges)


def mig_profile(name: str) -> str:
    """The profile in a MIG instance's name: ``NVIDIA H200 MIG 1g.18gb`` has ``1g.18gb``; empty where there is none."""
    _, marker, profile = name.rpartition("MIG ")
    return profile.strip() if marker else ""
