"""GPUs through the real binding: what is known, what is not, and what happens when the driver fails."""

import re
from types import SimpleNamespace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.gpus import H200, SOURCE, divided, machine, one, two
from ringfenced.devices.health import NOT_UNWELL
from ringfenced.devices.nvml import REOPEN_S

FUNCTIONS = sorted(set(re.findall(r"^int (nvml\w+)\(", SOURCE.read_text(), re.MULTILINE)))
DEVICE_FUNCTIONS = [name for name in FUNCTIONS if name.startswith("nvmlDevice")]


def test_a_gpu_that_tells_everything_is_told_in_full(gpus):
    gpus.set(one())
    (gpu,) = gpus.sample()
    assert (gpu.id, gpu.kind, gpu.name, gpu.index, gpu.minor) == ("GPU-aaaa", "gpu", "NVIDIA H200", 0, 0)
    assert (gpu.serial, gpu.pci_bus_id, gpu.compute_capability) == ("1650123", "00000000:3B:00.0", "9.0")
    assert (gpu.driver_version, gpu.cuda_version) == ("580.159.03", "13.0")
    assert gpu.memory_total_bytes == 150_754_820_096
    assert gpu.memory_used_bytes == 2_147_483_648
    assert gpu.memory_reserved_bytes == 631_242_752
    assert gpu.memory_free_bytes == 150_754_820_096 - 2_147_483_648 - 631_242_752
    assert (gpu.utilisation, gpu.memory_utilisation) == (0.37, 0.12)
    assert (gpu.temperature_celsius, gpu.memory_temperature_celsius) == (41.0, 47.0)
    assert (gpu.power_watts, gpu.power_limit_watts, gpu.energy_millijoules) == (123.456, 700.0, 9_876_543_210)
    assert (gpu.is_persistent, gpu.is_mig_parent) == (True, False)
    assert gpu.clocks == SimpleNamespace(
        sm_mhz=1980,
        sm_max_mhz=1980,
        memory_mhz=3201,
        memory_max_mhz=3201,
        performance_state=0,
        events=0x24,
        held_back_by=["power cap", "thermal slowdown"],
    )
    assert gpu.errors == SimpleNamespace(
        ecc=True,
        corrected_volatile=0,
        uncorrected_volatile=0,
        corrected_aggregate=3,
        uncorrected_aggregate=0,
        retired_single_bit=None,
        retired_double_bit=None,
        retirement_pending=None,
        remapped_corrected=1,
        remapped_uncorrected=0,
        remapping_pending=False,
        remapping_failed=False,
    )
    assert (gpu.pcie.generation, gpu.pcie.generation_max, gpu.pcie.width, gpu.pcie.width_max) == (5, 5, 16, 16)
    assert (gpu.topology.numa_node, gpu.topology.cpus) == (1, "0-3,8-15")
    assert (gpu.topology.nvlinks, gpu.topology.nvlinks_up) == (2, 1)
    assert [(each.pid, each.memory_used_bytes) for each in gpu.processes] == [(17, None), (4242, 2147483648)]
    assert (gpu.failure, gpu.recovery, gpu.xid_last, gpu.excluded_rule) == ("", "", None, "")


def test_what_a_gpu_does_not_support_is_unknown_and_never_0(gpus):
    gpus.set(machine({"name": "NVIDIA GeForce", "uuid": "GPU-c", "memory_total": 100, "memory_used": 40}))
    (gpu,) = gpus.sample()
    assert (gpu.memory_total_bytes, gpu.memory_used_bytes, gpu.memory_free_bytes) == (100, 40, 60)
    known = {"id", "kind", "name", "index", "is_complete", "driver_version", "cuda_version"}
    rest = {key: value for key, value in vars(gpu).items() if key not in known and not key.startswith("memory_")}
    groups = [rest.pop(name) for name in ("clocks", "errors", "pcie", "topology")]
    assert set(map(str, rest.values())) <= {"None", ""}
    assert {str(value) for group in groups for value in vars(group).values()} <= {"None", "[]"}
    assert gpu.excluded_rule == ""


