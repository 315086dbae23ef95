"""`make test-chaos`: a thousand requests while engines are killed and models loaded, evicted, swapped and unloaded.

The real daemon over gRPC, the real agent, a stand-in provider that is configured and cleared, the bundled model and
three with random weights under a memory limit that holds some of them. Each request must end with an answer or a typed
error, none may hang; nothing may be left of them; and what is sensitive may never have reached the provider, whatever
was away at the time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path

from chaos_parts import stage as setting
from fakes.site import Site
from flow_parts import machine
from ringfence.client import AsyncClient, RingfenceCallError
from ringfence.labels import Label, Level
from ringfence.v1 import admin_pb2 as admin
from ringfence.v1 import types_pb2 as types

RESULTS = Path(__file__).resolve().parent / "results"
HANG_S = 180.0
"""A request that has no end by then hangs: load limits and deadlines are all shorter."""
SECRET = "MRN 4417-{number:06d} of Joanna Whitfield"
"""What every sensitive request says."""


@dataclass(slots=True)
class Outcome:
    """What came of it all."""

    requests: int
    ends: Counter[str] = field(default_factory=Counter)
    """How requests ended: ``answered``, ``left`` by their caller, or an error's reason."""
    untyped: int = 0
    """Errors without a reason of ours; none may be."""
    hung: int = 0
    """None may."""
    loading: int = 0
    """Requests that were told of a model's loading."""
    killed: int = 0
    orders: Counter[str] = field(default_factory=Counter)
    """What operators did, and how it ended."""
    tempted: int = 0
    """Sensitive requests whose caller permits that de-identified text leaves, and names no model."""
    reached: int = 0
    """Bodies that reached the provider."""
    leaked: int = 0
    """Sensitive ones among them; none may be."""
    running_after: int = 0
    """Requests that the node counts when all have ended."""
    held_after: int = 0
    """Microcredits that are held then."""
    answered_after: int = 0
    """Of the requests that fill each model's slots at the end, those that were answered."""
    asked_after: int = 0
    engines_left: int = 0
    """Engine processes beyond those of models that are ready, in the end; and those left by the daemon's end."""
    memory_mb: list[float] = field(default_factory=list)
    """The daemon's own, after each tenth of the requests."""
    descriptors: list[int] = field(default_factory=list)
    """Its open files, likewise."""
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether everything came out as it must."""
        nothing = self.untyped, self.hung, self.leaked, self.running_after, self.held_after, self.engines_left
        return not any(nothing) and self.answered_after == self.asked_after


class Chaos:
    """Callers, operators, and somebody who kills."""

    def __init__(self, made: Site, outcome: Outcome, seed: int, callers: int) -> None:
        self._made = made
        self._outcome = outcome
        self._chance = random.Random(seed)
        self._callers = callers
        self._client = made.client()
        self._operator = made.client("operator")
        self._over = asyncio.Event()
        self._numbers = iter(range(outcome.requests))
        self._done = 0

    async def run(self) -> None:
        """All of it, until every request has its end."""
        async with asyncio.TaskGroup() as group:
            breaking = [group.create_task(self._kill()), group.create_task(self._order())]
            async with asyncio.TaskGroup() as asking:
                for _ in range(self._callers):
                    asking.create_task(self._ask_on())
            self._over.set()
            for task in breaking:
                task.cancel()

    # ── callers ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _ask_on(self) -> None:
        for number in self._numbers:
            began_s = time.monotonic()
            try:
                async with asyncio.timeout(HANG_S):
                    self._outcome.ends[await self._ask(number)] += 1
            except RingfenceCallError as error:
                self._outcome.ends[error.reason] += 1
                is_typed = error.detail is not None and bool(error.detail.reason)
                self._outcome.untyped += not is_typed or error.reason == "internal"
            except TimeoutError:
                self._outcome.hung += 1
                print(f"request {number} hangs for {time.monotonic() - began_s:.0f} s", file=sys.stderr)
            self._done += 1
            if self._done % max(1, self._outcome.requests // 10) == 0:
                self._outcome.memory_mb.append(round(setting.resident_bytes(self._made) / 1e6, 1))
                self._outcome.descriptors.append(setting.descriptors(self._made))

    async def _ask(self, number: int) -> str:
        chance = self._chance
        sensitive = chance.random() < 0.5
        options: dict = {"sampling": {"tokens_max": chance.choice((4, 16, 60))}}
        if chance.random() < 0.6:
            options["model"] = chance.choice(list(setting.MODELS))
        else:  # the sensitive ones permit it too, and some ask for what only the provider has
            permission = types.Permission(ladder_length_max=chance.choice((1, 3)), deidentified_egress=True)
            options["permission"] = permission
            options["quality_min"] = chance.choice((0.0, 0.9))
            self._outcome.tempted += sensitive
        if sensitive:
            options["label"] = Label(Level.RESTRICTED)
            text = SECRET.format(number=number)
        else:
            text = f"Which form does transfer {number} need?"
        if chance.random() < 0.2:
            options["deadline_ms"] = chance.randrange(50, 5000)
        leaves_after = chance.choice((1, 2, 5)) if chance.random() < 0.1 else None
        told = False
        async with aclosing(self._client.generate(text, **options)) as events:
            count = 0
            async for event in events:
                if event.WhichOneof("event") == "loading" and not told:
                    told = True
                    self._outcome.loading += 1
                count += 1
                if leaves_after is not None and count > leaves_after:
                    return "left"
        return "answered"

    # ── who breaks things ────────────────────────────────────────────────────────────────────────────────────────

    async def _kill(self) -> None:
        while True:
            await asyncio.sleep(self._chance.uniform(0.3, 2.0))
            if alive := setting.engines(self._made):
                self._outcome.killed += setting.kill(self._chance.choice(alive))

    async def _order(self) -> None:
        while True:
            await asyncio.sleep(self._chance.uniform(0.3, 2.0))
            name = self._chance.choice(list(setting.MODELS))
            order = self._chance.choice(("load", "load", "unload", "force", "replace"))
            try:
                async with asyncio.timeout(20):
                    await give(self._operator, order, name)
                    self._outcome.orders[f"{order}: done"] += 1
            except RingfenceCallError as error:
                self._outcome.orders[f"{order}: {error.reason}"] += 1
            except TimeoutError:
                self._outcome.orders[f"{order}: not waited for"] += 1


async def give(operator: AsyncClient, order: str, name: str) -> None:
    """One operator's order, to its end."""
    models = operator._models  # noqa: SLF001 - the client's methods are another part's
    match order:
        case "load":
            async with aclosing(operator._stream(models.LoadModel, admin.LoadModelRequest(name=name), 60.0)) as steps:  # noqa: SLF001
                async for _ in steps:
                    pass
        case "replace":
            asked = admin.ReplaceModelRequest(name=name, library="other")
            async with aclosing(operator._stream(models.ReplaceModel, asked, 60.0)) as steps:  # noqa: SLF001
                async for _ in steps:
                    pass
        case _:
            asked = admin.UnloadModelRequest(name=name, force=order == "force")
            await operator._call(models.UnloadModel, asked)  # noqa: SLF001


