"""One GPU while the library is open, with the MIG instances that it is divided into."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from typing import Any

import pynvml

from ringfenced.device import DeviceFacts
from ringfenced.devices import still
from ringfenced.devices.ask import Ask
from ringfenced.devices.moving import links_up, moving, rate, throughput


class Gpu:
    """One GPU. Belongs to one thread; nothing here raises."""

    def __init__(self, handle: Any, index: int, loaded: still.Driver) -> None:
        """Find out what it is.

        Args:
            handle: NVML's.
            index: NVML's number of it.
            loaded: the driver.
        """
        self.handle = handle
        self.xid: int | None = None
        """The last that the driver told of."""
        self._index = index
        self._driver = loaded
        self._ask = Ask()
        self.facts = still.still(self._ask, handle, index, loaded)
        """What it is; without what moves."""
        self._is_found_out = self._ask.is_complete
        self._instances: dict[str, tuple[Ask, DeviceFacts]] = {}
        self._counted_s: float | None = None
        self._counted: tuple[int | None, int | None] = None, None

    @property
    def failure(self) -> str:
        """What made the last answers void; empty for nothing."""
        return self._ask.failure

    @property
    def address(self) -> int | None:
        """What the handle points to: NVML gives equal pointers in different objects."""
        return address(self.handle)

    def find_out(self) -> bool:
        """Read again what it is where some of that could not be read; whether there is news."""
        if self._is_found_out:
            return False
        self._ask.again()
        self.facts = still.still(self._ask, self.handle, self._index, self._driver)
        self._is_found_out = self._ask.is_complete and not self._ask.failure
        return True

    def connect(self, others: tuple[tuple[str, Any], ...]) -> None:
        """Find out what lies between it and the others, each an id and a handle."""
        links = still.links(self._ask, self.handle, others)
        total, up = links_up(self._ask, self.handle)
        self.facts = replace(
            self.facts, topology=replace(self.facts.topology, links=links, nvlinks=total, nvlinks_up=up)
        )

    def register(self, events: Any) -> None:
        """Have the driver tell of Xids."""
        self._ask(pynvml.nvmlDeviceRegisterEvents, self.handle, pynvml.nvmlEventTypeXidCriticalError, events)

    def read(self, now_s: float) -> list[DeviceFacts]:
        """It and its instances as they are now, at a time in seconds."""
        self._ask.again()
        facts = moving(self._ask, self.handle, self.facts)
        facts = replace(facts, xid_last=self.xid, is_complete=facts.is_complete and self._is_found_out)
        counted = facts.pcie.sent_bytes, facts.pcie.received_bytes
        if counted[0] is not None:
            since_s = 0.0 if self._counted_s is None else now_s - self._counted_s
            sent, received = (rate(*each, since_s) for each in zip(counted, self._counted, strict=True))
            facts = replace(facts, pcie=replace(facts.pcie, sent_bytes_per_s=sent, received_bytes_per_s=received))
            self._counted_s, self._counted = now_s, counted
        return [facts, *self._read_instances(facts)] if facts.is_mig_parent else [facts]

    def linger(self) -> None:
        """Read what takes long; the next `read` tells it."""
        self._ask.again()
        total, up = links_up(self._ask, self.handle)
        is_counted = self._counted_s is not None
        pcie = self.facts.pcie if is_counted else throughput(self._ask, self.handle, self.facts.pcie)
        self.facts = replace(self.facts, pcie=pcie, topology=replace(self.facts.topology, nvlinks=total, nvlinks_up=up))

    def _read_instances(self, whole: DeviceFacts) -> list[DeviceFacts]:
        """The MIG instances as it is divided now; those that were there before are not found out anew."""
        told: list[DeviceFacts] = []
        current: dict[str, tuple[Ask, DeviceFacts]] = {}
        for number in range(self._ask(pynvml.nvmlDeviceGetMaxMigDeviceCount, self.handle) or 0):
            handle = self._ask(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, self.handle, number)
            if handle is None:
                continue
            uuid = Ask()(pynvml.nvmlDeviceGetUUID, handle) or f"{whole.id}/{number}"
            ask, facts = self._instances.get(uuid) or _instance(handle, uuid, self.facts)
            current[uuid] = ask, facts
            ask.again()
            told.append(replace(moving(ask, handle, facts), xid_last=whole.xid_last))
        self._instances = current
        return told


def _instance(handle: Any, identity: str, whole: DeviceFacts) -> tuple[Ask, DeviceFacts]:
    ask = Ask()
    return ask, still.instance(ask, handle, identity, whole)


def address(handle: Any) -> int | None:
    """What a handle points to."""
    return ctypes.cast(handle, ctypes.c_void_p).value
