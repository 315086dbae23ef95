"""Where verbs run that scan texts: short ones on the event loop, long ones beside it, and all where a recogniser waits.

What held nothing before is not read again (`site.cleantexts`), and does not make a request long.

Reading computes. A short text is read on the loop, where nothing is quicker; a long one in a thread, so that streams
and other requests go on meanwhile. A plug-in may wait as well, for a library or for a model of this node, whose engine
only the loop can speak to: then even short texts are read in threads. Departments share the threads (`site.threads`): a
flood of one makes its own requests late, and they alone are refused for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from ringfence.recognize.finding import Finding
from ringfenced.classify import Scan
from ringfenced.errors import DeadlineExceeded
from ringfenced.model import Claim
from ringfenced.site.cleantexts import CleanTexts
from ringfenced.site.threads import FairThreads

T = TypeVar("T")

CHARS_ON_LOOP_MAX = 2048
"""Longest request that is read on the loop. One of this length, full of identifiers, holds it for some 25 ms; to
de-identify it takes 25 ms as prose and 120 ms as FHIR (one core of a cloud server, 2026)."""

KNOWN_CHARS_ON_LOOP_MAX = 65_536
"""A longer request is tried on the loop as well, up to this length: what is known to hold nothing costs a digest, and
of most requests that are long all but the question is known (instructions, tools)."""

NEW_CHARS_ON_LOOP_MAX = 512
"""So much of it may be new: 2 ms of reading, up to 6 in several texts (two cores of a cloud server, 2026). With more it
begins again beside the loop, which was held in vain; what held nothing is known by then."""

_NEW_CHARS_MIN = 128
"""What a shorter text counts as: to read any takes some 0.5 ms."""

THREADS_COMPUTING = 3
"""Threads where nothing waits, of which a department holds two: with one, a long request would stand in its other long
ones' way. More share one lock with the loop: while one, two, three, four read 170 KB of FHIR each, it is late by 7, 15,
18 and 23 ms (99th percentile; 28, 49, 64, 86 at most; two cores of a cloud server, 2026)."""

THREADS_WAITING = 8
"""Threads where a plug-in may wait, of which a department holds seven; further requests stand in line until their
deadline."""

S_PER_CHAR = 1.6e-5
"""What reading a code point is expected to take, in seconds: 170 KB of FHIR take 2.8 s. A share is charged for what it
really takes."""


class Scanner:
    """The recognisers, on the loop and beside it. Implements `nouns.Scanning`; belongs to one loop."""

    def __init__(self, scan: Scan, *, waits: bool = False, clean: CleanTexts | None = None) -> None:
        """Take what finds.

        Args:
            scan: must be callable from several threads.
            waits: whether it may wait, and so never runs on the loop.
            clean: what remembers texts that hold nothing; None to read everything each time, as it must be where what
                `scan` says depends on more than the text.
        """
        self._scan = scan
        self._clean = clean
        self._chars_on_loop_max = -1 if waits else CHARS_ON_LOOP_MAX
        self._threads = FairThreads(THREADS_WAITING if waits else THREADS_COMPUTING, "scan")

    async def run(
        self, work: Callable[[Scan], T], chars: int, seconds_max: float | None, claim: Claim, *, anew: bool = False
    ) -> T:
        """The outcome of `work`, which is given what finds.

        Who is cancelled or late is let go at once. `work` then ends by itself: what it was given finds nothing more, it
        raises, so that a thread is held no longer than one text takes.

        Args:
            work: reads; touches nothing that the loop does.
            chars: how long what it reads is, in characters.
            seconds_max: how long it may take where it does not run on the loop, its time in line included; None for as
                long as it takes.
            claim: whose it is; its class of priority does not count here.
            anew: whether everything is read, though it be known to hold nothing.

        Raises:
            DeadlineExceeded: it took longer.
        """
        clean = None if anew else self._clean
        known = self._scan if clean is None else clean.remembering(self._scan, claim.share)
        if chars <= self._chars_on_loop_max:
            return work(known)
        if clean is not None and chars <= KNOWN_CHARS_ON_LOOP_MAX:
            with suppress(_TooMuch):
                return work(clean.remembering(_at_most(self._scan, NEW_CHARS_ON_LOOP_MAX), claim.share))
        given_up = threading.Event()

        def scan(text: str) -> tuple[Finding, ...]:
            if given_up.is_set():
                raise GivenUpError
            return known(text)

        try:
            async with asyncio.timeout(seconds_max):
                return await self._threads.run(partial(work, scan), claim, max(1, chars) * S_PER_CHAR)
        except TimeoutError:
            raise DeadlineExceeded(
                "The request's deadline has passed while it was read. Give it more time, or shorten it."
            ) from None
        finally:
            given_up.set()

    def close(self) -> None:
        """Begin nothing more. What runs ends by itself once its request is cancelled."""
        self._threads.close()


def _at_most(scan: Scan, chars: int) -> Scan:
    """`scan`, for so many characters in all; raises `_TooMuch` at what is beyond."""
    left = chars

    def found(text: str) -> tuple[Finding, ...]:
        nonlocal left
        left -= max(len(text), _NEW_CHARS_MIN)
        if left < 0:
            raise _TooMuch
        return scan(text)

    return found


class _TooMuch(BaseException):
    """Too much is new to be read on the loop."""


class GivenUpError(Exception):
    """Nobody waits for this scan any more."""
