"""What a scene is: a way through the site that is played with canaries, and how their requests should end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from ringfence.client import generate_request
from zero_parts.asking import Case, End, Play, broken_off, ended, gone_when, script, streamed
from zero_parts.stage import Stage

WORDS = 1200
"""Of an answer that is still on its way when somebody goes."""

Several = Callable[[Sequence[Case]], Awaitable[list[End]]]
"""Plays several canaries at the same time."""
Act = Callable[[Stage], Awaitable[None]]
"""Does something to the site."""
Said = Callable[[Case], str]
"""What is asked."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One way through the site."""

    route: str
    """Where it leads, for example ``local``."""
    end: str
    """How it ends."""
    play: Several
    """Plays it."""
    expected: frozenset[str] = frozenset()
    """How a request whose canary is written plainly may end; anything else means that the scene was not played. Empty
    where any end is one."""

    @property
    def name(self) -> str:
        """For reports."""
        return f"{self.route}: {self.end}"


def each(play: Play) -> Several:
    """All cases at the same time."""

    async def several(cases: Sequence[Case]) -> list[End]:
        return list(await asyncio.gather(*(ended(play, case) for case in cases)))

    return several


def note(case: Case) -> str:
    """The note as it is."""
    return case.note


def echoed(case: Case) -> str:
    """The note, to be said again by a scripted model."""
    return f"/echo {case.note}"


def long(case: Case) -> str:
    """The note, said again and again."""
    return f"/echo {' '.join([case.note] * (WORDS // 10))}"


def hanging(case: Case) -> str:
    """A part of the note, and then nothing."""
    return script(case.note, hang_after=4)


def too_long(case: Case) -> str:
    """More than any context holds."""
    return case.note + " x" * 9000


def whole(model: str = "", said: Said = note, **options: object) -> Play:
    """A request that is read to its end."""

    async def play(case: Case) -> None:
        await streamed(case, generate_request(case.messages(said(case)), model=model, **options))

    return play


def left(model: str, said: Said, **options: object) -> Play:
    """A request whose caller goes away in the middle."""

    async def play(case: Case) -> None:
        await broken_off(case, generate_request(case.messages(said(case)), model=model, **options))

    return play


def killed(model: str, said: Said, act: Act, after: Act, **options: object) -> Several:
    """Requests during which `act` ends a process; `after` sees to it that everything stands again."""

    async def several(cases: Sequence[Case]) -> list[End]:
        streaming, stage = asyncio.Event(), cases[0].stage

        async def play(case: Case) -> None:
            request = generate_request(case.messages(said(case)), model=model, deadline_s=15, **options)
            await streamed(case, request, streaming)

        ends = await gone_when(cases, play, streaming, act(stage))
        await after(stage)
        return ends

    return several
