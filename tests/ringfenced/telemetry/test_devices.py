"""Devices as metrics: DCGM-exporter's names, labels and units, and nothing of what is not known."""

from dataclasses import replace

from prometheus_client import CollectorRegistry, generate_latest

from ringfenced.device import (
    Clocks,
    DeviceFacts,
    DeviceProcess,
    HostFacts,
    MemoryErrors,
    Mig,
    Pcie,
    Topology,
)
from ringfenced.telemetry.recorder import Metrics

GPU = DeviceFacts(
    "GPU-aaaa",
    "gpu",
    "NVIDIA H200",
    memory_total_bytes=1000 * 2**20,
    memory_used_bytes=300 * 2**20,
    memory_free_bytes=600 * 2**20,
    memory_reserved_bytes=100 * 2**20,
    utilisation=0.37,
    memory_utilisation=0.0,
    temperature_celsius=41.0,
    power_watts=123.4,
    energy_millijoules=9_876_543_210,
    index=0,
    minor=0,
    pci_bus_id="00000000:3B:00.0",
    driver_version="580.159.03",
    clocks=Clocks(sm_mhz=1980, memory_mhz=3201, events=4),
    errors=MemoryErrors(ecc=True, uncorrected_volatile=0, remapping_pending=False, remapped_corrected=1),
    pcie=Pcie(generation=5, width=16, sent_bytes_per_s=5000.0),
    topology=Topology(nvlinks=18, nvlinks_up=17),
    processes=(DeviceProcess(1), DeviceProcess(2)),
)
LABELS = {
    "gpu": "0",
    "UUID": "GPU-aaaa",
    "pci_bus_id": "00000000:3B:00.0",
    "device": "nvidia0",
    "modelName": "NVIDIA H200",
    "Hostname": "n1",
    "DCGM_FI_DRIVER_VERSION": "580.159.03",
}


def shown(*devices):
    registry = CollectorRegistry()
    Metrics(registry).show_devices(lambda: devices, "n1")
    return registry


def value(registry, name, **labels):
    return registry.get_sample_value(name, labels or LABELS)


def test_figures_bear_dcgms_names_labels_and_units():
    registry = shown(GPU)
    assert value(registry, "DCGM_FI_DEV_GPU_UTIL") == 37
    assert value(registry, "DCGM_FI_DEV_MEM_COPY_UTIL") == 0
    assert value(registry, "DCGM_FI_DEV_FB_USED") == 300
    assert value(registry, "DCGM_FI_DEV_FB_FREE") == 600
    assert value(registry, "DCGM_FI_DEV_FB_USED_PERCENT") == 300 / 900
    assert value(registry, "DCGM_FI_DEV_POWER_USAGE") == 123.4
    assert value(registry, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION") == 9_876_543_210
    assert value(registry, "DCGM_FI_DEV_GPU_TEMP") == 41
    assert value(registry, "DCGM_FI_DEV_SM_CLOCK") == 1980
    assert value(registry, "DCGM_FI_DEV_CLOCKS_EVENT_REASONS") == 4
    assert value(registry, "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL") == 0
    assert value(registry, "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS") == 1
    assert value(registry, "DCGM_FI_DEV_ROW_REMAP_PENDING") == 0
    assert value(registry, "DCGM_FI_DEV_PCIE_LINK_GEN") == 5
    assert value(registry, "DCGM_FI_DEV_PCIE_TX_THROUGHPUT") == 5
    assert value(registry, "ringfence_gpu_nvlinks_up") == 17
    assert value(registry, "ringfence_gpu_processes") == 2


def test_what_is_not_known_has_no_sample():
    registry = shown(replace(GPU, power_watts=None, utilisation=None), DeviceFacts("gpu1", "gpu", "?"))
    assert value(registry, "DCGM_FI_DEV_POWER_USAGE") is None
    for name in ("DCGM_FI_DEV_XID_ERRORS", "DCGM_FI_DEV_MEMORY_TEMP", "DCGM_FI_DEV_RETIRED_SBE"):
        assert name not in generate_latest(registry).decode()


def test_a_mig_instance_bears_its_gpus_uuid_and_its_own_number():
    part = replace(
        GPU, id="MIG-1", name="NVIDIA H200 MIG 1g.18gb", mig=Mig("GPU-aaaa", 9, 0, "1g.18gb"), memory_used_bytes=2**20
    )
    labels = LABELS | {"GPU_I_PROFILE": "1g.18gb", "GPU_I_ID": "9"}
    registry = shown(GPU, part)
    assert value(registry, "DCGM_FI_DEV_FB_USED", **labels) == 1
    assert value(registry, "DCGM_FI_DEV_FB_USED") == 300


def test_a_device_that_is_not_used_says_by_which_rule():
    registry = shown(GPU, replace(GPU, id="GPU-b", excluded_rule="ecc", excluded_reason="memory errors"))
    assert value(registry, "ringfence_gpu_placeable", **LABELS, rule="") == 1
    assert value(registry, "ringfence_gpu_placeable", **LABELS | {"UUID": "GPU-b"}, rule="ecc") == 0


def test_the_host_tells_what_engines_can_take():
    host = HostFacts(memory_limit_bytes=80, load=(1.5, 0.0, 0.0), swap_used_bytes=3)
    registry = shown(DeviceFacts("cpu", "cpu", "2 x", memory_total_bytes=100, memory_free_bytes=60, host=host))
    assert registry.get_sample_value("ringfence_host_memory_free_bytes") == 60
    assert registry.get_sample_value("ringfence_host_memory_limit_bytes") == 80
    assert registry.get_sample_value("ringfence_host_load1") == 1.5
    assert registry.get_sample_value("ringfence_host_cpu_utilisation") is None
    assert "DCGM" not in generate_latest(registry).decode()


def test_registering_reads_no_device():
    def never():
        raise AssertionError

    Metrics(CollectorRegistry()).show_devices(never, "n1")


def test_names_are_told_as_they_are_with_nothing_added():
    """DCGM-exporter's counters end without _total, and so do these."""
    text = generate_latest(shown(GPU)).decode()
    assert "\nDCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{" in text
    assert "_CONSUMPTION_total" not in text
