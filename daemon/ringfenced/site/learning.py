"""What this site has learned of its targets' answers, and what a finished request adds to it.

    rated   features of the prompt, what an embedder says of it ──▶ segment ──▶ what is expected of each target's answer
    learn   verdicts of the finished way ──▶ a lesson, without content ──▶ whoever keeps it

What was learned comes from a file that another process writes (`site.refit`); here it is only applied.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ringfence.labels import Level
from ringfenced.config import Routing
from ringfenced.inputs import Asked, Rating, configured
from ringfenced.learn.lesson import Lesson
from ringfenced.learn.lineup import Rated
from ringfenced.learn.outcome import Features, Float32s
from ringfenced.learn.report import Rater
from ringfenced.learn.segment import form_of, may_keep_name
from ringfenced.model import File, Json, Offer, Prompt, Request, Text
from ringfenced.site.lessons import answers_of
from ringfenced.way import Way

GRAMS_MAX: Final = 3072
"""Hashed features that are kept of a prompt, the heaviest: 24 KiB, so that a lesson fits a line of the link."""

PENDING_MAX: Final = 10_000
"""Requests whose features wait for their end; the oldest are pushed out."""

TENANT_DEFAULT: Final = "site"
"""The tenant of callers whose configuration names none."""

PSEUDONYM_BYTES: Final = 16
"""Of a request's id and of a department, as kept."""


class Lessons(Protocol):
    """Whoever keeps lessons."""

    def put(self, lesson: Lesson) -> None:
        """Take one; never waits."""
        ...


class Embedder(Protocol):
    """A model that says more of a prompt than its form."""

    async def added(self, features: Features, text: str, deadline_s: float | None) -> Features:
        """The features with what it says; the same where it does not answer soon. Raises nothing but cancellation."""
        ...


class NothingLearned:
    """Implements `nouns.Learning` for a site that does not learn: configured quality counts."""

    def __init__(self, good_answer_microcredits: float = 0.0) -> None:
        """Take what a good answer is worth; begin without offers."""
        self._worth = good_answer_microcredits
        self._rated_for: tuple[Offer, ...] = ()
        self._rating = configured(())

    async def rated(self, request: Request, asked: Asked, offers: tuple[Offer, ...]) -> Rating:  # noqa: ARG002 - whoever
        """As configured."""
        return self.configured(offers)

    def configured(self, offers: tuple[Offer, ...]) -> Rating:
        """What is expected of each target as it is configured."""
        if offers is not self._rated_for:
            plain = configured(offers)
            self._rating = Rating(plain.quality, plain.uncertainty, plain.learned, good_answer_microcredits=self._worth)
            self._rated_for = offers
        return self._rating

    def learn(self, way: Way) -> None:
        """Nothing."""

    def dismiss(self, request: Request) -> None:
        """Nothing."""


@dataclass(slots=True)
class Counts:
    """What was counted since the process began."""

    rated: Counter[bool] = field(default_factory=Counter)
    """Requests, by whether anything that was learned counted for them."""
    explored: int = 0
    """Requests whose first target was taken to learn of it."""
    lessons: int = 0
    """Requests that were kept."""
    failed: int = 0
    """How often learning failed at a request, which went on as if nothing were learned."""


@dataclass(frozen=True, slots=True)
class _Pending:
    features: Features
    segment: str
    models: tuple[str, ...]
    quality: list[float]

    def expected(self) -> dict[str, float]:
        """The quality that was expected of each model; made for requests that end alone."""
        return dict(zip(self.models, self.quality, strict=True))


