"""The site that is searched: workers, two scripted models, two real ones, a judge, an archive, every log line; traced.

folder/site     the site's own files: configuration, keys, state, logs
folder/tmp      what its processes take for temporary files
folder/cores    where they run, and would leave their cores
folder/traces   what strace saw of them
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import psutil

from fakes.provider import answer
from fakes.random_extras import write_random_bert
from fakes.site import Site, echo, free_port
from fakes.site import site as open_site
from ringfence.client import AsyncClient, RingfenceCallError
from ringfence.labels import Label, Level
from ringfence.v1.types_pb2 import Sampling
from zero_parts.places import Layout
from zero_parts.tracing import ROOT, Tracing

WORKERS = 2
PATIENCE_S = 240.0
_MODEL = ROOT / "models" / "tiny" / "ringfence-tiny.gguf"
_EXTRA = """
[[models]]
name = "unsure"
engine = "command"
command = [{python}, "-P", "-m", "ringfenced.engines.scripted", "--interval-ms", "1", "--sequences", "32"]
context_tokens = 4096
quality = 0.1
logprob_floor = -0.05
evaluators = ["strictly", "worded"]
[[models]]
name = "strict"
engine = "command"
command = [{python}, "-P", "-m", "ringfenced.engines.scripted", "--text", '{{"score": 9}}', "--sequences", "32"]
quality = 0.0
[[models]]
name = "tiny"
path = {tiny}
context_tokens = 1024
sequences = 8
threads = 1
quality = 0.2
[[models]]
name = "vectors"
path = "vectors.gguf"
embeddings = true
context_tokens = 128
threads = 1

[[evaluators]]
name = "strictly"
kind = "judge"
model = "strict"
timeout_ms = 2000
[[evaluators]]
name = "worded"
kind = "pattern"
must = ["a"]

[[sources]]
name = "archive"
label = {{ level = "INTERNAL" }}

[routing]
embedder = "vectors"
refit_labels_min = 20
learn_label_max = "RESTRICTED"

