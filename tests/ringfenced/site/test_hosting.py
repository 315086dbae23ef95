"""What the file says of models becomes what engines are started with, and what is planned is what they load."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from fakes.modellibrary import bring
from ringfence.configfile import ConfigError, parse
from ringfenced.config import Config
from ringfenced.device import DeviceFacts
from ringfenced.engines.client import EngineClient
from ringfenced.errors import NotFound, Unavailable, Unsupported
from ringfenced.library.folder import Library
from ringfenced.schedule.plan import plan
from ringfenced.site.hosting import _load_settings, attached_specs, engine_specs, other_weights
from ringfenced.weights.files import read_gguf_file
from ringfenced.weights.serving import PARKED_BYTES_MAX

TINY = Path(__file__).parents[3] / "models/tiny/ringfence-tiny.gguf"
FILE = """
state = "state"
[listen]
tcp = "127.0.0.1:0"
tls = { ca = "ca.pem", cert = "daemon.pem", key = "daemon.key" }
[[departments]]
name = "ward"
grant_credits = 1
[[callers]]
identity = "spiffe://ringfence.local/caller/ward"
department = "ward"
[library]
folder = "library"
[[models]]
name = "house"
context_tokens = 1024
sequences = 4
threads = 1
"""


def config(folder, *lines):
    return parse(FILE + "\n".join(lines), folder / "d.toml", Config)


@pytest.fixture
def library(tmp_path):
    """One that holds the bundled model."""
    found = Library(tmp_path / "library")
    bring(found, {TINY.name: TINY.read_bytes()}, name="tiny")
    return found


@pytest.mark.llama
@pytest.mark.parametrize("more", [(), ("cache_tokens = 2048",), ('cache_type = "q8_0"', "prefix_cache = false")])
async def test_what_is_planned_is_what_the_engine_loads(tmp_path, more):
    """Cells, sequences and layout come of one rule: to the byte in the cache."""
    made = config(tmp_path, f'path = "{TINY}"', *more)
    (spec,) = engine_specs(made, ())
    path = tmp_path / "e.sock"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "ringfenced.engines.worker", *spec.arguments),
        *("--socket", str(path), "--parent", str(os.getpid())),
    )
    try:
        while not path.exists():
            assert process.returncode is None
            await asyncio.sleep(0.01)
        client = await EngineClient.connect(path)
        (used,) = client.description.memory
        client.close()
    finally:
        process.kill()
        await process.wait()
    planned = plan(read_gguf_file(TINY).shape, _load_settings(made.models[0])).on("cpu")
    kept = 0 if "prefix_cache = false" in more else PARKED_BYTES_MAX
    (way,) = spec.ways
    assert used.cache_bytes == plan(read_gguf_file(TINY).shape, _load_settings(made.models[0])).uses[0].cache_bytes
    assert used.bytes <= planned
    assert way["cpu"] >= planned + kept


def test_a_model_of_the_library_has_its_verified_files(tmp_path, library):
    (spec,) = engine_specs(config(tmp_path, 'library = "tiny"'), ())
    assert str(tmp_path / "library/tiny" / TINY.name) in spec.arguments


@pytest.mark.parametrize("how", ["is not there", "was altered"])
def test_a_model_that_the_library_does_not_give_is_told_at_the_start_and_at_a_swap(tmp_path, library, how):
    if how == "was altered":
        path = tmp_path / "library/tiny" / TINY.name
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    name = "tiny" if how == "was altered" else "nothing"
    with pytest.raises(ConfigError, match="house"):
        engine_specs(config(tmp_path, f'library = "{name}"'), ())
    weights = other_weights(config(tmp_path, f'path = "{TINY}"'), lambda: ())
    with pytest.raises(Unavailable if how == "was altered" else NotFound):
        weights("house", name)


def test_a_workers_view_of_the_models_looks_at_no_file(tmp_path):
    """A model whose files are gone must not end a worker that begins again."""
    (spec,) = attached_specs(config(tmp_path, 'library = "nothing"'))
    assert spec.name == "house"


def test_a_command_has_no_weights_to_replace(tmp_path):
    made = config(tmp_path, 'engine = "command"', 'command = ["x"]')
    with pytest.raises(Unsupported):
        other_weights(made, lambda: ())("house", "tiny")


def test_a_cache_of_a_given_size_is_not_tried_again_with_half_the_context(tmp_path):
    """It would be as large."""
    assert engine_specs(config(tmp_path, f'path = "{TINY}"', "cache_tokens = 4096"), ())[0].context_tokens == 0
    assert engine_specs(config(tmp_path, f'path = "{TINY}"'), ())[0].context_tokens == 1024


@pytest.mark.parametrize("gpus", [0, 1])
def test_what_vllm_takes_of_the_nodes_memory_is_what_an_operator_says(tmp_path, gpus):
    """On a GPU it takes its share of that besides; where nobody says, no control group bounds what is not known."""
    (tmp_path / "model").mkdir()
    lines = ('engine = "vllm"', f'path = "{tmp_path}/model"')
    devices = [DeviceFacts(id="GPU-1", kind="gpu", name="x", memory_total_bytes=100, memory_free_bytes=100)][:gpus]
    (said,) = engine_specs(config(tmp_path, *lines, "memory_bytes = 5000000000"), devices)
    assert said.ways[0]["cpu"] == 5_000_000_000
    assert said.ways[0].get("GPU-1", 90) == 90
    assert said.is_bounded
    assert not engine_specs(config(tmp_path, *lines), devices)[0].is_bounded


def test_no_engine_runs_what_another_compiled(tmp_path):
    """vLLM loads compiled kernels from a folder that the engine may write to."""
    (tmp_path / "model").mkdir()
    vllm = ('engine = "vllm"', f'path = "{tmp_path}/model"')
    specs = engine_specs(config(tmp_path, *vllm, "[[models]]", 'name = "other"', *vllm), ())
    caches = [Path(spec.arguments[spec.arguments.index("--cache") + 1]) for spec in specs]
    assert [cache.relative_to(tmp_path / "state/vllm") for cache in caches] == [Path("house"), Path("other")]
