"""Entries as they are written, in batches, and a wait that ends: for what must also act while nothing happens.

A thread of its own reads the daemon's stream into a queue of limited length. When the reader of the queue is slow, the
stream stands still, and neither the daemon nor the agent waits for it: each of them gives entries by index.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

from ringfence.client import Client, RingfenceCallError
from ringfenced.cli.auditing.source import Pair
from ringfenced.cli.exits import Failure

BATCH_ENTRIES: Final = 256
"""How many entries go on together."""
_WAITING_ENTRIES: Final = 2 * BATCH_ENTRIES


class Feed:
    """One stream of entries from an index on; of no use once it has ended."""

    def __init__(self, client: Client, start: int) -> None:
        """Begin to read. Closing `client` ends it."""
        self._following = start
        self._ended: Exception | None = None
        self._waiting: queue.Queue[Pair | RingfenceCallError | None] = queue.Queue(_WAITING_ENTRIES)
        # A daemon thread: one that waits at a full queue keeps no process from ending.
        threading.Thread(target=self._read, args=(client, start), daemon=True).start()

    def batch(self, seconds_max: float) -> list[Pair]:
        """The next entries, at most `BATCH_ENTRIES`, none where none came in `seconds_max`.

        Raises:
            RingfenceCallError: the stream failed.
            EOFError: it ended.
            Failure: an entry was left out.
        """
        found: list[Pair] = []
        try:
            found.append(self._next(seconds_max))
            while len(found) < BATCH_ENTRIES:
                found.append(self._next(0))
        except queue.Empty:
            pass
        except (RingfenceCallError, EOFError) as error:
            self._ended = error
            if not found:
                raise
        return found

    def _next(self, seconds_max: float) -> Pair:
        """The next entry."""
        if self._ended:
            raise self._ended
        item = self._waiting.get(timeout=seconds_max) if seconds_max else self._waiting.get_nowait()
        if item is None:
            raise EOFError
        if isinstance(item, RingfenceCallError):
            raise item
        if item[0] != self._following:
            raise Failure(f"entry #{self._following} was left out: #{item[0]} came instead")
        self._following += 1
        return item

    def _read(self, client: Client, start: int) -> None:
        """The thread's work."""
        try:
            for response in client.watch_entries(start):
                self._waiting.put((response.index, response.entry))
        except RingfenceCallError as error:
            self._waiting.put(error)
        except ValueError:
            self._waiting.put(None)  # the channel was closed before the stream began
        else:
            self._waiting.put(None)


@contextmanager
def feeding(open_client: Callable[[], Client], start: int) -> Generator[tuple[Client, Feed]]:
    """A client and a feed of its own; both end with the block."""
    with open_client() as client:
        yield client, Feed(client, start)
