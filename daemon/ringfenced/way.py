"""How far a request has come: the only mutable value of its way, owned by one request."""

from __future__ import annotations

from dataclasses import dataclass, field

from ringfenced.errors import DeadlineExceeded
from ringfenced.inputs import Inputs
from ringfenced.model import (
    Caller,
    Candidate,
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
    begun: list[tuple[Target, int]] = field(default_factory=list)
    """Each rung that began, with what the request had cost until then, in microcredits."""
    unanswered: list[tuple[Target, str]] = field(default_factory=list)
    """Targets that gave no answer at all before another took over, each with the error's reason."""
    verdicts: list[tuple[Target, Verdict]] = field(default_factory=list)
    """What was said of each answer that somebody judged, in order; whether a later rung came to the same stands after
    what was said of that rung, under the earlier target's name."""
    rung: Candidate | None = None
    """The rung now running, or the last one that did."""
    hedge: Candidate | None = None
    """What may be started beside the first rung; what it may cost is held as well."""
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

    def begin_rung(self, rung: Candidate, now_s: float) -> None:
        """Enter step 5 on `rung`; how the one before it ended is of no more account."""
        self.step = 5
        self.rung = rung
        self.ran.append(rung.target)
        self.begun.append((rung.target, self.cost_microcredits))
        self.finish = None
        self.rung_started_s, self.rung_first_s = now_s, None

    def left_s(self, now_s: float) -> float | None:
        """Seconds until the caller stops waiting; None for no limit."""
        return None if self.request.deadline_s is None else self.request.deadline_s - now_s

    def left_ms(self, now_s: float) -> float | None:
        """The same in milliseconds."""
        left_s = self.left_s(now_s)
        return None if left_s is None else left_s * 1000

    def deadline_ms(self, rung: Candidate, now_s: float) -> int:
        """Milliseconds that a rung may take, 0 for no limit: what is left, less what the rungs above it need.

        Raises:
            DeadlineExceeded: nothing is left.
        """
        left_ms = self.left_ms(now_s)
        if left_ms is None:
            return 0
        if left_ms - rung.leave_ms < 1:
            raise DeadlineExceeded("The request's deadline has passed before it could run. Give it more time.")
        return int(left_ms - rung.leave_ms)

    def salt(self) -> bytes:
        """What prefixes may be shared within: one tenant, one label."""
        assert self.caller is not None
        assert self.classification is not None
        return f"{self.caller.tenant}\0{self.classification.label}".encode()

    def is_confidential(self) -> bool:
        """Whether an engine keeps nothing of the prompt once it has answered."""
        assert self.caller is not None
        assert self.classification is not None
        label = self.classification.label
        return bool(self.classification.findings) or label.level > self.caller.label_default.level

    def is_judged(self, rung: Candidate) -> bool:
        """Whether anybody may have something to say of the rung's answer."""
        prompt = self.request.prompt
        asked = self.request.evaluators or prompt.json_schema or prompt.tools
        return not prompt.embeds and (bool(asked) or self.offers[rung.target].is_judged)

    def spare_microcredits(self) -> int:
        """What of the hold neither what ran nor the rungs that have not run yet need: what judging may cost."""
        if self.held_microcredits is None or self.decision is None:
            return 0
        ahead = sum(one.estimate.cost_microcredits_max for one in self.decision.ladder if one.target not in self.ran)
        return self.held_microcredits - self.cost_microcredits - ahead

    def cost_of(self, target: Target) -> int:
        """What came of the cost between a target's rung and the next, in microcredits.

        The target that gave the answer may have been started beside the last rung: then both are its cost. One that
        gave none, and was no rung, cost nothing.
        """
        spent = [*(before for _, before in self.begun), self.cost_microcredits]
        places = [place for place, (begun, _) in enumerate(self.begun) if begun == target]
        if not places and self.ran[-1:] == [target]:
            places = [len(self.begun) - 1]
        return max(0, spent[places[-1] + 1] - spent[places[-1]]) if places else 0