def test_a_driver_before_510_tells_memory_in_the_first_form(gpus):
    gpus.set(one() | {"fail.nvmlDeviceGetMemoryInfo_v2": 13})
    (gpu,) = gpus.sample()
    assert (gpu.memory_used_bytes, gpu.memory_reserved_bytes) == (2_147_483_648, None)
    assert gpu.memory_free_bytes == gpu.memory_total_bytes - gpu.memory_used_bytes


def test_nobody_at_work_is_known_to_be_nobody(gpus):
    gpus.set(one(processes="-"))
    assert gpus.sample()[0].processes == []
    gpus.reopen()
    gpus.set(one(processes=None))
    assert gpus.sample()[0].processes is None


def test_two_gpus_and_what_lies_between_them(gpus):
    gpus.set(two())
    first, second = gpus.sample()
    assert (first.id, second.id) == ("GPU-aaaa", "GPU-bbbb")
    assert first.topology.links == [["GPU-bbbb", "PCIe switch"]]
    assert second.topology.links == [["GPU-aaaa", "PCIe switch"]]
    gpus.reopen()
    gpus.set(two() | {"gpu0.p2p2.gpu1": 0})
    assert gpus.sample()[0].topology.links == [["GPU-bbbb", "NVLink"]]


def test_the_library_is_opened_once_and_what_stays_is_read_once(gpus):
    gpus.set(two())
    gpus.sample()
    names = ("nvmlInitWithFlags", "nvmlDeviceGetName", "nvmlDeviceGetCpuAffinity", "nvmlDeviceGetMaxClockInfo")
    before = [gpus.calls(name) for name in names]
    for _ in range(5):
        gpus.advance(1)
        gpus.sample()
    assert [gpus.calls(name) for name in names] == before


def test_what_is_not_supported_is_not_asked_again(gpus):
    gpus.set(one(power_mw=None))
    gpus.sample()
    before = gpus.calls("nvmlDeviceGetPowerUsage")
    gpus.sample()
    assert gpus.calls("nvmlDeviceGetPowerUsage") == before


def test_what_is_not_permitted_is_unknown_and_asked_again(gpus):
    gpus.set(one() | {"fail.nvmlDeviceGetComputeRunningProcesses_v3": 4, "fail.nvmlDeviceGetSerial": 4})
    (gpu,) = gpus.sample()
    assert (gpu.processes, gpu.serial, gpu.excluded_rule) == (None, "", "")
    gpus.set(one())
    assert len(gpus.sample()[0].processes) == 2


def test_traffic_is_counted_between_samples(gpus):
    gpus.set(one())
    assert gpus.sample()[0].pcie.sent_bytes_per_s is None
    gpus.advance(2)
    gpus.set(one(field197=5_000_000, field198=2_000_000))
    pcie = gpus.sample()[0].pcie
    assert (pcie.sent_bytes_per_s, pcie.received_bytes_per_s) == (2_000_000.0, 0.0)
    gpus.advance(2)
    gpus.set(one(field197=7, field198=2_000_002))
    pcie = gpus.sample()[0].pcie
    assert (pcie.sent_bytes_per_s, pcie.received_bytes_per_s) == (None, 1.0)


def test_traffic_that_the_driver_must_measure_is_not_waited_for(gpus):
    gpus.set(one(field197=None, field198=None, pcie_tx_kb=5, pcie_rx_kb=7))
    assert gpus.sample()[0].pcie.sent_bytes_per_s is None
    assert gpus.calls("nvmlDeviceGetPcieThroughput") == 0
    gpus.linger()
    pcie = gpus.sample()[0].pcie
    assert (pcie.sent_bytes_per_s, pcie.received_bytes_per_s) == (5000.0, 7000.0)
    gpus.linger()
    assert gpus.calls("nvmlDeviceGetPcieThroughput") == 2


