"""What callers and operators say to learning, and what it says of itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from ringfenced.config import Routing
from ringfenced.errors import NotFound, Unavailable, Unsupported
from ringfenced.learn.facts import ModelFacts, RoutingFacts, SegmentFacts
from ringfenced.learn.report import ModelReport, Report, SegmentReport
from ringfenced.model import Caller
from ringfenced.site.learning import owner_key, request_key
from ringfenced.store.link_lessons import Lessons
from ringfenced.store.outcomes_tables import Feedback, Tally

_LOG = logging.getLogger("ringfenced.learning")

NOT_YET = "no refit has seen it yet"
"""Why the guard holds in a kind of request that is new."""


class SiteTeaching:
    """Implements `api.routing.Teaching` for a site that learns."""

    def __init__(
        self,
        settings: Routing,
        lessons: Lessons,
        *,
        report: Callable[[], Report],
        file_failure: Callable[[], str],
        configured: Mapping[str, float],
        pseudonym: Callable[[str], str],
    ) -> None:
        """Wire.

        Args:
            settings: the section ``[routing]``.
            lessons: who keeps what comes.
            report: of the newest refit.
            file_failure: why what was learned is not used.
            configured: each model's configured quality.
            pseudonym: keyed pseudonym of a text, hex.
        """
        self._settings = settings
        self._lessons = lessons
        self._report = report
        self._file_failure = file_failure
        self._configured = configured
        self._pseudonym = pseudonym

    async def feedback(self, caller: Caller, request_id: str, score: float, reason: str) -> None:
        """Take what a caller says of an answer that its department got.

        Raises:
            NotFound: there is no such request, it is another department's, or it is kept no more: one is told as the
                other.
            Unavailable: the outcomes cannot be written.
        """
        said = Feedback(
            request_key(self._pseudonym, request_id),
            owner_key(self._pseudonym, caller.tenant, caller.department),
            score,
            reason,
        )
        if not await self._lessons.rate(said):
            settings = self._settings
            raise NotFound(
                "This department has no answered request of that id. Ids are kept for "
                f"{settings.keep_days} days, of requests up to {settings.learn_label_max.name}.",
                reason="request_unknown",
                input_path="request_id",
                numbers={"keep_days": settings.keep_days},
            )

    async def standing(self) -> RoutingFacts:
        """How learning stands."""
        report = self._report()
        failure = await self._lessons.trouble() or self._file_failure()
        drifting = await self._lessons.drifting()
        try:
            tallies = await self._lessons.tally()
        except Unavailable as error:
            tallies, failure = [], failure or error.message
        return RoutingFacts(
            learns=True,
            failure=failure,
            refits=report.version,
            refitted_at_unix_s=report.fitted_at_unix_s,
            outcomes=report.outcomes,
            seconds=report.seconds,
            explore=0.0 if self._settings.deterministic else self._settings.explore,
            drifting=tuple(drifting),
            keep_days=self._settings.keep_days,
            segments=segments_of(tallies, report, self._configured),
            verifier=report.verifier,
        )

    async def forget(self, model: str, *, by: str) -> int:
        """Forget one model's answers, or all where none is named; how many there were.

        Raises:
            Unavailable: the outcomes cannot be written.
        """
        gone = await self._lessons.forget(model)
        _LOG.info("forgotten", extra={"fields": {"by": by, "model": model, "answers": gone}})
        return gone


class NothingTaught:
    """Implements `api.routing.Teaching` for a site that does not learn."""

    async def feedback(self, caller: Caller, request_id: str, score: float, reason: str) -> None:  # noqa: ARG002 - any
        """Nobody would learn from it."""
        raise _off()

    async def standing(self) -> RoutingFacts:
        """Nothing is learned."""
        return RoutingFacts(learns=False)

    async def forget(self, model: str, *, by: str) -> int:  # noqa: ARG002 - whatever
        """There is nothing open to forget."""
        raise _off()


def _off() -> Unsupported:
    return Unsupported(
        "This node does not learn from outcomes; the operator turns it on with [routing] learn.", reason="learning_off"
    )


def segments_of(tallies: list[Tally], report: Report, configured: Mapping[str, float]) -> tuple[SegmentFacts, ...]:
    """What is kept now joined with what the last refit made of what was kept then; those with most answers first."""
    by_name: dict[str, list[Tally]] = {}
    for tally in tallies:
        by_name.setdefault(tally.segment, []).append(tally)
    reported = {segment.name: segment for segment in report.segments}
    made = [_segment(name, by_name.get(name, []), reported.get(name), configured) for name in {**by_name, **reported}]
    return tuple(sorted(made, key=lambda one: (-sum(model.answers for model in one.models), one.name)))


def _segment(
    name: str, tallies: list[Tally], report: SegmentReport | None, configured: Mapping[str, float]
) -> SegmentFacts:
    kept = {tally.model: tally for tally in tallies}
    learned = {model.model: model for model in report.models} if report is not None else {}
    rows = tuple(
        _model(model, kept.get(model), learned.get(model), configured) for model in sorted({**kept, **learned})
    )
    return SegmentFacts(
        name,
        guarded=report.guarded if report is not None else True,
        why=report.why if report is not None else NOT_YET,
        models=rows,
    )


def _model(model: str, kept: Tally | None, learned: ModelReport | None, configured: Mapping[str, float]) -> ModelFacts:
    has_learned = learned is not None and learned.learned
    return ModelFacts(
        model,
        answers=kept.answers if kept is not None else 0,
        labelled=kept.labelled if kept is not None else 0,
        rated=kept.rated if kept is not None else 0,
        score=kept.score if kept is not None else None,
        quality_configured=configured.get(model),
        quality=learned.quality if learned is not None and has_learned else None,
        uncertainty=learned.uncertainty if learned is not None and has_learned else None,
    )
