"""The program that vLLM's interpreter runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ringfenced.engines.launch import EngineKind, EngineSpec, command_line, environment

ROOT = Path(__file__).parents[4]
PROGRAM = ROOT / "daemon/ringfenced/engines/vllm/bootstrap.py"


def run(*arguments, **environment):
    return subprocess.run(
        (sys.executable, "-P", *map(str, arguments)), env=environment, capture_output=True, text=True, check=False
    )


def test_it_finds_our_two_packages_and_no_others_of_the_daemons():
    probe = (
        "import runpy, sys; sys.path = [p for p in sys.path if 'site-packages' not in p]; "
        f"runpy.run_path({str(PROGRAM)!r}, run_name='probe')['_provide'](); "
        "import ringfenced.engines.frames, ringfence; print(ringfenced.__file__, ringfence.__file__)\n"
        "try:\n    import pydantic\nexcept ImportError:\n    print('no pydantic')"
    )
    done = run("-S", "-c", probe)
    assert done.stderr == ""
    assert str(ROOT / "daemon/ringfenced") in done.stdout
    assert str(ROOT / "proto/ringfence") in done.stdout
    assert "no pydantic" in done.stdout


def test_it_tells_what_it_takes_and_refuses_a_folder_without_a_model(tmp_path):
    assert "--tensor-parallel" in run(PROGRAM, "--help").stdout
    done = run(PROGRAM, "--socket", tmp_path / "s", "--model", tmp_path)
    assert "config.json" in done.stderr
    assert done.returncode == 1
    assert "JSON" in run(PROGRAM, "--socket", "s", "--model", tmp_path, "--argument", "a=b").stderr


def test_the_module_goes_on_as_the_program():
    roots = f"{ROOT / 'proto'}:{ROOT / 'daemon'}"
    assert "--tensor-parallel" in run("-m", "ringfenced.engines.vllm", "--help", PYTHONPATH=roots).stdout


def test_the_launcher_runs_it_by_its_path_in_the_models_interpreter():
    spec = EngineSpec("m", EngineKind.VLLM, ("--model", "/m"), interpreter="/venv/bin/python")
    assert command_line(spec, Path("/s"), 7) == (
        *("/venv/bin/python", "-P", str(PROGRAM), "--model", "/m"),
        *("--socket", "/s", "--parent", "7"),
    )
    assert "PYTHONPATH" not in environment(spec)
    assert command_line(EngineSpec("m", EngineKind.VLLM, ()), Path("/s"), 7)[0] == sys.executable


def test_what_an_engine_of_vllm_imports_needs_neither_the_recognisers_nor_grpc():
    """Its environment has protobuf and jinja2, and nothing else of ours."""
    probe = (
        "import sys, ringfenced.engines.vllm.backend; "
        "print([m for m in ('grpc', 'pydantic', 'hyperscan', 'llama_cpp', 'numpy') if m in sys.modules])"
    )
    done = run("-c", probe, PYTHONPATH=f"{ROOT / 'proto'}:{ROOT / 'daemon'}")
    assert done.stdout == "[]\n", done.stderr
