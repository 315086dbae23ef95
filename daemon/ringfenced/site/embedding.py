"""A model of this node that embeds prompts for learning: asked briefly, gone on without where it does not answer.

Like a reader (`site.asking`), it is part of looking at a request: what it is asked is not decided, accounted or
recorded, and goes to an engine of this node alone.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final

from ringfenced.config import LocalModel, Routing
from ringfenced.engines.status import EngineState
from ringfenced.errors import ContextExceeded, DeadlineExceeded
from ringfenced.learn.outcome import Features, Float32s
from ringfenced.learn.projection import projected, signs_of, space_of
from ringfenced.model import Claim
from ringfenced.site.directory import Engines

CHARS_A_TOKEN: Final = 2
"""Characters that a token of the context is taken to hold; four are usual in English, fewer in numbers and names."""
SHORTER: Final = 4
"""A text that is still too long for the model is asked again with one character in so many."""
TIME_SHARE: Final = 0.25
"""Part of a request's remaining time that it may take at most."""
PAUSE_S: Final = 1.0
"""How long the model is left alone after it was late or failed, in seconds, so that few requests wait in vain."""

_ANYBODY: Final = Claim()


class LocalEmbedder:
    """Implements `site.learning.Embedder`. For one event loop."""

    def __init__(
        self, engines: Engines, model: LocalModel, settings: Routing, *, salt: bytes, clock: Callable[[], float]
    ) -> None:
        """Wire.

        Args:
            engines: the engines of this node.
            model: one of them that embeds.
            settings: the section ``[routing]``: how much of a prompt it is shown, how long it may take.
            salt: the secret bytes that key what is kept of prompts.
            clock: monotonic seconds, those of requests' deadlines.
        """
        self._engines = engines
        self._model = model.name
        self._chars_max = min(settings.embedder_chars, CHARS_A_TOKEN * model.context_tokens)
        self._seconds_max = settings.embedder_ms / 1000
        self._salt = salt
        self._clock = clock
        self._changes = -1
        self._is_ready = False
        self._resumes_s = float("-inf")
        self._signs: dict[int, tuple[int, Float32s]] = {}
        self.counts: Counter[str] = Counter()
        """Prompts, by what came of asking: ``used``; ``late``; ``failed``; ``away``, for the model is not loaded, was
        left alone after one of the others, or the request had no time left."""

    async def added(self, features: Features, text: str, deadline_s: float | None) -> Features:
        """A prompt's features with what the model says of it; without that where it does not answer in time.

        Never loads the model nor waits for that: what is loaded makes room for nothing else. Raises nothing but that it
        is cancelled.

        Args:
            features: of the prompt.
            text: the prompt; its end is read.
            deadline_s: when the request's time is over, in the clock's seconds; None for never.
        """
        if not text.strip():
            return features
        found, outcome = await self._asked(features, text, deadline_s)
        self.counts[outcome] += 1
        if outcome in {"late", "failed"}:
            self._resumes_s = self._clock() + PAUSE_S
        return found

    async def _asked(self, features: Features, text: str, deadline_s: float | None) -> tuple[Features, str]:
        now_s = self._clock()
        left_s = self._seconds_max
        if deadline_s is not None:
            left_s = min(left_s, (deadline_s - now_s) * TIME_SHARE)
        if left_s <= 0 or now_s < self._resumes_s or not self._is_loaded():
            return features, "away"
        try:
            async with asyncio.timeout(left_s):
                embedding = await self._embedding(text[-self._chars_max :], left_s)
            return self._projected(features, embedding), "used"
        except (TimeoutError, DeadlineExceeded):
            return features, "late"
        except Exception:  # noqa: BLE001 - an engine that dies, a model that answers nonsense: no request ends of it
            return features, "failed"

    async def _embedding(self, text: str, seconds_max: float) -> tuple[float, ...]:
        with self._engines.place(self._model, seconds_max=seconds_max, salt=b"") as place:
            while await place.wait() is not None:
                pass
            deadline_ms = max(1, int(seconds_max * 1000))
            try:
                made = await place.engine.embed([text], deadline_ms=deadline_ms, claim=_ANYBODY)
            except ContextExceeded:
                shorter = text[-max(1, len(text) // SHORTER) :]
                made = await place.engine.embed([shorter], deadline_ms=deadline_ms, claim=_ANYBODY)
        (vector,) = made.vectors
        return vector

    def _projected(self, features: Features, embedding: tuple[float, ...]) -> Features:
        dimensions = len(embedding)
        if dimensions not in self._signs:  # one, unless the model was swapped for another
            space = space_of(self._model, dimensions, self._salt)
            self._signs = {dimensions: (space, signs_of(space, dimensions, self._salt))}
        return projected(features, embedding, *self._signs[dimensions])

    def _is_loaded(self) -> bool:
        if (changes := self._engines.changes) != self._changes:
            self._changes = changes
            self._is_ready = self._engines.states()[self._model].state is EngineState.READY
        return self._is_ready
