"""A whole site at work: daemon, llama.cpp engine and agent, and what reaches the outside meanwhile.

Once in their units under a real systemd, and once as processes that somebody started by hand, which have nothing but
what they do themselves.
"""

import json

import pytest

from containment.bare import program
from containment.namespaces import until

pytestmark = pytest.mark.containment

UNITS = ("ringfence-agent.service", "ringfenced.service", "ringfenced-proxy.socket")
ASK = ("ringfence", "--ca", "/etc/ringfence/pki/ca.pem", "--server-name", "localhost")
CALLER = ("--cert", "/root/caller-ward.pem", "--key", "/root/caller-ward.key")
NOTE = "Patient: Quillon Abernethy, MRN: 77120093"
START_S = 240.0


class AtWork:
    """A site that answers."""

    def __init__(self, how, host, target, network, keep):
        self._how = how
        self._command = (*ASK, *CALLER, "--target", target)
        self._keep = keep
        self.host = host
        self.network = network

    def answers(self):
        """Whether it decides."""
        return self.host.does(*self._command, "plan", "hello")

    def ask(self, *words):
        """What came of a request; empty where it was refused. Counts while it runs."""
        watch = self.network.watching()
        worked = self.host.does(*self._command, "generate", *words)
        return worked, watch.stop()

    def told(self, what, arrivals):
        """Keep what was counted, for the report."""
        self._keep.count(f"{self._how}: {what}", arrivals)


@pytest.fixture(scope="module", params=[pytest.param("units", marks=pytest.mark.short), "processes"])
def at_work(request, network, seen, keeping):
    """Everything started; the way to the one provider is open."""
    if request.param == "units":
        host = request.getfixturevalue("machine")
        made = AtWork("in units", host, "localhost:7443", network, keeping)
        host.run("systemctl", "start", *UNITS, seconds_max=START_S)
        until(made.answers, "the site", START_S)
        yield made
        host.run("systemctl", "stop", *UNITS, "ringfenced-proxy.service")
        return
    host = request.getfixturevalue("bare")
    made = AtWork("no units", host, "unix:/run/ringfence/callers/ringfenced.sock", network, keeping)
    names = {"agent": "ringfence-agent", "daemon": "ringfenced"}
    started = [host.start(who, *program(name), log=f"/tmp/{who}.log") for who, name in names.items()]
    try:
        until(lambda: made.answers() or started[1].poll() is not None, "the site", START_S)
        assert made.answers(), host.path("/tmp/daemon.log").read_text()
        yield made
    finally:
        for process in started:
            process.terminate()
            process.wait(30)


def test_what_is_answered_here_sends_nothing(at_work):
    """A note, to the daemon, to its engine and back."""
    worked, arrivals = at_work.ask("--max-tokens", "8", NOTE)
    assert worked
    arrivals.nothing()
    at_work.told("a note answered by the engine", arrivals)


def test_what_is_answered_outside_goes_to_the_provider_alone(at_work, seen):
    """The only process that can is the agent."""
    before = len(seen.read_text().splitlines())
    worked, arrivals = at_work.ask("--label", "public", "--model", "assistant", "Which organ pumps blood?")
    assert worked
    assert arrivals.allowed > 0
    assert arrivals.captured_allowed == arrivals.allowed
    arrivals.nothing_escaped()
    asked = [json.loads(line)["messages"][-1]["content"] for line in seen.read_text().splitlines()[before:]]
    assert asked == ["Which organ pumps blood?"]
    at_work.told("a question answered by the provider", arrivals)


def test_what_may_not_leave_is_refused_and_sends_nothing(at_work, seen):
    """The note, for the provider's model."""
    before = seen.read_text()
    worked, arrivals = at_work.ask("--model", "assistant", NOTE)
    assert not worked
    arrivals.nothing()
    assert seen.read_text() == before
    at_work.told("a note refused for the provider", arrivals)


def test_an_idle_site_sends_nothing(at_work):
    """Nobody asks; health checks, the log's checkpoints and whatever else runs by itself stay inside."""
    watch = at_work.network.watching()
    at_work.host.run("sleep", "5")
    arrivals = watch.stop()
    arrivals.nothing()
    at_work.told("five seconds without a request", arrivals)


@pytest.mark.parametrize("unit", ["ringfence-export.service", "ringfence-watch.service"])
@pytest.mark.parametrize("at_work", ["units"], indirect=True)
def test_auditors_reach_the_daemon_from_their_units(at_work, attacked, unit):
    """With what their units give them: a socket, a certificate, and a key as a credential."""
    assert "node-1" in attacked.said_by(unit, "/usr/bin/ringfence", "status"), attacked.machine.journal(unit)
