"""Learning anew, once enough was said: when a refit is started, what it may take, and how it ends. In the supervisor.

The refit itself is another process (`site.refit`), so that neither its memory nor its time is the daemon's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import ringfence
import ringfenced
from ringfenced.engines.child import Child
from ringfenced.errors import Unavailable
from ringfenced.learn.drift import Watch
from ringfenced.learn.lesson import Answered, Lesson
from ringfenced.learn.schedule import refit_due
from ringfenced.site import learnedfile
from ringfenced.site.refit import Task
from ringfenced.store.outcomes import NAME as OUTCOMES_NAME
from ringfenced.store.outcomes import Outcomes
from ringfenced.store.outcomes_tables import Feedback, Tally

_LOG = logging.getLogger("ringfenced.learning")

POLL_S: Final = 0.25
"""How often it is looked whether a refit is due, in seconds."""

TIMEOUT_S: Final = 900.0
"""How long one may take; a longer one is killed and tried again when more was said."""

MEMORY_BYTES: Final = 3 * 1024**3
"""How much of an address space one may take; scikit-learn and what it loads take a third of it."""

THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables that bound the threads of the mathematics."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the site's models before anything is learned."""

    configured: Mapping[str, float]
    """Each model's configured quality, 0 to 1."""
    costs: Mapping[str, float]
    """What an answer of each is expected to cost, in microcredits."""


