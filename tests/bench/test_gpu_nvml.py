"""`bench/gpu_nvml.py`, rehearsed with stand-ins for NVIDIA's library and program."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.gpus import compiled, one

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("nvml"))


def bench(library, folder, scenario, said=None):
    """Run it where the driver says `scenario`, and nvidia-smi says `said`."""
    for name, lines in (("scenario", scenario), ("said", said or scenario)):
        (folder / name).write_text("".join(f"{key} {value}\n" for key, value in lines.items()))
    smi = folder / "nvidia-smi"
    program = ROOT / "tests" / "fakes" / "nvidia_smi.py"
    smi.write_text(f'#!/bin/sh\nFAKE_NVML={folder / "said"} LD_PRELOAD= exec {sys.executable} {program} "$@"\n')
    smi.chmod(0o755)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT / 'proto'}:{ROOT / 'daemon'}",
        "LD_PRELOAD": str(library),
        "FAKE_NVML": str(folder / "scenario"),
    }
    options = ("--smi", str(smi), "--samples", "5", "--rounds", "2", "--write", "--results", str(folder))
    command = [sys.executable, str(ROOT / "bench" / "gpu_nvml.py"), *options]
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True, cwd=folder)


def test_equal_figures_are_the_same_and_are_written(library, tmp_path):
    done = bench(library, tmp_path, one())
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 differ" in done.stdout
    assert "| memory.used | 2048 | 2048 | 2048 | same |" in done.stdout
    assert "a further sample: median" in done.stdout
    assert [path.read_text() for path in tmp_path.glob("gpu-nvml-*.txt")] == [done.stdout]


def test_a_figure_that_differs_is_told(library, tmp_path):
    done = bench(library, tmp_path, one(), one(serial="other", temperature=80, remapped="9 0 0 0"))
    assert done.returncode == 1
    assert "3 differ" in done.stdout
    assert "| serial | other | 1650123 | 1650123 | **DIFFERS** |" in done.stdout
    assert "| temperature.gpu | 80 | 41 | 41 | **DIFFERS** |" in done.stdout


def test_without_a_gpu_it_says_so(library, tmp_path):
    done = bench(library, tmp_path, {"gpus": 0})
    assert (done.returncode, done.stdout) == (2, "no GPU, or no driver\n")
