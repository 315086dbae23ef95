"""A plugin for pytest (`-p gpu_parts.offload`): every llama.cpp engine that a test starts has all layers on the GPU.

The tests stay as they are: what holds on a processor has to hold on a GPU too.
"""

from __future__ import annotations

import asyncio
import functools

import pytest

ENGINE = "ringfenced.engines.worker"
OPTION = "--gpu-layers"


@pytest.fixture(autouse=True)
def all_layers_on_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the option to the command line of each engine that has none."""
    start = asyncio.create_subprocess_exec

    @functools.wraps(start)
    async def offloading(program, *arguments, **options):
        if ENGINE in arguments and OPTION not in arguments:
            arguments = (*arguments, OPTION, "-1")
        return await start(program, *arguments, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", offloading)
