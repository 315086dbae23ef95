"""`make bench-caps`: a thousand callers at once at a cap, of the agent's quotas and of a department's wallet.

Each round is a real agent (and, for the wallet, a real daemon) over real TLS, a stand-in provider of tests/fakes that
counts what arrives, and as many callers as asked for, all at the same time. What arrived or was booked above the cap is
the overshoot; it must be 0, and the cap must be reached, or nothing was tried.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from fakes.agent import agent_process, client, folder, gather, terms, until
from fakes.provider import StandInProvider, answer
from fakes.site import site
from flow_parts import machine
from ringfence.client import RingfenceCallError
from ringfence.labels import Label, Level
from ringfenced.deidentify import deidentify
from ringfenced.errors import Overloaded
from ringfenced.model import Message, Prompt, Role, Text

RESULTS = Path(__file__).resolve().parent / "results"
QUESTION = "What does a ward clerk do?"
TOKEN_PRICE = 1_000_000
"""Microcredits for a thousand tokens: the wallet's one credit is enough for a few dozen of those who ask."""
COST = 7
"""What each send may cost, in microcredits."""


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one cap."""

    cap: str
    """Which."""
    callers: int
    """How many asked at the same time."""
    limit: int
    """The cap."""
    used: int
    """What arrived or was booked."""
    refused: int
    """How many were refused for the cap."""
    other: int
    """How many ended in another way; none may."""

    @property
    def overshoot(self) -> int:
        """How much too much."""
        return max(0, self.used - self.limit)


async def quota(per: str, limit: str, most: int, callers: int) -> Round:
    """A quota of the agent.

    Args:
        per: ``caller``, ``department`` or ``provider``.
        limit: ``requests_max``, ``bytes_max`` or ``cost_microcredits_max``.
        most: the cap.
        callers: how many send at the same time.
    """
    async with _agent(f'[[quotas]]\nper = "{per}"\nwindow_seconds = 3600\n{limit} = {most}\n') as (provider, egress):
        prompt = Prompt((Message(Role.USER, (Text(QUESTION),)),))
        payload, _ = deidentify(prompt, (), Label(Level.PUBLIC), seed=bytes(32), scan=lambda _text: ())

        async def send(number: int) -> str:
            name = "c" if per == "caller" else f"c-{number}"
            asked = terms(caller_pseudonym=name, cost_microcredits_max=COST)
            try:
                await gather(egress.send(payload, asked, 60_000))
            except Overloaded as error:
                return error.suggestions[0]
            return "sent"

        ends = Counter(await asyncio.gather(*map(send, range(callers))))
        arrived = len(provider.bodies)
        used = {
            "requests_max": arrived,
            "bytes_max": sum(map(len, provider.bodies)),
            "cost_microcredits_max": arrived * COST,
        }[limit]
        refused = ends.pop(f"quota.{per}", 0)
        assert ends.pop("sent", 0) == arrived
        return Round(f"quota per {per}: {limit}", callers, most, used, refused, sum(ends.values()))


async def wallet(callers: int) -> Round:
    """A department's wallet: a daemon, an engine, and more callers than it has credits for."""
    async with _short_folder() as place, site(place, sequences=64, token_price=TOKEN_PRICE) as made:
        asking = made.client()
        before = await made.client("operator").wallet("ward")

        async def ask(_number: int) -> str:
            try:
                await asking.generate_text(f"/echo {'word ' * 40}", model="house", sampling={"tokens_max": 60})
            except RingfenceCallError as error:
                return error.reason
            return "answered"

        ends = Counter(await asyncio.gather(*map(ask, range(callers))))
        after = await made.client("operator").wallet("ward")
        refused = ends.pop("wallet_empty", 0)
        ends.pop("answered", 0)
        used = after.spent_microcredits + after.held_microcredits
        return Round("wallet", callers, before.granted_microcredits, used, refused, sum(ends.values()))


@asynccontextmanager
async def _short_folder() -> AsyncIterator[Path]:
    """A folder with a path short enough for unix sockets."""
    place = Path(tempfile.mkdtemp(prefix="rf-"))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@asynccontextmanager
async def _agent(more: str) -> AsyncIterator[tuple]:
    """An agent in a process of its own with `more` in its file; the provider behind it and a daemon's client."""
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(_short_folder())
        folder(place, "https://localhost:1/v1")
        provider = await stack.enter_async_context(StandInProvider(place))
        provider.script[:] = [answer("Hello")]
        file = folder(place, provider.base_url)
        file.write_text(file.read_text() + "\n" + more)
        stack.enter_context(agent_process(file))
        egress = await stack.enter_async_context(client(place))
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(egress.run())  # as in a daemon: once for all, not each send for itself
            await until(egress.log.witnessed)
            yield provider, egress
            looking.cancel()


async def measure(callers: int) -> list[Round]:
    """Every cap in turn."""
    return [
        await quota("caller", "requests_max", callers // 8, callers),
        await quota("department", "bytes_max", callers * 20 + 3, callers),
        await quota("provider", "cost_microcredits_max", callers // 8 * COST + 3, callers),
        await wallet(callers),
    ]


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--callers", type=int, default=1000, help="how many ask at the same time")
    parser.add_argument("--write", action="store_true", help="write bench/results/caps-<date>")
    options = parser.parse_args()
    today = datetime.now(UTC)  # noqa: TID251 - a benchmark dates its own result
    rounds = asyncio.run(measure(options.callers))
    facts = {
        **machine.describe(),
        "date": today.isoformat(timespec="seconds"),
        "command": f"bench/caps.py --callers {options.callers}",
    }
    text = _markdown(facts, rounds)
    print(text)
    if options.write:
        stem = RESULTS / f"caps-{today:%Y-%m-%d}"
        stem.with_suffix(".md").write_text(text)
        said = [{**asdict(one), "overshoot": one.overshoot} for one in rounds]
        stem.with_suffix(".json").write_text(json.dumps({"facts": facts, "rounds": said}, indent=1) + "\n")
    return int(any(one.overshoot or one.other or not one.refused for one in rounds))


def _markdown(facts: dict[str, object], rounds: list[Round]) -> str:
    """A page."""
    rows = "\n".join(
        f"| {one.cap} | {one.callers:,} | {one.limit:,} | {one.used:,} | {one.overshoot} "
        f"| {one.refused:,} | {one.other} |"
        for one in rounds
    )
    return f"""# Caps under load

`{facts["command"]}`, {facts["date"]}, {facts["cores"]} cores, {facts["memory_gb"]} GB, commit {facts["commit"]}

| cap | callers at once | limit | used | overshoot | refused for it | other ends |
|---|---|---|---|---|---|---|
{rows}
"""


if __name__ == "__main__":
    sys.exit(main())
