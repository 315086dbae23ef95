"""The sides: our engine, the same behind the daemon's whole way, and three that people use today."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from engines_parts.asked import End, Piece, Question
from engines_parts.sse import chat
from flow_parts.stage import CONFIG, Stage, free_address, python
from ringfence.client import AsyncClient, RingfenceCallError
from ringfence.tls import Identity
from ringfence.v1 import types_pb2
from ringfenced.engines.client import EngineClient
from ringfenced.model import Finish, Message, Prompt, Role, Sampling, Text

READY_S = 120.0
"""How long a server may take to load a model."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What every side serves, and with how much."""

    model: Path
    """The GGUF file."""
    sequences: int
    """Answers at the same time."""
    context_tokens: int
    """Prompt and answer of one."""
    threads: int
    """Compute threads."""


class Engine:
    """Our engine process, driven as the daemon drives it."""

    name = "ringfence engine"

    def __init__(self, client: EngineClient, process: psutil.Process) -> None:
        self._client = client
        self._process = process

    async def ask(self, question: Question) -> AsyncIterator[Piece | End]:
        """Ask, under a salt of its own."""
        prompt = Prompt(
            (Message(Role.USER, (Text(question.text),)),),
            sampling=Sampling(temperature=0.0, tokens_max=question.tokens_max),
        )
        with self._client.start(prompt, cache_salt=secrets.token_bytes(8), confidential=False) as run:
            while not isinstance(event := await run.take(), Finish):
                yield Piece(getattr(event, "tokens", 0))
            yield End(event.usage.completion_tokens)

    def processes(self) -> list[psutil.Process]:
        """The engine."""
        return [self._process]


async def engine(stack: AsyncExitStack, serving: Serving, folder: Path) -> Engine:
    """Start our engine."""
    path = folder / "engine.sock"
    process = _start(
        stack,
        folder / "engine.log",
        *(sys.executable, "-P", "-m", "ringfenced.engines.worker", "--socket", str(path)),
        *("--model", str(serving.model), "--threads", str(serving.threads)),
        *("--context", str(serving.context_tokens), "--sequences", str(serving.sequences)),
    )
    await _until(path.exists, process, folder / "engine.log")
    client = await EngineClient.connect(path, model="m")
    stack.callback(client.close)
    return Engine(client, psutil.Process(process.pid))


class Daemon:
    """The same engine behind gRPC, mTLS, classification, decision, wallet and record."""

    name = "the daemon's whole way"

    def __init__(self, client: AsyncClient, process: psutil.Process) -> None:
        self._client = client
        self._engines = process.children(recursive=True)

    async def ask(self, question: Question) -> AsyncIterator[Piece | End]:
        """Ask over gRPC."""
        sampling = types_pb2.Sampling(temperature=0.0, tokens_max=question.tokens_max)
        request = self._client.generate(question.text, sampling=sampling)
        tokens = 0
        async for event in request:
            match event.WhichOneof("event"):
                case "text":
                    yield Piece(event.text.tokens)
                case "finish":
                    tokens = event.finish.usage.completion_tokens
        yield End(tokens)

    def processes(self) -> list[psutil.Process]:
        """The engine alone: its processor time beside that of the engine without a daemon."""
        return self._engines


async def daemon(stack: AsyncExitStack, serving: Serving, folder: Path) -> Daemon:
    """Start a daemon with the model."""
    stage_stack = stack.enter_context(ExitStack())
    stage = Stage(folder, stage_stack)
    address = free_address()
    config = folder / "daemon.toml"
    config.write_text(
        CONFIG.format(name="state", runtime=folder / "r", workers=1, address=address, coalesce_ms=50, observed="true")
        + f"""
[[models]]
name = "m"
path = "{serving.model}"
context_tokens = {serving.context_tokens}
sequences = {serving.sequences}
threads = {serving.threads}
"""
    )
    process = _start(stack, folder / "daemon.log", *(sys.executable, "-P", "-m", "ringfenced", "--config", str(config)))
    certs = stage.certs
    identity = Identity(certs / "caller-ward.pem", certs / "caller-ward.key", certs / "ca.pem")
    client = await stack.enter_async_context(AsyncClient(f"localhost:{address.rpartition(':')[2]}", identity))
    await _until_async(lambda: _is_served(client), process, folder / "daemon.log")
    return Daemon(client, psutil.Process(process.pid))


