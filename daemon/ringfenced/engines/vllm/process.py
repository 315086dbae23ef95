"""The engine process: confined first, then vLLM is loaded, then it listens, and at the end nothing is left.

A defect ends it, and so does the death of any of vLLM's processes: requests are told by that, and the supervisor starts
another.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from ringfenced.engines.confine import confine
from ringfenced.engines.server import EXIT_DEFECT, EngineServer, run
from ringfenced.engines.vllm import environment, options, tether
from ringfenced.engines.vllm.quiet import StderrRelay

SOCKET_PATH_BYTES_MAX = 107
"""Longest path of a unix socket (unix(7))."""

_IPC_NAME_BYTES = 40
"""What vLLM appends to the folder of its sockets: a UUID."""


def main() -> None:
    """Load, listen, and answer until told to stop."""
    arguments = options.parser().parse_args()
    try:
        chosen = options.read(arguments)
    except options.BadOption as error:
        sys.exit(str(error))
    if not (chosen.model / "config.json").is_file():
        sys.exit("the model's folder has no config.json; name the folder that Hugging Face's libraries read")
    os.umask(0o077)
    folder = private_folder(arguments.socket)
    environment.apply(
        os.environ,  # noqa: TID251  # this process launches vLLM's, which are told everything by variables
        folder=folder,
        cache=arguments.cache or arguments.socket.parent / "vllm-cache",
        threads=chosen.threads,
    )
    tempfile.tempdir = None  # forget what it was before
    confine(arguments.parent)
    tether.adopt()
    relay = StderrRelay()
    try:
        run(_serve(arguments.socket, chosen, relay))
    except options.BadOption as error:
        relay.restore()
        print(error, file=sys.stderr)  # noqa: T201  # the launcher reads it
        _leave(folder, 1)
    except BaseException as error:  # noqa: BLE001  # a failed start, or a defect: in both cases nothing may stay
        relay.restore()
        print(f"vLLM: {type(error).__name__}", file=sys.stderr)  # noqa: T201  # likewise; its text may hold anything
        _leave(folder, EXIT_DEFECT)
    _leave(folder, 0)


async def _serve(socket: Path, chosen: options.Options, relay: StderrRelay) -> None:
    from ringfenced.engines.vllm import host as hosts  # noqa: PLC0415  # imports vLLM: after the process is confined
    from ringfenced.engines.vllm.backend import Limits, VllmBackend  # noqa: PLC0415  # with it

    host = hosts.open_host(chosen)
    tether.watch(_die)
    await host.warm_up()
    await host.measure()
    relay.silence()
    hosts.hush()
    server = EngineServer()
    limits = Limits(host.facts.context_tokens_max, chosen.sequences, chosen.queue)
    async with asyncio.TaskGroup() as tasks:
        await server.serve(socket, VllmBackend(server, host, limits, tasks))
        os._exit(_ended())


def _ended() -> int:
    """Tidy up after being told to stop: vLLM's own way takes seconds, and there is nothing to save."""
    tether.reap()
    return 0


def _die() -> NoReturn:
    """End at once: a process of vLLM has died."""
    tether.reap()
    os._exit(EXIT_DEFECT)


def _leave(folder: Path, status: int) -> NoReturn:
    tether.reap()
    shutil.rmtree(folder, ignore_errors=True)
    sys.stderr.flush()
    os._exit(status)


def private_folder(socket: Path) -> Path:
    """Return an empty folder that only this user can enter, for sockets and passing files; beside `socket` if it can.

    One that an engine left there when it was killed is emptied.
    """
    beside = socket.absolute().with_suffix(".vllm")
    if len(os.fsencode(beside)) + _IPC_NAME_BYTES > SOCKET_PATH_BYTES_MAX:
        return Path(tempfile.mkdtemp(prefix="ringfence-vllm-"))
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(mode=0o700)
    return beside
