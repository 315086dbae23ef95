"""What of a GPU stays as long as the driver is loaded; read once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import pynvml

from ringfenced.device import Clocks, DeviceFacts, Mig, Pcie, Topology
from ringfenced.devices.ask import Ask
from ringfenced.devices.words import ANCESTORS, NVLINK, cpu_list, cuda_version, mig_profile

CPU_WORDS: Final = 64
"""Words of 64 bits for the mask of near processors: 4,096 of them, half of what Linux can have."""

NUMA_WORDS: Final = 16
"""Words of 64 bits for the mask of near memory: 1,024 nodes, as many as Linux can have."""


@dataclass(frozen=True, slots=True)
class Driver:
    """What is the same for all GPUs."""

    version: str
    """Of the driver; empty where it is not known."""
    cuda: str
    """The newest CUDA that it serves; empty where it is not known."""


def driver(ask: Ask) -> Driver:
    """Ask the library about the driver."""
    cuda = ask(pynvml.nvmlSystemGetCudaDriverVersion_v2)
    return Driver(_text(ask(pynvml.nvmlSystemGetDriverVersion)), cuda_version(cuda) if cuda else "")


def still(ask: Ask, handle: Any, index: int, loaded: Driver) -> DeviceFacts:
    """What a GPU is, without what moves.

    Args:
        ask: asks about this GPU.
        handle: NVML's.
        index: NVML's number of it.
        loaded: the driver.
    """
    capability = ask(pynvml.nvmlDeviceGetCudaComputeCapability, handle)
    return DeviceFacts(
        id=_text(ask(pynvml.nvmlDeviceGetUUID, handle)) or f"gpu{index}",
        kind="gpu",
        name=_text(ask(pynvml.nvmlDeviceGetName, handle)) or "?",
        index=index,
        minor=ask(pynvml.nvmlDeviceGetMinorNumber, handle),
        serial=_text(ask(pynvml.nvmlDeviceGetSerial, handle)),
        pci_bus_id=_bus_id(ask, handle),
        driver_version=loaded.version,
        cuda_version=loaded.cuda,
        compute_capability="{}.{}".format(*capability) if capability else "",
        clocks=Clocks(
            sm_max_mhz=ask(pynvml.nvmlDeviceGetMaxClockInfo, handle, pynvml.NVML_CLOCK_SM, as_="sm"),
            memory_max_mhz=ask(pynvml.nvmlDeviceGetMaxClockInfo, handle, pynvml.NVML_CLOCK_MEM, as_="memory"),
        ),
        pcie=Pcie(
            generation_max=ask(pynvml.nvmlDeviceGetMaxPcieLinkGeneration, handle),
            width_max=ask(pynvml.nvmlDeviceGetMaxPcieLinkWidth, handle),
        ),
        topology=Topology(numa_node=_numa_node(ask, handle), cpus=_cpus(ask, handle)),
    )


def links(ask: Ask, handle: Any, others: tuple[tuple[str, Any], ...]) -> tuple[tuple[str, str], ...]:
    """What lies between a GPU and each other one.

    Args:
        ask: asks about this GPU.
        handle: NVML's.
        others: id and handle of each other GPU.
    """
    told: list[tuple[str, str]] = []
    for other, far in others:
        peer = ask(pynvml.nvmlDeviceGetP2PStatus, handle, far, pynvml.NVML_P2P_CAPS_INDEX_NVLINK, as_=other)
        level = ask(pynvml.nvmlDeviceGetTopologyCommonAncestor, handle, far, as_=other)
        if peer == pynvml.NVML_P2P_STATUS_OK:
            told.append((other, NVLINK))
        elif level in ANCESTORS:
            told.append((other, ANCESTORS[level]))
    return tuple(told)


def instance(ask: Ask, handle: Any, uuid: str, whole: DeviceFacts) -> DeviceFacts:
    """What a MIG instance is, without what moves.

    Args:
        ask: asks about this instance.
        handle: NVML's.
        uuid: what it is known by.
        whole: the GPU that it is a part of.
    """
    name = _text(ask(pynvml.nvmlDeviceGetName, handle)) or "?"
    identity = ask(pynvml.nvmlDeviceGetGpuInstanceId, handle)
    compute = ask(pynvml.nvmlDeviceGetComputeInstanceId, handle)
    return replace(
        whole,
        id=uuid,
        name=name,
        mig=Mig(whole.id, identity, compute, mig_profile(name)),
        clocks=Clocks(),
        pcie=Pcie(),
        topology=replace(whole.topology, nvlinks=None, nvlinks_up=None),
    )


def _bus_id(ask: Ask, handle: Any) -> str:
    pci = ask(pynvml.nvmlDeviceGetPciInfo_v3, handle)
    try:
        return _text(pci.busId) if pci else ""
    except ValueError:  # pynvml decodes it here
        return ""


def _numa_node(ask: Ask, handle: Any) -> int | None:
    """The nearest part of the host's memory; nvmlDeviceGetNumaNodeId is for GPUs that are a part of it themselves."""
    masks = ask(pynvml.nvmlDeviceGetMemoryAffinity, handle, NUMA_WORDS, pynvml.NVML_AFFINITY_SCOPE_NODE)
    for position, mask in enumerate(masks or ()):
        if mask:
            return int(position * 64 + (mask & -mask).bit_length() - 1)
    return None


def _cpus(ask: Ask, handle: Any) -> str | None:
    masks = ask(pynvml.nvmlDeviceGetCpuAffinity, handle, CPU_WORDS)
    return None if masks is None else cpu_list(masks) or None


def _text(value: str | bytes | None) -> str:
    """What pynvml gave: text, or, from an older one, bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""