class Refitting:
    """The node's lessons: takes them, and has them learned from. For one event loop."""

    def __init__(self, outcomes: Outcomes, state: Path, known: Known, *, labels_min: int) -> None:
        """Wire.

        Args:
            outcomes: what is kept.
            state: the folder of the outcomes and of what was learned.
            known: the site's models.
            labels_min: so many labels are needed for the first refit, and between two.
        """
        self._outcomes = outcomes
        self._folder = state
        self._known = known
        self._labels_min = labels_min
        self._labels_then = 0
        self._used = 0
        self._version = 0
        self._wanted = False
        self._was_ended = False
        self._watches: dict[str, Watch] = {}
        outcomes.on_label = self._watch
        self._running: Child | None = None
        self.failure = ""
        """Why the last refit failed; empty where it did not."""

    # ── what workers ask ─────────────────────────────────────────────────────────────────────────────────────────────

    def put(self, lesson: Lesson) -> None:
        """Take a lesson; never waits."""
        self._outcomes.put(lesson)

    async def rate(self, said: Feedback) -> bool:
        """Write down what a caller says of its answer; whether there is such a request of its department."""
        return await self._outcomes.rate(said)

    async def tally(self) -> list[Tally]:
        """How much is known, by segment and model."""
        return await self._outcomes.tally()

    async def trouble(self) -> str:
        """Why nothing is learned at present; empty while it is."""
        return self._outcomes.failure or self.failure

    async def drifting(self) -> list[str]:
        """Models whose answers are no longer as they were expected, since the last refit."""
        return sorted(model for model, watch in self._watches.items() if watch.is_drifting)

    async def forget(self, model: str) -> int:
        """Forget one model's answers, or all; what was learned is dropped at once, and learned anew from the rest."""
        if (process := self._end_running()) is not None:
            self._was_ended = True
            await process.wait()
        gone = await self._outcomes.forget(model)
        try:
            (self._folder / learnedfile.NAME).unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable(
                f"What was learned cannot be deleted ({type(error).__name__}); check the disk of the state folder.",
                reason="learning_failed",
            ) from None
        self._labels_then, self._used, self._wanted = self._outcomes.labels, 0, bool(model)
        await self._keep()
        return gone

    # ── refits ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Start refits when they are due, until cancelled; none runs when this has ended."""
        with contextlib.suppress(Unavailable):  # a broken file: nothing will ever be due
            self._labels_then = await self._outcomes.count("fitted_labels")
            self._used = await self._outcomes.count("fitted_outcomes")
            self._version = await self._outcomes.count("fitted_version")
            # What an older version wrote, or a disk has broken, is made again at once.
            self._wanted = bool(self._used) and not await asyncio.to_thread(self._can_be_read)
        try:
            while True:
                await asyncio.sleep(POLL_S)
                try:
                    if self._wanted or await self._is_due():
                        self._wanted = False
                        await self._refit()
                except Exception as error:  # noqa: BLE001 - learning may fail; the daemon and its engines go on
                    self._labels_then = self._outcomes.labels
                    self.failure = f"the last refit failed ({type(error).__name__}); the next one tries again"
                    _LOG.error("refit_failed", extra={"fields": {"error": type(error).__name__}})
        finally:
            self._end_running()

    def _can_be_read(self) -> bool:
        """Whether what the last refit left is of use to workers. Blocking."""
        file = learnedfile.LearnedFile(self._folder / learnedfile.NAME, self._known.configured)
        return file.report.version > 0 and not file.verifier_failure

    async def _is_due(self) -> bool:
        """Whether enough was said since the last refit; where a model drifts, the least is enough."""
        fresh = self._outcomes.labels - self._labels_then
        if refit_due(fresh, self._used, self._labels_min):
            return True
        models = await self.drifting()
        if not models or not refit_due(fresh, 0, self._labels_min):
            return False
        _LOG.info("drift", extra={"fields": {"models": models}})
        return True

    def _watch(self, answer: Answered) -> None:
        """Compare what was said of an answer with what was expected; called by the thread that writes outcomes, too."""
        assert answer.score is not None
        self._watches[answer.model] = self._watches.get(answer.model, Watch()).after(answer.score, answer.expected)

    async def _refit(self) -> None:
        labels, version = self._outcomes.labels, self._version + 1
        task = Task(
            parent=os.getpid(),
            outcomes=str(self._folder / OUTCOMES_NAME),
            learned=str(self._folder / learnedfile.NAME),
            configured=dict(self._known.configured),
            costs=dict(self._known.costs),
            version=version,
            labels=labels,
            memory_bytes=MEMORY_BYTES,
        )
        said = await self._run_process(json.dumps(asdict(task)).encode())
        if self._was_ended:  # something was forgotten meanwhile, and counts from then on
            self._was_ended = False
            return
        self._labels_then, self._version = labels, version
        if "version" in said:
            self._used, self.failure = said["outcomes"], ""
            self._watches.clear()
            _LOG.info("refitted", extra={"fields": said})
        else:
            self.failure = f"the last refit failed ({said.get('error', 'it was killed')}); the next one tries again"
            _LOG.error("refit_failed", extra={"fields": said})
        with contextlib.suppress(Unavailable):
            await self._keep()

    async def _keep(self) -> None:
        """Write down where the schedule stands."""
        stands = {"fitted_labels": self._labels_then, "fitted_outcomes": self._used, "fitted_version": self._version}
        await self._outcomes.keep(stands)

    async def _run_process(self, task: bytes) -> dict[str, Any]:
        """What the process said of its end; empty where it was killed."""
        try:
            command = (sys.executable, "-P", "-m", "ringfenced.site.refit")
            self._running = process = Child(command, variables=environment())
            said, _ = await process.ask(task, TIMEOUT_S)
            return dict(json.loads(said.splitlines()[-1])) if said else {}
        except TimeoutError:
            return {"error": "timeout"}
        except (OSError, ValueError, LookupError) as error:
            return {"error": type(error).__name__}
        finally:
            self._running = None

    def _end_running(self) -> Child | None:
        """Kill the refit that runs; that one, None where none does."""
        process, self._running = self._running, None
        if process is not None:
            process.kill()
        return process


def environment() -> dict[str, str]:
    """All that a refit sees of the environment: nothing of the daemon's own."""
    roots = {str(Path(package.__path__[0]).parent): None for package in (ringfence, ringfenced)}
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(roots),
        "PYTHONDONTWRITEBYTECODE": "1",
        **dict.fromkeys(THREADS, "1"),
    }