async def look(made: Site, outcome: Outcome) -> None:
    """What is left when all requests have ended; then whether every slot of every model still answers."""
    operator, client = made.client("operator"), made.client()
    for _ in range(100):
        models = [model for model in await operator.models() if model.name in setting.MODELS]
        outcome.running_after = sum(model.requests_running + model.requests_waiting for model in models)
        outcome.held_after = (await operator.wallet("ward")).held_microcredits
        if not outcome.running_after and not outcome.held_after:
            break
        await asyncio.sleep(0.1)

    async def fill(name: str) -> bool:
        options = {"model": name, "sampling": {"tokens_max": 16}, "label": Label(Level.RESTRICTED)}
        return bool((await client.generate_text("Is every slot free?", **options)).receipt.request_id)

    for name in setting.MODELS:
        await give(operator, "load", name)  # a quarantined one too
        slots = setting.SEQUENCES * 2
        outcome.asked_after += slots
        ends = await asyncio.gather(*(fill(name) for _ in range(slots)), return_exceptions=True)
        outcome.answered_after += sum(end is True for end in ends)
    for _ in range(100):
        ready = sum(model.replicas_ready for model in await operator.models())
        outcome.engines_left = len(setting.engines(made)) - ready
        if not outcome.engines_left:
            break
        await asyncio.sleep(0.1)
    outcome.reached = len(made.provider.bodies)
    outcome.leaked = sum("Whitfield" in str(body) or "4417-" in str(body) for body in made.provider.bodies)