[telemetry]
level = "debug"
metrics_listen = "127.0.0.1:{metrics}"
"""


_COMMANDS = {"house": "--interval-ms 2", "unsure": "--interval-ms 1", "tiny": _MODEL.name, "vectors": "vectors.gguf"}
"""What stands in the command of a model's engine and of no other's."""
_IN_A_ROW = 10
"""Answers after which a site stands: that all came from one of two workers happens once in 512 times."""
_QUICK = {"label": Label(Level.PUBLIC), "deadline_s": 20, "sampling": Sampling(tokens_max=4)}
"""A question that only shows whether anybody answers."""


@dataclass
class Stage:
    """Everything stands and answers."""

    site: Site
    """Daemon, agent and the stand-in provider, which is not traced: it is not the site's."""
    tracing: Tracing
    """Where traces, cores and temporary files go."""
    metrics_port: int
    """Of the first worker; the next one has the next."""
    pages: list[bytes] = field(default_factory=list)
    """What metrics said."""
    read: list[bytes] = field(default_factory=list)
    """What operators and auditors were told."""

    @property
    def layout(self) -> Layout:
        """Where its files are."""
        return Layout(str(self.site.folder), str(self.tracing.cores), str(self.tracing.temporary))

    def client(self, name: str = "caller-ward") -> AsyncClient:
        """A client with the certificate of `name`; closed with the site."""
        return self.site.client(name)

    def processes(self) -> Iterator[psutil.Process]:
        """Every process of daemon and agent that runs now."""
        for root in (self.site.daemon, self.site.agent):
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(root.pid)
                yield process
                yield from process.children(recursive=True)

    def engines(self, model: str) -> list[psutil.Process]:
        """The engine processes of a model that there are now, told by their command."""
        return [
            one for one in self.processes() if _COMMANDS[model] in (told := _arguments(one)) and "--socket " in told
        ]

    def workers(self) -> list[psutil.Process]:
        """The daemon's processes that serve requests."""
        return [one for one in self.processes() if " --worker " in _arguments(one)]

    async def again(self, *, daemon: bool = False, agent: bool = False) -> None:
        """Wait until what was killed is gone, start it again, and wait until all is well."""
        if agent:
            await self.site.agent.wait()
            await self.site.start_agent()
        if daemon:
            await self.site.daemon.wait()
            await self.site.start_daemon()
        await self.site.well()
        await self.loaded()

    async def loaded(self) -> None:
        """Wait until the models answer and the provider is asked again; load those that are quarantined."""
        async with asyncio.timeout(PATIENCE_S):
            for model in ("house", "unsure", "tiny"):
                async with self.site.client("operator") as operator:
                    with contextlib.suppress(RingfenceCallError):
                        async for _ in operator.load_model(model):
                            pass
                await self._until_answered(model)
            echo(self.site.provider)
            await self._until_answered("gpt")

    async def _until_answered(self, model: str) -> None:
        """So often in a row, each over its own connection, that every worker was asked: breakers are a worker's."""
        answers = 0
        while answers < _IN_A_ROW:
            try:
                await self.client().generate_text("hello", model=model, **_QUICK)
                answers += 1
            except RingfenceCallError:
                answers = 0
                await asyncio.sleep(0.2)

    async def look(self) -> None:
        """Keep what anybody may read of it now: the metrics pages and what `ringfence` tells operators and auditors."""
        for worker in range(WORKERS):
            with contextlib.suppress(OSError):
                self.pages.append(await asyncio.to_thread(_page, self.metrics_port + worker))
        for who, *command in (
            ("auditor", "audit", "tail", "--json"),
            ("operator", "routing", "show"),
            ("operator", "status"),
            ("operator", "node"),
        ):
            self.read.append((await self.command(who, *command))[1])

    async def command(self, who: str, *arguments: str, stdin: bytes = b"") -> tuple[int, bytes]:
        """`ringfence`, traced like everything: its exit code and what it said."""
        options = ("--target", f"localhost:{self.site.port}", "--certs", str(self.site.folder), "--as", who)
        code = "from ringfenced.cli import main; main()"
        process = await asyncio.create_subprocess_exec(
            *self.tracing.launcher("ringfence"),
            *(sys.executable, "-P", "-c", code, *options, *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate(stdin)
        return process.returncode or 0, said

    @contextlib.contextmanager
    def provider_says(self, make: object) -> Iterator[None]:
        """Let the provider answer with what `make` makes of a request's text."""
        provider = self.site.provider

        def on_request(body: bytes) -> None:
            assert callable(make)
            content = json.loads(body)["messages"][-1]["content"]
            provider.script[:] = [make(content if isinstance(content, str) else json.dumps(content))]

        provider.on_request = on_request
        try:
            yield
        finally:
            provider.script[:] = [answer("Hello")]
            echo(provider)


_UNTESTED = '\n[confine]\nself_test = "off"\n'
"""The walls are up as everywhere. Their test, before anything is served, copies programs to and fro by calls whose
bytes strace does not show."""


@contextlib.asynccontextmanager
async def stage(tracing: Tracing) -> AsyncIterator[Stage]:
    """Start everything; when left, nothing of it runs."""
    folder, metrics = tracing.folder / "site", free_port()
    folder.mkdir()
    await asyncio.to_thread(write_random_bert, folder / "vectors.gguf")
    extra = _EXTRA.format(python=json.dumps(sys.executable), tiny=json.dumps(str(_MODEL)), metrics=metrics)
    settings = {"workers": WORKERS, "sequences": 32, "grant_credits": 1000}
    settings |= {"extra": extra + _UNTESTED, "agent_extra": _UNTESTED}
    async with open_site(folder, launcher=tracing.launcher, **settings) as made:
        standing = Stage(made, tracing, metrics)
        await standing.loaded()
        yield standing


def crash(process: psutil.Process) -> None:
    """End a process the way a defect does: with a signal that leaves a core where it may."""
    os.kill(process.pid, signal.SIGSEGV)


def _arguments(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def _page(port: int) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        return page.read()
