"""What a finished request teaches, as it is told to whoever keeps it: numbers, the site's own names, keyed hashes."""

from __future__ import annotations

import base64
from dataclasses import astuple, dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer of one model."""

    model: str
    """Who answered; a model of the site's configuration."""
    propensity: float
    """How probable it was that the ladder began as it did, above 0 and at most 1."""
    explored: bool
    """The ladder began as it did to learn of it."""
    expected: float
    """The quality that was expected of it, 0 to 1."""
    cost_microcredits: int
    """What it cost."""
    duration_ms: float
    """From its rung's beginning to its end, in milliseconds."""
    first_ms: float | None = None
    """To its first delta, in milliseconds; None where it is not known."""
    score: float | None = None
    """How good it was, 0 to 1; None where nobody has said so yet."""
    kind: str = ""
    """Who said so: ``evaluator``, ``schema``, ``tool`` or ``escalation``; empty for nobody."""
    scores: tuple[tuple[str, float], ...] = ()
    """What each evaluator said, by the name that the site gave it."""
    escalated_to: str = ""
    """The model that was asked next because this answer fell short; empty for none."""
    beside: float | None = None
    """What evaluators say of it that were asked after the learned verifier, the least; None where none was."""
    read: bytes = field(default=b"", repr=False)
    """What the learned verifier read of it, of `answers_kept.packed`; empty where it was not asked."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One finished request."""

    request: bytes
    """Keyed pseudonym of its id, 16 bytes."""
    owner: bytes
    """Keyed pseudonym of its caller's tenant and department, 16 bytes: who may say how good the answer was."""
    at_unix_s: int
    """When it ended, in Unix seconds."""
    segment: str
    """Which kind of request it was; never content."""
    features: bytes
    """`Features.to_bytes` of its prompt."""
    answers: tuple[Answered, ...]
    """Every answer that came to its end, in the order of the ladder; the last one is what the caller got."""

    def to_json(self) -> list[object]:
        """As JSON, for the link between processes."""
        keys = [base64.b64encode(key).decode("ascii") for key in (self.request, self.owner, self.features)]
        return [*keys, self.at_unix_s, self.segment, list(map(_told, self.answers))]

    @classmethod
    def from_json(cls, said: list[Any]) -> Lesson:
        """Read what `to_json` wrote.

        Raises:
            ValueError, TypeError, LookupError: it is something else.
        """
        request, owner, features, at_unix_s, segment, answers = said
        keys = [base64.b64decode(key, validate=True) for key in (request, owner, features)]
        return cls(keys[0], keys[1], int(at_unix_s), str(segment), keys[2], tuple(map(_answered, answers)))


def _told(answer: Answered) -> list[object]:
    """An answer's fields in their order; the last one is bytes."""
    return [*astuple(answer)[:-1], base64.b64encode(answer.read).decode("ascii")]


def _answered(said: list[Any]) -> Answered:
    named = dict(zip((field.name for field in fields(Answered)), said, strict=True))
    named["scores"] = tuple((str(name), float(score)) for name, score in named["scores"])
    named["read"] = base64.b64decode(named["read"], validate=True)
    return Answered(**named)
