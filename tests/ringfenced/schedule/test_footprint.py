"""What an engine takes, and what all may take."""

from __future__ import annotations

from dataclasses import replace

from ringfenced.device import DeviceFacts, HostFacts
from ringfenced.schedule.budget import Reserves, budget
from ringfenced.schedule.footprint import PROCESS_BYTES, Appetite, ways

HOST = DeviceFacts("cpu", "cpu", "x", 100, 90)
GPUS = tuple(DeviceFacts(f"GPU-{n}", "gpu", "y", 1000, 100) for n in range(3))


def test_what_an_operator_says_counts():
    assert ways(Appetite(10**9, 4096, memory_bytes=7), ()) == ({"cpu": 7},)


def test_what_nothing_is_known_of_takes_nothing():
    assert ways(Appetite(None, 4096), (HOST,)) == ({},)


def test_weights_cache_and_process_count():
    [way] = ways(Appetite(32_768, 1000), ())
    assert way == {"cpu": PROCESS_BYTES + 36_044 + 1000}


def test_a_gpu_model_can_be_placed_on_any_gpu_that_it_may_use():
    assert [set(way) for way in ways(Appetite(0, 0, 600, gpus=1), (HOST, *GPUS))] == [
        {"cpu", "GPU-0"},
        {"cpu", "GPU-1"},
        {"cpu", "GPU-2"},
    ]
    [only] = ways(Appetite(0, 0, 600, gpus=1, devices=("GPU-1",)), (HOST, *GPUS))
    assert only == {"cpu": PROCESS_BYTES, "GPU-1": 600}


def test_several_gpus_share_a_model():
    assert ways(Appetite(0, 0, 601, gpus=2), GPUS)[0] == {"cpu": PROCESS_BYTES, "GPU-0": 301, "GPU-1": 301}
    assert len(ways(Appetite(0, 0, 601, gpus=2), GPUS)) == 2


def test_an_engine_that_takes_a_share_of_a_gpu_takes_that():
    assert ways(Appetite(5, 5, gpus=1, gpu_share=0.9), GPUS)[0]["GPU-0"] == 900


def test_without_enough_gpus_it_is_the_nodes_own_memory():
    assert ways(Appetite(0, 0, 600, gpus=4), (HOST, *GPUS)) == ({"cpu": 600},)


def test_the_host_has_what_the_machine_or_its_control_group_has_less_a_reserve():
    reserves = Reserves(host_reserve_bytes=30)
    assert budget((HOST,), {}, reserves) == {"cpu": 70}
    limited = replace(HOST, host=HostFacts(memory_limit_bytes=50))
    assert budget((limited,), {}, reserves) == {"cpu": 20}
    assert budget((limited,), {}, Reserves(host_bytes_max=77, host_reserve_bytes=30)) == {"cpu": 77}


def test_a_gpu_has_what_others_leave_less_a_reserve():
    assert budget(GPUS[:1], {"GPU-0": 60}, Reserves(device_reserve_bytes=5)) == {"GPU-0": 955}


def test_a_device_that_is_taken_out_or_of_unknown_size_is_not_there():
    ill = DeviceFacts("GPU-9", "gpu", "y", 1000, 0, excluded_rule="lost")
    assert budget((ill, DeviceFacts("GPU-8", "gpu", "y")), {}, Reserves()) == {}
    assert ways(Appetite(0, 0, 600, gpus=1), (HOST, ill)) == ({"cpu": 600},)
