"""Where entries are read from: the log's folder or a copy of it, or the daemon. Both by index."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import grpc

from ringfence.client import Client, RingfenceCallError
from ringfence.v1.audit_pb2 import SearchEntriesRequest
from ringfenced.cli import logfiles
from ringfenced.cli.auditing.search import pages
from ringfenced.cli.exits import Failure

Pair = tuple[int, bytes]
"""An entry's index and its exact bytes."""


class Source(Protocol):
    """A log that is there."""

    def origin(self) -> str:
        """The log's name."""
        ...

    def entry(self, index: int) -> bytes | None:
        """One entry; None where the log does not reach so far."""
        ...

    def entries(self, start: int, *, since_unix_ms: int = 0, until_unix_ms: int = 0) -> Iterator[Pair]:
        """The entries from an index on that are there now, in order.

        Args:
            start: the first index.
            since_unix_ms: leave out what is older; a source may leave out none.
            until_unix_ms: end before what is not older; 0 for no bound; a source may take no notice.
        """
        ...


class Folder:
    """The log's files."""

    def __init__(self, directory: Path) -> None:
        """Read from `directory`; nothing is written there."""
        self._directory = directory

    def origin(self) -> str:
        """As the newest checkpoint on disk says."""
        return logfiles.origin_of(logfiles.read_checkpoint(self._directory / "checkpoint"))

    def entry(self, index: int) -> bytes | None:
        """Reads all before it too."""
        return next(itertools.islice(logfiles.entries(self._directory), index, None), None)

    def entries(self, start: int, *, since_unix_ms: int = 0, until_unix_ms: int = 0) -> Iterator[Pair]:
        """All of them: files are read from their beginning, and bounds are left to the reader."""
        del since_unix_ms, until_unix_ms
        return itertools.islice(enumerate(logfiles.entries(self._directory)), start, None)


class Daemon:
    """The log through the daemon. Role: auditor."""

    def __init__(self, client: Client) -> None:
        """Ask `client`; its owner closes it."""
        self._client = client

    def origin(self) -> str:
        """As the newest checkpoint says."""
        return logfiles.origin_of(self._client.checkpoint().checkpoint)

    def entry(self, index: int) -> bytes | None:
        """One entry, with a proof that is not looked at here: what the daemon hands on it has verified."""
        try:
            return self._client.entry(index).entry
        except RingfenceCallError as error:
            if error.code is grpc.StatusCode.NOT_FOUND:
                return None
            raise

    def entries(self, start: int, *, since_unix_ms: int = 0, until_unix_ms: int = 0) -> Iterator[Pair]:
        """A page at a time; the agent finds the bounds."""
        query = SearchEntriesRequest(from_index=start)
        if since_unix_ms:
            getattr(query, "from").FromMilliseconds(since_unix_ms)
        if until_unix_ms:
            query.until.FromMilliseconds(until_unix_ms)
        return ((found.index, found.entry) for found in pages(self._client, query, 0))


def contiguous(pairs: Iterator[Pair], start: int) -> Iterator[Pair]:
    """The same, with nothing left out.

    Raises:
        Failure: an entry is missing.
    """
    for expected, (index, entry) in enumerate(pairs, start):
        if index != expected:
            raise Failure(f"entry #{expected} was left out: #{index} came instead")
        yield index, entry