def test_mig_instances_are_devices_and_their_gpu_is_not_used(gpus):
    gpus.set(divided())
    whole, large, small = gpus.sample()
    assert (whole.is_mig_parent, whole.excluded_rule) == (True, "mig_parent")
    assert [each.id for each in (large, small)] == ["MIG-0", "MIG-1"]
    assert [each.mig.profile for each in (large, small)] == ["3g.71gb", "1g.18gb"]
    assert [each.mig.parent_id for each in (large, small)] == [whole.id] * 2
    assert [each.mig.instance_id for each in (large, small)] == [1, 2]
    assert [each.memory_free_bytes for each in (large, small)] == [70 * 10**9, 17 * 10**9]
    assert [each.excluded_rule for each in (large, small)] == ["", ""]
    assert large.power_watts is None
    names = gpus.calls("nvmlDeviceGetName")
    assert [each.id for each in gpus.sample()] == [whole.id, large.id, small.id]
    assert gpus.calls("nvmlDeviceGetName") == names
    assert large.topology.numa_node == 1


def test_a_gpu_that_is_divided_anew_is_told_anew(gpus):
    gpus.set(divided())
    gpus.sample()
    gpus.set(divided() | {"gpu0.mig1.uuid": "MIG-new"})
    assert [each.id for each in gpus.sample()] == ["GPU-aaaa", "MIG-0", "MIG-new"]
    gpus.set(one(mig=0))
    (gpu,) = gpus.sample()
    assert gpu.excluded_rule == ""


def test_a_gpu_lost_mid_run_is_out_with_the_reason_and_the_other_goes_on(gpus):
    gpus.set(two())
    gpus.sample()
    gpus.set(two() | {"gpu1.lost": 1, "gpu0.temperature": 50})
    first, second = gpus.sample()
    assert (first.excluded_rule, first.temperature_celsius) == ("", 50.0)
    assert (second.id, second.excluded_rule) == ("GPU-bbbb", "lost")
    assert "fell off the bus" in second.excluded_reason
    assert second.temperature_celsius is None
    assert second.memory_free_bytes is None


def test_a_gpu_that_is_no_longer_listed_is_still_told_of(gpus):
    gpus.set(two())
    gpus.sample()
    gpus.set(two() | {"gpu1.lost": 1})
    gpus.sample()
    gpus.set(one())
    gpus.advance(REOPEN_S)
    first, second = gpus.sample()
    assert (first.excluded_rule, second.excluded_rule) == ("", "lost")
    assert (second.id, second.name, second.memory_total_bytes) == ("GPU-bbbb", "NVIDIA H200", 150_754_820_096)
    assert second.temperature_celsius is None


def test_a_gpu_that_comes_back_is_used_after_a_full_good_sample(gpus):
    gpus.set(two())
    gpus.sample()
    gpus.set(two() | {"gpu1.lost": 1})
    gpus.sample()
    gpus.set(two() | {"gpu1.fail.nvmlDeviceGetTemperatureV": 10, "gpu1.fail.nvmlDeviceGetTemperature": 10})
    gpus.advance(REOPEN_S)
    assert gpus.sample()[1].excluded_rule == "returning"
    gpus.set(two())
    assert gpus.sample()[1].excluded_rule == ""


def test_a_lost_gpu_whose_handle_is_still_given_is_not_taken_for_another(gpus):
    gpus.set(two())
    gpus.sample()
    lost = {f"gpu1.fail.{name}": 15 for name in DEVICE_FUNCTIONS if "Handle" not in name}
    gpus.set(two() | lost)
    for _ in range(3):
        assert [(gpu.id, gpu.excluded_rule) for gpu in gpus.sample()] == [("GPU-aaaa", ""), ("GPU-bbbb", "lost")]
        gpus.advance(4 * REOPEN_S)
    gpus.set(two())
    gpus.advance(400)
    assert [(gpu.id, gpu.excluded_rule) for gpu in gpus.sample()] == [("GPU-aaaa", ""), ("GPU-bbbb", "")]


