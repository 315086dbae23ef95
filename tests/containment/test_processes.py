"""Each process of ours tries every way out with nothing around it: no unit, no init, only what it does itself.

In a network namespace with a route, as a user of its own; whoever is outside would answer. What units keep in besides
is tried in test_units.py. Where the kernel judges no TCP ports and signals (Landlock 6), less is kept in than here.
"""

import pytest

from containment.assault import arguments

pytestmark = pytest.mark.containment

OTHERS_SOCKETS = {"unix-given"}
"""No kernel yet judges unix sockets that stand in the file system; a unit hides them."""
WRITTEN_CODE = {"ld-preload", "dlopen-written", "memfd-exec-path"}
"""A library that was written gains nothing that walls could take: they hold for it as well. A unit forbids it."""
WAY_OUT = {
    *("tcp4", "tcp6", "tcp4-mapped", "dns-over-tcp"),
    *("udp4", "udp6", "dns-by-hand", "dns", "listen-udp"),
}
"""Providers' ports and the resolver's, at any address: which addresses, a unit or a NetworkPolicy says."""

STANDING = {
    "ringfenced": OTHERS_SOCKETS | WRITTEN_CODE,
    "ringfence-agent": OTHERS_SOCKETS | WAY_OUT | {"dlopen-written"},
    "an engine": OTHERS_SOCKETS,
}
"""All that works when nothing but a process itself is in the way. One more, or one less, and the test says so."""

PORTS_LEFT = {"443", "53", "9"}
"""Of the agent: providers' (TCP), a resolver's, and datagrams to whichever port."""


def test_a_plain_process_gets_out(alone, keep):
    """The control: everybody answers, and both ways of counting see it."""
    plain = keep(alone.plainly(arguments("processes")))
    assert {"tcp4", "tcp6", "udp4", "udp6", "dns", "metadata"} <= set(plain.named("escaped")), plain.named("blocked")
    assert plain.arrivals.escaped > 0
    assert plain.arrivals.captured_escaped == plain.arrivals.escaped


def test_nothing_gets_out_of_the_daemon(alone, keep):
    """At the moment at which it would serve."""
    assault = keep(alone.as_program("daemon", "/var/lib/ringfenced"), STANDING["ringfenced"])
    assault.arrivals.nothing()
    assault.nothing_worked(but=STANDING["ringfenced"])


def test_nothing_gets_out_of_an_engine(alone, keep):
    """The real daemon starts it for its model, and it attacks once the model is loaded, its daemon too."""
    assault = keep(alone.as_engine(), STANDING["an engine"])
    assault.arrivals.nothing()
    assault.nothing_worked(but=STANDING["an engine"])


def test_what_gets_out_of_the_agent_is_what_it_is_for(alone, keep):
    """Ports, not addresses: those are the unit's."""
    assault = keep(alone.as_program("agent", "/var/lib/ringfence-agent"), STANDING["ringfence-agent"])
    assault.nothing_worked(but=STANDING["ringfence-agent"])
    said = [frame for frame in assault.arrivals.frames if "icmp" not in frame]  # the kernel's, to late answers
    assert {frame.rpartition(" ")[2] for frame in said} <= PORTS_LEFT, said
