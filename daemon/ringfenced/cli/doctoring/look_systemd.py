"""What systemd says of our units: settings in force, packet filters, what they said when they started."""

from __future__ import annotations

import ctypes
import os
import shutil
import struct
import subprocess
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

from ringfence.confine.libc import NoSuchCall, call
from ringfence.confine.numbers import UnknownMachine
from ringfenced.cli.doctoring.selftest import READY, Confined, SelfTestFacts, confined, event
from ringfenced.cli.doctoring.units import AGENT, DAEMON, PROPERTIES, UnitFacts
from ringfenced.cli.installing.shipped import UNITS

CGROUPS: Final = Path("/sys/fs/cgroup")

_SECONDS_MAX: Final = 10
_LINES_MAX: Final = 2000
"""A service that starts says less than this before it is ready."""

# <linux/bpf.h>
_BPF_PROG_QUERY: Final = 16
_BPF_CGROUP_INET: Final = (0, 1)  # ingress, egress
_QUERY: Final = struct.Struct("=4IQ2IQ")
"""The part of union bpf_attr that BPF_PROG_QUERY reads: group, kind, flags, flags, list, and from byte 24 the count."""
_COUNT_AT: Final = 24


def units() -> tuple[UnitFacts, ...] | None:
    """Each of our units, as systemd has it; None where it does not answer.

    None are there where this machine was not started by systemd (sd_booted(3)).
    """
    if not Path("/run/systemd/system").is_dir() or shutil.which("systemctl") is None:
        return ()
    command = ["systemctl", "show", f"--property={','.join(PROPERTIES)}", *UNITS]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS_MAX, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return None
    return tuple(_with_filters(each) for each in parsed(UNITS, done.stdout))


def parsed(names: Iterable[str], said: str) -> tuple[UnitFacts, ...]:
    """What `systemctl show` says of several units: a block of NAME=VALUE lines each, with an empty line between."""
    blocks = (block for block in said.split("\n\n") if block.strip())
    pairs = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]
    return tuple(UnitFacts(name, values) for name, values in zip(names, pairs, strict=False))


def self_tests(units: Iterable[UnitFacts]) -> tuple[SelfTestFacts, ...]:
    """What daemon and agent said of their walls when they started, where they run."""
    running = (each for each in units if each.name in {DAEMON, AGENT} and each.values.get("ActiveState") == "active")
    return tuple(SelfTestFacts(each.name, _said(each.values.get("InvocationID", ""))) for each in running)


def packet_filters(group: Path) -> int | None:
    """How many programs judge the packets of a control group, both ways (bpf(2)); None where the kernel does not say.

    Args:
        group: its folder.
    """
    try:
        descriptor = os.open(group, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        return min(_attached(descriptor, kind) for kind in _BPF_CGROUP_INET)
    except (OSError, NoSuchCall, UnknownMachine):
        return None
    finally:
        os.close(descriptor)


def _attached(group: int, kind: int) -> int:
    query = ctypes.create_string_buffer(_QUERY.pack(group, kind, 0, 0, 0, 0, 0, 0), _QUERY.size)
    call("bpf", _BPF_PROG_QUERY, ctypes.addressof(query), _QUERY.size)
    return int(struct.unpack_from("=I", query, _COUNT_AT)[0])


def _with_filters(each: UnitFacts) -> UnitFacts:
    group = each.values.get("ControlGroup", "").strip("/")
    return replace(each, packet_filters=packet_filters(CGROUPS / group)) if group else each


def _said(invocation: str) -> tuple[Confined, ...]:
    """What the journal has of one start, up to the line that says that it is ready."""
    if not invocation or shutil.which("journalctl") is None:
        return ()
    command = ["journalctl", "--quiet", "--no-pager", "--output=cat", f"_SYSTEMD_INVOCATION_ID={invocation}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as journal:  # noqa: S603
        limit = threading.Timer(_SECONDS_MAX, journal.kill)  # the lines then end
        limit.start()
        try:
            return tuple(each for line in _beginning(journal.stdout or ()) if (each := confined(line)) is not None)
        finally:
            limit.cancel()
            journal.kill()


def _beginning(lines: Iterable[str]) -> Iterator[str]:
    for line in islice(lines, _LINES_MAX):
        yield line
        if event(line) == READY:
            return
