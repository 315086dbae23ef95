"""Plans by hand; test_probing.py compares them with llama.cpp's own figures."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.schedule.cachesize import layer_cache_bytes, padded_cells
from ringfenced.schedule.compare import compare
from ringfenced.schedule.plan import Gpu, calibrated, compute_bound, dry_run_plan, layer_devices, plan
from ringfenced.weights.dryrun import HOST, DeviceUse, LoadSettings

GPUS = (Gpu("a", 100), Gpu("b", 300))


def no_compute(shape, settings):
    return {}


def test_cells_come_in_multiples_of_256():
    assert [padded_cells(cells) for cells in (0, 1, 256, 257)] == [256, 256, 256, 512]


def test_each_layer_has_the_cache_that_it_is_said_to_have(make_shape):
    full, windowed, state = layer_cache_bytes(make_shape(), LoadSettings(4096, 2, full_windows=False))
    assert full == 4096 * 2 * 128
    assert windowed == (512 * 2 + 512) * 2 * 128
    assert state == 2 * 500


def test_layers_with_a_window_keep_everything_unless_told_otherwise(make_shape):
    full, windowed, _ = layer_cache_bytes(make_shape(), LoadSettings(4096, 2))
    assert windowed == full


def test_quantised_caches_come_in_blocks(make_shape):
    full, *_ = layer_cache_bytes(make_shape(), LoadSettings(4096, key_type="q8_0", value_type="q4_0"))
    assert full == 4096 * (2 * 34 + 2 * 18)


def test_encoders_have_no_cache(make_shape):
    assert layer_cache_bytes(make_shape(has_cache=False), LoadSettings(4096)) == (0, 0, 0)


def test_without_gpus_everything_is_on_the_host(make_shape):
    (use,) = plan(make_shape(), LoadSettings(4096, gpu_layers=-1), compute=no_compute).uses
    assert (use.device, use.weights_bytes, use.mapped_bytes) == (HOST, 3500, 3500)


@pytest.mark.parametrize(
    ("gpu_layers", "split", "expected"),
    [
        (0, (), "hhhh"),
        (1, (), "hhha"),
        (-1, (), "abbb"),
        (99, (), "abbb"),
        (-1, (1, 1), "aabb"),
        (-1, (1, 0), "aaaa"),
        (2, (1, 1), "hhab"),
    ],
)
def test_the_last_layers_go_to_gpus_and_the_output_first(make_shape, gpu_layers, split, expected):
    settings = LoadSettings(4096, gpu_layers=gpu_layers, tensor_split=split)
    devices = layer_devices(make_shape(), settings, GPUS)
    assert "".join("h" if device == HOST else device for device in devices) == expected


def test_weights_and_cache_go_where_their_layer_goes(make_shape):
    settings = LoadSettings(4096, gpu_layers=2, tensor_split=(1, 0), full_windows=False)
    found = {use.device: use for use in plan(make_shape(), settings, GPUS, no_compute).uses}
    assert found[HOST].weights_bytes == 300 + 2000
    assert found["a"].weights_bytes == 1000 + 200
    assert found["a"].cache_bytes == 500


def test_an_output_that_is_the_embeddings_is_copied_to_its_gpu(make_shape):
    settings = LoadSettings(4096, gpu_layers=-1, tensor_split=(1, 0))
    found = plan(make_shape(is_tied=True, output_bytes=0), settings, GPUS, no_compute)
    assert found.on("a") == 3000 + 300 + sum(layer_cache_bytes(make_shape(), found.settings))


def test_rearranged_weights_are_not_a_mapped_file(make_shape):
    shape = make_shape(quantization="q4_0", embeddings_type="q4_0", is_tied=True, output_bytes=0)
    (use,) = plan(shape, LoadSettings(4096), compute=no_compute).uses
    assert (use.weights_bytes, use.mapped_bytes) == (300 + 3000 + 300, 300)


def test_a_dry_runs_figures_are_taken_as_they_are():
    use = DeviceUse(HOST, 1, 2, 3)
    found = dry_run_plan(LoadSettings(100), [use])
    assert (found.uses, found.is_dry_run, found.settings.cells, found.bytes) == ((use,), True, 256, 6)


def test_compute_buffers_between_dry_runs_keep_their_proportion(make_shape):
    bound, shape = compute_bound(()), make_shape()
    tried = LoadSettings(4096, 4)
    half = bound(shape, tried)[HOST] // 2
    compute = calibrated(bound, [(tried, [DeviceUse(HOST, 0, 0, half)])])
    assert compute(shape, replace(tried, cells=4000)) == {HOST: half}
    other = replace(tried, cells=8192)
    assert compute(shape, other)[HOST] == pytest.approx(bound(shape, other)[HOST] / 2, rel=0.01)


KINDS = st.sampled_from(["f16", "q8_0", "q4_0"])
SETTINGS = st.builds(
    LoadSettings,
    cells=st.integers(1, 100_000),
    sequences=st.integers(1, 64),
    batch_tokens=st.integers(1, 4096),
    key_type=KINDS,
    value_type=KINDS,
    gpu_layers=st.integers(-1, 6),
    tensor_split=st.just((1.0, 1.0)),
    flash_attention=st.just("on"),
    full_windows=st.booleans(),
)


@given(settings=SETTINGS, more=st.integers(0, 100_000))
def test_a_longer_context_never_takes_less_on_the_whole(make_shape, settings, more):
    """Where attention is computed in one way."""
    shape = make_shape()
    less, greater = plan(shape, settings, GPUS), plan(shape, replace(settings, cells=settings.cells + more), GPUS)
    assert less.bytes <= greater.bytes
    assert all(use.bytes >= 0 for use in less.uses)
    weights = sum(use.weights_bytes for use in less.uses)
    assert weights == shape.weights_bytes


def test_plan_and_measurement_are_compared_by_device():
    planned = [DeviceUse(HOST, 100, 0, 0), DeviceUse("a", 50, 50, 2)]
    measured = [DeviceUse("a", 50, 50, 0), DeviceUse("b", 0, 0, 0)]
    found = {one.device: one.error for one in compare(planned, measured)}
    assert found == {HOST: None, "a": pytest.approx(0.02), "b": None}
