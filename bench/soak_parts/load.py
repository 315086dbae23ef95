"""Callers of one site: short and long answers, local and through the agent, refused, late, and left by their caller.

Every text holds a mark that nobody else writes, in letters alone so that no recogniser minds it. What a caller was
told is kept: each receipt, and each error that did not come from the daemon's own code.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from fakes.site import Site
from ringfence.client import Answer, RingfenceCallError
from ringfence.labels import Label, Level
from ringfence.v1 import types_pb2 as types

MARK = "quagmirefinch"
"""Stands in every text."""
NAME = "Joanna Whitfield"
"""Stands in every sensitive one, with a record's number."""
HANG_S = 120.0
"""A request that has no end by then hangs: every deadline is shorter, and a model loads in less."""
PAUSE_S = (0.05, 0.4)
"""Between two requests of one caller."""
DISTURBED_S = 1.0
"""Pause of a caller that finds nobody there."""
LATE = "late"
"""The kind of request whose caller gives too little time."""
MAY = types.Permission(deidentified_egress=True)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a caller has in hand after an answer."""

    request_id: str
    finished_s: float
    """Unix time at which the caller had the receipt."""
    cost_microcredits: int
    proofs: Sequence[types.EntryProof]


@dataclass(frozen=True, slots=True)
class Untyped:
    """A request that ended in an error without a reason of ours: the transport's."""

    began_s: float
    ended_s: float
    kind: str
    code: str


@dataclass
class Tally:
    """What was asked, and what came of it."""

    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Kind of request and its end: ``answered``, ``left``, or an error's reason."""
    kept: list[Kept] = field(default_factory=list)
    untyped: list[Untyped] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)
    """Answers that are not what was asked for, and those that should not have been given; by kind."""
    internal: int = 0
    """Errors that the daemon calls a defect of its own."""
    hung: int = 0

    @property
    def requests(self) -> int:
        """How many ended."""
        return sum(self.ends.values())

    def by_end(self) -> Counter[str]:
        """How requests ended, of all kinds together."""
        counts: Counter[str] = Counter()
        for (_, end), count in self.ends.items():
            counts[end] += count
        return counts