async def measure(requests: int, callers: int, workers: int, seed: int) -> Outcome:
    """One run from the beginning to the end."""
    outcome = Outcome(requests)
    folder = Path(tempfile.mkdtemp(prefix="rf-"))
    began_s = time.monotonic()
    try:
        async with setting.stage(folder, workers) as made:
            await Chaos(made, outcome, seed, callers).run()
            await look(made, outcome)
            remaining = setting.engines(made)
        outcome.engines_left += sum(process.is_running() and process.status() != "zombie" for process in remaining)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    outcome.seconds = round(time.monotonic() - began_s, 1)
    return outcome


def plain(outcome: Outcome) -> dict[str, object]:
    """As JSON has it."""
    values = {one.name: getattr(outcome, one.name) for one in fields(outcome)}
    return {name: dict(value) if isinstance(value, Counter) else value for name, value in values.items()}


def report(facts: dict[str, object], outcome: Outcome) -> str:
    """A page."""
    ends = "\n".join(f"| {end} | {count} |" for end, count in outcome.ends.most_common())
    orders = "\n".join(f"| {order} | {count} |" for order, count in sorted(outcome.orders.items()))
    memory, files = outcome.memory_mb, outcome.descriptors
    return f"""# Chaos

`{facts["command"]}`, {facts["date"]}, {facts["cores"]} cores, {facts["memory_gb"]} GB, load average before \
{facts["load_average_before"]}, commit {facts["commit"]}

{outcome.requests} requests in {outcome.seconds} s; {outcome.killed} engines killed, \
{sum(outcome.orders.values())} orders of operators; {outcome.loading} requests waited for a model.

| what must be 0 | |
|---|---|
| requests that hung | {outcome.hung} |
| errors without a type | {outcome.untyped} |
| sensitive requests at the provider (of {outcome.reached} that got there; {outcome.tempted} were permitted to leave \
de-identified) | {outcome.leaked} |
| requests counted after the end | {outcome.running_after} |
| microcredits held after the end | {outcome.held_after} |
| engine processes left | {outcome.engines_left} |
| slots that do not answer at the end (of {outcome.asked_after}) | {outcome.asked_after - outcome.answered_after} |

The daemon's own memory after each tenth: {", ".join(map(str, memory))} MB; the last is \
{memory[-1] / memory[0]:.2f} of the first. Open files: {files[0]} at first, {files[-1]} at last.

| end of a request | how many |
|---|---|
{ends}

| order | how many |
|---|---|
{orders}
"""


def main() -> int:
    """Measure, print, write; 1 where something did not come out as it must."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--callers", type=int, default=16, help="how many ask at the same time")
    parser.add_argument("--workers", type=int, default=1, help="request workers of the daemon")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write bench/results/chaos-<date>")
    options = parser.parse_args()
    today = datetime.now(UTC)  # noqa: TID251 - a benchmark dates its own result
    command = " ".join(["bench/chaos.py", *sys.argv[1:]])
    facts = {**machine.describe(), "date": today.isoformat(timespec="seconds"), "command": command}
    outcome = asyncio.run(measure(options.requests, options.callers, options.workers, options.seed))
    text = report(facts, outcome)
    print(text)
    if options.write:
        suffix = f"-{options.workers}-workers" if options.workers > 1 else ""
        stem = RESULTS / f"chaos-{today:%Y-%m-%d}{suffix}"
        Path(f"{stem}.md").write_text(text)
        Path(f"{stem}.json").write_text(json.dumps({"facts": facts, "outcome": plain(outcome)}, indent=1) + "\n")
    return int(not outcome.is_good)


if __name__ == "__main__":
    sys.exit(main())
