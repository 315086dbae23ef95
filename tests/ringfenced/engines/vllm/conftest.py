"""Real vLLM for the tests that ask for it: once for all of them, or in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from fakes.random_hf import write_random_hf, write_random_lora
from ringfenced.engines import vllm
from ringfenced.engines.client import EngineClient

ROOT = Path(__file__).parents[4]
CONTEXT = 1024
"""Of the model; the contract's tests ask for half of it."""
SEQUENCES = 4
START_S = 900
"""Longest start: a machine of two cores that does other things too."""
ENGINE = json.dumps(
    {
        "enforce_eager": True,  # compiling the model takes longer than all tests
        "dtype": "float32",  # so that batches do not change what is likeliest
        "block_size": 32,
    }
)


@pytest.fixture(scope="session")
def vllm_python():
    """The interpreter that has vLLM, from RINGFENCE_TEST_VLLM, which `make test-vllm` sets."""
    found = os.environ.get("RINGFENCE_TEST_VLLM", "")
    if not found:
        pytest.skip("vLLM is tested by `make test-vllm`")
    if not found.startswith("/"):
        pytest.skip(f"vLLM is {found}")
    return found


@pytest.fixture(scope="session")
def random_hf(tmp_path_factory):
    """A model with a byte for a token that says anything."""
    return write_random_hf(tmp_path_factory.mktemp("hf") / "model", context=CONTEXT)


@pytest.fixture(scope="session")
def adapters(tmp_path_factory):
    """Two adapters: one that changes the model, one that does not."""
    folder = tmp_path_factory.mktemp("lora")
    strong = write_random_lora(folder / "strong")
    return {"strong": strong, "idle": write_random_lora(folder / "idle", strength=0.0)}


@pytest.fixture(scope="session")
def vllm_cache():
    """Where compiled kernels stay, so that only the first start on a machine compiles any."""
    folder = Path.home() / ".cache/ringfence/vllm-kernels"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def arguments(random_hf, vllm_cache):
    """What every vLLM of the tests is started with."""
    further = [f"{name}={json.dumps(value)}" for name, value in json.loads(ENGINE).items()]
    return (
        *("--model", str(random_hf), "--cache", str(vllm_cache), "--context", str(CONTEXT)),
        *("--sequences", str(SEQUENCES)),
        *(part for text in further for part in ("--argument", text)),
    )


def environment():
    """What a launcher would leave of this process's; packages are found by the engine itself or named here."""
    return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TORCH_COMPILE_DISABLE": "1"}


class Host:
    """vLLM loaded once (`fakes/vllm_host.py`)."""

    def __init__(self, process):
        self._process = process

    def toggle(self, socket, *, context=CONTEXT // 2, sequences=SEQUENCES, queue=256):
        """Open an engine on a socket, or close the one that is there."""
        wanted = {"socket": str(socket), "context": context, "sequences": sequences, "queue": queue}
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()


@pytest.fixture(scope="session")
def host(vllm_python, arguments, adapters):
    with tempfile.TemporaryDirectory(prefix="rf-") as folder, (Path(folder) / "stderr").open("wb") as stderr:
        named = [part for name, path in adapters.items() for part in ("--adapter", f"{name}={path}")]
        process = subprocess.Popen(
            (vllm_python, "-P", ROOT / "tests/fakes/vllm_host.py", "--socket", f"{folder}/s", *arguments, *named),
            env={**environment(), "PYTHONPATH": f"{ROOT / 'proto'}:{ROOT / 'daemon'}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        try:
            while (line := process.stdout.readline()) and line != "ready\n":
                pass
            if not line:
                pytest.fail(Path(stderr.name).read_text(errors="replace")[-8000:])
            yield Host(process)
        finally:
            process.stdin.close()
            process.wait(timeout=10)
            process.stdout.close()


class Engine:
    """An engine and a connection to it."""

    def __init__(self, path, client, process=None):
        self.path = path
        self.client = client
        self.process = process


@pytest.fixture
async def start(host, tmp_path):
    """Open an engine with other limits in front of the one vLLM: `--sequences`, `--queue`, `--context`."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="rf-"))
        paths = []

        async def begin(*arguments, **options):
            path = Path(folder) / str(len(paths))
            paths.append(path)
            limits = dict(zip((name.removeprefix("--") for name in arguments[::2]), arguments[1::2], strict=True))
            host.toggle(path, **{name: int(value) for name, value in limits.items()})
            async with asyncio.timeout(30):
                while not path.exists():  # noqa: ASYNC110  # another process makes it
                    await asyncio.sleep(0.005)
            client = await EngineClient.connect(path, model="m", **options)
            stack.callback(host.toggle, path)
            stack.callback(client.close)
            return Engine(path, client)

        yield begin


@pytest.fixture
async def launch_vllm(vllm_python, arguments):
    """Start vLLM in a process of its own, as the launcher does."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rf-")))
        program = Path(vllm.__file__).with_name("bootstrap.py")

        async def begin(*further):
            path = folder / "s"
            process = await asyncio.create_subprocess_exec(
                *map(str, (vllm_python, "-P", program, "--socket", path, "--parent", os.getpid())),
                *arguments,
                *further,
                env=environment(),
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
            stack.push_async_callback(_end, process)
            async with asyncio.timeout(START_S):
                while not path.exists():
                    if process.returncode is not None:
                        pytest.fail((await process.stderr.read()).decode()[-8000:])
                    await asyncio.sleep(0.05)
            client = await EngineClient.connect(path, model="m")
            stack.callback(client.close)
            return Engine(path, client, process)

        yield begin


async def _end(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    await process.communicate()
