"""Real engine processes for the tests."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from pathlib import Path

import pytest
import uvloop

from fakes.random_gguf import write_random_gguf
from ringfenced.engines.client import EngineClient

TINY = Path(__file__).parents[3] / "models/tiny/ringfence-tiny.gguf"


def pytest_asyncio_loop_factories(config, item):
    """The loop that the daemon runs on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def random_gguf(tmp_path_factory):
    """A model with a byte for a token that says anything."""
    return write_random_gguf(tmp_path_factory.mktemp("gguf") / "random.gguf")


@pytest.fixture
def folder():
    """A folder of its own with a path short enough for unix sockets, wherever pytest's own lies."""
    with tempfile.TemporaryDirectory(prefix="rf-") as path:
        yield Path(path)


@pytest.fixture
def tiny_gguf():
    """The bundled model."""
    return TINY


class Engine:
    """A running engine process and a connection to it."""

    def __init__(self, process, path, client):
        self.process = process
        self.path = path
        self.client = client


@pytest.fixture
async def launch(tmp_path):
    """Start an engine by its module and arguments; all of them end with the test."""
    async with contextlib.AsyncExitStack() as stack:
        engines = []

        async def start(module, *arguments, **options):
            path = tmp_path / f"{len(engines)}.sock"
            engines.append(path)
            command = (sys.executable, "-P", "-m", f"ringfenced.engines.{module}", "--socket", path)
            process = await asyncio.create_subprocess_exec(
                *map(str, (*command, "--parent", os.getpid(), *arguments)), stderr=asyncio.subprocess.PIPE
            )
            stack.push_async_callback(_end, process)
            async with asyncio.timeout(30):
                while not path.exists():  # another process makes it
                    if process.returncode is not None:
                        pytest.fail((await process.stderr.read()).decode())
                    await asyncio.sleep(0.005)
            client = await EngineClient.connect(path, model="m", **options)
            stack.callback(client.close)
            return Engine(process, path, client)

        yield start


async def _end(process):
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.communicate()
