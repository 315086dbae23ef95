"""One worker's place: a folder, a stand-in provider over real TLS, and agents."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fakes.agent import folder as agent_folder
from fakes.archive import archived
from fakes.provider import StandInProvider
from faults_parts.nursery import Nursery, Running, nursery


@dataclass
class Rig:
    """Where the points of one worker are tried, one after the other."""

    folder: Path
    provider: StandInProvider
    agents: Nursery
    received: list[tuple[float, bytes]] = field(default_factory=list)
    """When the provider had a whole request, and its body."""

    @property
    def log(self) -> Path:
        """The agent's log folder."""
        return self.folder / "log"

    @property
    def archive(self) -> Path:
        """The agent's archive folder."""
        return self.folder / "archive"

    def clear(self) -> None:
        """As before the first start."""
        if self.log.is_mount():
            subprocess.run(["umount", str(self.log)], check=True)
        for path in (self.log, self.archive, self.folder / "elsewhere"):
            shutil.rmtree(path, ignore_errors=True)
        for path in (*self.folder.glob("trace*"), *self.folder.glob("*.stderr"), self.folder / "agent.sock"):
            path.unlink(missing_ok=True)
        self.received.clear()
        (self.folder / "clock").write_text("0")

    def small_disk(self, kib: int) -> None:
        """Give the log a file system of its own, of so many KiB; or grow the one that it has."""
        self.log.mkdir(exist_ok=True)
        options = f"size={kib}k,mode=0700"
        how = ["-o", f"remount,{options}"] if self.log.is_mount() else ["-t", "tmpfs", "-o", options, "tmpfs"]
        subprocess.run(["mount", *how, str(self.log)], check=True)

    async def start(self, *, archive: bool, hooks: Sequence[str] = (), strace: Sequence[str] | None = None) -> Running:
        """Start an agent, with or without an archive."""
        config = self.folder / ("archived.toml" if archive else "agent.toml")
        return await self.agents.start(config, hooks, strace)


@contextlib.asynccontextmanager
async def rig(folder: Path) -> AsyncIterator[Rig]:
    """Everything stands; when left, nothing of it runs. Certificates and keys are made anew."""
    _make(folder, "https://localhost:1/v1")
    async with StandInProvider(folder) as provider:
        _make(folder, provider.base_url)
        async with nursery(folder / "agent.toml") as agents:
            made = Rig(folder, provider, agents)
            provider.on_request = lambda body: made.received.append((time.time(), body))
            try:
                yield made
            finally:
                made.clear()


def _make(folder: Path, base_url: str) -> None:
    """Both of the agent's files, and all that they name."""
    folder.mkdir(parents=True, exist_ok=True)
    archived(agent_folder(folder, base_url)).rename(folder / "archived.toml")
    agent_folder(folder, base_url)