async def _is_served(client: AsyncClient) -> bool:
    with contextlib.suppress(RingfenceCallError):
        await client.generate_text("ward", sampling=types_pb2.Sampling(tokens_max=1))
        return True
    return False


class Http:
    """A server that speaks chat completions."""

    def __init__(self, name: str, port: int, process: psutil.Process, **fields: object) -> None:
        self.name = name
        self._port = port
        self._process = process
        self._fields = fields

    def ask(self, question: Question) -> AsyncIterator[Piece | End]:
        """Ask over HTTP."""
        return chat(self._port, question, **self._fields)

    def processes(self) -> list[psutil.Process]:
        """The server."""
        return [self._process]


async def cpp_server(stack: AsyncExitStack, serving: Serving, folder: Path, binary: Path) -> Http:
    """Start llama.cpp's own C++ server."""
    port = int(free_address().rpartition(":")[2])
    cells = serving.context_tokens * serving.sequences
    process = _start(
        stack,
        folder / "cpp.log",
        *(str(binary), "--model", str(serving.model), "--host", "127.0.0.1", "--port", str(port), "--jinja"),
        *("--threads", str(serving.threads), "--threads-batch", str(serving.threads), "--ctx-size", str(cells)),
        *("--parallel", str(serving.sequences), "--no-webui"),
    )
    side = Http(
        "llama.cpp's C++ server",
        port,
        psutil.Process(process.pid),
        cache_prompt=False,
        stream_options={"include_usage": True},
    )
    await _until_async(lambda: _answers(side), process, folder / "cpp.log")
    return side


async def python_server(stack: AsyncExitStack, serving: Serving, folder: Path) -> Http:
    """Start llama_cpp.server."""
    port = int(free_address().rpartition(":")[2])
    process = _start(
        stack,
        folder / "python.log",
        *(sys.executable, "-m", "llama_cpp.server", "--model", str(serving.model), "--host", "127.0.0.1"),
        *("--port", str(port), "--n_ctx", str(serving.context_tokens), "--n_threads", str(serving.threads)),
        *("--n_threads_batch", str(serving.threads), "--interrupt_requests", "false", "--verbose", "false"),
    )
    side = Http("llama_cpp.server", port, psutil.Process(process.pid))
    await _until_async(lambda: _answers(side), process, folder / "python.log")
    return side


class Plain:
    """`llama_cpp.Llama` in a process of its own: one answer at a time, the others wait their turn."""

    name = "llama_cpp.Llama"

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._turn = asyncio.Lock()

    async def ask(self, question: Question) -> AsyncIterator[Piece | End]:
        """Ask when it is free."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._turn:
            self._process.stdin.write(json.dumps([question.text, question.tokens_max]).encode() + b"\n")
            while (line := await self._process.stdout.readline()).strip() == b"piece":
                yield Piece(1)
            yield End(int(line))

    def processes(self) -> list[psutil.Process]:
        """The process."""
        return [psutil.Process(self._process.pid)]


async def plain(stack: AsyncExitStack, serving: Serving) -> Plain:
    """Start it and wait until it has loaded."""
    process = await asyncio.create_subprocess_exec(
        *python("engines_parts.plain_child", str(serving.model), str(serving.context_tokens), str(serving.threads)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )

    async def end() -> None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    stack.push_async_callback(end)
    assert process.stdout is not None
    if (await process.stdout.readline()).strip() != b"ready":
        raise RuntimeError("llama_cpp.Llama did not load the model")
    return Plain(process)


async def _answers(side: Http) -> bool:
    try:
        async for _ in side.ask(Question("ward", 1)):
            pass
    except (OSError, RuntimeError, asyncio.IncompleteReadError):
        return False
    return True


def _start(stack: AsyncExitStack, log: Path, *command: str) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    stack.callback(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(12)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


async def _until(is_ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    async def ask() -> bool:
        return is_ready()

    await _until_async(ask, process, log)


async def _until_async(is_ready: Callable[[], Awaitable[bool]], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline_s = time.monotonic() + READY_S
    while not await is_ready():
        if process.poll() is not None or time.monotonic() > deadline_s:
            raise RuntimeError(f"{log.stem} did not get ready:\n{_end_of(log)}")
        await asyncio.sleep(0.1)


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-1500:]