def test_a_lost_gpu_is_asked_nothing_more_in_that_sample(gpus):
    gpus.set(two())
    gpus.sample()
    gpus.set(two() | {"gpu1.lost": 1})
    before = gpus.calls("nvmlDeviceGetPowerUsage")
    gpus.sample()
    assert gpus.calls("nvmlDeviceGetPowerUsage") == before + 1


def test_a_gpu_that_comes_back_without_its_uuid_is_known_by_its_number(gpus):
    gpus.set(two())
    gpus.sample()
    gpus.set(two() | {"gpu1.lost": 1})
    gpus.sample()
    gpus.set(two() | {"gpu1.fail.nvmlDeviceGetUUID": 10})
    gpus.advance(REOPEN_S)
    assert [(gpu.id, gpu.excluded_rule) for gpu in gpus.sample()] == [("GPU-aaaa", ""), ("GPU-bbbb", "returning")]
    gpus.set(two())
    assert [(gpu.id, gpu.excluded_rule) for gpu in gpus.sample()] == [("GPU-aaaa", ""), ("GPU-bbbb", "")]


def test_what_could_not_be_read_at_the_start_is_read_later(gpus):
    gpus.set(one() | {"fail.nvmlDeviceGetUUID": 10, "fail.nvmlDeviceGetName": 999})
    (gpu,) = gpus.sample()
    assert (gpu.id, gpu.name, gpu.is_complete) == ("gpu0", "?", False)
    gpus.set(one())
    (gpu,) = gpus.sample()
    assert (gpu.id, gpu.name, gpu.is_complete) == ("GPU-aaaa", "NVIDIA H200", True)
    assert [gpu.id for gpu in gpus.sample()] == ["GPU-aaaa"]


def test_a_missing_gpu_is_looked_for_ever_more_seldom(gpus):
    gpus.set(two())
    gpus.sample()
    gpus.set(two() | {"gpu1.lost": 1})
    before = gpus.calls("nvmlInitWithFlags")
    for _ in range(600):
        gpus.advance(1)
        gpus.sample()
    assert 4 <= gpus.calls("nvmlInitWithFlags") - before <= 8


def test_instances_of_a_lost_gpu_are_lost_with_it(gpus):
    gpus.set(divided())
    gpus.sample()
    gpus.set(divided() | {"gpu0.lost": 1})
    assert [(each.id, each.excluded_rule) for each in gpus.sample()] == [
        ("GPU-aaaa", "lost"),
        ("MIG-0", "lost"),
        ("MIG-1", "lost"),
    ]


def test_a_gpu_without_access_is_told_and_does_not_disturb(gpus):
    gpus.set(two() | {"gpu1.fail.nvmlDeviceGetHandleByIndex_v2": 4})
    for _ in range(3):
        first, second = gpus.sample()
        assert (first.excluded_rule, second.excluded_rule, second.id) == ("", "no_access", "gpu1")
        gpus.advance(REOPEN_S)
    opened = gpus.calls("nvmlInitWithFlags")
    gpus.advance(REOPEN_S)
    gpus.sample()
    assert gpus.calls("nvmlInitWithFlags") == opened


def test_without_a_driver_there_are_no_gpus(library, tmp_path, gpus):
    gpus.set(one() | {"fail.nvmlInitWithFlags": 12})
    assert gpus.sample() == []
    gpus.set(one())
    assert gpus.sample() == []
    gpus.advance(REOPEN_S)
    assert len(gpus.sample()) == 1


def test_a_driver_that_does_not_fit_its_library_is_told(gpus):
    gpus.set(one() | {"fail.nvmlInitWithFlags": 18})
    (gpu,) = gpus.sample()
    assert (gpu.kind, gpu.excluded_rule) == ("gpu", "driver_mismatch")
    assert "restart ringfenced" in gpu.excluded_reason


