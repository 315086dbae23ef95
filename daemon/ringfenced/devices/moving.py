"""What of a GPU moves; one pass over it is a few dozen calls of the driver, none of which waits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pynvml

from ringfenced.device import Clocks, DeviceFacts, DeviceProcess, MemoryErrors, Pcie
from ringfenced.devices.ask import Ask
from ringfenced.devices.words import PSTATE_UNKNOWN, RECOVERIES, clock_events

FIELDS: Final = (
    pynvml.NVML_FI_DEV_MEMORY_TEMP,
    pynvml.NVML_FI_DEV_RETIRED_SBE,
    pynvml.NVML_FI_DEV_RETIRED_DBE,
    pynvml.NVML_FI_DEV_PCIE_COUNT_TX_BYTES,
    pynvml.NVML_FI_DEV_PCIE_COUNT_RX_BYTES,
    pynvml.NVML_FI_DEV_GET_GPU_RECOVERY_ACTION,
)
"""What has no function of its own."""

MEMORY_TEMPERATURE, RETIRED_SINGLE, RETIRED_DOUBLE, PCIE_SENT, PCIE_RECEIVED, RECOVERY = FIELDS

_COUNTERS: Final = (
    ("corrected_volatile", pynvml.NVML_MEMORY_ERROR_TYPE_CORRECTED, pynvml.NVML_VOLATILE_ECC),
    ("uncorrected_volatile", pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, pynvml.NVML_VOLATILE_ECC),
    ("corrected_aggregate", pynvml.NVML_MEMORY_ERROR_TYPE_CORRECTED, pynvml.NVML_AGGREGATE_ECC),
    ("uncorrected_aggregate", pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, pynvml.NVML_AGGREGATE_ECC),
)


def moving(ask: Ask, handle: Any, facts: DeviceFacts) -> DeviceFacts:
    """A GPU, or a MIG instance, as it is now.

    Args:
        ask: asks about this device; its failure is told in the answer.
        handle: NVML's.
        facts: what it is (`ringfenced.devices.still`).
    """
    fields = ask.fields(handle, FIELDS)
    rates = ask(pynvml.nvmlDeviceGetUtilizationRates, handle)
    power_mw = ask(pynvml.nvmlDeviceGetPowerUsage, handle)
    limit_mw = ask(pynvml.nvmlDeviceGetEnforcedPowerLimit, handle)
    mig = None if facts.mig else ask(pynvml.nvmlDeviceGetMigMode, handle)
    persistent = ask(pynvml.nvmlDeviceGetPersistenceMode, handle)
    used = replace(
        with_memory(ask, handle, facts),
        utilisation=rates.gpu / 100 if rates else None,
        memory_utilisation=rates.memory / 100 if rates else None,
        temperature_celsius=_temperature(ask, handle),
        memory_temperature_celsius=_positive(fields.get(MEMORY_TEMPERATURE)),
        power_watts=None if power_mw is None else power_mw / 1000,
        power_limit_watts=None if limit_mw is None else limit_mw / 1000,
        energy_millijoules=ask(pynvml.nvmlDeviceGetTotalEnergyConsumption, handle),
        is_persistent=None if persistent is None else bool(persistent),
        is_mig_parent=None if mig is None else bool(mig[0]),
        clocks=_clocks(ask, handle, facts.clocks),
        errors=_errors(ask, handle, fields),
        pcie=_pcie(ask, handle, facts.pcie, fields),
        processes=_processes(ask, handle),
        recovery=RECOVERIES.get(int(fields.get(RECOVERY, 0)), ""),
    )
    return replace(used, failure=ask.failure, is_complete=ask.is_complete)


def with_memory(ask: Ask, handle: Any, facts: DeviceFacts) -> DeviceFacts:
    """The device with its memory as it is now.

    The second version of the call tells what the driver reserves apart from what is used; the first is for drivers
    before 510.
    """
    told = ask(pynvml.nvmlDeviceGetMemoryInfo, handle, pynvml.nvmlMemory_v2, as_=2)
    reserved = told.reserved if told else None
    told = told or ask(pynvml.nvmlDeviceGetMemoryInfo, handle, as_=1)
    if not told:
        return facts
    return replace(
        facts,
        memory_total_bytes=told.total,
        memory_used_bytes=told.used,
        memory_free_bytes=told.free,
        memory_reserved_bytes=reserved,
    )


def throughput(ask: Ask, handle: Any, facts: Pcie) -> Pcie:
    """The link's traffic where the device counts no bytes: the driver measures for 20 ms in each direction.

    Args:
        ask: asks about this GPU.
        handle: NVML's.
        facts: what else is known of the link.
    """
    # NVML tells KB/s, and DCGM's field takes that figure as it is.
    sent = ask(pynvml.nvmlDeviceGetPcieThroughput, handle, pynvml.NVML_PCIE_UTIL_TX_BYTES, as_="sent")
    received = ask(pynvml.nvmlDeviceGetPcieThroughput, handle, pynvml.NVML_PCIE_UTIL_RX_BYTES, as_="received")
    return replace(
        facts,
        sent_bytes_per_s=None if sent is None else sent * 1000.0,
        received_bytes_per_s=None if received is None else received * 1000.0,
    )


def links_up(ask: Ask, handle: Any) -> tuple[int | None, int | None]:
    """How many NVLinks a GPU has, and how many of them are up."""
    states: list[int] = []
    for link in range(pynvml.NVML_NVLINK_MAX_LINKS):
        state = ask(pynvml.nvmlDeviceGetNvLinkState, handle, link, as_=link)
        if state is None:
            break
        states.append(state)
    return (len(states), sum(map(bool, states))) if states else (None, None)


def rate(count: int | None, before: int | None, seconds: float) -> float | None:
    """Bytes a second between two readings of a counter; None where one is missing, or it began anew."""
    if count is None or before is None or count < before or seconds <= 0:
        return None
    return (count - before) / seconds


def _temperature(ask: Ask, handle: Any) -> float | None:
    told = ask(pynvml.nvmlDeviceGetTemperatureV, handle, pynvml.NVML_TEMPERATURE_GPU)
    if told is None:  # a driver before 570
        told = ask(pynvml.nvmlDeviceGetTemperature, handle, pynvml.NVML_TEMPERATURE_GPU)
    return None if told is None else float(told)


def _clocks(ask: Ask, handle: Any, facts: Clocks) -> Clocks:
    events = ask(pynvml.nvmlDeviceGetCurrentClocksEventReasons, handle)
    if events is None:  # a driver before 535
        events = ask(pynvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle)
    state = ask(pynvml.nvmlDeviceGetPerformanceState, handle)
    return replace(
        facts,
        sm_mhz=ask(pynvml.nvmlDeviceGetClockInfo, handle, pynvml.NVML_CLOCK_SM, as_="sm"),
        memory_mhz=ask(pynvml.nvmlDeviceGetClockInfo, handle, pynvml.NVML_CLOCK_MEM, as_="memory"),
        performance_state=None if state == PSTATE_UNKNOWN else state,
        events=events,
        held_back_by=None if events is None else clock_events(events),
    )


def _errors(ask: Ask, handle: Any, fields: dict[int, int | float]) -> MemoryErrors:
    mode = ask(pynvml.nvmlDeviceGetEccMode, handle)
    counted: dict[str, int | None] = {
        name: ask(pynvml.nvmlDeviceGetTotalEccErrors, handle, kind, counter, as_=name)
        for name, kind, counter in _COUNTERS
    }
    pending = ask(pynvml.nvmlDeviceGetRetiredPagesPendingStatus, handle)
    rows = ask(pynvml.nvmlDeviceGetRemappedRows, handle)
    return MemoryErrors(
        **counted,
        ecc=None if mode is None else bool(mode[0]),
        retired_single_bit=_whole(fields.get(RETIRED_SINGLE)),
        retired_double_bit=_whole(fields.get(RETIRED_DOUBLE)),
        retirement_pending=None if pending is None else bool(pending),
        remapped_corrected=rows[0] if rows else None,
        remapped_uncorrected=rows[1] if rows else None,
        remapping_pending=bool(rows[2]) if rows else None,
        remapping_failed=bool(rows[3]) if rows else None,
    )


def _pcie(ask: Ask, handle: Any, facts: Pcie, fields: dict[int, int | float]) -> Pcie:
    return replace(
        facts,
        generation=ask(pynvml.nvmlDeviceGetCurrPcieLinkGeneration, handle),
        width=ask(pynvml.nvmlDeviceGetCurrPcieLinkWidth, handle),
        sent_bytes=_whole(fields.get(PCIE_SENT)),
        received_bytes=_whole(fields.get(PCIE_RECEIVED)),
        replays=ask(pynvml.nvmlDeviceGetPcieReplayCounter, handle),
    )


def _processes(ask: Ask, handle: Any) -> tuple[DeviceProcess, ...] | None:
    """Who computes or draws there; None where neither list is known."""
    compute = ask(pynvml.nvmlDeviceGetComputeRunningProcesses_v3, handle)
    graphics = ask(pynvml.nvmlDeviceGetGraphicsRunningProcesses_v3, handle)
    if compute is None and graphics is None:
        return None
    by_pid = {each.pid: each.usedGpuMemory for each in (*(graphics or ()), *(compute or ()))}
    return tuple(DeviceProcess(pid, memory) for pid, memory in sorted(by_pid.items()))


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _positive(value: float | None) -> float | None:
    """A memory without a sensor is told as 0."""
    return float(value) if value else None
