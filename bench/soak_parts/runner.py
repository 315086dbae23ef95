"""Does what the schedule says to a site under load, and starts again what ended, as systemd would.

schedule ─▶ act ─▶ kill, fill, renew, hold ─▶ keep (one a process) waits for its end, and starts it again
            load ─▶ tally                     watch: a sample a second, a line every ten
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from chaos_parts import stage
from fakes.site import Site
from ringfence.client import RingfenceCallError
from rotation_parts.renewing import renew
from soak_parts.disks import Disk
from soak_parts.load import Load
from soak_parts.processes import Sample, below, names, samples
from soak_parts.schedule import Event, What

SAMPLE_S, LINE_S = 1.0, 10.0
RESTART_S = (0.0, 2.0)
"""How long something that ended stays away."""
START_S_MAX = 90.0
"""What has not answered so long after its start is missing."""
ORPHANS_S_MAX = 10.0
"""What a killed process leaves must be gone by then."""
LULL_S_MAX = 60.0 + START_S_MAX
"""How long the last requests may take once nothing is begun, and their holds; a deadline or a load limit is
shorter, and a daemon may have to come back first."""


@dataclass
class Log:
    """What happened to the site; times are Unix time."""

    events: Counter[str] = field(default_factory=Counter)
    """What was done, and how often."""
    kills: dict[str, list[float]] = field(default_factory=lambda: {"daemon": [], "agent": [], "engine": []})
    """When what was killed."""
    away: list[tuple[float, float]] = field(default_factory=list)
    """From when to when no daemon answered."""
    full: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: {"log": [], "state": []})
    """From when to when which disk was full."""
    exits: Counter[str] = field(default_factory=Counter)
    """Processes that ended otherwise than asked: role, exit code, and which disk was full in their time."""
    orphans: list[str] = field(default_factory=list)
    """What was left of a killed process."""
    missing: list[str] = field(default_factory=list)
    """What did not come back, or did not come to rest."""
    held_most: int = 0
    """Microcredits that were held at once, as far as was seen."""
    lulls: list[tuple[float, int, int]] = field(default_factory=list)
    """Seconds until nothing ran, then requests that still counted as running and microcredits held."""
    samples: list[Sample] = field(default_factory=list)


class Soak:
    """One run. For one event loop."""

    def __init__(self, made: Site, load: Load, disks: dict[str, Disk], seed: int, tell: Callable[[str], None]) -> None:
        """Take the site, its callers, its disks ``log`` and ``state``, and who is told a line every ten seconds."""
        self.log = Log()
        self._made = made
        self._load = load
        self._disks = disks
        self._chance = random.Random(seed)
        self._tell = tell
        self._operator = made.client("operator")
        self._stopping = False
        self._asked: set[int] = set()
        self._filled_s: dict[str, float] = {}
        self._began_s = time.time()
        self._started_s = {"daemon": self._began_s, "agent": self._began_s}
        self._acts: dict[What, Callable[[], bool]] = {
            What.KILL_ENGINE: lambda: self._kill_engine(self._chance.choice),
            What.KILL_YOUNGEST: lambda: self._kill_engine(lambda alive: max(alive, key=psutil.Process.create_time)),
            What.KILL_AGENT: lambda: self._kill("agent", made.agent.pid),
            What.KILL_DAEMON: lambda: self._kill("daemon", made.daemon.pid),
            What.FILL_LOG: lambda: self._fill("log"),
            What.FREE_LOG: self._free_log,
            What.FILL_STATE: lambda: self._fill("state"),
            What.FREE_STATE: lambda: self._free("state"),
        }

    async def run(self, events: Sequence[Event], seconds: float, callers: int) -> None:
        """All of it; returns when the last request has ended and nothing is held."""
        self._began_s = time.time()
        async with asyncio.TaskGroup() as group:
            keeping = [group.create_task(self._keep_daemon()), group.create_task(self._keep_agent())]
            watching = [group.create_task(self._watch()), group.create_task(self._say())]
            asking = group.create_task(self._load.run(callers))
            for event in events:
                await asyncio.sleep(max(0.0, self._began_s + event.at_s - time.time()))
                await self._act(event, group)
            await asyncio.sleep(max(0.0, self._began_s + seconds - time.time()))
            self._load.stop()
            await asking
            await self._rest()
            self._stopping = True
            for task in (*keeping, *watching):
                task.cancel()

    # ── what is done ─────────────────────────────────────────────────────────────────────────────────────────────

    async def _act(self, event: Event, group: asyncio.TaskGroup) -> None:
        done = True
        match event.what:
            case What.RENEW:
                group.create_task(renew(self._made.folder, event.lasting_s))
            case What.LULL:
                await self._rest()
                self._load.go_on()
            case what:
                done = self._acts[what]()
        self.log.events[event.what] += done

    def _free_log(self) -> bool:
        """Free it, and have the agent started again: a log whose disk failed wants that (docs/egress-log.md)."""
        if not self._free("log"):
            return False
        with suppress(ProcessLookupError):
            os.kill(self._made.agent.pid, signal.SIGTERM)
            self._asked.add(self._made.agent.pid)
        return True

    def _kill_engine(self, choose: Callable[[list[psutil.Process]], psutil.Process]) -> bool:
        with suppress(psutil.Error):
            if alive := stage.engines(self._made):
                return self._kill("engine", choose(alive).pid)
        return False

    def _kill(self, role: str, pid: int) -> bool:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        self._asked.add(pid)
        self.log.kills[role].append(time.time())
        return True

    def _fill(self, name: str) -> bool:
        self._filled_s[name] = time.time()
        return self._disks[name].fill()

    def _free(self, name: str) -> bool:
        if not self._disks[name].is_full:
            return False
        self._disks[name].free()
        self.log.full[name].append((self._filled_s[name], time.time()))
        return True

    async def _rest(self) -> None:
        """Hold the load back until nothing runs and nothing is held."""
        self._load.hold()
        began_s, running, held = time.time(), -1, -1
        while time.time() < began_s + LULL_S_MAX:
            if self._load.is_still:
                with suppress(RingfenceCallError):
                    running = (await self._operator.health()).requests_running
                    held = sum(wallet.held_microcredits for wallet in await self._operator.wallets())
                    if not running and not held:
                        break
            await asyncio.sleep(0.1)
        self.log.lulls.append((round(time.time() - began_s, 2), running, held))

    # ── what ends is started again ───────────────────────────────────────────────────────────────────────────────

    async def _keep_daemon(self) -> None:
        away_s: float | None = None
        while not self._stopping:
            process = self._made.daemon
            code = await process.wait()
            if away_s is None:
                away_s = self.log.kills["daemon"][-1] if process.pid in self._asked else time.time()
            await self._again("daemon", process.pid, code, self._made.start_daemon)
            if await self._answers():
                self.log.away.append((away_s, time.time()))
                away_s = None

    async def _keep_agent(self) -> None:
        while not self._stopping:
            process = self._made.agent
            code = await process.wait()
            await self._again("agent", process.pid, code, self._made.start_agent)

    async def _again(self, role: str, pid: int, code: int, start: Callable[[], Awaitable[None]]) -> None:
        """Look at how it ended and what it left, wait, and start it again."""
        # A process that has not set its handlers yet ends by the signal itself.
        if pid not in self._asked or code not in (-signal.SIGKILL, -signal.SIGTERM, 0):
            full = [name for name, disk in self._disks.items() if disk.was_full_s >= self._started_s[role]]
            why = f", disk full: {' and '.join(full)}" if full else ""
            self.log.exits[f"{role} ended with {code}{why}"] += 1
        await self._buried(role)
        await asyncio.sleep(self._chance.uniform(*RESTART_S))
        self._started_s[role] = time.time()
        await start()

    async def _answers(self) -> bool:
        """Whether the daemon that was just started came to answer; it may end itself again before."""
        process, end_s = self._made.daemon, time.time() + START_S_MAX
        while time.time() < end_s:
            with suppress(RingfenceCallError):
                await self._operator.health()
                return True
            if process.returncode is not None:
                return False
            await asyncio.sleep(0.1)
        self.log.missing.append("the daemon that was started again does not answer")
        return False

    async def _buried(self, role: str) -> None:
        """Wait until nothing is left of a process that ended: its engines go with the daemon."""
        end_s = time.time() + ORPHANS_S_MAX
        while left := [one for one in below(self._made) if _belongs(one, role)]:
            if time.time() > end_s:
                self.log.orphans += names(left)
                return
            await asyncio.sleep(0.05)

    # ── what is seen ─────────────────────────────────────────────────────────────────────────────────────────────

    async def _watch(self) -> None:
        while True:
            self.log.samples += samples(self._made, time.time(), self._load.tally.requests)
            await asyncio.sleep(SAMPLE_S)

    async def _say(self) -> None:
        while True:
            await asyncio.sleep(LINE_S)
            held = "?"
            with suppress(RingfenceCallError):
                wallets = await self._operator.wallets()
                self.log.held_most = max(self.log.held_most, total := sum(one.held_microcredits for one in wallets))
                held = f"{total}"
            newest = {sample.role: sample.resident_bytes for sample in self.log.samples[-6:]}
            memory = ", ".join(f"{role} {size / 1e6:.0f}" for role, size in sorted(newest.items()))
            kills = ", ".join(f"{role} {len(times)}" for role, times in self.log.kills.items())
            ends = ", ".join(f"{end} {count}" for end, count in self._load.tally.by_end().most_common())
            elapsed_s = time.time() - self._began_s
            self._tell(f"{elapsed_s:5.0f} s | {ends} | killed: {kills} | held {held} | MB: {memory}")


def _belongs(process: psutil.Process, role: str) -> bool:
    """Whether a process whose parent ended was this role's."""
    try:
        words = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return ("ringfence_agent" in words) == (role == "agent") and "ringfence" in words
