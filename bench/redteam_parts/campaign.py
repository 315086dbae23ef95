"""All ways against one agent: a process of its own, a provider with real TLS that keeps every byte, and the search."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from random import Random

from fakes.agent import agent_process, folder
from fakes.provider import StandInProvider
from redteam_parts import contents, permits, pieces, races, search
from redteam_parts.canaries import words
from redteam_parts.places import said
from redteam_parts.rogue import Ended, Rogue
from redteam_parts.way import Way
from ringfence.recognize import DEFAULT, load, shipped
from ringfence.v1 import egress_pb2
from ringfence_agent.config_provider import ProviderConfig

SHARES = {
    "encoded": 0.50,
    "bent": 0.09,
    "untimely": 0.04,
    "elsewhere": 0.04,
    "replayed": 0.03,
    "worded": 0.05,
    "lying": 0.05,
    "smuggled": 0.06,
    "numbered": 0.04,
    "steering": 0.05,
    "over_fields": 0.06,
    "over_requests": 0.03,
}
"""How many of all ways are of each kind; some kinds make two of one."""
PATHS = 2
"""Chat completions and embeddings."""
_BATCH = 200


@dataclass(slots=True)
class Found:
    """What came of one family."""

    ways: int = 0
    requests: int = 0
    sent: int = 0
    """Requests that the agent sent."""
    rules: Counter[str] = field(default_factory=Counter)
    """Rules that refused the others."""
    arrived: list[str] = field(default_factory=list)
    """Names of the ways whose canaries arrived."""
    in_log: list[str] = field(default_factory=list)
    """Names of the ways whose canaries stand in the log or in what the agent said."""


@dataclass(slots=True)
class Outcome:
    """What came of all."""

    families: dict[str, Found] = field(default_factory=dict)
    planted: int = 0
    """Canaries that were let through on purpose."""
    planted_found: int = 0
    """Of these, found by the search."""
    heads: int = 0
    """Different heads of requests that arrived, without their lengths; one for each path is right."""
    paths: int = 0
    """Different first lines of requests that arrived: two, one for each task."""
    faults: list[str] = field(default_factory=list)
    """Whatever else was wrong: a permit that worked twice, an honest request that was refused."""
    bytes_arrived: int = 0
    seconds: float = 0.0

    @property
    def leaks(self) -> int:
        """Ways by which a canary arrived, or stood in the log."""
        return sum(len(one.arrived) + len(one.in_log) for one in self.families.values())

    @property
    def holds(self) -> bool:
        """Whether nothing got through and the search works."""
        return (
            not self.leaks
            and not self.faults
            and self.heads == self.paths <= PATHS
            and self.planted == self.planted_found > 0
        )

    def family(self, name: str) -> Found:
        """The named one."""
        return self.families.setdefault(name, Found())


def ways(count: int, seed: int, scanned: Callable[[str], bool], *, quick: bool = False) -> Iterator[Way]:
    """About `count` ways, the same for the same `seed`."""
    numbers = {name: round(share * count) for name, share in SHARES.items()}
    rng = Random(seed)
    yield from contents.encoded(rng, numbers["encoded"], scanned)
    for module, names in (
        (permits, ("bent", "untimely", "elsewhere", "replayed", "worded", "lying")),
        (contents, ("smuggled", "numbered", "steering")),
        (pieces, ("over_fields", "over_requests")),
    ):
        for name in names:
            yield from getattr(module, name)(rng, numbers[name])
    if not quick:
        yield from contents.oversized(rng)


def plainly_found() -> Callable[[str], bool]:
    """Whether the agent's own recognisers find something that identifies in a text; else a disguise proves nothing."""
    recogniser = load(None, DEFAULT, shipped())
    return lambda text: any(DEFAULT.replaces(finding.entity_type) for finding in recogniser.scan(text))


@asynccontextmanager
async def stage() -> AsyncIterator[tuple[Path, StandInProvider]]:
    """A folder with an agent's files, and the provider that it may send to."""
    place = Path(tempfile.mkdtemp(prefix="rf-red-"))
    try:
        folder(place, "https://localhost:1/v1")
        async with StandInProvider(place) as provider:
            embeds = {"embedding_models": '{ embed = "text-embedding-3-small" }'}
            folder(place, provider.base_url, **(embeds if "embedding_models" in ProviderConfig.model_fields else {}))
            yield place, provider
    finally:
        shutil.rmtree(place)


