"""Learning: what the supervisor has of it, and what each worker."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial

from ringfenced.build import clock
from ringfenced.build.lasting import meanwhile
from ringfenced.config import Config
from ringfenced.learn.features import featured
from ringfenced.learn.prior import PRIOR, Prior
from ringfenced.learn.report import NO_REPORT
from ringfenced.learn.verifier import Verifier
from ringfenced.nouns import Learning
from ringfenced.site.directory import Engines
from ringfenced.site.embedding import LocalEmbedder
from ringfenced.site.learnedfile import NAME as LEARNED_NAME
from ringfenced.site.learnedfile import LearnedFile
from ringfenced.site.learning import NothingLearned, SiteLearning
from ringfenced.site.refitting import Known, Refitting
from ringfenced.site.teaching import NothingTaught, SiteTeaching
from ringfenced.store.link_lessons import Lessons
from ringfenced.store.outcomes import NAME as OUTCOMES_NAME
from ringfenced.store.outcomes import Outcomes
from ringfenced.telemetry.routing import RoutingNow


@dataclass(frozen=True, slots=True)
class Learned:
    """Learning in one worker."""

    learning: Learning
    """What the flow asks and tells."""
    teaching: SiteTeaching | NothingTaught
    """What callers and operators ask and tell."""
    draw: Callable[[], float | None]
    """Chance, for exploration."""
    now: Callable[[], RoutingNow]
    """For metrics."""
    verifier: Callable[[], Verifier | None]
    """What was learned of answers, the newest there is; None where the shipped verifier judges."""

    def qualities(self) -> Mapping[str, float]:
        """Each model's learned quality, of those that have one."""
        return self.now().report.quality_by_model()


@asynccontextmanager
async def taught(config: Config) -> AsyncIterator[Refitting | None]:
    """Who keeps what came of requests, and learns from it; None where nothing is learned."""
    routing = config.routing
    if not routing.learn:
        yield None
        return
    outcomes = Outcomes(
        config.state / OUTCOMES_NAME,
        keep_days=routing.keep_days,
        keep_outcomes=routing.keep_outcomes,
        unix_s=clock.unix_s,
    )
    with closing(outcomes):
        known = Known(config.qualities(), config.costs())
        refitting = Refitting(outcomes, config.state, known, labels_min=routing.refit_labels_min)
        async with meanwhile(refitting.run()):
            yield refitting


@asynccontextmanager
async def learning(
    config: Config, lessons: Lessons | None, pseudonym: Callable[[str], str], salt: bytes, engines: Engines
) -> AsyncIterator[Learned]:
    """What was learned, applied and added to.

    Args:
        config: the file.
        lessons: who keeps what comes; None where nothing is learned.
        pseudonym: keyed pseudonym of a text, hex.
        salt: keys the hashing of prompts.
        engines: the engines of this node, one of which may embed prompts.
    """
    routing, configured = config.routing, config.qualities()
    if lessons is None:
        nothing = NothingLearned(routing.good_answer_microcredits)
        yield Learned(
            nothing, NothingTaught(), lambda: None, lambda: RoutingNow(0, 0, 0, 0, 0, NO_REPORT), lambda: None
        )
        return
    file = LearnedFile(config.state / LEARNED_NAME, configured)
    prior = Prior.from_bytes(PRIOR.read_bytes())
    read = partial(featured, salt=salt, prior=prior)
    embedder = _embedder(config, engines, salt)
    site = SiteLearning(
        routing,
        lambda: file.learned,
        lessons,
        read=read,
        pseudonym=pseudonym,
        unix_s=clock.unix_s,
        embedder=embedder,
    )
    teaching = SiteTeaching(
        routing,
        lessons,
        report=lambda: file.report,
        file_failure=lambda: file.failure,
        configured=configured,
        pseudonym=pseudonym,
    )

    def now() -> RoutingNow:
        counts = site.counts
        rated = (counts.rated[True], counts.rated[False])
        embedded = {} if embedder is None else embedder.counts
        return RoutingNow(*rated, counts.explored, counts.lessons, counts.failed, file.report, embedded)

    async with meanwhile(file.run()):
        yield Learned(site, teaching, _chance(config), now, lambda: file.verifier)


def _embedder(config: Config, engines: Engines, salt: bytes) -> LocalEmbedder | None:
    """Who says more of prompts than their form; None where the file names nobody."""
    model = next((model for model in config.models if model.name == config.routing.embedder), None)
    if model is None:
        return None
    return LocalEmbedder(engines, model, config.routing, salt=salt, clock=time.monotonic)


def _chance(config: Config) -> Callable[[], float | None]:
    """Chance, where it may play a part."""
    if config.routing.deterministic or not config.routing.explore:
        return lambda: None
    return secrets.SystemRandom().random
