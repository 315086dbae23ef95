"""One request inside the llama.cpp engine: what was asked, how far it is, and what it reports."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence

import numpy as np

from ringfence.v1 import engine_pb2, types_pb2
from ringfenced.engines.admission import Ticket
from ringfenced.engines.llama.cache import Place
from ringfenced.engines.llama.logprobs import Logprobs
from ringfenced.engines.llama.outlet import Outlet
from ringfenced.engines.llama.prefixes import Tokens
from ringfenced.engines.llama.sampler import Sampler
from ringfenced.engines.llama.sights import Sight
from ringfenced.engines.server import Connection


class Answer:
    """An answer in the making; it waits, then reads its prompt, then is generated."""

    __slots__ = (
        "_first_s",
        "_logprob_min",
        "_sights",
        "_started_s",
        "adapter",
        "completion_tokens",
        "confidential",
        "connection",
        "deadline_s",
        "group",
        "is_gone",
        "leader",
        "logprobs",
        "outlet",
        "place",
        "position",
        "prompt",
        "sampler",
        "sequence",
        "ticket",
        "token",
        "tokens_max",
    )

    def __init__(
        self,
        connection: Connection,
        command: engine_pb2.EngineSubmit,
        *,
        prompt: Sequence[int] | Tokens,
        tokens_max: int,
        sampler: Sampler | None,
        now_s: float,
        outlet: Outlet | None = None,
        sights: Sequence[tuple[int, Sight]] = (),
        logprobs: Logprobs | None = None,
    ) -> None:
        """Begin.

        Args:
            connection: where it came from.
            command: what was asked.
            prompt: the prompt's tokens.
            tokens_max: most tokens to generate, at least 1.
            sampler: how to draw; None for the likeliest token.
            now_s: now, on the monotonic clock.
            outlet: where its tokens go; None for text alone.
            sights: pictures in the prompt, each with the place of its first token, in order.
            logprobs: tells of each token's log-probability; None where nobody asks.
        """
        self.connection = connection
        self.sequence = command.sequence
        self.confidential = command.confidential
        self.deadline_s = now_s + command.deadline_ms / 1000 if command.deadline_ms else float("inf")
        self.prompt = np.asarray(prompt, np.int32)
        self.tokens_max = tokens_max
        self.sampler = sampler
        self.outlet = outlet or Outlet(connection, command.sequence, command.sampling.stop)
        self.logprobs = logprobs
        self.adapter = command.adapter
        """The LoRA adapter that it is made with; empty for none."""
        self._sights = deque(sights)
        self.group: Hashable | None = (command.cache_salt, command.adapter)
        """Who may share with it what the cache holds; None for nobody."""
        self.ticket: Ticket[Answer]
        """Its claim to a place, from when it was taken in."""
        self.place: Place | None = None
        """Its sequence in the cache; None while it waits."""
        self.leader: tuple[Place, int] | None = None
        """A sequence that is reading a beginning of its prompt, which it waits for, and how long that is."""
        self.is_gone = False
        """Whether it was ended while a step was being computed, after which its place is given back."""
        self.position = 0
        """Tokens of it that the cache holds."""
        self.token = -1
        """The token drawn last, not yet in the cache."""
        self.completion_tokens = 0
        """Tokens drawn, the one that ends the generation not counted."""
        self._started_s = now_s
        self._first_s = 0.0
        self._logprob_min = 0.0

    @property
    def cells(self) -> int:
        """Room in the cache that it may come to need."""
        return len(self.prompt) + self.tokens_max

    @property
    def is_reading(self) -> bool:
        """Whether some of its prompt is not in the cache yet."""
        return self.position < len(self.prompt)

    @property
    def reading_end(self) -> int:
        """Up to where its prompt can be read as tokens: a picture's place, or its end."""
        return self._sights[0][0] if self._sights else len(self.prompt)

    def looks(self) -> list[tuple[Sight, int]]:
        """Pass the pictures that come next in its prompt; return them, each with its position."""
        found: list[tuple[Sight, int]] = []
        while self._sights and self._sights[0][0] == self.position:
            _, sight = self._sights.popleft()
            found.append((sight, self.position))
            self.position += sight.tokens
        return found

    def take(
        self,
        token: int,
        piece: bytes | None,
        logprob: float,
        now_s: float,
        told: types_pb2.TokenLogprob | None = None,
    ) -> bool:
        """Take the next token; send what can be sent; return whether the answer has ended, the finish sent.

        Args:
            token: the token.
            piece: its bytes; None if it ends the generation.
            logprob: its log-probability in the model's own distribution.
            now_s: now, on the monotonic clock.
            told: what is told of it, where log-probabilities are asked for.
        """
        self._first_s = self._first_s or now_s
        self._logprob_min = min(self._logprob_min, logprob)
        if piece is None:
            self.outlet.finish()
            self.finish(now_s, self.outlet.reason)
            return True
        self.token = token
        self.completion_tokens += 1
        if self.outlet.push(token, piece, told):
            self.finish(now_s, self.outlet.reason)
            return True
        if self.completion_tokens >= self.tokens_max:
            self.outlet.finish()
            self.finish(now_s, types_pb2.FINISH_REASON_LENGTH)
            return True
        return False

    def fail(self, reason: str, **numbers: int) -> None:
        """Send that it cannot go on."""
        self.connection.fail(self.sequence, reason, **numbers)

    def finish(self, now_s: float, reason: types_pb2.FinishReason.ValueType, *, cancelled: bool = False) -> None:
        """Send the finish as it stands."""
        finish = self.connection.dirty().finishes.add(
            sequence=self.sequence,
            reason=reason,
            prompt_tokens=len(self.prompt),
            completion_tokens=self.completion_tokens,
            cached_tokens=self.place.shared if self.place is not None else 0,
            duration_us=round((now_s - self._started_s) * 1e6),
            cancelled=cancelled,
        )
        if self._first_s:
            finish.time_to_first_token_us = round((self._first_s - self._started_s) * 1e6)
            finish.logprob_min = self._logprob_min
