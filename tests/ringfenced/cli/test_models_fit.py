"""`ringfence models fit` and what it says."""

from __future__ import annotations

import json

import pytest
import typer
from google.protobuf.timestamp_pb2 import Timestamp
from typer.testing import CliRunner

from fakes.modellibrary import bring
from fakes.random_model import LLAMA_8B, SMALL, write_model
from ringfence.v1.admin_pb2 import Device, Model, ModelMemory, ModelState
from ringfenced.cli.exits import Failure
from ringfenced.cli.models_fit import fit_command, show_command, size_of
from ringfenced.cli.models_fit_node import loaded_of, memory_of
from ringfenced.cli.models_fit_report import size_text
from ringfenced.library.folder import Library
from ringfenced.schedule.fit import DeviceMemory, Loaded

GIB = 1024**3


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("models") / "small.gguf", SMALL["gemma3"], weights="q4_0", sparse=True)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("models") / "large.gguf", LLAMA_8B, weights="q4_K", sparse=True)


def run(*arguments):
    app = typer.Typer()
    app.command("fit")(fit_command)
    app.command("show")(show_command)
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_a_model_that_fits_by_a_dry_run(small):
    pytest.importorskip("llama_cpp")
    done = run("fit", small, "--json", "--host", "4GiB")
    found = json.loads(done.stdout)
    assert done.exit_code == 0
    assert (found["fits"], found["dryRun"], found["contextTokens"]) == (True, True, 4096)


def test_a_model_that_does_not_fit_on_gpus_that_are_only_spoken_of(large):
    arguments = ("--gpu-layers", -1, "--gpu", "3GiB", "--gpu", "3GiB", "--host", "64GiB", "--context", 32768)
    done = run("fit", large, *arguments)
    assert done.exit_code == 1
    assert "short of" in done.stdout
    assert "Longest context of each sequence that fits:" in done.stdout
    found = json.loads(run("fit", large, *arguments, "--json").stdout)
    longest = found["contextTokens"]
    assert 256 <= longest < 32768
    assert run("fit", large, *arguments[:-1], longest).exit_code == 0
    assert run("fit", large, *arguments[:-1], longest + 256).exit_code == 1


def test_a_model_of_the_library_is_named(tmp_path, monkeypatch):
    made = write_model(tmp_path / "made.gguf", SMALL["llama"], weights="q4_0")
    bring(Library(tmp_path / "library"), {"made.gguf": made.read_bytes()}, name="made")
    monkeypatch.setenv("RINGFENCE_LIBRARY", str(tmp_path / "library"))
    assert run("fit", "made", "--no-dry-run", "--host", "4GiB", "--json").exit_code == 0
    other = run("fit", "other", "--no-dry-run", "--host", "4GiB")
    assert other.exit_code != 0
    assert "no such file" in other.exception.message


def test_what_a_header_says_is_shown(small):
    done = run("show", small)
    assert "gemma3" in done.stdout
    assert "7, of 512 tokens" in done.stdout
    assert json.loads(run("show", small, "--json").stdout)["window"] == 512


def test_a_bad_file_is_told_with_its_reason(tmp_path):
    (tmp_path / "bad.gguf").write_bytes(b"PK\3\4")
    done = run("show", tmp_path / "bad.gguf")
    assert isinstance(done.exception, Failure)
    assert "no GGUF file" in done.exception.message


def test_a_cache_type_that_there_is_not_is_refused(small):
    assert isinstance(run("fit", small, "--kv-type", "q9").exception, Failure)


@pytest.mark.parametrize(
    ("text", "size"),
    [("24GiB", 24 * GIB), ("24G", 24 * GIB), ("24 gib", 24 * GIB), ("24GB", 24 * 10**9), ("1.5M", 3 << 19), ("7", 7)],
)
def test_sizes_are_read(text, size):
    assert size_of(text) == size


@pytest.mark.parametrize("text", ["", "GiB", "-1G", "1X", "1e9"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(Failure):
        size_of(text)


def test_sizes_are_written():
    assert [size_text(size) for size in (0, 1023, 1024, 5 * GIB, 2**60)] == [
        "0 B",
        "1,023 B",
        "1.00 KiB",
        "5.00 GiB",
        "1,048,576.00 TiB",
    ]


DEVICES = [
    Device(id="gpu-b", kind="gpu", memory_total_bytes=100, memory_free_bytes=60),
    Device(id="gpu-a", kind="gpu", memory_total_bytes=100, memory_free_bytes=60, excluded_reason="fell off the bus"),
    Device(id="gpu-c", kind="gpu"),
    Device(id="host", kind="cpu", memory_total_bytes=100, memory_used_bytes=30),
]


def test_a_nodes_memory_is_what_is_free_of_what_it_uses():
    """A device whose memory is not known is left out: nothing is invented for it."""
    assert memory_of(DEVICES) == [DeviceMemory("cpu", 70), DeviceMemory("gpu-b", 60)]


def test_models_that_could_go_are_idle_ones_the_longest_unused_first():
    def model(name, used, **options):
        memory = [
            ModelMemory(device="host", planned_bytes=5, measured_bytes=7),
            ModelMemory(device="gpu-b", planned_bytes=9),
        ]
        ready = {"state": ModelState.MODEL_STATE_READY, "last_used_at": Timestamp(seconds=used), "memory": memory}
        return Model(name=name, **(ready | options))

    models = [
        model("late", 9),
        model("early", 1),
        model("pinned", 1, pinned=True),
        model("busy", 1, requests_running=1),
        model("away", 1, state=ModelState.MODEL_STATE_UNLOADED),
        model("unknown", 1, memory=[]),
    ]
    assert loaded_of(models, DEVICES) == [
        Loaded("early", {"cpu": 7, "gpu-b": 9}),
        Loaded("late", {"cpu": 7, "gpu-b": 9}),
    ]
