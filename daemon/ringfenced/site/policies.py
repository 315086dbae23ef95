"""The site's policy in force: read when the daemon starts, and again when its file changes or an operator asks.

A policy is one value, replaced whole between two requests, so that a reload drops none. What cannot be read, parsed or
lacks approvals never takes effect: the policy before it stays, and a health check says so. Nor does a file that is
being written: the beginning of a policy may be one, without the rows that forbid.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from ringfence.configfile import ConfigError
from ringfenced import policyfile
from ringfenced.config import Config
from ringfenced.errors import InvalidRequest, PermissionDenied
from ringfenced.inputs import Asked, Rulings, unruled
from ringfenced.model import Caller, HealthCheck, Offer
from ringfenced.policy import Act, Place, Rulebook, plainest
from ringfenced.policy.cases import Case, Tried, try_case
from ringfenced.policy.people import denied

_LOG = logging.getLogger("ringfenced.policy")

LOOK_EVERY_S = 2.0
"""How often the files are looked at, in seconds: each worker process looks for itself."""


SETTLE_S = 0.5
"""How long a file that has changed must stay as it is before it is read, in seconds."""


BEGIN_S_MAX = 5.0
"""How long a start waits for files that somebody is writing, in seconds."""

_BEGIN_LOOK_S = 0.1

_Loaded = tuple[Rulebook, tuple[tuple[Place, str], ...]]


class _WrittenMeanwhile(ConfigError):
    """What was read may be half of it."""


class SitePolicies:
    """Implements `nouns.Policies`. Lives in one event loop; only reading and parsing happen beside it."""

    def __init__(self, config: Config, offers: Callable[[], tuple[Offer, ...]], unix_ms: Callable[[], int]) -> None:
        """Take the policy as it is now; where somebody is writing it, once that is done. Blocking, for a start.

        Args:
            config: the daemon's file.
            offers: every target, as it stands now.
            unix_ms: the clock, for approvals.

        Raises:
            ConfigError: it cannot be used; the text has a line for each problem.
        """
        self._config = config
        self._offers = offers
        self._unix_ms = unix_ms
        self._callers = tuple(config.callers_by_identity().values())
        self._reloading = asyncio.Lock()
        self._problem = ""
        self._failed: set[str] = set()
        self._doubted: tuple[tuple[Place, str], ...] = ()
        self._seen: policyfile.Stamp = ()
        self._book, doubted = self._begin(offers())
        self._doubt(doubted)

    @property
    def digest(self) -> str:
        """SHA-256 of the policy in force, hex."""
        return self._book.digest

    @property
    def source(self) -> str:
        """The policy in force, as an operator reads it: canonical JSON, of which `digest` is the SHA-256."""
        return self._book.source

    def rulings(self, asked: Asked, offers: tuple[Offer, ...]) -> Rulings:
        """What it says of each target. Never raises: what cannot be evaluated denies."""
        try:
            return self._book.rulings(asked, offers)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing is permitted
            self._tell(error)
            return Rulings({}, self._book.digest)

    def demand(self, caller: Caller, act: Act) -> None:
        """Pass if the policy lets a caller act; whether its roles let it is not looked at.

        Raises:
            PermissionDenied: it does not, or cannot be asked.
        """
        people = self._book.people
        if people is None:
            return
        try:
            people.demand(caller, act)
        except PermissionDenied:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing is permitted
            self._tell(error)
            raise denied(caller, act, "the policy cannot be asked") from None

    def try_case(self, case: Case) -> Tried:
        """What comes of a case."""
        return try_case(case, self._book, self._offers())

    def check(self) -> HealthCheck:
        """Whether the policy in force is the one that the files hold."""
        return HealthCheck("policy", not self._problem, self._problem)

    async def reload(self) -> str:
        """Read the files now; the digest of what is in force.

        Raises:
            InvalidRequest: they cannot be used; the policy before stays.
        """
        async with self._reloading:
            self._seen = policyfile.stamp(self._config)
            offers = self._offers()
            try:
                book, doubted = await asyncio.to_thread(self._load, offers)
            except Exception as caught:  # noqa: BLE001 - whatever a file holds: never the worker's end
                error = caught if isinstance(caught, ConfigError) else f"it cannot be read ({type(caught).__name__})"
                self._problem = f"the policy before stays in force: {error}"
                _LOG.error("policy_kept", extra={"fields": {"digest": self._book.digest, "problem": str(error)}})
                raise InvalidRequest(f"The policy was not taken. {error}", reason="policy_invalid") from None
            self._problem = ""
            if book.digest != self._book.digest:
                self._book = book
                _LOG.info("policy_taken", extra={"fields": {"digest": book.digest, "policies": len(book.rules)}})
                self._doubt(doubted)
            return self._book.digest

    async def run(self, asked: asyncio.Event, done: Callable[[str], None] = lambda _: None) -> None:
        """Look for changes for as long as the daemon lives; goes into its owner's TaskGroup.

        Args:
            asked: set when somebody wants the files read whatever they look like (SIGHUP).
            done: called once they were read for that reason, with nothing or with why the policy before stays.

        A change is read once it has stayed for `SETTLE_S`: whoever writes a file is done by then.
        """
        looked = self._seen
        while True:
            try:
                await asyncio.wait_for(asked.wait(), LOOK_EVERY_S if looked == self._seen else SETTLE_S)
            except TimeoutError:
                before, looked = looked, policyfile.stamp(self._config)
                if looked == self._seen or looked != before:
                    continue
            was_asked = asked.is_set()
            asked.clear()
            with contextlib.suppress(InvalidRequest):  # told in the log and by the health check
                await self.reload()
            if was_asked:
                done(self._problem)

    def _tell(self, error: Exception) -> None:
        """One line for each kind of defect."""
        kind = type(error).__name__
        if kind not in self._failed:
            self._failed.add(kind)
            _LOG.error("policy_defect", extra={"fields": {"error_type": kind}})

    def _doubt(self, doubted: tuple[tuple[Place, str], ...]) -> None:
        """A line for each thing that is probably not meant and was not told before. The policy holds all the same."""
        told, self._doubted = self._doubted, doubted
        for place, what in doubted:
            if (place, what) not in told:
                _LOG.warning("policy_doubted", extra={"fields": {"place": str(place), "problem": what}})

    def _begin(self, offers: tuple[Offer, ...]) -> _Loaded:
        """What the files hold once nobody has written them for `SETTLE_S`; as they are after `BEGIN_S_MAX`.

        A worker that began amid a change would otherwise end its daemon as wrongly configured.
        """
        until_s = time.monotonic() + BEGIN_S_MAX
        while True:
            self._seen = policyfile.stamp(self._config)
            is_patient = time.monotonic() < until_s
            if not (is_patient and self._is_fresh()):
                try:
                    return self._load(offers)
                except _WrittenMeanwhile:
                    if not is_patient:
                        raise
            time.sleep(_BEGIN_LOOK_S)

    def _is_fresh(self) -> bool:
        """Whether a file was written less than `SETTLE_S` ago."""
        now_ns = self._unix_ms() * 1_000_000
        return any(0 <= now_ns - written_ns < SETTLE_S * 1e9 for written_ns, _, _ in self._seen)

    def _load(self, offers: tuple[Offer, ...]) -> _Loaded:
        """What the files hold, if nobody has written them since `_seen`, and what of it is doubtful. Blocking."""
        book = policyfile.load(self._config, self._unix_ms())
        if policyfile.stamp(self._config) != self._seen:
            raise _WrittenMeanwhile("the policy's files were written while they were read; reload once they are done")
        book.prepare(offers, [plainest(one, embeds=embeds) for one in self._callers for embeds in (False, True)])
        return book, policyfile.doubts_of(self._config, book)


class OpenPolicies:
    """Implements `nouns.Policies` for a site that has no policy of its own: the built-in rules alone decide."""

    def __init__(self, digest: str) -> None:
        """Take the digest of what the configuration says."""
        self._digest = digest
        self._ruled_for: tuple[Offer, ...] = ()
        self._rulings = unruled((), digest)

    def rulings(self, asked: Asked, offers: tuple[Offer, ...]) -> Rulings:  # noqa: ARG002 - whoever asks
        """Every target is left to the built-in rules."""
        if offers is not self._ruled_for:
            self._ruled_for, self._rulings = offers, unruled(offers, self._digest)
        return self._rulings