def test_a_driver_updated_mid_run_takes_every_gpu_out(gpus):
    gpus.set(two())
    gpus.sample()
    gpus.set(two() | {f"fail.{name}": 18 for name in DEVICE_FUNCTIONS} | {"fail.nvmlInitWithFlags": 18})
    assert [gpu.excluded_rule for gpu in gpus.sample()] == ["driver_mismatch"] * 2
    gpus.advance(REOPEN_S)
    assert [gpu.excluded_rule for gpu in gpus.sample()] == ["driver_mismatch"] * 2


def test_a_driver_that_never_let_us_in_is_told_and_is_no_fault(gpus):
    gpus.set({"fail.nvmlInitWithFlags": 999})
    (gpu,) = gpus.sample()
    assert gpu.excluded_rule == "no_access"
    assert gpu.excluded_rule in NOT_UNWELL


def test_a_kernel_module_that_is_not_loaded_is_told(gpus):
    gpus.set({"fail.nvmlInitWithFlags": 9})
    (gpu,) = gpus.sample()
    assert gpu.excluded_rule == "driver_not_loaded"
    assert "modprobe" in gpu.excluded_reason


def test_an_xid_takes_its_gpu_out_and_a_lesser_one_takes_nothing_back(gpus):
    gpus.set(two())
    gpus.sample()
    gpus.set(two() | {"event0": "gpu1 31"})
    assert [(gpu.xid_last, gpu.excluded_rule) for gpu in gpus.sample()] == [(None, ""), (31, "")]
    gpus.set(two() | {"event0": "gpu1 31", "event1": "gpu1 119"})
    assert [(gpu.xid_last, gpu.excluded_rule) for gpu in gpus.sample()] == [(None, ""), (119, "xid")]
    gpus.set(two() | {"event0": "gpu1 31", "event1": "gpu1 119", "event2": "gpu1 31"})
    assert [(gpu.xid_last, gpu.excluded_rule) for gpu in gpus.sample()] == [(None, ""), (31, "xid")]


def test_a_name_that_is_no_text_is_unknown(gpus):
    gpus.set(one(name="\xff\xfe"))
    assert gpus.sample()[0].name == "?"


codes = st.sampled_from([1, 2, 3, 4, 6, 9, 10, 12, 13, 15, 16, 17, 18, 25, 28, 999, 12345])
scenarios = st.sampled_from([one(), two(), divided(), machine(H200, {}), {}])


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    scenario=scenarios,
    failing=st.dictionaries(st.sampled_from(FUNCTIONS), codes, max_size=len(FUNCTIONS)),
    here=st.dictionaries(st.sampled_from(DEVICE_FUNCTIONS), codes, max_size=5),
    is_first=st.booleans(),
    pause_s=st.sampled_from([0, 1, 1000]),
)
def test_any_calls_may_fail_and_the_facts_are_unknown(gpus, *, scenario, failing, here, is_first, pause_s):
    """Whatever fails, at the start or later, there are facts, none is made up, and no exception."""
    gpus.reopen()
    gpus.set(scenario)
    if not is_first:
        gpus.sample()
    broken = {f"fail.{name}": code for name, code in failing.items()}
    gpus.set(scenario | broken | {f"gpu0.fail.{name}": code for name, code in here.items()})
    gpus.advance(pause_s)
    told = gpus.sample()
    gpus.linger()
    assert len({gpu.id for gpu in told}) == len(told)
    for gpu in told:
        assert gpu.kind == "gpu"
        assert bool(gpu.excluded_rule) == bool(gpu.excluded_reason)
        if not gpu.excluded_rule:
            assert gpu.memory_free_bytes is not None
        if {"nvmlDeviceGetPowerUsage"} <= failing.keys():
            assert gpu.power_watts is None
        if failing.keys() >= {"nvmlDeviceGetMemoryInfo", "nvmlDeviceGetMemoryInfo_v2"}:
            assert gpu.memory_used_bytes is None
            assert gpu.excluded_rule
