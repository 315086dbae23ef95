"""Devices as messages: what is not known stays unset."""

from __future__ import annotations

from ringfence.v1 import admin_pb2 as pb
from ringfenced.device import Clocks, DeviceFacts, HostFacts, MemoryErrors, Pcie, Topology


def device_to_pb(facts: DeviceFacts) -> pb.Device:
    """One device's facts."""
    device = pb.Device(
        id=facts.id,
        kind=facts.kind,
        name=facts.name,
        memory_total_bytes=facts.memory_total_bytes,
        memory_used_bytes=facts.memory_used_bytes,
        memory_free_bytes=facts.memory_free_bytes,
        memory_reserved_bytes=facts.memory_reserved_bytes,
        utilisation=facts.utilisation,
        memory_utilisation=facts.memory_utilisation,
        temperature_celsius=facts.temperature_celsius,
        memory_temperature_celsius=facts.memory_temperature_celsius,
        power_watts=facts.power_watts,
        power_limit_watts=facts.power_limit_watts,
        energy_joules=None if facts.energy_millijoules is None else facts.energy_millijoules / 1000,
        excluded_rule=facts.excluded_rule,
        excluded_reason=facts.excluded_reason,
        index=facts.index,
        pci_bus_id=facts.pci_bus_id,
        serial=facts.serial,
        compute_capability=facts.compute_capability,
        driver_version=facts.driver_version,
        cuda_version=facts.cuda_version,
        xid_last=facts.xid_last,
        persistence=facts.is_persistent,
        mig_enabled=bool(facts.is_mig_parent),
        parent_id=facts.mig.parent_id if facts.mig else "",
        mig_profile=facts.mig.profile if facts.mig else "",
        processes=[
            pb.DeviceProcess(pid=process.pid, memory_bytes=process.memory_used_bytes)
            for process in facts.processes or ()
        ],
    )
    device.MergeFrom(_clocks(facts.clocks))
    device.MergeFrom(_errors(facts.errors))
    device.MergeFrom(_pcie(facts.pcie))
    device.MergeFrom(_topology(facts.topology))
    if facts.host is not None:
        device.MergeFrom(_host(facts.host))
    return device


def _clocks(clocks: Clocks) -> pb.Device:
    return pb.Device(
        sm_clock_mhz=clocks.sm_mhz,
        memory_clock_mhz=clocks.memory_mhz,
        throttle_reasons=clocks.held_back_by or (),
        performance_state=clocks.performance_state,
    )


def _errors(errors: MemoryErrors) -> pb.Device:
    return pb.Device(
        ecc_enabled=errors.ecc,
        ecc_corrected=errors.corrected_volatile,
        ecc_uncorrected=errors.uncorrected_volatile,
        ecc_corrected_lifetime=errors.corrected_aggregate,
        ecc_uncorrected_lifetime=errors.uncorrected_aggregate,
        retired_pages=_both(errors.retired_single_bit, errors.retired_double_bit),
        retirement_pending=errors.retirement_pending,
        remapped_rows=_both(errors.remapped_corrected, errors.remapped_uncorrected),
        remapping_pending=errors.remapping_pending,
        remapping_failed=errors.remapping_failed,
    )


def _pcie(pcie: Pcie) -> pb.Device:
    return pb.Device(
        pcie_generation=pcie.generation,
        pcie_width=pcie.width,
        pcie_sent_bytes_per_s=_whole(pcie.sent_bytes_per_s),
        pcie_received_bytes_per_s=_whole(pcie.received_bytes_per_s),
    )


def _topology(topology: Topology) -> pb.Device:
    return pb.Device(
        nvlinks=topology.nvlinks_up,
        nvlinks_total=topology.nvlinks,
        numa_node=topology.numa_node,
        cpus=topology.cpus or "",
        links=[pb.DeviceLink(device_id=other, kind=kind) for other, kind in topology.links],
    )


def _host(host: HostFacts) -> pb.Device:
    return pb.Device(
        swap_total_bytes=host.swap_total_bytes,
        swap_used_bytes=host.swap_used_bytes,
        load_1m=host.load[0] if host.load else None,
        memory_limit_bytes=host.memory_limit_bytes,
        memory_charged_bytes=host.memory_limit_used_bytes,
        cpu_utilisation=host.cpu_utilisation,
        numa_nodes=[
            pb.NumaNode(
                number=node.number,
                cpus=node.cpus,
                memory_total_bytes=node.memory_total_bytes,
                memory_free_bytes=node.memory_free_bytes,
            )
            for node in host.numa
        ],
    )


def _both(one: int | None, other: int | None) -> int | None:
    """Their sum, if both are known."""
    return None if one is None or other is None else one + other


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
