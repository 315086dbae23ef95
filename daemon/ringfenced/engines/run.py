"""One answer in the making, as the daemon sees it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self

from ringfence.v1 import engine_pb2
from ringfenced import errors
from ringfenced.engines import wire
from ringfenced.model import Delta, Finish, TextDelta, TokenLogprob, ToolCallDelta

BUFFER_CHARS_MAX = 256 * 1024
"""Characters of an answer that may wait for a slow reader, about 64 Ki tokens; beyond that its run ends."""


class Sender(Protocol):
    """What a run asks of its connection."""

    @property
    def model(self) -> str:
        """The model's name."""

    def send(self, command: engine_pb2.EngineCommand) -> None:
        """Send a command, or raise `Unavailable`."""


class Run:
    """One answer in the making. One task reads it; use it in a `with` block, which cancels what is unfinished.

    ::

        with client.start(prompt, confidential=True) as run:
            while not isinstance(event := await run.take(), Finish):
                ...
    """

    __slots__ = (
        "_buffer_chars_max",
        "_cancelled",
        "_chars",
        "_client",
        "_end",
        "_logprobs",
        "_loop",
        "_ordered",
        "_sequence",
        "_texts",
        "_timer",
        "_tokens",
        "_waiter",
        "tokens_received",
    )

    def __init__(self, client: Sender, sequence: int, loop: asyncio.AbstractEventLoop, buffer_chars_max: int) -> None:
        self._client = client
        self._sequence = sequence
        self._loop = loop
        self._buffer_chars_max = buffer_chars_max
        self._texts: list[str] = []
        self._logprobs: list[TokenLogprob] = []
        self._ordered: deque[Delta] = deque()
        """What came before `_texts` and is not text alone."""
        self._tokens = 0
        self._chars = 0
        self._end: Finish | errors.RingfenceError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._cancelled = False
        self.tokens_received = 0
        """Tokens that came so far, read or not: what a run that is broken off is settled by."""

    async def take(self) -> Delta | Finish:
        """Return all text that is ready, joined; wait only where there is none; at last, return the finish.

        A piece of a tool call is a delta of its own, in its place among the texts.

        A task that is cancelled in here loses nothing: the next call goes on where this one stopped. After `cancel`
        no more text comes, only the finish, with what was used. Not to be called after the finish or an error, and
        not by two tasks at once.

        Raises:
            ContextExceeded: the prompt does not fit; both lengths are in the numbers.
            InvalidRequest: the JSON Schema cannot be turned into a grammar.
            Unsupported: the model cannot read a part of the prompt.
            Overloaded: the engine's queue is full, or this reader is too slow (reason ``slow_reader``).
            Unavailable: the engine died.
            DeadlineExceeded: the time ran out.
        """
        while not self._texts and not self._ordered:
            if self._end is not None:
                if isinstance(self._end, Finish):
                    return self._end
                raise self._end
            assert self._waiter is None, "a run has one reader"
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        delta = self._ordered.popleft() if self._ordered else self._text()
        self._chars -= _chars_of(delta)
        return delta

    def cancel(self) -> None:
        """End the run now: its slot in the engine is free within a step. Does nothing to one that has ended."""
        if self._cancelled or self._end is not None:
            return
        self._cancelled = True
        self._drop()
        with contextlib.suppress(errors.Unavailable):  # gone: its end is on the way
            self._client.send(engine_pb2.EngineCommand(cancel=engine_pb2.EngineCancel(sequence=self._sequence)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.cancel()

    # ── what the client calls ────────────────────────────────────────────────────────────────────────────────────

    def push(self, text: str, tokens: int, logprobs: Iterable[TokenLogprob] = ()) -> None:
        """Take the next piece of text; a run whose reader lags too far behind ends."""
        if self._cancelled:
            return
        self.tokens_received += tokens
        self._tokens += tokens
        self._texts.append(text)
        self._logprobs.extend(logprobs)
        self._hold(len(text))

    def push_call(self, piece: ToolCallDelta, tokens: int) -> None:
        """Take the next piece of a tool call; as `push`."""
        if self._cancelled:
            return
        self.tokens_received += tokens
        if self._texts:
            self._ordered.append(self._text())
        last = self._ordered[-1] if self._ordered else None
        if isinstance(last, ToolCallDelta) and last.index == piece.index and not piece.id:
            self._ordered[-1] = replace(last, arguments_json=last.arguments_json + piece.arguments_json)
        else:
            self._ordered.append(piece)
        self._hold(_chars_of(piece))

    def _hold(self, chars: int) -> None:
        """Wake the reader, or end a run whose reader has let too many characters wait."""
        self._chars += chars
        if self._waiter is not None:
            self._wake()
        elif self._chars > self._buffer_chars_max:
            self._break_off(
                errors.Overloaded(
                    f"more than {self._buffer_chars_max} characters of the answer waited to be read; read faster or "
                    "ask for a shorter answer",
                    reason="slow_reader",
                    model=self._client.model,
                    numbers={"buffer_chars_max": self._buffer_chars_max},
                )
            )

    def end(self, how: Finish | errors.RingfenceError) -> None:
        """Note how the run ended; text that came before is still read first."""
        if self._end is not None:
            return
        self._end = how
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wake()

    def expire_at(self, deadline_s: float) -> None:
        """End the run at that time of the loop's clock, in seconds, whatever the engine does."""
        self._timer = self._loop.call_at(deadline_s, self._expire)

    def _expire(self) -> None:
        self._break_off(wire.failure("deadline", {}, model=self._client.model))

    def _break_off(self, error: errors.RingfenceError) -> None:
        self.cancel()
        self.end(error)

    def _text(self) -> TextDelta:
        """Return the text that waits, which waits no more."""
        delta = TextDelta("".join(self._texts), self._tokens, tuple(self._logprobs))
        self._texts, self._logprobs, self._tokens = [], [], 0
        return delta

    def _drop(self) -> None:
        self._text()
        self._ordered.clear()
        self._chars = 0

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _chars_of(delta: Delta) -> int:
    return len(delta.text) if isinstance(delta, TextDelta) else len(delta.name) + len(delta.arguments_json)
