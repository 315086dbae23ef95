"""One answer inside the vLLM engine: how far it is, and what it reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from ringfence.v1 import types_pb2
from ringfenced.engines.llama.outlet import Outlet
from ringfenced.engines.vllm.work import Generation, Maker, Refusal, Work


class Answer(Work):
    """An answer in the making."""

    def __init__(
        self,
        outlet: Outlet,
        generation: Generation,
        pieces: Sequence[bytes] | None,
        *,
        wants_logprobs: bool,
        **where: Any,
    ) -> None:
        """Begin.

        Args:
            outlet: where its tokens go.
            generation: what vLLM is asked for.
            pieces: bytes of each token; None where vLLM makes the text itself.
            wants_logprobs: whether each token's log-probability is told.
            where: connection and sequence.
        """
        super().__init__(**where)
        self.generation = generation
        self._outlet = outlet
        self._pieces = pieces
        self._wants_logprobs = wants_logprobs
        self._completion_tokens = 0
        self._cached_tokens = 0
        self._logprob_min: float | None = None
        self._started_s = time.monotonic()
        self._first_s = 0.0
        self._last_s = 0.0

    @property
    def read_tokens(self) -> int:
        """Tokens of its prompt that had to be read."""
        return len(self.generation.prompt) - self._cached_tokens

    @property
    def made_tokens(self) -> int:
        """Tokens made, the one that ends the generation not counted."""
        return self._completion_tokens

    @property
    def cells(self) -> int:
        """Prompt and answer so far."""
        return len(self.generation.prompt) + self._completion_tokens

    def cancel(self, now_s: float) -> None:
        """Send the finish as it stands."""
        self.finish(now_s, types_pb2.FINISH_REASON_STOP, cancelled=True)

    async def run(self, maker: Maker, came: Callable[[float], None]) -> None:
        """Send what vLLM makes until it has ended, or until a stop string ends it."""
        try:
            async with aclosing(maker.generate(self.generation)) as stream:
                async for output in stream:
                    came(self.take(output, time.monotonic()))
                    if self.is_over:
                        return
        except Refusal:
            self.fail("internal" if self._first_s else _refused(self.generation))
        self.fail("internal")  # where it ended without an end

    def take(self, output: Any, now_s: float) -> float:
        """Take what vLLM made since the last time; send it, and the finish where it has ended.

        Args:
            output: a RequestOutput, its tokens only those that are new.
            now_s: now, on the monotonic clock.

        Returns:
            Seconds that each new token took; 0 for the first.
        """
        made = output.outputs[0]
        tokens = made.token_ids
        spent_s = (now_s - self._last_s) / len(tokens) if self._first_s and tokens else 0.0
        self._last_s = now_s
        self._first_s = self._first_s or now_s
        self._cached_tokens = output.num_cached_tokens or self._cached_tokens
        last = len(tokens) - 1
        for place, token in enumerate(tokens):
            likelihoods = made.logprobs[place] if made.logprobs else {}
            if likelihoods:
                self._logprob_min = min(self._logprob_min or 0.0, likelihoods[token].logprob)
            if place == last and made.finish_reason == "stop":  # the token that ends the generation is no part of it
                break
            self._completion_tokens += 1
            text = made.text.encode() if self._pieces is None and place == last else b""
            piece = text if self._pieces is None else self._pieces[token]
            told = self._tell(token, likelihoods) if self._wants_logprobs else None
            if self._outlet.push(token, piece, told):
                self.finish(now_s, self._outlet.reason)
                return spent_s
        if made.finish_reason is not None:
            self._end(made.finish_reason, now_s)
        return spent_s

    def finish(self, now_s: float, reason: types_pb2.FinishReason.ValueType, *, cancelled: bool = False) -> None:
        """Send the finish as it stands; once is enough."""
        if self.is_over:
            return
        self.is_over = True
        finish = self.connection.dirty().finishes.add(
            sequence=self.sequence,
            reason=reason,
            prompt_tokens=len(self.generation.prompt),
            completion_tokens=self._completion_tokens,
            cached_tokens=self._cached_tokens,
            duration_us=round((now_s - self._started_s) * 1e6),
            cancelled=cancelled,
        )
        if self._first_s:
            finish.time_to_first_token_us = round((self._first_s - self._started_s) * 1e6)
            if self._logprob_min is not None:
                finish.logprob_min = self._logprob_min

    def _end(self, ended: str, now_s: float) -> None:
        if ended not in {"stop", "length", "repetition"}:  # vLLM gave it up: "error", or an "abort" of its own
            self.fail("internal")
            return
        self._outlet.finish()
        self.finish(now_s, types_pb2.FINISH_REASON_LENGTH if ended == "length" else self._outlet.reason)

    def _tell(self, token: int, likelihoods: Mapping[int, Any]) -> types_pb2.TokenLogprob:
        told = self._name(token, likelihoods[token])
        asked = self.generation.params["logprobs"]
        ranked = sorted((one.rank, other) for other, one in likelihoods.items() if one.rank <= asked)
        told.likeliest.extend(self._name(other, likelihoods[other]) for _, other in ranked)
        return told

    def _name(self, token: int, likelihood: Any) -> types_pb2.TokenLogprob:
        data = (likelihood.decoded_token or "").encode() if self._pieces is None else self._pieces[token]
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = ""
        return types_pb2.TokenLogprob(text=text, data=data, logprob=likelihood.logprob)


def _refused(generation: Generation) -> str:
    """Return the likeliest reason for which vLLM refuses what was checked before: it compiles structures."""
    if generation.structure is None:
        return "bad_sampling"
    return "bad_grammar" if "grammar" in generation.structure else "bad_schema"
