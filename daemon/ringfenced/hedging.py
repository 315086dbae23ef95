"""Two runs of one request, of which the first to say something goes on and the other ends at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing

from ringfenced.errors import RingfenceError
from ringfenced.model import Event, Loading

_Run = AsyncGenerator[Event, None]
_First = Event | RingfenceError | None
"""What a run says first; the error that it ended with; None where it ended without a word."""


async def hedged(first: _Run, second: Callable[[], _Run], after_s: float, won: Callable[[], None]) -> _Run:
    """The events of `first`, or of `second` where that one says something first.

    Args:
        first: the run that was decided on.
        second: begins the other; called at most once, where nothing came of `first` within `after_s`.
        after_s: how long `first` is waited for alone, in seconds.
        won: called when the events that follow are `second`'s.

    A model that tells that it is being loaded is not late but away: then the caller is told so, and nothing is hedged.
    Where both fail, the error is the first one's.
    """
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(aclosing(first))
        winner, loser, said = await _race(first, second, after_s, stack)
        if winner is not first:
            won()
        if loser is not None:  # also one that spoke in the same moment: it would go on, and be paid for
            await loser.aclose()
        if isinstance(said, RingfenceError):
            raise said
        if said is not None:
            yield said
            async for event in winner:
                yield event


async def _race(
    first: _Run, second: Callable[[], _Run], after_s: float, stack: AsyncExitStack
) -> tuple[_Run, _Run | None, _First]:
    """Who says something first, who lost, and what was said."""
    async with asyncio.TaskGroup() as group:
        one = group.create_task(_next(first))
        await asyncio.wait({one}, timeout=after_s)
        if one.done():
            return first, None, one.result()
        other = second()
        await stack.enter_async_context(aclosing(other))
        ours, theirs = group.create_task(_answer(one, first)), group.create_task(_answer(None, other))
        await asyncio.wait({ours, theirs}, return_when=asyncio.FIRST_COMPLETED)
        if not _has_answered(ours) and not _has_answered(theirs):  # one has failed: the other still may answer
            await asyncio.wait({ours, theirs})
        if _has_answered(ours) or not _has_answered(theirs):
            theirs.cancel()
            return first, other, ours.result()
        one.cancel()
        ours.cancel()
        return other, first, theirs.result()


async def _answer(begun: asyncio.Task[_First] | None, run: _Run) -> _First:
    """The first part of an answer; that a model is being loaded is none."""
    said = await begun if begun is not None else await _next(run)
    while type(said) is Loading:
        said = await _next(run)
    return said


async def _next(run: _Run) -> _First:
    """What a run says next; its error as a value, so that the other run may go on."""
    try:
        return await anext(run, None)
    except RingfenceError as error:
        return error


def _has_answered(task: asyncio.Task[_First]) -> bool:
    return task.done() and not isinstance(task.result(), RingfenceError | None)
