"""What was known of GPUs, for when they no longer answer. Pure but for what it remembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ringfenced.device import DeviceFacts


class Known:
    """The devices that were ever told of since the daemon started."""

    def __init__(self) -> None:
        """Know none."""
        self._devices: dict[str, DeviceFacts] = {}

    def name(self, facts: DeviceFacts, unnamed: str) -> DeviceFacts:
        """A device under the id that it is known by.

        Args:
            facts: what a GPU is.
            unnamed: the id that it has where it does not tell its UUID. It is then taken for the one that had its
                number before; one that does tell it is no longer known by the other.
        """
        if facts.id != unnamed:
            self._devices.pop(unnamed, None)
            return facts
        before = (known.id for known in self._devices.values() if known.index == facts.index and known.mig is None)
        return replace(facts, id=next(before, unnamed))

    def add_unreadable(self, facts: DeviceFacts, failure: str) -> None:
        """Know of a GPU that cannot be read, if none is known by its number."""
        if all(known.index != facts.index for known in self._devices.values()):
            self._devices[facts.id] = replace(facts, failure=failure)

    def gone(self, told: Sequence[DeviceFacts], failure: str) -> list[DeviceFacts]:
        """What is known and not among what is told now; a MIG instance that was taken apart is forgotten.

        Args:
            told: what answers; what is well of it is remembered.
            failure: of the library as a whole; empty for none.
        """
        well = {facts.id: facts for facts in told if not facts.failure}
        self._devices |= well
        seen = {facts.id for facts in told}
        missing = [facts for facts in self._devices.values() if facts.id not in seen]
        for facts in missing:
            if facts.mig is not None and facts.mig.parent_id in well:
                del self._devices[facts.id]
        return [
            replace(_blank(facts), failure=failure or facts.failure or "lost")
            for facts in missing
            if facts.id in self._devices
        ]


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
        mig=facts.mig,
        memory_total_bytes=facts.memory_total_bytes,
        xid_last=facts.xid_last,
    )
