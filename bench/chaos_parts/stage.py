"""A site whose models do not all fit, with a library, an agent and a stand-in provider; and what is known of it."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil

from fakes.modellibrary import bring
from fakes.random_gguf import write_random_gguf
from fakes.site import Site, site
from ringfenced.library.folder import Library

TINY = Path(__file__).resolve().parents[2] / "models/tiny/ringfence-tiny.gguf"
GIB = 1024**3
SEQUENCES = 4

MODELS = {
    "tiny": (TINY.name, 1, "preload = true\npin = false"),
    "first": ("first.gguf", 1, "preload = false\nreplicas = 2"),
    "second": ("second.gguf", 1, "preload = false\nrank = 1"),
    "third": ("third.gguf", 2, "preload = false\nidle_unload_s = 5"),
}
"""File, GiB that an engine takes of the node's memory as the configuration says, and how it is kept."""

ROOM_GIB = 3
"""Of the node's memory: not enough for all."""


def extra(folder: Path) -> str:
    """What the site's file has besides: the models, their bounds, a library."""
    tables = [f'[placement]\nmemory_bytes = {ROOM_GIB * GIB}\n[library]\nfolder = "library"\n']
    tables += [
        f"""[[models]]
name = "{name}"
path = "{folder / file}"
memory_bytes = {gib * GIB}
context_tokens = 512
sequences = {SEQUENCES}
threads = 1
quality = 0.5
load_timeout_s = 60
{kept}
price = {{ prompt_microcredits_per_1k = 10, completion_microcredits_per_1k = 10 }}
speed = {{ first_token_ms = 20, token_ms = 5 }}
"""
        for name, (file, gib, kept) in MODELS.items()
    ]
    return "\n" + "\n".join(tables)


@asynccontextmanager
async def stage(folder: Path, workers: int) -> AsyncIterator[Site]:
    """Everything stands and answers."""
    shutil.copy(TINY, folder / TINY.name)
    for seed, name in enumerate(("first", "second", "third"), 1):
        write_random_gguf(folder / f"{name}.gguf", seed=seed)
    other = write_random_gguf(folder / "other.gguf", seed=99)
    bring(Library(folder / "library"), {other.name: other.read_bytes()}, name="other")
    async with site(folder, workers=workers, extra=extra(folder)) as made:
        yield made


def engines(made: Site) -> list[psutil.Process]:
    """The engine processes of the daemon."""
    found = []
    for process in psutil.Process(made.daemon.pid).children(recursive=True):
        try:
            if any(part.startswith("ringfenced.engines") for part in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill(process: psutil.Process) -> bool:
    """End one as if the kernel had; whether it was there."""
    try:
        os.kill(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _own(made: Site) -> list[psutil.Process]:
    """The daemon's own processes: itself and its request workers; not what it has forked and not yet begun."""
    daemon = psutil.Process(made.daemon.pid)
    own = [daemon]
    for child in daemon.children():
        with suppress(psutil.Error):  # an engine that has just ended
            if "--worker" in child.cmdline():
                own.append(child)
    return own


def resident_bytes(made: Site) -> int:
    """Memory of the daemon's own processes."""
    return sum(process.memory_info().rss for process in _own(made))


def descriptors(made: Site) -> int:
    """Open files of the daemon's own processes."""
    return sum(process.num_fds() for process in _own(made))
