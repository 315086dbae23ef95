"""The GPUs, through NVML (the package nvidia-ml-py). An unknown fact is None, never 0."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import pynvml

from ringfenced.device import DeviceFacts
from ringfenced.devices import still
from ringfenced.devices.ask import Ask, code_of
from ringfenced.devices.moving import links_up, moving, rate, throughput
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


class _Gpu:
    """One GPU, or MIG instance, while the library is open."""

    def __init__(self, handle: Any, ask: Ask, facts: DeviceFacts) -> None:
        self.handle = handle
        self.ask = ask
        self.facts = facts
        """What it is; without what moves."""
        self.pcie_from_s: float | None = None
        """When bytes were last counted."""
        self.pcie_bytes: tuple[int | None, int | None] = None, None
        self.is_counted = False
        """It counts the bytes of its link."""
        self.xid: int | None = None


class GpuReader:
    """The GPUs of this machine, one library handle for as long as all is well. Belongs to one thread.

    The library is opened by the first sample and stays open. After a failure it is closed and opened anew, now and
    then; until then, and for a GPU that is then no longer listed, what was known last is told with the failure. Nothing
    here raises: what cannot be read is None.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        """Take a clock, in seconds."""
        self._monotonic_s = monotonic_s
        self._gpus: list[_Gpu] = []
        self._instances: dict[str, _Gpu] = {}
        self._known: dict[str, DeviceFacts] = {}
        self._library = Ask()
        self._is_open = False
        self._reopen_s: float | None = None
        self._reopen_after_s = REOPEN_S
        self._events: Any = None
        self._turn = 0
        self._linger_s = 0.0

    def close(self) -> None:
        """Let the library go; the next sample opens it anew."""
        if self._is_open:
            if self._events is not None:
                self._library(pynvml.nvmlEventSetFree, self._events)
            with suppress(pynvml.NVMLError):
                pynvml.nvmlShutdown()
        self._is_open = False
        self._gpus, self._instances, self._events = [], {}, None

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
        told = [facts for gpu in self._gpus for facts in self._read(gpu, now_s)]
        told += self._gone(told)
        self._instances = {facts.id: self._instances[facts.id] for facts in told if facts.id in self._instances}
        self._plan_to_reopen(now_s, {facts.failure for facts in told} | {self._library.failure})
        if not told and self._library.failure not in ("", "no_driver"):
            # Never opened: as a rule the devices are kept from us, on purpose or not.
            failure = "no_access" if self._library.failure == "driver" else self._library.failure
            return (DeviceFacts(id="gpu", kind="gpu", name="?", failure=failure),)
        return tuple(sorted(told, key=lambda facts: -1 if facts.index is None else facts.index))

    def _gone(self, told: list[DeviceFacts]) -> list[DeviceFacts]:
        """What was known and is not told of now; a MIG instance that was taken apart is forgotten."""
        well = {facts.id for facts in told if not facts.failure}
        seen = {facts.id for facts in told}
        self._known |= {facts.id: facts for facts in told if not facts.failure}
        missing = [facts for facts in self._known.values() if facts.id not in seen]
        for facts in missing:
            if facts.mig is not None and facts.mig.parent_id in well:
                del self._known[facts.id]
        return [
            replace(_blank(facts), failure=self._library.failure or facts.failure or "lost")
            for facts in missing
            if facts.id in self._known
        ]

    def _plan_to_reopen(self, now_s: float, failures: set[str]) -> None:
        if not failures - {"", "no_access"}:
            self._reopen_after_s = REOPEN_S
        elif self._reopen_s is None:
            self._reopen_s = now_s + self._reopen_after_s
            self._reopen_after_s = min(REOPEN_MAX_S, 2 * self._reopen_after_s)

    def linger(self) -> None:
        """Read what takes long (40 ms) of one GPU, if it is time and its turn; the next sample tells it."""
        now_s = self._monotonic_s()
        if not self._gpus or now_s < self._linger_s:
            return
        self._linger_s = now_s + LINGER_S / len(self._gpus)
        self._turn = (self._turn + 1) % len(self._gpus)
        gpu = self._gpus[self._turn]
        gpu.ask.again()
        total, up = links_up(gpu.ask, gpu.handle)
        topology = replace(gpu.facts.topology, nvlinks=total, nvlinks_up=up)
        pcie = gpu.facts.pcie if gpu.is_counted else throughput(gpu.ask, gpu.handle, gpu.facts.pcie)
        gpu.facts = replace(gpu.facts, topology=topology, pcie=pcie)

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
        for gpu in self._gpus:
            others = tuple((other.facts.id, other.handle) for other in self._gpus if other is not gpu)
            links = still.links(gpu.ask, gpu.handle, others)
            total, up = links_up(gpu.ask, gpu.handle)
            topology = replace(gpu.facts.topology, links=links, nvlinks=total, nvlinks_up=up)
            gpu.facts = replace(gpu.facts, topology=topology)

    def _find(self, index: int, loaded: still.Driver) -> _Gpu | None:
        """One GPU; None where NVML gives no handle, and it is told as gone if it was known."""
        ask = Ask()
        handle = ask(pynvml.nvmlDeviceGetHandleByIndex, index)
        if handle is None:
            if all(facts.index != index for facts in self._known.values()):
                failure = ask.failure or "no_access"
                self._known[f"gpu{index}"] = DeviceFacts(f"gpu{index}", "gpu", "?", index=index, failure=failure)
            return None
        self._known.pop(f"gpu{index}", None)
        if self._events is not None:
            ask(pynvml.nvmlDeviceRegisterEvents, handle, pynvml.nvmlEventTypeXidCriticalError, self._events)
        return _Gpu(handle, ask, still.still(ask, handle, index, loaded))

    def _read(self, gpu: _Gpu, now_s: float) -> list[DeviceFacts]:
        """A GPU and its MIG instances."""
        gpu.ask.again()
        facts = moving(gpu.ask, gpu.handle, gpu.facts)
        sent, received = facts.pcie.sent_bytes, facts.pcie.received_bytes
        if sent is not None:
            since_s = now_s - gpu.pcie_from_s if gpu.pcie_from_s is not None else 0.0
            rates = rate(sent, gpu.pcie_bytes[0], since_s), rate(received, gpu.pcie_bytes[1], since_s)
            facts = replace(facts, pcie=replace(facts.pcie, sent_bytes_per_s=rates[0], received_bytes_per_s=rates[1]))
            gpu.pcie_from_s, gpu.pcie_bytes, gpu.is_counted = now_s, (sent, received), True
        facts = replace(facts, xid_last=gpu.xid)
        return [facts, *self._read_instances(gpu, facts)] if facts.is_mig_parent else [facts]

    def _read_instances(self, gpu: _Gpu, whole: DeviceFacts) -> list[DeviceFacts]:
        """The MIG instances of a GPU as it is divided now."""
        told: list[DeviceFacts] = []
        for number in range(gpu.ask(pynvml.nvmlDeviceGetMaxMigDeviceCount, gpu.handle) or 0):
            handle = gpu.ask(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, gpu.handle, number)
            if handle is None:
                continue
            ask = Ask()
            uuid = ask(pynvml.nvmlDeviceGetUUID, handle) or f"{whole.id}/{number}"
            part = self._instances.get(uuid)
            if part is None:
                part = _Gpu(handle, ask, still.instance(ask, handle, gpu.facts))
                self._instances[uuid] = part
            part.ask.again()
            facts = moving(part.ask, handle, part.facts)
            told.append(replace(facts, xid_last=whole.xid_last))
        return told

    def _take_events(self) -> None:
        """Note the Xids that came since the last sample."""
        if self._events is None:
            return
        by_address = {_address(gpu.handle): gpu for gpu in self._gpus}
        for _ in range(EVENTS_MAX):
            try:
                event = pynvml.nvmlEventSetWait_v2(self._events, 0)
            except pynvml.NVMLError:  # as a rule a timeout: none is left
                return
            gpu = by_address.get(_address(event.device))
            if gpu is not None and event.eventType & pynvml.nvmlEventTypeXidCriticalError:
                gpu.xid = int(event.eventData)


def _address(handle: Any) -> int | None:
    """What a handle points to: NVML gives equal pointers in different objects."""
    return ctypes.cast(handle, ctypes.c_void_p).value


def _blank(facts: DeviceFacts) -> DeviceFacts:
    """What stays of a device that is gone: what it is."""
    return DeviceFacts(
        id=facts.id,
        kind=facts.kind,
        name=facts.name,
        index=facts.index,
        minor=facts.minor,
        serial=facts.serial,
        pci_bus_id=facts.pci_bus_id,
        driver_version=facts.driver_version,
        cuda_version=facts.cuda_version,
        compute_capability=facts.compute_capability,
        topology=facts.topology,
        memory_total_bytes=facts.memory_total_bytes,
        xid_last=facts.xid_last,
    )
