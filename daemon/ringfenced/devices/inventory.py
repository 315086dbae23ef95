"""The host and its GPUs, sampled once for all who ask."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Protocol

from ringfenced.device import DeviceFacts
from ringfenced.devices.health import judge_all

INTERVAL_S: Final = 1.0
"""How old an answer may be, in seconds, where nobody says otherwise."""

WAIT_S: Final = 0.25
"""How long `Inventory.inventory` holds its caller up for a new sample, in seconds; a driver that is well takes a few
milliseconds."""

SILENT_S: Final = 5.0
"""A driver that has not answered for so long, in seconds, is taken to be stuck; opening it can take a few seconds where
nothing keeps the GPUs initialised."""


class Gpus(Protocol):
    """What reads GPUs; see `ringfenced.devices.nvml.GpuReader`."""

    def sample(self) -> tuple[DeviceFacts, ...]:
        """As they are now."""
        ...

    def linger(self) -> None:
        """Read what takes long."""
        ...

    def close(self) -> None:
        """Let the driver go."""
        ...


class Host(Protocol):
    """What reads the host; see `ringfenced.devices.host.HostReader`."""

    def sample(self) -> DeviceFacts:
        """As it is now."""
        ...


@dataclass(frozen=True, slots=True)
class _Sample:
    """What was told, and when it was asked for."""

    devices: tuple[DeviceFacts, ...]
    begun_s: float


class Inventory:
    """What devices there are, and how they are. Any thread and any task may ask.

    One thread, started by the first question, speaks to the driver: it takes one sample for all who ask at the same
    time, and none while nobody asks. A driver that hangs holds up that thread alone: its GPUs are then told as not to
    be used, and the host is read without it.
    """

    def __init__(
        self,
        host: Callable[[], Host],
        gpus: Callable[[], Gpus],
        monotonic_s: Callable[[], float],
        *,
        interval_s: float = INTERVAL_S,
        silent_s: float = SILENT_S,
    ) -> None:
        """Prepare; nothing is read before the first question.

        Args:
            host: makes what reads the host; called once, in the thread.
            gpus: makes what reads GPUs; likewise.
            monotonic_s: a clock, in seconds.
            interval_s: how old an answer may be.
            silent_s: how long the driver may take.
        """
        self._make_host = host
        self._make_gpus = gpus
        self._monotonic_s = monotonic_s
        self._interval_s = interval_s
        self._silent_s = silent_s
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._host: Host | None = None
        self._asked_s: float | None = None
        self._is_closing = False
        self._sample: _Sample | None = None
        self._waiters: list[Callable[[], object]] = []

    def inventory(self) -> tuple[DeviceFacts, ...]:
        """Every device, as a rule at most `interval_s` old; waits for the driver for `WAIT_S` at most.

        The host comes first, then GPUs, each before its MIG instances. Before the very first sample is there, this is
        empty: `fresh` waits for it.
        """
        with self._changed:
            before = self._sample
            if self._ask(self._interval_s) and self._waited_s() < WAIT_S:
                self._changed.wait_for(lambda: self._sample is not before, WAIT_S)
            return self._told()

    async def fresh(self, age_s_max: float = INTERVAL_S) -> tuple[DeviceFacts, ...]:
        """Every device, at most so old; the event loop goes on meanwhile.

        Args:
            age_s_max: how old the answer may be, in seconds; a sample that is being taken is young enough.
        """
        loop = asyncio.get_running_loop()
        told = asyncio.Event()

        def tell() -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(told.set)

        with self._changed:
            must_wait = self._ask(age_s_max) and self._waited_s() < self._silent_s
            if must_wait:
                self._waiters.append(tell)
        if must_wait:
            with suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), self._silent_s)
        with self._changed:
            return self._told()

    def close(self) -> None:
        """End the thread, if the driver lets it end; the driver is let go by the thread itself."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(WAIT_S)

    def _ask(self, age_s_max: float) -> bool:
        """Have a sample taken if none is young enough; whether there is one to wait for. The lock is held."""
        is_young = self._sample is not None and self._monotonic_s() - self._sample.begun_s <= age_s_max
        if is_young or self._is_closing:
            return False
        if self._thread is None or not self._thread.is_alive():
            # A daemon's thread: a driver that hangs must not keep the process from ending.
            self._thread = threading.Thread(target=self._run, name="devices", daemon=True)
            self._thread.start()
        if self._asked_s is None:
            self._asked_s = self._monotonic_s()
            self._changed.notify_all()
        return True

    def _waited_s(self) -> float:
        """How long the driver has owed a sample; the lock is held."""
        return 0.0 if self._asked_s is None else self._monotonic_s() - self._asked_s

    def _told(self) -> tuple[DeviceFacts, ...]:
        """The newest sample; without the GPUs' word where the driver hangs. The lock is held."""
        devices = self._sample.devices if self._sample else ()
        if self._waited_s() < self._silent_s:
            return devices
        silent = [replace(facts, failure="silent", is_complete=False) for facts in devices if facts.kind != "cpu"]
        host = (self._host.sample(),) if self._host else ()
        return (*host, *judge_all(silent, {}))

    def _run(self) -> None:
        """The thread: read when asked."""
        host, gpus = self._make_host(), self._make_gpus()
        with self._changed:
            self._host = host
        while self._wait_to_be_asked():
            begun_s = self._monotonic_s()
            self._publish((host.sample(), *gpus.sample()), begun_s)
            gpus.linger()
        gpus.close()

    def _wait_to_be_asked(self) -> bool:
        """Whether to read once more; False when all is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._asked_s is not None or self._is_closing)
            return not self._is_closing

    def _publish(self, sample: tuple[DeviceFacts, ...], begun_s: float) -> None:
        with self._changed:
            before = {facts.id: facts for facts in self._told()}
            self._sample = _Sample(judge_all(sample, before), begun_s)
            self._asked_s = None
            waiters, self._waiters = self._waiters, []
            self._changed.notify_all()
        for tell in waiters:
            tell()


def memory_free_bytes(devices: tuple[DeviceFacts, ...]) -> dict[str, int]:
    """What can still be taken of each device that may be used, by id; one whose memory is not known is left out."""
    return {
        facts.id: facts.memory_free_bytes
        for facts in devices
        if facts.is_placeable and facts.memory_free_bytes is not None
    }