class SiteLearning:
    """Implements `nouns.Learning` for a site that learns. For one event loop."""

    def __init__(
        self,
        settings: Routing,
        current: Callable[[], Rater],
        lessons: Lessons,
        *,
        read: Callable[[str], Features],
        pseudonym: Callable[[str], str],
        unix_s: Callable[[], int],
        embedder: Embedder | None = None,
    ) -> None:
        """Wire.

        Args:
            settings: the section ``[routing]``.
            current: what was learned, the newest there is.
            lessons: who keeps what comes.
            read: a prompt's features, hashed under the node's own salt.
            pseudonym: keyed pseudonym of a text, hex.
            unix_s: Unix time in seconds.
            embedder: says more of prompts; None for nobody.
        """
        self._settings = settings
        self._current = current
        self._lessons = lessons
        self._read = read
        self._pseudonym = pseudonym
        self._unix_s = unix_s
        self._embedder = embedder
        self._pending: OrderedDict[str, _Pending] = OrderedDict()
        self._unlearned = NothingLearned(settings.good_answer_microcredits)
        self._table_for: tuple[Offer, ...] = ()
        self._models: tuple[str, ...] = ()
        self._as_configured: list[float] = []
        self._quality: Float32s = np.zeros(0, np.float32)
        self.counts = Counts()
        """What was counted since the process began."""

    async def rated(self, request: Request, asked: Asked, offers: tuple[Offer, ...]) -> Rating:
        """What is expected of each target's answer; as configured where learning itself fails."""
        if request.prompt.embeds:
            return self._unlearned.configured(offers)
        try:
            text = text_of(request.prompt)
            features = thinned(self._read(text))
            # Of RESTRICTED content no such numbers are kept; and what is rated by is what is kept.
            if self._embedder is not None and asked.label.level < Level.RESTRICTED:
                features = await self._embedder.added(features, text, request.deadline_s)
            return self._rated(request, asked, offers, features)
        except Exception:  # noqa: BLE001 - state of another version, a defect: whatever it is, no request ends of it
            self.counts.failed += 1
            return self._unlearned.configured(offers)

    def learn(self, way: Way) -> None:
        """Take what came of a finished way; what is above the site's label for learning is forgotten here."""
        try:
            self._learn(way)
        except Exception:  # noqa: BLE001 - likewise
            self.counts.failed += 1

    def dismiss(self, request: Request) -> None:
        """Forget the features of a request that was only planned."""
        self._pending.pop(request.id, None)

    def _learn(self, way: Way) -> None:
        pending = self._pending.pop(way.request.id, None)
        if pending is None or way.inputs is None or way.decision is None or way.caller is None:
            return
        self.counts.explored += way.decision.explored
        asked = way.inputs.asked
        if not self._teaches(asked):
            return
        if not (answers := answers_of(way, pending.expected(), words=may_keep_words(asked))):
            return
        self.counts.lessons += 1
        self._lessons.put(
            Lesson(
                request=request_key(self._pseudonym, way.request.id),
                owner=owner_key(self._pseudonym, way.caller.tenant, way.caller.department),
                at_unix_s=self._unix_s(),
                segment=pending.segment,
                features=kept(pending.features, asked).to_bytes(),
                answers=answers,
            )
        )

    def _rated(self, request: Request, asked: Asked, offers: tuple[Offer, ...], features: Features) -> Rating:
        self._line_up(offers)
        segment = self._segment(asked)
        rated = self._current().rated(features, segment, self._models, self._quality)
        quality = _kept_to_their_word(rated, self._quality, asked.quality_min).tolist()
        self._pending[request.id] = _Pending(features, segment, self._models, quality)
        if len(self._pending) > PENDING_MAX:
            self._pending.popitem(last=False)
        self.counts.rated[bool(rated.learned.any())] += 1
        return Rating(
            quality,
            rated.uncertainty.tolist(),
            rated.learned.tolist(),
            explore=self._settings.explore if self._teaches(asked) else 0.0,
            good_answer_microcredits=self._settings.good_answer_microcredits,
        )

    def _line_up(self, offers: tuple[Offer, ...]) -> None:
        """Their models and qualities; where they are as before the same objects, so that nobody lays them out anew."""
        if offers is self._table_for:
            return
        self._table_for = offers
        models, quality = tuple(offer.target.model for offer in offers), [offer.quality for offer in offers]
        if models != self._models or quality != self._as_configured:
            self._models, self._as_configured = models, quality
            self._quality = np.array(quality, np.float32)

    def _teaches(self, asked: Asked) -> bool:
        return asked.label.level <= self._settings.learn_label_max

    def _segment(self, asked: Asked) -> str:
        """The kind of request; each tenant has its own, so that none teaches what another goes by."""
        kind = form_of(asked)
        if asked.task:
            kind = asked.task if may_keep_name(asked) else f"~task-{self._pseudonym(f'task/{asked.task}')[:12]}"
        # No task's name holds an "@" (`api.decode`), so that nobody can name another tenant's.
        return kind if asked.tenant == TENANT_DEFAULT else f"{kind}@{asked.tenant}"


def _kept_to_their_word(rated: Rated, configured_: Float32s, quality_min: float) -> NDArray[np.float64]:
    """Expected quality; the shipped prior alone puts nobody under a bar that its configured quality passes.

    What a caller calls good enough is held against what the operator said until something was learned here: a prior
    that was trained on other questions may say which of two targets is better, not that none of them will do.
    """
    expected = rated.quality.astype(np.float64)
    if quality_min <= 0:
        return expected
    stands = ~rated.learned & (configured_ >= np.float32(quality_min))
    return np.where(stands, np.maximum(expected, quality_min), expected)


def request_key(pseudonym: Callable[[str], str], request_id: str) -> bytes:
    """How a request is found again that somebody has an opinion of."""
    return _key(pseudonym(f"request/{request_id}"))


def owner_key(pseudonym: Callable[[str], str], tenant: str, department: str) -> bytes:
    """Whose request it was."""
    return _key(pseudonym(f"owner/{tenant}/{department}"))


def _key(hexadecimal: str) -> bytes:
    return bytes.fromhex(hexadecimal)[:PSEUDONYM_BYTES]


def may_keep_words(asked: Asked) -> bool:
    """Whether hashed words of prompt and answer may be written down: of RESTRICTED content never."""
    return asked.label.level < Level.RESTRICTED


def kept(features: Features, asked: Asked) -> Features:
    """What of a prompt's features is written down: of RESTRICTED content counts of its form alone.

    Neither n-grams nor what an embedder said of it.
    """
    if may_keep_words(asked):
        return features
    return Features(features.hand, features.index[:0], features.weight[:0])


def text_of(prompt: Prompt) -> str:
    """All that a prompt says in words, in its order."""
    parts = [part for turn in prompt.messages for part in turn.parts]
    texts = [part.text for part in parts if isinstance(part, Text | Json | File) and part.text is not None]
    return "\n".join(texts)


def thinned(features: Features) -> Features:
    """The same with the heaviest `GRAMS_MAX` hashed features alone: what is rated by is what is kept."""
    if len(features.index) <= GRAMS_MAX:
        return features
    heaviest = np.sort(np.argpartition(features.weight, -GRAMS_MAX)[-GRAMS_MAX:])
    return replace(features, index=features.index[heaviest], weight=features.weight[heaviest])