class Load:
    """So many callers, until told to stop; `hold` keeps them from beginning anything."""

    def __init__(self, made: Site, seed: int, *, real: bool) -> None:
        """Take whom to ask.

        Args:
            made: the site.
            seed: of what is asked.
            real: whether there is a model ``tiny`` besides the scripted one.
        """
        self.tally = Tally()
        self._client = made.client()
        self._poor = made.client("caller-billing")
        self._chance = random.Random(seed)
        self._free = asyncio.Event()
        self._free.set()
        self._stopping = False
        self._running = 0
        self._number = 0
        kinds = {
            "local": (self._local, 3),
            "local stream": (self._stream, 2),
            "restricted": (self._restricted, 3),
            "through the agent": (self._cloud, 4),
            "de-identified": (self._deidentified, 3),
            "refused": (self._refused, 1),
            "without credits": (self._without, 1),
            "left": (self._left, 1),
            LATE: (self._late, 1),
            "plan": (self._plan, 1),
        } | ({"llama.cpp": (self._tiny, 2)} if real else {})
        self._kinds = {name: ask for name, (ask, _) in kinds.items()}
        self._weights = [weight for _, weight in kinds.values()]

    async def run(self, callers: int) -> None:
        """Ask, until `stop` and the end of what was begun."""
        async with asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(self._repeat())

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopping = True
        self._free.set()

    def hold(self) -> None:
        """Begin nothing until `go_on`."""
        self._free.clear()

    def go_on(self) -> None:
        """Begin again."""
        self._free.set()

    @property
    def is_still(self) -> bool:
        """Whether no caller waits for an answer."""
        return not self._running

    async def _repeat(self) -> None:
        while True:
            await self._free.wait()
            if self._stopping:
                return
            kind = self._chance.choices(list(self._kinds), self._weights)[0]
            self._running += 1
            try:
                disturbed = await self._one(kind)
            finally:
                self._running -= 1
            await asyncio.sleep(DISTURBED_S if disturbed else self._chance.uniform(*PAUSE_S))

    async def _one(self, kind: str) -> bool:
        """One request, to its end; whether nobody was there."""
        began_s, untyped = time.time(), False
        try:
            async with asyncio.timeout(HANG_S):
                end = await self._kinds[kind]()
        except RingfenceCallError as error:
            end = error.reason
            untyped = error.detail is None or not error.detail.reason
            self.tally.internal += end == "internal" and not untyped
            if untyped:
                self.tally.untyped.append(Untyped(began_s, time.time(), kind, end))
        except TimeoutError:
            end = "hung"
            self.tally.hung += 1
        self.tally.ends[kind, end] += 1
        if kind in ("refused", "without credits") and end == "answered":
            self.tally.wrong[kind] += 1
        return untyped

    # ── what is asked ────────────────────────────────────────────────────────────────────────────────────────────

    async def _local(self) -> str:
        text = f"Which form does transfer {self._mark()} need?"
        answer = await self._client.generate_text(f"/echo {text}", model="house")
        return self._answered("local", answer, answer.text == text)

    async def _stream(self) -> str:
        script = f'/script {{"text": "{"word " * 40}{self._mark()}", "interval_steps": 10}}'
        answer = await self._client.generate_text(script, model="house", sampling=types.Sampling(tokens_max=64))
        return self._answered("local stream", answer, MARK in answer.text)

    async def _restricted(self) -> str:
        """May not leave at all, whatever its caller permits."""
        text = self._secret()
        options = {"model": self._chance.choice(("house", "")), "label": Label(Level.RESTRICTED), "permission": MAY}
        answer = await self._client.generate_text(f"/echo {text}", **options)
        echoed = answer.text == text or not options["model"]  # another local model says what it says
        return self._answered("restricted", answer, echoed and not answer.receipt.egress)

    async def _tiny(self) -> str:
        sampling = types.Sampling(tokens_max=12)
        answer = await self._client.generate_text(
            self._secret(), model="tiny", label=Label(Level.RESTRICTED), sampling=sampling
        )
        return self._answered("llama.cpp", answer, not answer.receipt.egress)

    async def _cloud(self) -> str:
        text = f"Which form does transfer {self._mark()} need?"
        answer = await self._client.generate_text(text, model="gpt", label=Label(Level.PUBLIC))
        return self._answered("through the agent", answer, answer.text == text and len(answer.receipt.egress) > 1)

    async def _deidentified(self) -> str:
        text = self._secret()
        answer = await self._client.generate_text(text, model="gpt", permission=MAY)
        return self._answered("de-identified", answer, answer.text == text and len(answer.receipt.egress) > 1)

    async def _refused(self) -> str:
        return self._answered("refused", await self._client.generate_text(self._secret(), model="gpt"), good=False)

    async def _without(self) -> str:
        question = f"Which form does {self._mark()} need?"
        return self._answered("without credits", await self._poor.generate_text(question), good=False)

    async def _left(self) -> str:
        script = f'/script {{"text": "{"word " * 40}{self._mark()}", "interval_steps": 10}}'
        leaving = self._chance.choice(({"model": "house"}, {"model": "gpt", "label": Label(Level.PUBLIC)}))
        after = self._chance.choice((1, 2, 5))
        async with aclosing(self._client.generate(script, **leaving)) as events:
            count = 0
            async for _ in events:
                count += 1
                if count > after:
                    break
        return "left"

    async def _late(self) -> str:
        script = f'/script {{"text": "{"word " * 60}{self._mark()}", "interval_steps": 20}}'
        deadline_s = self._chance.uniform(0.05, 0.6)
        answer = await self._client.generate_text(script, model="house", deadline_s=deadline_s)
        return self._answered(LATE, answer, MARK in answer.text)

    async def _plan(self) -> str:
        return "answered" if (await self._client.plan(self._secret(), permission=MAY)).decision.candidates else "empty"

    # ── what is made of it ───────────────────────────────────────────────────────────────────────────────────────

    def _answered(self, kind: str, answer: Answer, good: bool) -> str:
        receipt = answer.receipt
        self.tally.kept.append(Kept(receipt.request_id, time.time(), receipt.cost_microcredits, tuple(receipt.egress)))
        self.tally.wrong[kind] += not good
        return "answered"

    def _mark(self) -> str:
        """The mark and a number, as letters."""
        self._number += 1
        return MARK + "".join("abcdefghij"[int(digit)] for digit in str(self._number))

    def _secret(self) -> str:
        return f"MRN 4417-{self._number % 1_000_000:06d} of {NAME}: {self._mark()}."
