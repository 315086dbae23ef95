"""Dry runs of llama.cpp beside the plan, which is arithmetic, and beside a real load."""

from __future__ import annotations

import ctypes
from dataclasses import replace

import pytest

from fakes.random_model import LLAMA_8B, SMALL, write_model
from ringfenced.engines.llama.breakdown import Buffers, device_uses, memory_breakdown, results_bytes
from ringfenced.engines.llama.parameters import context_parameters, model_parameters
from ringfenced.engines.probing import dry_run
from ringfenced.schedule.plan import plan
from ringfenced.weights.dryrun import HOST, DeviceUse, DryRunFailed, LoadSettings
from ringfenced.weights.files import read_gguf_file
from ringfenced.weights.serving import serving

lib = pytest.importorskip("llama_cpp.llama_cpp")
pytestmark = pytest.mark.llama

SETTINGS = (
    LoadSettings(1024),
    LoadSettings(4000, 4, 256),
    LoadSettings(8192, 8, flash_attention="on"),
    LoadSettings(8192, 8, key_type="q8_0", value_type="q4_0"),
    LoadSettings(8192, 2, full_windows=False),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module", params=SMALL)
def model(request, folder):
    """A model of each kind of memory; q4_0, so that a processor keeps rearranged copies of its weights."""
    return write_model(folder / f"{request.param}.gguf", SMALL[request.param], weights="q4_0")


SILENCE = lib.llama_log_callback(lambda *_: None)


def real(path, every):
    """Load it once and return what llama.cpp says of it with each of some settings."""
    lib.llama_log_set(SILENCE, ctypes.c_void_p(0))
    lib.llama_backend_init()
    shape = read_gguf_file(path).shape
    tied = shape.embeddings_bytes if shape.is_tied else 0
    loaded = lib.llama_model_load_from_file(str(path).encode(), model_parameters(every[0], is_dry=False))
    found = []
    for settings in every:
        context = lib.llama_init_from_model(loaded, context_parameters(settings, heads=shape.heads, threads=1))
        buffers = memory_breakdown(context) if context else ()
        found.append(device_uses(buffers, lib.llama_model_size(loaded), results_bytes(loaded, settings), tied))
        if context:
            lib.llama_free(context)
    lib.llama_model_free(loaded)
    return found


async def test_plan_dry_run_and_real_load_agree(model):
    """Weights and cache to the byte in all three; compute buffers in the last two, and never above the plan's bound."""
    shape = read_gguf_file(model).shape
    found = await dry_run(model, SETTINGS)
    for settings, uses, after in zip(SETTINGS, found, real(model, SETTINGS), strict=True):
        assert bool(settings.cache_refusal(shape)) == (uses is None)
        if uses is None:
            continue
        (dry,), (planned,), (loaded,) = uses, plan(shape, settings).uses, after
        figures = (dry.weights_bytes, dry.cache_bytes)
        assert (planned.weights_bytes, planned.cache_bytes) == figures
        assert abs(loaded.weights_bytes - dry.weights_bytes) <= 4096
        assert (loaded.cache_bytes, loaded.compute_bytes) == (dry.cache_bytes, dry.compute_bytes)
        assert planned.compute_bytes >= dry.compute_bytes * 0.99
        assert planned.compute_bytes <= dry.compute_bytes * 2


async def test_what_llama_cpp_refuses_is_no_answer_and_the_rest_is(folder):
    path = write_model(folder / "latent.gguf", SMALL["deepseek2"], sparse=True)
    first, second = await dry_run(path, (LoadSettings(4096, key_type="f32"), LoadSettings(4096)))
    assert first is None
    assert second is not None


async def test_a_model_of_8_b_is_planned_within_a_hundredth_without_its_weights(folder):
    """The weights are a hole in the file: nothing of them is read."""
    path = write_model(folder / "8b.gguf", LLAMA_8B, weights="q4_K", sparse=True)
    settings = LoadSettings(8192 * 4, 4)
    ((dry,),) = await dry_run(path, (settings,))
    planned = plan(read_gguf_file(path).shape, settings)
    assert planned.bytes == pytest.approx(dry.bytes, rel=0.01)
    assert dry.cache_bytes == 32 * 8192 * 4 * 2 * 1024 * 2


async def test_a_bad_file_is_told_by_name_and_never_reaches_llama_cpp(tmp_path):
    path = tmp_path / "bad.gguf"
    path.write_bytes(b"GGUF" + b"\xff" * 100)
    with pytest.raises(DryRunFailed, match=r"bad\.gguf"):
        await dry_run(path, (LoadSettings(256),))


async def test_a_dry_run_that_takes_too_long_is_ended(folder):
    path = write_model(folder / "slow.gguf", SMALL["llama"], sparse=True)
    with pytest.raises(DryRunFailed, match=r"within 0\.01 s"):
        await dry_run(path, (LoadSettings(256),), timeout_s=0.01)


async def test_a_loaded_engine_says_what_it_uses_as_the_dry_run_did(launch, tiny_gguf):
    engine = await launch("worker", "--threads", "1", "--model", tiny_gguf, "--context", "1024", "--sequences", "4")
    (memory,) = engine.client.description.memory
    ((dry,),) = await dry_run(tiny_gguf, (serving(context_tokens=1024, sequences=4),))
    assert memory.device == HOST
    assert abs(memory.weights_bytes - dry.weights_bytes) <= 4096
    assert (memory.cache_bytes, memory.compute_bytes) == (dry.cache_bytes, dry.compute_bytes)


def test_a_mapped_file_counts_with_what_is_used_of_it():
    buffers = (
        Buffers("CPU_Mapped", HOST, 900, 0, 0),
        Buffers("CPU_REPACK", HOST, 300, 0, 0),
        Buffers("CPU", HOST, 0, 10, 1),
        Buffers("CUDA0", "CUDA0", 200, 20, 2),
    )
    host, gpu = device_uses(buffers, 1000, 7)
    assert host == DeviceUse(HOST, 300 + 500, 10, 8, 500)
    assert gpu == DeviceUse("CUDA0", 200, 20, 2)
    host, _ = device_uses(buffers, 1000, 7, tied_bytes=600)
    assert host.mapped_bytes == 500 + 600


def test_parameters_are_those_that_were_asked_for():
    settings = replace(LoadSettings(512, 3, 128), tensor_split=(3.0, 1.0), gpu_layers=-1, full_windows=False)
    of_model = model_parameters(settings, is_dry=False)
    assert [of_model.tensor_split[number] for number in range(3)] == [3.0, 1.0, 0.0]
    of_context = context_parameters(settings, heads=4, threads=2)
    assert (of_context.n_ctx, of_context.n_seq_max, of_context.n_ubatch, of_context.n_outputs_max) == (512, 3, 128, 3)
    assert not of_context.swa_full
