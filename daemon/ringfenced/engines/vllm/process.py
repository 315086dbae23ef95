"""The engine process: confined first, then vLLM is loaded, then it listens, and at the end nothing is left.

A defect ends it, and so does the death of any of vLLM's processes: requests are told by that, and the supervisor starts
another.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from ringfence.confine.walls import Walls
from ringfenced.engines import walls
from ringfenced.engines.confine import confine
from ringfenced.engines.progress import EXIT_NO_MEMORY, ProgressPipe
from ringfenced.engines.server import EXIT_DEFECT, EngineServer, run
from ringfenced.engines.vllm import environment, options, tether
from ringfenced.engines.vllm.quiet import StderrRelay

EXIT_START = 1
"""Exit status where the model could not be loaded."""

SOCKET_PATH_BYTES_MAX = 107
"""Longest path of a unix socket (unix(7))."""

_IPC_NAME_BYTES = 40
"""What vLLM appends to the folder of its sockets: a UUID."""


def main() -> NoReturn:
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
    cache = arguments.cache or arguments.socket.absolute().parent / "vllm-cache"
    (cache / "tmp").mkdir(mode=0o700, parents=True, exist_ok=True)
    environment.apply(
        os.environ,  # noqa: TID251  # vLLM and the processes that it starts are told these things in no other way
        folder=folder,
        cache=cache,
        threads=chosen.threads,
        needs_network=chosen.needs_network,
    )
    tempfile.tempdir = None  # what it was is known already
    confine(arguments.parent, needs_network=chosen.needs_network)
    walls.shut_in(_walls(arguments.socket, chosen, (cache, folder)), arguments)
    tether.adopt()
    tether.sweep()
    relay = StderrRelay()
    progress = ProgressPipe(arguments.progress_fd)

    def leave(status: int) -> NoReturn:
        """End with all of vLLM's processes, at once: its own way takes seconds, and there is nothing to save."""
        tether.reap()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(status)

    try:
        run(_serve(arguments, chosen, relay, progress, leave))
    except options.BadOption as error:
        relay.last_words(str(error))
        leave(EXIT_START)
    except BaseException as error:  # noqa: BLE001  # a failed start, or a defect: in both cases nothing may stay
        # from readiness on an error's text may hold content
        told = type(error).__name__ if relay.is_silent else "".join(traceback.format_exception(error))
        relay.last_words(f"the vLLM engine ended: {told}")
        leave(EXIT_NO_MEMORY if not relay.is_silent and relay.ran_out() else EXIT_DEFECT)
    leave(0)


def _walls(listening: Path, chosen: options.Options, writes: tuple[Path, ...]) -> Walls:
    folders = (chosen.model, *chosen.adapters.values())
    return walls.vllm(listening, folders, writes, needs_network=chosen.needs_network)


async def _serve(
    arguments: argparse.Namespace,
    chosen: options.Options,
    relay: StderrRelay,
    progress: ProgressPipe,
    leave: Callable[[int], NoReturn],
) -> None:
    progress.say("starting vLLM")
    from ringfenced.engines.vllm import host as hosts  # noqa: PLC0415  # imports vLLM: after the process is confined
    from ringfenced.engines.vllm.backend import Limits, VllmBackend  # noqa: PLC0415  # with it

    progress.say("reading weights")
    host = hosts.open_host(chosen)
    server = EngineServer(arguments.parent)

    def die() -> NoReturn:
        server.hang_up()
        leave(EXIT_DEFECT)

    tether.watch(die)
    progress.say("warming up")
    await host.warm_up()
    progress.close()
    relay.silence()
    hosts.hush()
    limits = Limits(host.facts.context_tokens_max, chosen.sequences, chosen.queue)
    async with asyncio.TaskGroup() as tasks:
        await server.serve(arguments.socket, VllmBackend(server, host, limits, tasks))
        leave(0)


def private_folder(socket: Path) -> Path:
    """Return an empty folder that only this user can enter, for vLLM's sockets; beside `socket` if it can.

    What an engine left there when it was killed is removed.
    """
    beside = socket.absolute().with_suffix(".vllm")
    if len(os.fsencode(beside)) + _IPC_NAME_BYTES > SOCKET_PATH_BYTES_MAX:
        return Path(tempfile.mkdtemp(prefix="ringfence-vllm-"))
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(mode=0o700)
    return beside
