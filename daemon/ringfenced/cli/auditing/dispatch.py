"""Has alerts told: each way in a thread of its own, tried again where it fails, and never in the watch's way.

What has not been told yet can be asked for and kept, so that a restart tells it.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from ringfenced.cli.auditing.alert import Alert
from ringfenced.cli.auditing.backoff import wait_s

WAITING_MAX: Final = 1000
"""How many alerts wait for one way to be told; of more the oldest is dropped, and that is told."""
TRIES_MAX: Final = 60
"""After so many tries an alert is given up, and that is told: about half an hour."""


class ActionError(Exception):
    """An alert may not have been told; the text says why, and repeats nothing that the other side said."""


class Action(Protocol):
    """One way to tell of an alert."""

    def run(self, alert: Alert) -> None:
        """Tell; blocking.

        Raises:
            ActionError: it may not have been told.
        """
        ...


class _Worker:
    """One way and its thread."""

    def __init__(self, name: str, action: Action, told: Callable[[str], None], tries_max: int) -> None:
        self._name, self._action, self._told, self._tries_max = name, action, told, tries_max
        self._waiting: deque[Alert] = deque()
        self._changed = threading.Condition()
        self._ended = threading.Event()
        # A daemon thread: one that waits for a server keeps no process from ending.
        threading.Thread(target=self._work, daemon=True).start()

    def add(self, alert: Alert) -> None:
        """One more."""
        with self._changed:
            if len(self._waiting) == WAITING_MAX:
                dropped = self._waiting.popleft()
                self._told(f"{self._name}: too many alerts wait; dropped {dropped.said!r}")
            self._waiting.append(alert)
            self._changed.notify_all()

    def pending(self) -> tuple[Alert, ...]:
        """Those that were not told yet."""
        with self._changed:
            return tuple(self._waiting)

    def drained(self, seconds_max: float) -> bool:
        """Wait until nothing waits; whether that came to be."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, seconds_max)

    def end(self) -> None:
        """Begin no other try."""
        self._ended.set()
        with self._changed:
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended.is_set())
                if self._ended.is_set():
                    return
                alert = self._waiting[0]
            if not self._tell(alert):
                return
            with self._changed:
                if self._waiting and self._waiting[0] is alert:
                    self._waiting.popleft()
                self._changed.notify_all()

    def _tell(self, alert: Alert) -> bool:
        """Try until it is told or given up; False where the end came first."""
        for tries in range(1, self._tries_max + 1):
            try:
                self._action.run(alert)
            except ActionError as error:
                seconds = wait_s(tries, random.random)
                self._told(f"{self._name}: {error}; trying again in {seconds:.1f} s ({alert.said!r})")
                if self._ended.wait(seconds):
                    return False
            else:
                return True
        self._told(f"{self._name}: gave up {alert.said!r} after {self._tries_max} tries")
        return True


class Dispatcher:
    """All ways."""

    def __init__(
        self, actions: Mapping[str, Action], told: Callable[[str], None], tries_max: Mapping[str, int] | None = None
    ) -> None:
        """Start a thread for each.

        Args:
            actions: by the names that alerts bear.
            told: says to people what goes wrong; called from any thread.
            tries_max: other numbers of tries than `TRIES_MAX`, by name.
        """
        tries = tries_max or {}
        self._workers = {
            name: _Worker(name, action, told, tries.get(name, TRIES_MAX)) for name, action in actions.items()
        }

    def submit(self, alert: Alert, names: Iterable[str]) -> None:
        """Have an alert told in these ways; returns at once. Names that nobody has any more are passed over."""
        for name in names:
            if name in self._workers:
                self._workers[name].add(alert)

    def pending(self) -> list[dict[str, Any]]:
        """What was not told yet, as JSON: for `resume`."""
        return [
            {"to": name, "alert": alert.fields()}
            for name, worker in self._workers.items()
            for alert in worker.pending()
        ]

    def resume(self, kept: Iterable[Mapping[str, Any]]) -> None:
        """Tell what a run before did not."""
        for each in kept:
            self.submit(Alert.of(each["alert"]), (str(each["to"]),))

    def drained(self, seconds_max: float) -> bool:
        """Wait until everything was told; whether that came to be. At most `seconds_max` for each way."""
        return all(worker.drained(seconds_max) for worker in self._workers.values())

    def end(self) -> None:
        """Begin no other try; what runs is not waited for."""
        for worker in self._workers.values():
            worker.end()
