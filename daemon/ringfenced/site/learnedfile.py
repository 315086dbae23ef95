"""The file that a refit leaves and every worker reads: what was learned, with its report; whole or not at all.

"RFL2" · SHA-256 of the rest · length of the report · report (JSON) · length of the verifier · verifier · what was
learned of models

The verifier, of a digest of its own, is empty where the shipped one judges. One that cannot be used leaves the rest in
use.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from ringfenced.learn.learned import Learned
from ringfenced.learn.outcome import BadState
from ringfenced.learn.report import NO_REPORT, Report
from ringfenced.learn.verifier import Verifier

_LOG = logging.getLogger("ringfenced.learning")

NAME: Final = "learned.state"
"""Its name in the state folder."""

POLL_S: Final = 0.5
"""How often workers look whether there is a new one, in seconds."""

BYTES_MAX: Final = 256 * 1024 * 1024
"""Longest file that is read."""

_MAGIC: Final = b"RFL2"
_DIGEST_BYTES: Final = hashlib.sha256().digest_size
_LENGTH: Final = struct.Struct("<I")

_Seen = tuple[int, int, int] | None


class Content(NamedTuple):
    """What the file holds."""

    learned: Learned
    """What was learned of models."""
    report: Report
    """What the refit said of it."""
    verifier: Verifier | None = None
    """What was learned of answers; None where the shipped one judges."""
    verifier_failure: str = ""
    """Why the file's verifier is not used; empty where it is, or there is none."""


def to_bytes(learned: Learned, report: Report, verifier: Verifier | None = None) -> bytes:
    """The whole file."""
    told = json.dumps(report.to_json(), separators=(",", ":")).encode()
    judge = b"" if verifier is None else verifier.to_bytes()
    rest = b"".join((_LENGTH.pack(len(told)), told, _LENGTH.pack(len(judge)), judge, learned.to_bytes()))
    return _MAGIC + hashlib.sha256(rest).digest() + rest


def from_bytes(content: bytes) -> Content:
    """Read what `to_bytes` wrote.

    Raises:
        BadState: it is something else, or was changed since.
    """
    start = len(_MAGIC) + _DIGEST_BYTES
    rest = content[start:]
    if content[: len(_MAGIC)] != _MAGIC:
        raise BadState("it is no such file")
    if hashlib.sha256(rest).digest() != content[len(_MAGIC) : start]:
        raise BadState("its digest is of something else")
    told, rest = _part(rest)
    judge, state = _part(rest)
    try:
        report = Report.from_json(json.loads(told))
    except (ValueError, TypeError, LookupError, AttributeError):
        raise BadState("its report is of another version") from None
    learned = Learned.from_bytes(state)
    try:
        return Content(learned, report, Verifier.from_bytes(judge) if judge else None)
    except BadState as error:
        shipped = replace(report.verifier, refitted=False, why=f"the refitted one cannot be used: {error}")
        return Content(learned, replace(report, verifier=shipped), None, str(error))


def _part(content: bytes) -> tuple[bytes, bytes]:
    """A part that its length stands before, and what follows it."""
    if len(content) < _LENGTH.size:
        raise BadState("it is cut off")
    (length,) = _LENGTH.unpack_from(content)
    return content[_LENGTH.size : _LENGTH.size + length], content[_LENGTH.size + length :]


def write(path: Path, content: bytes) -> None:
    """Replace the file, whole or not at all. Blocking.

    Raises:
        OSError: the old one is still there.
    """
    fresh = path.with_name(path.name + ".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123 - mode
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


class _Found(NamedTuple):
    """What a look at the file found."""

    seen: _Seen
    content: Content
    failure: str


class LearnedFile:
    """What was learned, the newest that can be read. For one event loop."""

    def __init__(self, path: Path, configured: Mapping[str, float]) -> None:
        """Read what there is.

        Args:
            path: the file; it need not be there.
            configured: each model's configured quality, which counts until something is learned.
        """
        self._path = path
        self._configured = configured
        self._seen: _Seen = None
        self.failure = ""
        """Why the file is not used; empty where it is, or where there is none."""
        self.learned = Learned.cold(configured)
        """What was learned."""
        self.report = NO_REPORT
        """What the refit said of it."""
        self.verifier: Verifier | None = None
        """What was learned of answers; None where the shipped verifier judges."""
        self.verifier_failure = ""
        """Why the file's verifier is not used though the rest is; empty where it is, or there is none."""
        self.on_news: Callable[[], None] = lambda: None
        """Called when it has changed."""
        self._take(self._look(None))

    async def run(self) -> None:
        """Look for a new one until cancelled."""
        while True:
            await asyncio.sleep(POLL_S)
            self._take(await asyncio.to_thread(self._look, self._seen))

    def _look(self, known: _Seen) -> _Found | None:
        """What there is now; None where it is what is known. Blocking: a state of many models takes a while to read."""
        found = _Found(None, Content(Learned.cold(self._configured), NO_REPORT), "")
        try:
            facts = self._path.stat()
            found = found._replace(seen=(facts.st_mtime_ns, facts.st_ino, facts.st_size))
            if found.seen == known:
                return None
            return found._replace(content=from_bytes(self._path.read_bytes() if facts.st_size <= BYTES_MAX else b""))
        except FileNotFoundError:
            return None if known is None else found._replace(seen=None)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a file: never the worker's end
            why = error if isinstance(error, BadState) else type(error).__name__
            return found._replace(failure=f"{self._path.name} is not used: {why}; the next refit replaces it")

    def _take(self, found: _Found | None) -> None:
        """Go by what was found from here on: a file that is broken is told and counts as none."""
        if found is None or (found.seen, found.failure) == (self._seen, self.failure):
            return
        self._seen, content, self.failure = found
        self.learned, self.report, self.verifier, self.verifier_failure = content
        if self.failure:
            _LOG.error("learned_ignored", extra={"fields": {"problem": self.failure}})
        else:
            if self.verifier_failure:
                _LOG.error("verifier_ignored", extra={"fields": {"problem": self.verifier_failure}})
            fields = {"version": self.report.version, "outcomes": self.report.outcomes}
            _LOG.info("learned", extra={"fields": fields})
        self.on_news()
