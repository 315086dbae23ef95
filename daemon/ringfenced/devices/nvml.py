"""The GPUs, through NVML (the package nvidia-ml-py). An unknown fact is None, never 0."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import pynvml

from ringfenced.device import DeviceFacts
from ringfenced.devices import still
from ringfenced.devices.ask import Ask, code_of
from ringfenced.devices.gpu import Gpu, address
from ringfenced.devices.known import Known
from ringfenced.devices.words import FAILURES

REOPEN_S: Final = 10.0
"""How long after a failure the library is opened anew, in seconds; twice as long after each further one."""

REOPEN_MAX_S: Final = 300.0
"""The longest wait: a GPU that was taken out is not looked for all the time."""

LINGER_S: Final = 10.0
"""How old what takes long to read may become, in seconds."""

EVENTS_MAX: Final = 64
"""Events taken with one sample; further ones wait for the next."""

GPUS_MAX: Final = 256
"""More than any machine has; a count above it is none."""


class GpuReader:
    """The GPUs of this machine, one library handle for as long as all is well. Belongs to one thread.

    The library is opened by the first sample and stays open. After a failure it is closed and opened anew, now and
    then; until then, and for a GPU that is then no longer listed, what was known last is told with the failure. Nothing
    here raises: what cannot be read is None.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        """Take a clock, in seconds."""
        self._monotonic_s = monotonic_s
        self._known = Known()
        self._gpus: list[Gpu] = []
        self._library = Ask()
        self._events: Any = None
        self._is_open = False
        self._reopen_s: float | None = None
        self._reopen_after_s = REOPEN_S
        self._turn = 0
        self._linger_s = 0.0

    def close(self) -> None:
        """Let the library go; the next sample opens it anew."""
        if self._is_open:
            if self._events is not None:
                self._library(pynvml.nvmlEventSetFree, self._events)
            with suppress(pynvml.NVMLError):
                pynvml.nvmlShutdown()
        self._gpus, self._events, self._is_open = [], None, False

    def sample(self) -> tuple[DeviceFacts, ...]:
        """Every GPU as it is now, MIG instances after theirs; none where there is no driver.

        Whether they can be used is judged elsewhere (`ringfenced.devices.health`).
        """
        now_s = self._monotonic_s()
        if self._reopen_s is not None and now_s >= self._reopen_s:
            self.close()
            self._reopen_s = None
        if not self._is_open and self._reopen_s is None:
            self._open()
        self._take_events()
        self._find_out()
        told = [facts for gpu in self._gpus for facts in gpu.read(now_s)]
        told += self._known.gone(told, self._library.failure)
        self._plan_to_reopen(now_s, {facts.failure for facts in told} | {self._library.failure})
        if not told and self._library.failure not in ("", "no_driver"):
            # Never opened: as a rule the devices are kept from us, on purpose or not.
            failure = "no_access" if self._library.failure == "driver" else self._library.failure
            return (DeviceFacts(id="gpu", kind="gpu", name="?", failure=failure),)
        return tuple(sorted(told, key=lambda facts: -1 if facts.index is None else facts.index))

    def linger(self) -> None:
        """Read what takes long (40 ms) of one GPU, if it is time and its turn; the next sample tells it."""
        now_s = self._monotonic_s()
        if not self._gpus or now_s < self._linger_s:
            return
        self._linger_s = now_s + LINGER_S / len(self._gpus)
        self._turn = (self._turn + 1) % len(self._gpus)
        self._gpus[self._turn].linger()

    def _open(self) -> None:
        """Open the library and find out what each GPU is."""
        self._library = Ask()
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            self._library.failure = FAILURES.get(code_of(error), "driver")
            return
        self._is_open = True
        loaded = still.driver(self._library)
        self._events = self._library(pynvml.nvmlEventSetCreate)
        count = self._library(pynvml.nvmlDeviceGetCount)
        if count is None:
            self._library.failure = self._library.failure or "driver"
        opened = [self._find(index, loaded) for index in range(min(count or 0, GPUS_MAX))]
        self._gpus = [gpu for gpu in opened if gpu is not None]
        self._connect()

    def _find(self, index: int, loaded: still.Driver) -> Gpu | None:
        """One GPU; None where NVML does not let it be read, and it is told as gone."""
        ask = Ask()
        handle = ask(pynvml.nvmlDeviceGetHandleByIndex, index)
        gpu = Gpu(handle, index, loaded) if handle is not None else None
        if gpu is None or gpu.failure:
            facts = gpu.facts if gpu else DeviceFacts(f"gpu{index}", "gpu", "?", index=index)
            failure = ask.failure or (gpu.failure if gpu else "no_access")
            self._known.add_unreadable(self._known.name(facts, f"gpu{index}"), failure)
            return None
        gpu.facts = self._known.name(gpu.facts, f"gpu{index}")
        if self._events is not None:
            gpu.register(self._events)
        return gpu

    def _find_out(self) -> None:
        """Read again what could not be read when the library was opened."""
        news = [gpu for gpu in self._gpus if gpu.find_out()]
        for gpu in news:
            gpu.facts = self._known.name(gpu.facts, f"gpu{gpu.facts.index}")
        if news:
            self._connect()

    def _connect(self) -> None:
        for gpu in self._gpus:
            gpu.connect(tuple((other.facts.id, other.handle) for other in self._gpus if other is not gpu))

    def _take_events(self) -> None:
        """Note the Xids that came since the last sample."""
        if self._events is None:
            return
        by_address = {gpu.address: gpu for gpu in self._gpus}
        for _ in range(EVENTS_MAX):
            try:
                event = pynvml.nvmlEventSetWait_v2(self._events, 0)
            except pynvml.NVMLError:  # as a rule a timeout: none is left
                return
            gpu = by_address.get(address(event.device))
            if gpu is not None and event.eventType & pynvml.nvmlEventTypeXidCriticalError:
                gpu.xid = int(event.eventData)

    def _plan_to_reopen(self, now_s: float, failures: set[str]) -> None:
        if not failures - {"", "no_access"}:
            self._reopen_after_s = REOPEN_S
        elif self._reopen_s is None:
            self._reopen_s = now_s + self._reopen_after_s
            self._reopen_after_s = min(REOPEN_MAX_S, 2 * self._reopen_after_s)
