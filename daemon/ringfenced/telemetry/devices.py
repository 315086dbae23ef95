"""Devices as metrics, under the names, labels and units that DCGM-exporter has where it has one.

A dashboard made for DCGM-exporter shows these without a change. What is not known has no sample. Names and units:
dcgm_fields.h and etc/default-counters.csv of https://github.com/NVIDIA/dcgm-exporter. Its counters bear no ``_total``,
which prometheus_client would add to a metric of that type, so they are untyped here; ``rate()`` takes them as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ringfenced.device import DeviceFacts

Value = Callable[[DeviceFacts], float | None]

MIB: Final = 1024 * 1024


def _share(value: float | None) -> float | None:
    return None if value is None else round(value * 100)


def _mib(value: int | None) -> float | None:
    return None if value is None else value // MIB


def _kilo(value: float | None) -> float | None:
    return None if value is None else value / 1000


def _flag(value: bool | None) -> float | None:
    return None if value is None else float(value)


def _used_share(facts: DeviceFacts) -> float | None:
    total, used = facts.memory_total_bytes, facts.memory_used_bytes
    if not total or used is None:
        return None
    return used / (total - (facts.memory_reserved_bytes or 0))


GPU_METRICS: Final[tuple[tuple[str, str, str, Value], ...]] = (
    ("DCGM_FI_DEV_SM_CLOCK", "gauge", "SM clock frequency (in MHz).", lambda facts: facts.clocks.sm_mhz),
    ("DCGM_FI_DEV_MEM_CLOCK", "gauge", "Memory clock frequency (in MHz).", lambda facts: facts.clocks.memory_mhz),
    ("DCGM_FI_DEV_MAX_SM_CLOCK", "gauge", "Highest SM clock (in MHz).", lambda facts: facts.clocks.sm_max_mhz),
    ("DCGM_FI_DEV_MAX_MEM_CLOCK", "gauge", "Highest memory clock (in MHz).", lambda facts: facts.clocks.memory_max_mhz),
    (
        "DCGM_FI_DEV_CLOCKS_EVENT_REASONS",
        "gauge",
        "Why clocks are as they are (NVML's bits).",
        lambda facts: facts.clocks.events,
    ),
    ("DCGM_FI_DEV_PSTATE", "gauge", "Performance state, 0 the fastest.", lambda facts: facts.clocks.performance_state),
    ("DCGM_FI_DEV_GPU_TEMP", "gauge", "GPU temperature (in C).", lambda facts: facts.temperature_celsius),
    ("DCGM_FI_DEV_MEMORY_TEMP", "gauge", "Memory temperature (in C).", lambda facts: facts.memory_temperature_celsius),
    ("DCGM_FI_DEV_POWER_USAGE", "gauge", "Power draw (in W).", lambda facts: facts.power_watts),
    ("DCGM_FI_DEV_ENFORCED_POWER_LIMIT", "gauge", "Power limit (in W).", lambda facts: facts.power_limit_watts),
    (
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
        "unknown",
        "Energy since the driver was loaded (in mJ).",
        lambda facts: facts.energy_millijoules,
    ),
    ("DCGM_FI_DEV_GPU_UTIL", "gauge", "GPU utilization (in %).", lambda facts: _share(facts.utilisation)),
    ("DCGM_FI_DEV_MEM_COPY_UTIL", "gauge", "Memory utilization (in %).", lambda f: _share(f.memory_utilisation)),
    ("DCGM_FI_DEV_FB_TOTAL", "gauge", "Memory in all (in MiB).", lambda facts: _mib(facts.memory_total_bytes)),
    ("DCGM_FI_DEV_FB_FREE", "gauge", "Memory free (in MiB).", lambda facts: _mib(facts.memory_free_bytes)),
    ("DCGM_FI_DEV_FB_USED", "gauge", "Memory used (in MiB).", lambda facts: _mib(facts.memory_used_bytes)),
    ("DCGM_FI_DEV_FB_RESERVED", "gauge", "Memory reserved (in MiB).", lambda facts: _mib(facts.memory_reserved_bytes)),
    ("DCGM_FI_DEV_FB_USED_PERCENT", "gauge", "Used of what is not reserved (0 to 1).", _used_share),
    ("DCGM_FI_DEV_ECC_CURRENT", "gauge", "Error correction is on.", lambda facts: _flag(facts.errors.ecc)),
    (
        "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL",
        "unknown",
        "Corrected memory errors since the driver was loaded.",
        lambda facts: facts.errors.corrected_volatile,
    ),
    (
        "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL",
        "unknown",
        "Uncorrected memory errors since the driver was loaded.",
        lambda facts: facts.errors.uncorrected_volatile,
    ),
    (
        "DCGM_FI_DEV_ECC_SBE_AGG_TOTAL",
        "unknown",
        "Corrected memory errors over the device's life.",
        lambda facts: facts.errors.corrected_aggregate,
    ),
    (
        "DCGM_FI_DEV_ECC_DBE_AGG_TOTAL",
        "unknown",
        "Uncorrected memory errors over the device's life.",
        lambda facts: facts.errors.uncorrected_aggregate,
    ),
    (
        "DCGM_FI_DEV_RETIRED_SBE",
        "unknown",
        "Pages retired for single-bit errors.",
        lambda facts: facts.errors.retired_single_bit,
    ),
    (
        "DCGM_FI_DEV_RETIRED_DBE",
        "unknown",
        "Pages retired for double-bit errors.",
        lambda facts: facts.errors.retired_double_bit,
    ),
    (
        "DCGM_FI_DEV_RETIRED_PENDING",
        "gauge",
        "A page waits to be retired.",
        lambda facts: _flag(facts.errors.retirement_pending),
    ),
    (
        "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS",
        "unknown",
        "Rows remapped for correctable errors.",
        lambda facts: facts.errors.remapped_corrected,
    ),
    (
        "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS",
        "unknown",
        "Rows remapped for uncorrectable errors.",
        lambda facts: facts.errors.remapped_uncorrected,
    ),
    (
        "DCGM_FI_DEV_ROW_REMAP_PENDING",
        "gauge",
        "A row waits to be remapped.",
        lambda facts: _flag(facts.errors.remapping_pending),
    ),
    (
        "DCGM_FI_DEV_ROW_REMAP_FAILURE",
        "gauge",
        "No spare row was left.",
        lambda facts: _flag(facts.errors.remapping_failed),
    ),
    ("DCGM_FI_DEV_XID_ERRORS", "gauge", "The last Xid.", lambda facts: facts.xid_last),
    ("DCGM_FI_DEV_PCIE_LINK_GEN", "gauge", "PCIe generation now.", lambda facts: facts.pcie.generation),
    ("DCGM_FI_DEV_PCIE_LINK_WIDTH", "gauge", "PCIe lanes now.", lambda facts: facts.pcie.width),
    ("DCGM_FI_DEV_PCIE_MAX_LINK_GEN", "gauge", "PCIe generation at most.", lambda facts: facts.pcie.generation_max),
    ("DCGM_FI_DEV_PCIE_MAX_LINK_WIDTH", "gauge", "PCIe lanes at most.", lambda facts: facts.pcie.width_max),
    ("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "unknown", "PCIe retries.", lambda facts: facts.pcie.replays),
    (
        "DCGM_FI_DEV_PCIE_TX_THROUGHPUT",
        "gauge",
        "Sent over PCIe (in KB/s).",
        lambda facts: _kilo(facts.pcie.sent_bytes_per_s),
    ),
    (
        "DCGM_FI_DEV_PCIE_RX_THROUGHPUT",
        "gauge",
        "Received over PCIe (in KB/s).",
        lambda facts: _kilo(facts.pcie.received_bytes_per_s),
    ),
    ("ringfence_gpu_nvlinks_up", "gauge", "NVLinks that are up.", lambda facts: facts.topology.nvlinks_up),
    ("ringfence_gpu_nvlinks", "gauge", "NVLinks, up or not.", lambda facts: facts.topology.nvlinks),
    (
        "ringfence_gpu_processes",
        "gauge",
        "Processes that use the device.",
        lambda facts: None if facts.processes is None else len(facts.processes),
    ),
)
"""Name, type, help and value of each metric of GPUs and MIG instances."""

HOST_METRICS: Final[tuple[tuple[str, str, str, Value], ...]] = (
    ("ringfence_host_memory_bytes", "gauge", "Memory of the host.", lambda facts: facts.memory_total_bytes),
    (
        "ringfence_host_memory_free_bytes",
        "gauge",
        "What engines can still take, within our cgroup's limit.",
        lambda facts: facts.memory_free_bytes,
    ),
    (
        "ringfence_host_memory_limit_bytes",
        "gauge",
        "Our cgroup's limit.",
        lambda facts: facts.host.memory_limit_bytes if facts.host else None,
    ),
    (
        "ringfence_host_swap_used_bytes",
        "gauge",
        "Swap in use.",
        lambda facts: facts.host.swap_used_bytes if facts.host else None,
    ),
    ("ringfence_host_cpu_utilisation", "gauge", "Mean of all processors (0 to 1).", lambda facts: facts.utilisation),
    (
        "ringfence_host_load1",
        "gauge",
        "Mean number of runnable tasks over a minute.",
        lambda facts: facts.host.load[0] if facts.host and facts.host.load else None,
    ),
)
"""Name, type, help and value of each metric of the host."""


class DeviceMetrics(Collector):
    """Reads the devices when somebody looks; any thread may."""

    def __init__(self, inventory: Callable[[], Iterable[DeviceFacts]], host_name: str) -> None:
        """Take what tells the devices, and the host's name for the label that DCGM-exporter has."""
        self._inventory = inventory
        self._host_name = host_name

    def describe(self) -> Iterable[Metric]:
        """Nothing yet, so that registering reads nothing."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Every known figure of every device."""
        devices = tuple(self._inventory())
        gpus = tuple(facts for facts in devices if facts.kind == "gpu")
        hosts = tuple(facts for facts in devices if facts.kind == "cpu")
        for metrics, told, labels in ((GPU_METRICS, gpus, self._labels), (HOST_METRICS, hosts, _no_labels)):
            for name, kind, text, value in metrics:
                metric = Metric(name, text, kind)
                for facts in told:
                    figure = value(facts)
                    if figure is not None:
                        metric.add_sample(name, labels(facts), figure)
                if metric.samples:
                    yield metric
        if gpus:
            yield self._usable(gpus)

    def _usable(self, gpus: Iterable[DeviceFacts]) -> Metric:
        """Whether each GPU may be used, and by which rule not."""
        metric = Metric(
            "ringfence_gpu_placeable", "1 where models may be put there; else the rule says why not.", "gauge"
        )
        for facts in gpus:
            metric.add_sample(
                metric.name, self._labels(facts) | {"rule": facts.excluded_rule}, float(facts.is_placeable)
            )
        return metric

    def _labels(self, facts: DeviceFacts) -> dict[str, str]:
        """DCGM-exporter's labels; a MIG instance bears its GPU's UUID and its own number and profile."""
        labels = {
            "gpu": "" if facts.index is None else str(facts.index),
            "UUID": facts.mig.parent_id if facts.mig else facts.id,
            "pci_bus_id": facts.pci_bus_id,
            "device": "" if facts.minor is None else f"nvidia{facts.minor}",
            "modelName": facts.name.partition(" MIG ")[0],
            "Hostname": self._host_name,
            "DCGM_FI_DRIVER_VERSION": facts.driver_version,
        }
        if facts.mig:
            identity = facts.mig.instance_id
            labels |= {"GPU_I_PROFILE": facts.mig.profile, "GPU_I_ID": "" if identity is None else str(identity)}
        return labels


def _no_labels(_facts: DeviceFacts) -> dict[str, str]:
    return {}
