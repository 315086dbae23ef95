"""Whether a model fits, what would have to go, what context would fit."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from ringfenced.schedule.fit import (
    GPU_CONTEXT_BYTES,
    PROCESS_BYTES,
    DeviceFit,
    DeviceMemory,
    Loaded,
    evictions,
    fit,
    largest_context,
    planned_ways,
)
from ringfenced.schedule.plan import Gpu, plan
from ringfenced.schedule.vllm_fit import VllmSettings, vllm_fit
from ringfenced.weights.dryrun import HOST, LoadSettings

GIB = 1024**3


def test_a_model_fits_where_plan_and_process_do(make_shape):
    shape, settings = make_shape(), LoadSettings(4096, 2)
    needed = plan(shape, settings).bytes + PROCESS_BYTES
    assert fit(shape, settings, [DeviceMemory(HOST, needed)]).fits
    short = fit(shape, settings, [DeviceMemory(HOST, needed - 1)])
    assert not short.fits
    assert short.devices[0].short_bytes == 1
    assert fit(shape, settings, [DeviceMemory(HOST, needed, reserve_bytes=1)]).devices[0].short_bytes == 1


def test_a_gpu_needs_its_context_too_and_only_where_it_is_used(make_shape):
    memory = [DeviceMemory(HOST, GIB), DeviceMemory("gpu", GIB)]
    on = fit(make_shape(), LoadSettings(4096, gpu_layers=-1), memory)
    assert on.devices[1].needed_bytes == on.plan.on("gpu") + GPU_CONTEXT_BYTES
    assert fit(make_shape(), LoadSettings(4096), memory).devices[1].needed_bytes == 0


def test_each_way_to_place_a_model_has_its_needs(make_shape):
    settings = LoadSettings(4096, gpu_layers=-1, tensor_split=(1, 1))
    host, one, two = planned_ways(make_shape(), settings, ((), (Gpu("a", 1),), (Gpu("a", 1), Gpu("b", 1))))
    assert (set(host), set(one), set(two)) == ({HOST}, {HOST, "a"}, {HOST, "a", "b"})
    assert two["a"] < one["a"]
    assert min(host[HOST], one[HOST]) > PROCESS_BYTES


def test_what_llama_cpp_refuses_does_not_fit(make_shape):
    settings = LoadSettings(4096, value_type="q8_0", flash_attention="off")
    found = fit(make_shape(), settings, [DeviceMemory(HOST, GIB)])
    assert found.refusal
    assert not found.fits


def test_the_longest_context_is_the_longest(make_shape):
    shape, settings = make_shape(), LoadSettings(4096, 4)
    for context in (256, 512, 3072, 8192):
        size = plan(shape, LoadSettings(context * 4, 4)).bytes + PROCESS_BYTES
        assert largest_context(shape, settings, [DeviceMemory(HOST, size)]) == context
    assert largest_context(shape, settings, [DeviceMemory(HOST, 100 * GIB)]) == 8192
    assert largest_context(shape, settings, [DeviceMemory(HOST, PROCESS_BYTES)]) is None


def test_nothing_goes_where_it_fits():
    assert evictions([DeviceFit("a", 10, 10)], [Loaded("m", {"a": 5})]) == ()


def test_the_first_to_go_goes_first_and_nobody_in_vain():
    loaded = [Loaded("small", {"a": 1}), Loaded("other", {"b": 9}), Loaded("large", {"a": 9}), Loaded("last", {"a": 9})]
    assert evictions([DeviceFit("a", 10, 9)], loaded) == ("small",)
    assert evictions([DeviceFit("a", 18, 9)], loaded) == ("large",)
    assert evictions([DeviceFit("a", 19, 9)], loaded) == ("small", "large")
    assert evictions([DeviceFit("a", 99, 9)], loaded) is None


SIZES = st.dictionaries(st.sampled_from("ab"), st.integers(0, 9), max_size=2)


@given(short=SIZES, sizes=st.lists(SIZES, max_size=6))
def test_what_goes_is_enough_and_nothing_of_it_could_stay(short, sizes):
    loaded = [Loaded(str(number), size) for number, size in enumerate(sizes)]
    devices = [DeviceFit(device, missing, 0) for device, missing in short.items()]

    def is_enough(names):
        return all(
            sum(model.bytes.get(device, 0) for model in loaded if model.name in names) >= missing
            for device, missing in short.items()
        )

    found = evictions(devices, loaded)
    if found is None:
        assert not is_enough({model.name for model in loaded})
        return
    assert is_enough(found)
    assert not any(is_enough(fewer) for fewer in combinations(found, max(0, len(found) - 1)) if found)


def test_vllm_gives_the_cache_what_is_left_of_its_share(make_shape):
    shape = make_shape()
    settings = VllmSettings(memory_share=0.5, sequences=8)
    found = vllm_fit(shape, settings, total_bytes=4 * GIB, free_bytes=4 * GIB)
    assert found.requested_bytes == 2 * GIB
    assert found.token_bytes == 2 * (128 + 128)
    left = 2 * GIB - found.weights_bytes - found.step_bytes - 8 * found.state_bytes
    assert found.cache_tokens == left // found.token_bytes // 16 * 16
    assert found.fits


def test_vllm_asks_for_its_share_to_be_free(make_shape):
    found = vllm_fit(make_shape(), VllmSettings(memory_share=0.9), total_bytes=10 * GIB, free_bytes=8 * GIB)
    assert not found.fits
    assert found.missing_bytes == 9 * GIB - 8 * GIB
    assert found.cache_tokens is None
    assert vllm_fit(make_shape(), VllmSettings(0.01), total_bytes=GIB, free_bytes=GIB).missing_bytes > 0


def test_gpus_share_heads_as_far_as_there_are_some(make_shape):
    by_gpus = [
        vllm_fit(make_shape(), VllmSettings(tensor_parallel=gpus), total_bytes=8 * GIB, free_bytes=8 * GIB).token_bytes
        for gpus in (1, 2, 4)
    ]
    assert by_gpus == [512, 256, 256]
