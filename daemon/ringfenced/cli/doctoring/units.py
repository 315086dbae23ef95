"""The walls that systemd keeps around our processes, as they are in force beside how they ship. Pure.

A site's drop-ins may widen some of them, for GPUs for example; that is told. Those that make the promise of this
product, no way out and no way up, may not be widened: that is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ringfenced.cli.doctoring.finding import Finding, State, error, ok, unseen, warning

DAEMON, AGENT, PROXY = "ringfenced.service", "ringfence-agent.service", "ringfenced-proxy.service"
RELAY: Final = "ringfence-relay.service"
_SOCKETS: Final = {PROXY: "ringfenced-proxy.socket", RELAY: "ringfence-relay.socket"}
"""What starts those when somebody calls."""

_UP: Final = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "LimitCORE": "0",
    "MemorySwapMax": "0",
    "ProtectSystem": "strict",
}
_NO_WAY_OUT: Final = {"PrivateNetwork": "yes", "RestrictAddressFamilies": "AF_UNIX"}

WALLS: Final[Mapping[str, Mapping[str, str]]] = {
    DAEMON: _UP | _NO_WAY_OUT,
    PROXY: _UP | _NO_WAY_OUT,
    AGENT: _UP,
    RELAY: _UP,
}
"""What must be in force, as `systemctl show` words it."""

SOFT: Final = {
    "MemoryDenyWriteExecute": "yes",
    "PrivateDevices": "yes",
    "PrivateUsers": "yes",
    "ProtectProc": "invisible",
}
"""What a drop-in may have a reason to widen, on the daemon for GPUs."""

PROPERTIES: Final = (
    *("LoadState", "UnitFileState", "ActiveState", "SubState", "Result", "NRestarts", "NeedDaemonReload"),
    *("ControlGroup", "InvocationID", "IPAddressDeny", "IPAddressAllow", "SystemCallFilter", *_UP, *_NO_WAY_OUT, *SOFT),
)
"""What is asked for of each unit."""

OPTIONAL: Final = frozenset({"ringfence-export.service", "ringfence-watch.service"})
"""Units that many nodes have no use for: left out where nobody switched them on."""

_EVERYWHERE: Final = frozenset({"0.0.0.0/0", "::/0", "any"})


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """One unit."""

    name: str
    """Its name."""
    values: Mapping[str, str]
    """Its properties, as `systemctl show` tells them."""
    packet_filters: int | None = None
    """How many programs of the kernel judge its packets; None where it does not run, or the kernel does not say."""


def judge(facts: Iterable[UnitFacts]) -> tuple[Finding, ...]:
    """How each unit runs, and whether its walls stand; units not installed, or of no use here, are left out."""
    known = tuple(facts)
    unused = elsewhere(known) | _unused(known)
    installed = [each for each in known if _is_loaded(each) and each.name not in unused]
    return tuple(finding for each in installed for finding in (_runs(each), *_walls(each), *_filter(each)))


def elsewhere(facts: Iterable[UnitFacts]) -> frozenset[str]:
    """Which of daemon and agent is meant to run on another machine: nobody switched it on here, and the other is on."""
    sides = [each for each in facts if each.name in {DAEMON, AGENT} and _is_loaded(each)]
    off = frozenset(each.name for each in sides if _is_off(each))
    return off if len(off) < len(sides) else frozenset()


def left_out(away: frozenset[str]) -> tuple[Finding, ...]:
    """What is said of those.

    Args:
        away: `elsewhere`, without those that somebody asked for.
    """
    told = "not switched on here, as on the other side's own host: its file is not looked at"
    return tuple(ok(name, told) for name in sorted(away))


def _is_loaded(each: UnitFacts) -> bool:
    return each.values.get("LoadState") == "loaded"


def _is_off(each: UnitFacts) -> bool:
    return (each.values.get("UnitFileState"), each.values.get("ActiveState")) == ("disabled", "inactive")


def _unused(facts: Iterable[UnitFacts]) -> frozenset[str]:
    """Units that this node has no use for: nobody switched them on, or the socket that starts them."""
    off = frozenset(each.name for each in facts if _is_off(each))
    doors = {service: socket for service, socket in _SOCKETS.items() if socket in off}
    return (off & OPTIONAL).union(doors, doors.values())


def _runs(each: UnitFacts) -> Finding:
    values, see = each.values, f"see journalctl -u {each.name}"
    state = f"{values.get('ActiveState', '')} ({values.get('SubState', '')})"
    if values.get("NeedDaemonReload") == "yes":
        return warning(
            each.name, "its file has changed since systemd read it", "systemctl daemon-reload, then restart it"
        )
    if values.get("ActiveState") == "failed":
        return error(each.name, f"failed: {values.get('Result', '')}", see)
    if each.name in _SOCKETS and values.get("ActiveState") == "inactive":
        return ok(each.name, "its socket starts it when somebody calls")
    if values.get("ActiveState") != "active":
        return warning(each.name, state, f"systemctl enable --now {each.name}, if this node is to run it")
    restarts = values.get("NRestarts", "0")
    if restarts.isdecimal() and int(restarts):
        return warning(each.name, f"{state}, restarted {restarts} times by itself", see)
    return ok(each.name, state)


def _walls(each: UnitFacts) -> tuple[Finding, ...]:
    if each.name not in WALLS:
        return ()
    check = f"walls of {each.name}"
    down = [_said(name, each) for name, value in WALLS[each.name].items() if each.values.get(name) != value]
    down += [*_addresses(each), *_calls(each)]
    wide = [_said(name, each) for name, value in SOFT.items() if each.values.get(name) != value]
    advice = f"take it out of the drop-in: systemctl cat {each.name} shows which"
    if down:
        return (error(check, ", ".join(down), advice),)
    if wide:
        told = ", ".join(wide)
        return (Finding(check, State.WARNING, told, f"right for GPUs that need it; else {advice}"),)
    return (ok(check, "in force as they ship"),)


def _filter(each: UnitFacts) -> tuple[Finding, ...]:
    """Whether the filter of addresses is there at all: systemd says nothing where it cannot put one up."""
    check = f"packet filter of {each.name}"
    if each.values.get("ActiveState") != "active" or not each.values.get("IPAddressDeny"):
        return ()
    if each.packet_filters is None:
        return (unseen(check, "the kernel does not say whether one is there"),)
    if not each.packet_filters:
        told = "IPAddressDeny= is set, and nothing filters packets: systemd could not put it up, and did not say so"
        advice = (
            "it takes cgroup v2, a kernel with CONFIG_CGROUP_BPF, and a systemd that may use bpf(2): a container often "
            "may not; until then only a firewall of the host's knows the agent's addresses"
        )
        return (error(check, told, advice),)
    return (ok(check, f"in force: {each.packet_filters} each way"),)


def _said(name: str, each: UnitFacts) -> str:
    return f"{name}={each.values.get(name, '(not known)')}"


def _addresses(each: UnitFacts) -> tuple[str, ...]:
    """What is wrong with the packet filter: all is denied but what is named, and for the daemon's side nothing is."""
    denied = frozenset(each.values.get("IPAddressDeny", "").split())
    allowed = frozenset(each.values.get("IPAddressAllow", "").split())
    problems = () if denied & _EVERYWHERE else (_said("IPAddressDeny", each),)
    if allowed & _EVERYWHERE or (allowed and each.name not in {AGENT, RELAY}):
        problems = (*problems, _said("IPAddressAllow", each))
    return problems


def _calls(each: UnitFacts) -> tuple[str, ...]:
    """What is wrong with the filter of system calls: it allows a list, and io_uring is not on it."""
    calls = each.values.get("SystemCallFilter", "")
    if not calls or calls.startswith("~"):
        return ("SystemCallFilter allows all that it does not name",)
    return ("SystemCallFilter allows io_uring",) if "io_uring_setup" in calls.split() else ()
