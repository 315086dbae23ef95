"""How far a request has come: the only mutable value of its way, owned by one request."""

from __future__ import annotations

from dataclasses import dataclass, field

from ringfenced.inputs import Inputs
from ringfenced.model import (
    Caller,
    Classification,
    Decision,
    EntryProof,
    Finish,
    Offer,
    Request,
    Target,
    Verdict,
)


@dataclass(slots=True)
class Way:
    """How far a request has come; the only mutable value here, owned by one request."""

    request: Request
    started_s: float
    """Monotonic time at which it began."""
    step: int = 0
    """The step it is in."""
    caller: Caller | None = None
    classification: Classification | None = None
    inputs: Inputs | None = None
    """What the decision was made from."""
    decision: Decision | None = None
    offers: dict[Target, Offer] = field(default_factory=dict)
    held_microcredits: int | None = None
    """What is reserved; None before step 4 and after step 7."""
    cost_microcredits: int = 0
    ran: list[Target] = field(default_factory=list)
    spent_before: list[int] = field(default_factory=list)
    """What the request had cost when each of `ran` began, in microcredits."""
    verdicts: list[tuple[Target, Verdict]] = field(default_factory=list)
    """What was said of each answer that was judged, in order."""
    rung_started_s: float = 0.0
    """Monotonic time at which the rung now running began."""
    rung_first_s: float | None = None
    """Monotonic time of its first delta, held back or not; None before."""
    proofs: list[EntryProof] = field(default_factory=list)
    finish: Finish | None = None
    first_delta_s: float | None = None
    """Monotonic time of the first delta that the caller got."""
    finished_s: float = 0.0
    error: BaseException | None = None

    def begin_rung(self, target: Target, now_s: float) -> None:
        """Enter step 5 on `target`; how the rung before it ended is of no more account."""
        self.step = 5
        self.ran.append(target)
        self.spent_before.append(self.cost_microcredits)
        self.finish = None
        self.rung_started_s, self.rung_first_s = now_s, None

    def cost_of(self, rung: int) -> int:
        """What one of `ran` cost, in microcredits."""
        until = self.spent_before[rung + 1] if rung + 1 < len(self.ran) else self.cost_microcredits
        return max(0, until - self.spent_before[rung])
