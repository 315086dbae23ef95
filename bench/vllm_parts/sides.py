"""The two sides: our vLLM engine, driven as the daemon drives it, and ``vllm serve``, asked over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from engines_parts.asked import End, Piece, Question
from engines_parts.sse import chat
from flow_parts.stage import free_address
from ringfenced.engines.client import EngineClient
from ringfenced.engines.launch import EngineKind, EngineSpec, command_line, environment
from ringfenced.engines.vllm.tether import descendants
from ringfenced.model import Finish, Message, Prompt, Role, Sampling, Text

SERVE = """
from importlib import metadata
version = metadata.version
def look(name):
    try:
        return version(name)
    except metadata.PackageNotFoundError:
        return version(f"{name}-cpu") + "+cpu"  # as it looks for its platform
metadata.version = look
from vllm.entrypoints.cli.main import main
main()
"""
"""The program ``vllm``, which looks for its own version under a name that the build for processors does not have."""

READY_S = 900.0
"""How long either may take to start: both compile what they have not compiled yet."""

CACHE = Path.home() / ".cache/ringfence/vllm-kernels"
"""What both have compiled, kept from one run to the next."""

NO_END = dict.fromkeys(range(3), -100)
"""Bias on the tokens that would end an answer, so that all are as long as they may be."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What both serve, and with how much."""

    python: str
    """The interpreter that has vLLM."""
    model: Path
    """The folder."""
    sequences: int
    """Answers at the same time."""
    context_tokens: int
    """Prompt and answer of one."""
    cache_bytes: int
    """For prefixes and running answers."""
    arguments: dict[str, object]
    """Of both, as AsyncEngineArgs names them."""


class _Side:
    """A process group."""

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        self.name = name
        self._process = process

    def processes(self) -> list[psutil.Process]:
        """Front end, core and workers."""
        return [psutil.Process(pid) for pid in (self._process.pid, *descendants(self._process.pid))]

    def pause(self) -> None:
        """Stand still."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Go on."""
        os.killpg(self._process.pid, signal.SIGCONT)


class Ours(_Side):
    """Our engine, over its socket."""

    client: EngineClient

    async def ask(self, question: Question) -> AsyncIterator[Piece | End]:
        """Ask, under a salt of its own."""
        sampling = Sampling(temperature=0.0, tokens_max=question.tokens_max, logit_bias=tuple(NO_END.items()))
        prompt = Prompt((Message(Role.USER, (Text(question.text),)),), sampling=sampling)
        with self.client.start(prompt, cache_salt=secrets.token_bytes(8), confidential=False) as run:
            while not isinstance(event := await run.take(), Finish):
                yield Piece(getattr(event, "tokens", 0))
            yield End(event.usage.completion_tokens)


class Theirs(_Side):
    """``vllm serve``."""

    port: int

    def ask(self, question: Question) -> AsyncIterator[Piece | End]:
        """Ask over HTTP, under a salt of its own."""
        return chat(
            self.port,
            question,
            model="m",
            logit_bias={str(token): bias for token, bias in NO_END.items()},
            cache_salt=secrets.token_hex(8),
            stream_options={"include_usage": True},
        )


async def ours(stack: AsyncExitStack, serving: Serving, folder: Path) -> Ours:
    """Start our engine, with the launcher's own command line and environment."""
    path = folder / "s"
    arguments = {**serving.arguments, "kv_cache_memory_bytes": serving.cache_bytes}
    spec = EngineSpec(
        "m",
        EngineKind.VLLM,
        (
            *("--model", str(serving.model), "--cache", str(CACHE)),
            *("--context", str(serving.context_tokens), "--sequences", str(serving.sequences), "--no-logprobs"),
            *(part for name, value in arguments.items() for part in ("--argument", f"{name}={json.dumps(value)}")),
        ),
        interpreter=serving.python,
    )
    process = _start(stack, folder / "ours.log", command_line(spec, path, os.getpid()), environment(spec))
    side = Ours("ringfence engine", process)
    await _until(path.exists, process, folder / "ours.log")
    side.client = await EngineClient.connect(path, model="m")
    stack.callback(side.client.close)
    return side


async def theirs(stack: AsyncExitStack, serving: Serving, folder: Path) -> Theirs:
    """Start ``vllm serve`` with the same arguments and without what costs it time and we do not do."""
    port = int(free_address().rpartition(":")[2])
    further = [
        part
        for name, value in serving.arguments.items()
        for part in ([f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)]))
    ]
    command = (
        *(serving.python, "-P", "-c", SERVE, "serve", str(serving.model)),
        *("--served-model-name", "m", "--host", "127.0.0.1", "--port", str(port)),
        *("--max-model-len", str(serving.context_tokens), "--max-num-seqs", str(serving.sequences)),
        *("--kv-cache-memory-bytes", str(serving.cache_bytes), "--disable-log-stats", "--uvicorn-log-level", "error"),
        *further,
    )
    surroundings = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "VLLM_LOGGING_LEVEL": "ERROR",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        "VLLM_CACHE_ROOT": str(CACHE / "vllm"),
        "TORCHINDUCTOR_CACHE_DIR": str(CACHE / "inductor"),
        "TMPDIR": str(CACHE / "tmp"),
    }
    (CACHE / "tmp").mkdir(parents=True, exist_ok=True)
    process = _start(stack, folder / "theirs.log", command, surroundings)
    side = Theirs("vllm serve", process)
    side.port = port

    async def answers() -> bool:
        with contextlib.suppress(OSError, RuntimeError, asyncio.IncompleteReadError):
            async for _ in side.ask(Question("ward", 1)):
                pass
            return True
        return False

    while not await answers():
        _check(process, folder / "theirs.log")
        await asyncio.sleep(0.5)
    return side


def _start(
    stack: AsyncExitStack, log: Path, command: tuple[str, ...], surroundings: dict[str, str]
) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=surroundings, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    stack.callback(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


async def _until(is_ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    began_s = time.monotonic()
    while not is_ready():
        _check(process, log)
        if time.monotonic() - began_s > READY_S:
            raise RuntimeError(f"{log.stem} did not get ready in {READY_S:.0f} s")
        await asyncio.sleep(0.1)


def _check(process: subprocess.Popen[bytes], log: Path) -> None:
    if process.poll() is not None:
        raise RuntimeError(f"{log.stem} ended:\n{log.read_text(errors='replace')[-3000:]}")
