"""A machine whose GPUs a scenario describes."""

import pytest

from fakes.gpus import Machine, compiled


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """The stand-in for NVIDIA's library, compiled once."""
    return compiled(tmp_path_factory.mktemp("nvml"))


@pytest.fixture(scope="module")
def process(library, tmp_path_factory):
    """One process for the tests of a module."""
    started = Machine(tmp_path_factory.mktemp("gpus"), library)
    yield started
    started.close()


@pytest.fixture
def gpus(process):
    """A machine without GPUs yet, as a daemon that was just started finds it."""
    process.set({})
    process.reopen()
    return process
