"""One request inside the vLLM engine: what was asked, how far it is, and what it reports."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ringfence.v1 import engine_pb2, types_pb2
from ringfenced.engines.admission import Ticket
from ringfenced.engines.server import Connection
from ringfenced.engines.vllm.outlet import Outlet


@dataclass(frozen=True, slots=True)
class Generation:
    """What vLLM is asked for."""

    name: str
    """Unique in this process."""
    prompt: list[int] = field(repr=False)
    """Its tokens."""
    params: Mapping[str, Any] = field(repr=False)
    """Fields of SamplingParams."""
    structure: Mapping[str, str] | None = field(repr=False)
    """Field of StructuredOutputsParams; None for free text."""
    salt: str | None = field(repr=False)
    """What prefixes are shared within; None for all that have none."""
    adapter: str
    """The LoRA adapter; empty for none."""
    is_batch: bool
    """Whether it gives way to others where the cache is full."""


class Answer:
    """An answer in the making; it waits, then vLLM makes it."""

    __slots__ = (
        "_cached",
        "_first_s",
        "_last_s",
        "_logprob_min",
        "_pieces",
        "_started_s",
        "completion_tokens",
        "connection",
        "generation",
        "is_over",
        "outlet",
        "sequence",
        "task",
        "ticket",
        "timer",
        "wants_logprobs",
    )

    def __init__(  # noqa: PLR0917  # all are needed
        self,
        connection: Connection,
        command: engine_pb2.EngineSubmit,
        generation: Generation,
        outlet: Outlet,
        pieces: Sequence[bytes] | None,
        now_s: float,
    ) -> None:
        """Begin.

        Args:
            connection: where it came from.
            command: what was asked.
            generation: the same for vLLM.
            outlet: where its tokens go.
            pieces: bytes of each token; None where vLLM makes the text itself.
            now_s: now, on the monotonic clock.
        """
        self.connection = connection
        self.sequence = command.sequence
        self.generation = generation
        self.outlet = outlet
        self.wants_logprobs = command.sampling.HasField("logprobs")
        self.ticket: Ticket[Answer] | None = None
        """Its claim to a place."""
        self.task: asyncio.Task[None] | None = None
        """What takes its tokens from vLLM; None while it waits."""
        self.timer: asyncio.TimerHandle | None = None
        """Ends it when its deadline passes."""
        self.is_over = False
        """Whether its end was sent."""
        self.completion_tokens = 0
        """Tokens made, the one that ends the generation not counted."""
        self._pieces = pieces
        self._started_s = now_s
        self._first_s = 0.0
        self._last_s = 0.0
        self._logprob_min = 0.0
        self._cached = 0

    @property
    def cached_tokens(self) -> int:
        """Tokens of its prompt that did not have to be read."""
        return self._cached

    def take(self, output: Any, now_s: float) -> float:
        """Take what vLLM made since the last time; send it; send the finish where it has ended.

        Args:
            output: a RequestOutput, its text and tokens only those that are new.
            now_s: now, on the monotonic clock.

        Returns:
            Seconds since the last time for each new token; 0 for the first.
        """
        made = output.outputs[0]
        ended = made.finish_reason
        tokens = made.token_ids
        is_first = not self._first_s
        self._first_s = self._first_s or now_s
        self._cached = output.num_cached_tokens or self._cached
        spent_s = 0.0 if is_first or not tokens else (now_s - self._last_s) / len(tokens)
        self._last_s = now_s
        last = len(tokens) - 1
        for place, token in enumerate(tokens):
            likelihoods = made.logprobs[place]
            self._logprob_min = min(self._logprob_min, likelihoods[token].logprob)
            if place == last and ended == "stop":  # the token that ends the generation is no part of it
                break
            self.completion_tokens += 1
            piece = self._pieces[token] if self._pieces is not None else made.text.encode() if place == last else b""
            told = self._tell(token, likelihoods) if self.wants_logprobs else None
            if self.outlet.push(token, piece, told):
                self.finish(now_s, self.outlet.reason)
                return spent_s
        if ended is not None:
            self._end(ended, now_s)
        return spent_s

    def fail(self, reason: str, **numbers: int) -> None:
        """Send that it cannot go on; once is enough."""
        if not self.is_over:
            self.is_over = True
            self.connection.fail(self.sequence, reason, **numbers)

    def finish(self, now_s: float, reason: types_pb2.FinishReason.ValueType, *, cancelled: bool = False) -> None:
        """Send the finish as it stands; once is enough."""
        if self.is_over:
            return
        self.is_over = True
        finish = self.connection.dirty().finishes.add(
            sequence=self.sequence,
            reason=reason,
            prompt_tokens=len(self.generation.prompt),
            completion_tokens=self.completion_tokens,
            cached_tokens=self._cached,
            duration_us=round((now_s - self._started_s) * 1e6),
            cancelled=cancelled,
        )
        if self._first_s:
            finish.time_to_first_token_us = round((self._first_s - self._started_s) * 1e6)
            finish.logprob_min = self._logprob_min

    def _end(self, ended: str, now_s: float) -> None:
        match ended:
            case "stop" | "repetition":
                self.outlet.finish()
                self.finish(now_s, self.outlet.reason)
            case "length":
                self.outlet.finish()
                self.finish(now_s, types_pb2.FINISH_REASON_LENGTH)
            case _:  # vLLM gave it up: "abort" that nobody here asked for, or "error"
                self.fail("internal")

    def _tell(self, token: int, likelihoods: Mapping[int, Any]) -> types_pb2.TokenLogprob:
        told = self._name(token, likelihoods[token])
        ranked = sorted(likelihoods.items(), key=lambda item: item[1].rank)
        told.likeliest.extend(
            self._name(other, likelihood)
            for other, likelihood in ranked
            if likelihood.rank <= self.generation.params["logprobs"]
        )
        return told

    def _name(self, token: int, likelihood: Any) -> types_pb2.TokenLogprob:
        data = self._pieces[token] if self._pieces is not None else (likelihood.decoded_token or "").encode()
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = ""
        return types_pb2.TokenLogprob(text=text, data=data, logprob=likelihood.logprob)
