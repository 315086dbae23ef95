"""Who judges answers on this site."""

from __future__ import annotations

from collections.abc import Sequence

from ringfenced.decide.evaluate import falls_short
from ringfenced.errors import NotFound
from ringfenced.model import GOOD, Answer, Candidate, Verdict
from ringfenced.way import Way


class LogprobFloors:
    """Implements `nouns.Evaluating` with the floors of models alone."""

    def check(self, names: Sequence[str]) -> None:
        """No evaluator has a name."""
        raise NotFound(f"This site has no evaluator {names[0]!r}.", reason="evaluator_unknown")

    async def judge(self, way: Way, rung: Candidate, answer: Answer) -> Verdict:  # noqa: ARG002 - the finish says it
        """Whether the answer's least certain token is certain enough."""
        assert way.finish is not None
        shortfall = falls_short(way.finish, way.offers[rung.target])
        return GOOD if shortfall is None else Verdict(good=False, score=0.0, evaluator="logprobs", reason=shortfall)
