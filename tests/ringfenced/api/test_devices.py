"""Devices as messages: every fact in its field, and what is not known unset."""

from dataclasses import fields

from ringfence.v1 import admin_pb2 as pb
from ringfenced.api.devices import device_to_pb
from ringfenced.device import (
    Clocks,
    DeviceFacts,
    DeviceProcess,
    HostFacts,
    MemoryErrors,
    Mig,
    NumaNode,
    Pcie,
    Topology,
)

FULL = DeviceFacts(
    "MIG-1",
    "gpu",
    "NVIDIA H200 MIG 1g.18gb",
    memory_total_bytes=1,
    memory_used_bytes=2,
    memory_free_bytes=3,
    memory_reserved_bytes=4,
    utilisation=0.5,
    memory_utilisation=0.25,
    temperature_celsius=41.0,
    memory_temperature_celsius=47.0,
    power_watts=100.0,
    power_limit_watts=700.0,
    energy_millijoules=1500,
    index=0,
    serial="s",
    pci_bus_id="p",
    driver_version="580",
    cuda_version="13.0",
    compute_capability="9.0",
    is_persistent=True,
    is_mig_parent=False,
    mig=Mig("GPU-a", 1, 0, "1g.18gb"),
    clocks=Clocks(1, 2, 3, 4, 0, 4, ("power cap",)),
    errors=MemoryErrors(True, 1, 2, 3, 4, 5, 6, True, 7, 8, False, False),
    pcie=Pcie(5, 5, 16, 16, 1, 2, 3.6, 4.0, 0),
    topology=Topology(0, "0-3", (("GPU-b", "NVLink"),), 18, 17),
    processes=(DeviceProcess(7, 8), DeviceProcess(9)),
    xid_last=31,
    host=HostFacts(1, 2, 3, 4, (0.5,), (1.0, 2.0, 3.0), (NumaNode(0, "0-3", 1, None),)),
    excluded_rule="ecc",
    excluded_reason="why",
)


def test_every_field_of_the_message_is_filled():
    message = device_to_pb(FULL)
    filled = {field.name for field, _ in message.ListFields()}
    assert filled | {"mig_enabled"} == {field.name for field in pb.Device.DESCRIPTOR.fields}
    assert message.index == 0
    assert message.energy_joules == 1.5
    assert message.pcie_sent_bytes_per_s == 4
    assert (message.retired_pages, message.remapped_rows) == (11, 15)
    assert (message.nvlinks, message.nvlinks_total) == (17, 18)
    assert (message.parent_id, message.mig_profile) == ("GPU-a", "1g.18gb")
    assert [(each.pid, each.HasField("memory_bytes")) for each in message.processes] == [(7, True), (9, False)]


def test_what_is_not_known_is_unset():
    message = device_to_pb(DeviceFacts("gpu0", "gpu", "?", errors=MemoryErrors(retired_single_bit=3)))
    assert [field.name for field, _ in message.ListFields()] == ["id", "kind", "name"]


def test_what_is_known_to_be_0_is_set():
    message = device_to_pb(DeviceFacts("gpu0", "gpu", "?", utilisation=0.0, errors=MemoryErrors(ecc=False)))
    assert message.HasField("utilisation")
    assert message.HasField("ecc_enabled")
    assert not message.HasField("power_watts")


def test_this_test_fills_every_fact():
    unset = {field.name for field in fields(FULL) if getattr(FULL, field.name) in (None, "")}
    assert unset == {"minor", "recovery", "failure"}