async def run(count: int, seed: int, tell: Callable[[int, int], None], *, quick: bool = False) -> Outcome:
    """Try everything.

    Args:
        count: about so many ways.
        seed: what is drawn follows from it.
        tell: called with how many were tried and how many requests arrived so far.
        quick: leave out what is deep and huge, which takes seconds.
    """
    outcome, started, rng = Outcome(), time.perf_counter(), Random(seed + 1)
    outcome_ways: list[Ended] = []
    async with stage() as (place, provider):
        with agent_process(place / "agent.toml"):
            async with Rogue(place, seed) as rogue:
                planted = await _plant(rogue, rng)
                made = ways(count, seed, plainly_found(), quick=quick)
                while batch := list(islice(made, _BATCH)):
                    outcome_ways += await asyncio.gather(*(rogue.attempt(way) for way in batch))
                    tell(len(outcome_ways), provider.connections)
                await _race(rogue, rng, outcome)
                used = races.used(rogue, rng, 20)
                first = await races.all_of(rogue, used)
        with agent_process(place / "agent.toml"):
            async with Rogue(place, seed) as rogue:
                again = await races.all_of(rogue, used)
        if any(first) or again != [["permit.replayed"]] * len(used):
            outcome.faults.append("a permit worked again after a restart")
        outcome.family("races").ways += 2 * len(used)
        logged = (
            b"".join(file.read_bytes() for file in sorted((place / "log").iterdir()))
            + (place / "agent.stderr").read_bytes()
        )
    _judge(outcome, outcome_ways, provider, planted, logged)
    outcome.seconds = time.perf_counter() - started
    return outcome


async def _plant(rogue: Rogue, rng: Random) -> list[str]:
    """Words that the configuration lets through, so that the search has something to find."""
    held = [words(rng) for _ in range(20)]
    for one in held:
        payload = egress_pb2.EgressPayload()
        said(payload, one.text())
        assert await rogue.ask(races.request(rogue, payload.SerializeToString())) == []
    return [one.value for one in held]


async def _race(rogue: Rogue, rng: Random, outcome: Outcome) -> None:
    found = outcome.family("races")
    for _ in range(5):
        ended = await races.one_permit(rogue, rng)
        found.ways += races.AT_ONCE
        if ended["sent"] != 1 or ended["permit.replayed"] != races.AT_ONCE - 1:
            outcome.faults.append(f"one permit, {races.AT_ONCE} calls: {dict(ended)}")
    for _ in range(5):
        held = await races.lockdown(rogue, rng)
        found.ways += len(held)


def _judge(outcome: Outcome, ended: list[Ended], provider: StandInProvider, planted: list[str], logged: bytes) -> None:
    """Search what arrived and what was written."""
    every = {value for one in ended for value in one.way.canaries}
    arrived = search.arrived(provider.bodies, [*every, *planted])
    in_log = search.written(logged, {value for one in ended for value in one.way.in_log} | set(planted))
    disguised = search.verbatim(provider.bodies, {one.way.written for one in ended} - {""})
    outcome.planted, outcome.planted_found = len(planted), len(arrived.intersection(planted))
    outcome.bytes_arrived = len(provider.raw)
    outcome.paths = len({head.partition("\r\n")[0] for head in provider.heads})
    outcome.heads = len({_without_length(head) for head in provider.heads})
    for one in ended:
        found = outcome.family(one.way.family)
        found.ways += 1
        found.requests += len(one.rules)
        found.sent += len(one.sent)
        found.rules.update(rule for rules in one.rules for rule in rules)
        in_pieces = one.way.family == "split over requests" and len(one.sent) == len(one.rules)
        if in_pieces or (one.sent and (arrived.intersection(one.way.canaries) or one.way.written in disguised)):
            found.arrived.append(one.way.name)
        if in_log.intersection(one.way.in_log):
            found.in_log.append(one.way.name)
        if not set(one.way.may_pass) <= set(one.sent):
            outcome.faults.append(f"{one.way.family}, {one.way.name}: an honest request was refused: {one.rules}")


def _without_length(head: str) -> str:
    return "\r\n".join(line for line in head.split("\r\n") if not line.lower().startswith("content-length"))
