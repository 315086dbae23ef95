"""What is left to an engine process: its model to read, its socket to listen on, its GPUs. Looks at paths only.

It comes on top of the daemon's walls, which every engine inherits, and after `confine`, which takes the network.
"""

from __future__ import annotations

import argparse
import re
import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

import ringfence
import ringfenced
from ringfence.confine import places
from ringfence.confine.begin import NotConfined, begin
from ringfence.confine.walls import Walls, joined

SELF_TESTS: Final = ("enforce", "warn", "off")
"""What follows from a way out that works (``confine.self_test``); an engine has nobody to warn but the daemon."""

_PARTS: Final = re.compile(r"(.+)-\d{5}-of-\d{5}\.gguf")
"""How llama.cpp names the files of a model that is split."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the daemon tells each of its engines."""
    parser.add_argument("--no-walls", action="store_true", help="do not shut the process in")
    parser.add_argument(
        "--self-test", choices=SELF_TESTS, default="off", help="try to get out before the model is read"
    )


def llama(listening: Path, files: Iterable[Path], *, has_gpu: bool) -> Walls:
    """Walls of a llama.cpp engine: it starts no program, and has a socket and nothing to write.

    Args:
        listening: its unix socket, alone in its folder: sockets there it may make and remove.
        files: its weights, adapters and projector.
        has_gpu: whether it computes on GPUs, whose drivers compile code and need their devices.
    """
    return Walls(
        reads=joined(
            *(places.SYSTEM, _python(), places.LIBRARIES, ("/proc", "/sys"), _with_parts(files)),
            places.GPU_RUNTIME if has_gpu else (),
        ),
        sockets=places.resolved(listening.parent),
        devices=joined(places.HARMLESS_DEVICES, places.gpus() if has_gpu else ()),
        writes_code=has_gpu,
        makes_callbacks=True,
    )


def vllm(listening: Path, folders: Iterable[Path], writes: Iterable[Path], *, needs_network: bool) -> Walls:
    """Walls of a vLLM engine, which compiles, starts processes, and has them speak TCP in a network of their own.

    Args:
        listening: its unix socket, alone in its folder: sockets there it may make and remove.
        folders: its weights and adapters.
        writes: its cache, and the folder of its processes' sockets.
        needs_network: its processes are on several nodes, and it keeps the network that it has.
    """
    system = joined(places.SYSTEM, _python())
    return Walls(
        families=frozenset({socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK}),
        has_datagrams=needs_network,
        connects=None,
        reads=joined(
            *(system, places.LIBRARIES, ("/proc", "/sys"), places.resolved(*folders), places.GPU_RUNTIME),
            places.RESOLVING if needs_network else (),
        ),
        writes=joined(places.resolved(*writes), (places.SHARED_MEMORY,)),
        sockets=places.resolved(listening.parent),
        runs=joined(places.SYSTEM, places.interpreters()),
        devices=joined(places.HARMLESS_DEVICES, places.gpus()),
        starts_programs=True,
        writes_code=True,
    )


def shut_in(walls: Walls, options: argparse.Namespace) -> None:
    """Shut this process in, and end it where that does not hold and must.

    Args:
        walls: its own.
        options: what `add_options` reads.
    """
    if options.no_walls:
        return
    test: Literal["enforce", "off"] = "enforce" if options.self_test == "enforce" else "off"
    try:
        # The daemon gives each engine a folder of its own; beside it are those of the others, and the workers' link.
        beside = tuple(str(Path(folder).parent) for folder in walls.sockets)
        begin(walls, apply=True, required=False, self_test=test, beside=beside)
    except NotConfined as error:
        sys.exit(str(error))


def _python() -> tuple[str, ...]:
    """Python, and our own two packages, which vLLM's finder finds where no path names them."""
    return joined(places.python(), [str(Path(package.__path__[0]).parent) for package in (ringfence, ringfenced)])


def _with_parts(files: Iterable[Path]) -> tuple[str, ...]:
    """Files, and the further parts of those that are split."""
    found: list[Path] = []
    for file in files:
        split = _PARTS.fullmatch(file.name)
        found += sorted(file.parent.glob(f"{split[1]}-*-of-*.gguf")) if split else [file]
    return places.resolved(*found)
