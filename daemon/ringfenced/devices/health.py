"""Whether a device may be used, from what is known of it now and was known before. Pure.

The first rule that holds decides:

1. what the driver answered instead of facts: `driver_mismatch`, `driver_not_loaded`, `driver`, `closed`, `no_access`,
   `lost`, `reset_required`, `silent`
2. `recovery`: the driver itself says that something must be done
3. `xid`: it told of an Xid after which the device needs a reset
4. `remapping_failed`, `remapping_pending`, `retirement_pending`: memory that is or will be given up
5. `ecc`: memory held wrong data since the driver was loaded
6. `returning`: it was out for one of the first rule and has not yet told everything in one sample
7. `mig_parent`: its instances are used instead
8. `memory_unknown`: nothing can be fitted into it

What a whole GPU is out for, but 7 and 8, takes its MIG instances out too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ringfenced.device import DeviceFacts

XIDS_RESET: Final = {
    48: "uncorrectable memory error",
    62: "internal controller halted",
    64: "a row could not be remapped",
    74: "NVLink error",
    79: "fell off the bus",
    95: "uncontained memory error",
    119: "the GPU's own processor did not answer",
    120: "the GPU's own processor failed",
    140: "unrecovered memory error",
    143: "the GPU could not be initialised",
}
"""Xids after which NVIDIA's catalogue asks for a reset, not just for the application to start again:
https://docs.nvidia.com/deploy/xid-errors/"""

_RESET: Final = "stop what uses it (ringfenced too), run `nvidia-smi --gpu-reset -i {index}`, start ringfenced again"

_FAILURES: Final = {
    "driver_mismatch": (
        "the driver was updated under the running kernel module: reload the module or reboot, then restart ringfenced"
    ),
    "driver_not_loaded": (
        "NVIDIA's kernel module is not loaded, or kept from us: run `modprobe nvidia`; see systemd/drop-ins/nvidia.conf"
    ),
    "driver": "NVML cannot be opened: see what `nvidia-smi` says, and the kernel's log",
    "no_driver": "NVIDIA's library is gone: install the driver again",
    "closed": "NVML was closed under us: it is opened anew by itself; if this stays, restart ringfenced",
    "no_access": "the driver does not let us in: check /dev/nvidia*; see systemd/drop-ins/nvidia.conf",
    "lost": "it fell off the bus, or was taken out: see the kernel's log for Xid 79, check power and seat, reboot",
    "reset_required": f"the driver asks for a reset: {_RESET}",
    "silent": "the driver does not answer: see the kernel's log; if this stays, reboot",
}

_RECOVERIES: Final = {
    "gpu_reset": f"the driver asks for a reset: {_RESET}",
    "drain_and_reset": f"the driver asks to let work end and to reset: {_RESET}",
    "bus_reset": "the driver asks for a reset of the bus: reboot the node",
    "node_reboot": "the driver asks for a reboot of the node",
    "system_reboot": "the driver asks for a reboot of the node",
    "drain_p2p": "the driver asks to end traffic between GPUs: restart what uses it",
    "recover_imex_domain": "the driver asks to recover the IMEX domain: restart nvidia-imex on its nodes",
}

NOT_UNWELL: Final = frozenset({"mig_parent", "no_access", "driver_not_loaded"})
"""Rules that say nothing bad of a device: a node may keep its GPUs from the daemon on purpose."""

_NOT_SHARED: Final = frozenset({"mig_parent", "memory_unknown", "returning"})
"""What a whole GPU can be out for while its instances are not."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Why a device is not used."""

    rule: str
    """For programs; empty when it is used."""
    reason: str
    """For people, with what to do."""


