"""Each process of ours tries every way out in its real unit, under a real systemd, and everybody outside would answer.

The units alone are tried here: what starts in them are the attempts, which confine nothing themselves. What our
processes do to themselves comes on top, and is tried alone in test_processes.py.
"""

import pytest

from containment.assault import arguments
from containment.network import PROVIDER4
from containment.units import REPLACED

pytestmark = pytest.mark.containment

SERVICES = (
    "ringfenced.service",
    "ringfence-agent.service",
    "ringfenced-proxy.service",
    "ringfence-export.service",
    "ringfence-watch.service",
)

PACKETS = {
    *("tcp4", "tcp6", "tcp4-mapped", "tcp4-fast-open", "udp4", "udp6", "dns", "dns-by-hand", "dns-over-tcp"),
    *("metadata", "proxy-environment", "proxy-files", "descriptor-handed-over", "unix-abstract", "unix-given"),
}
"""What every process can do that nobody confines, on any kernel."""

RAW = ("icmp4", "icmp6", "raw4", "packet-raw")
"""What root can do besides."""

OWN_TERMINAL = {"tiocsti"}
"""A unit has no person's terminal; the one that is typed into is the attempt's own."""
CALLBACKS = {"memfd-exec-path"}
"""libffi makes callbacks in such files, and llama.cpp's binding has callbacks: systemd/design.md."""
BY_DESCRIPTOR = {"memfd-exec"}
"""The same without a path; what shuts itself in forbids that."""
SAME_NETWORK = {"unix-abstract"}
"""Abstract names belong to a network, and whoever has a way out is in the machine's: systemd/design.md."""
UNHEARD = {"listen-tcp", "listen-udp"}
"""Nobody is heard: the filter of addresses holds both ways (`test_nobody_outside_is_heard_by_the_agent`)."""

OWN_MEMORY = {"write-dev-shm"}
"""Engines share memory there; the daemon's unit has a /dev/shm that nobody else sees and nothing is executed from."""

_WITH_NETWORK = OWN_TERMINAL | SAME_NETWORK | UNHEARD
STANDING = {
    "ringfenced.service": OWN_TERMINAL | OWN_MEMORY | CALLBACKS | BY_DESCRIPTOR,
    "ringfence-agent.service": _WITH_NETWORK,
    "ringfenced-proxy.service": OWN_TERMINAL,
    "ringfence-export.service": _WITH_NETWORK,
    "ringfence-watch.service": _WITH_NETWORK,
}
"""All that works in a unit; none of it sends a packet. One more, or one less, and the test says so."""

BOTH = {"daemon": CALLBACKS, "engine": set(), "agent": {"listen-udp"}}
"""What works in a unit when the process has shut itself in as well."""

WALLS = {
    "PrivateNetwork=": "PrivateNetwork=no",
    "RestrictAddressFamilies=": "RestrictAddressFamilies=",
    "IPAddressDeny=": "IPAddressDeny=",
}
"""What keeps the daemon off the network, and how a drop-in takes each away."""


@pytest.mark.short
def test_a_plain_process_gets_out(attacked, keep):
    """The control: everybody answers, and both ways of counting see it."""
    plain = keep(attacked.plainly("ringfenced", arguments("units")))
    assert set(plain.named("escaped")) >= PACKETS, plain.named("blocked")
    assert plain.arrivals.escaped >= len(PACKETS) - 2  # two of them are connections inside the machine
    assert plain.arrivals.captured_escaped == plain.arrivals.escaped


def test_root_gets_out_by_raw_sockets(attacked, keep):
    """The control for what takes a privilege."""
    root = keep(attacked.plainly("root", [*arguments("units"), *(word for name in RAW for word in ("--only", name))]))
    assert set(root.named("escaped")) == set(RAW), root.tried
    assert root.arrivals.escaped >= len(RAW) - 1  # the last only listens
    assert root.arrivals.captured_escaped == root.arrivals.escaped


@pytest.mark.parametrize("unit", SERVICES)
def test_nothing_gets_out_of_a_unit(attacked, keep, unit):
    """The agent's too: those who answer here are none of its providers."""
    assault = keep(attacked.as_unit(unit), STANDING[unit])
    assault.arrivals.nothing()
    assault.nothing_worked(but=STANDING[unit])


@pytest.mark.short
@pytest.mark.parametrize(("role", "unit"), [("daemon", "ringfenced.service"), ("agent", "ringfence-agent.service")])
def test_nothing_at_all_works_once_a_process_has_shut_itself_in_too(attacked, keep, role, unit):
    """The program itself in its unit, at the moment at which it would serve: both walls, as they are in a site."""
    assault = keep(attacked.as_itself(role, unit), BOTH[role])
    assault.arrivals.nothing()
    assault.nothing_worked(but=BOTH[role])


@pytest.mark.short
def test_nothing_at_all_works_for_an_engine(attacked, keep):
    """The real daemon in its real unit starts it for its model, and it attacks once the model is loaded."""
    assault = keep(attacked.as_engine(), BOTH["engine"])
    assault.arrivals.nothing()
    assault.nothing_worked(but=BOTH["engine"])


@pytest.mark.parametrize("unit", SERVICES)
def test_an_attack_changes_a_units_program_and_nothing_else(attacked, unit):
    """What is attacked is the unit as it is installed."""
    changed = attacked.changed(unit)
    assert "ExecStart" in changed
    assert set(changed) <= REPLACED, changed


@pytest.mark.parametrize("alone", WALLS)
def test_each_of_the_daemons_walls_holds_alone(attacked, alone):
    """With the other two taken away."""
    settings = "".join(f"{line}\n" for wall, line in WALLS.items() if wall != alone)
    attacked.as_unit("ringfenced.service", settings=settings).arrivals.nothing()


def test_without_all_three_walls_packets_get_out(attacked):
    """The control of the test above."""
    settings = "".join(f"{line}\n" for line in WALLS.values())
    assert attacked.as_unit("ringfenced.service", settings=settings).arrivals.escaped > 0


@pytest.mark.short
def test_the_agent_reaches_the_provider_that_a_site_opened(attacked):
    """And sends nothing to anybody else."""
    assault = attacked.as_unit("ringfence-agent.service", ["--only", "tcp4", "--address4", PROVIDER4])
    assert list(assault.named("escaped")) == ["tcp4"], assault.tried
    assert assault.arrivals.allowed > 0
    assault.arrivals.nothing_escaped()


def test_the_agents_way_out_is_closed_until_a_site_opens_it(attacked):
    """As the package leaves it, without the site's drop-in."""
    closed = "IPAddressAllow=\nIPAddressAllow=localhost\n"
    assault = attacked.as_unit("ringfence-agent.service", ["--only", "tcp4", "--address4", PROVIDER4], closed)
    assert list(assault.named("blocked")) == ["tcp4"], assault.tried
    assault.arrivals.nothing()


def test_nobody_outside_is_heard_by_the_agent(attacked):
    """It could listen on a port, and nobody could connect; the control is heard."""
    assert attacked.is_heard()
    assert not attacked.is_heard("ringfence-agent.service")


def test_a_kernel_without_landlock_is_no_reason_not_to_serve(attacked):
    """The units hold alone, and the self-test at the start asks for no more than the kernel has."""
    units = ("ringfence-agent.service", "ringfenced.service")
    assert attacked.starts(units, "SystemCallFilter=~landlock_create_ruleset\n"), attacked.machine.journal(units[1])