def judge_all(sample: Sequence[DeviceFacts], previous: Mapping[str, DeviceFacts]) -> tuple[DeviceFacts, ...]:
    """A whole sample with what each device is out for.

    Args:
        sample: the devices as read, whole GPUs before their MIG instances.
        previous: what was judged before, by id; empty at the start.
    """
    judged: dict[str, DeviceFacts] = {}
    for facts in sample:
        exclusion = judge(facts, previous.get(facts.id))
        whole = judged.get(facts.mig.parent_id) if facts.mig else None
        if whole is not None and whole.excluded_rule and whole.excluded_rule not in _NOT_SHARED:
            exclusion = Exclusion(whole.excluded_rule, f"its GPU: {whole.excluded_reason}")
        judged[facts.id] = replace(facts, excluded_rule=exclusion.rule, excluded_reason=exclusion.reason)
    return tuple(judged.values())


def judge(facts: DeviceFacts, previous: DeviceFacts | None) -> Exclusion:
    """Why one device is not used, by itself.

    Args:
        facts: as read.
        previous: as judged before; None for a device that is new.
    """
    rule, reason = _broken(facts, previous) or _worn(facts, previous) or _elsewhere(facts, previous) or ("", "")
    return Exclusion(rule, reason.format(index="N" if facts.index is None else facts.index))


def _broken(facts: DeviceFacts, previous: DeviceFacts | None) -> tuple[str, str] | None:
    """Rules 1 to 3: it cannot be spoken to, or the driver gave it up."""
    if facts.failure:
        return facts.failure, _FAILURES.get(facts.failure, "the driver failed: see the kernel's log")
    if facts.recovery:
        return "recovery", _RECOVERIES.get(facts.recovery, "the driver asks for it to be recovered: reboot the node")
    if facts.xid_last in XIDS_RESET:
        return "xid", f"Xid {facts.xid_last}, {XIDS_RESET[facts.xid_last]}: {_RESET}"
    if facts.xid_last is not None and previous is not None and previous.excluded_rule == "xid":
        return "xid", previous.excluded_reason  # a later, lesser one takes nothing back
    return None


def _worn(facts: DeviceFacts, previous: DeviceFacts | None) -> tuple[str, str] | None:
    """Rules 4 and 5: its memory is not to be trusted."""
    errors = facts.errors
    if errors.remapping_failed:
        return "remapping_failed", "no spare row of memory is left: have the board replaced"
    if errors.remapping_pending:
        return "remapping_pending", f"a row of memory is replaced at the next reset: {_RESET}"
    if errors.retirement_pending:
        return "retirement_pending", f"a page of memory is retired at the next reset: {_RESET}"
    if _held_wrong_data(facts, previous):
        count = errors.uncorrected_volatile
        told = "memory errors" if count is None else f"{count} memory errors"
        return "ecc", f"{told} that could not be corrected since the driver was loaded: {_RESET}"
    return None


def _held_wrong_data(facts: DeviceFacts, previous: DeviceFacts | None) -> bool:
    """Uncorrected errors since the driver was loaded; where that is not counted, since we look."""
    now = facts.errors
    if now.uncorrected_volatile is not None:
        return now.uncorrected_volatile > 0
    if previous is None:
        return False
    before = previous.errors.uncorrected_aggregate
    rose = None not in (before, now.uncorrected_aggregate) and (now.uncorrected_aggregate or 0) > (before or 0)
    return rose or previous.excluded_rule == "ecc"


def _elsewhere(facts: DeviceFacts, previous: DeviceFacts | None) -> tuple[str, str] | None:
    """Rules 6 to 8: nothing is wrong, and it is not used."""
    was_out = previous is not None and previous.excluded_rule in {*_FAILURES, "returning"}
    if was_out and not (facts.is_complete and facts.memory_free_bytes is not None):
        return "returning", "it came back and has not yet told everything: it is used as soon as it does"
    if facts.is_mig_parent:
        return "mig_parent", "MIG is on: its instances are used instead"
    if facts.memory_free_bytes is None:
        return "memory_unknown", "the driver does not tell how much memory it has, so that nothing can be fitted"
    return None
