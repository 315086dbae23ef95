"""A whole site at work in its units: daemon, llama.cpp engine and agent, and what reaches the outside meanwhile."""

import json

import pytest

from containment.namespaces import until

pytestmark = pytest.mark.containment

ASK = (
    *("ringfence", "--target", "localhost:7443", "--ca", "/etc/ringfence/pki/ca.pem"),
    *("--cert", "/root/caller-ward.pem", "--key", "/root/caller-ward.key"),
)
UNITS = ("ringfence-agent.service", "ringfenced.service", "ringfenced-proxy.socket")
NOTE = "Patient: Quillon Abernethy, MRN: 77120093"


@pytest.fixture(scope="module")
def at_work(attacked):
    """Every unit as it is installed, started; the agent's way to its one provider is open."""
    machine = attacked.machine
    machine.run("systemctl", "start", *UNITS, seconds_max=120)
    until(lambda: machine.does(*ASK, "plan", "hello"), "the site", 30)
    yield machine
    machine.run("systemctl", "stop", *UNITS, "ringfenced-proxy.service")


def test_what_is_answered_here_sends_nothing(at_work, attacked):
    """A note, through the proxy's port to the daemon, to its engine and back."""
    watch = attacked.network.watching()
    said = at_work.run(*ASK, "generate", "--json", "--max-tokens", "8", NOTE)
    watch.stop().nothing()
    assert '"local-small"' in said


def test_what_is_answered_outside_goes_to_the_provider_alone(at_work, attacked, seen):
    """The only process that can is the agent."""
    watch = attacked.network.watching()
    at_work.run(*ASK, "generate", "--label", "public", "--model", "assistant", "Which organ pumps blood?")
    arrivals = watch.stop()
    assert arrivals.allowed > 0
    assert arrivals.captured_allowed == arrivals.allowed
    arrivals.nothing_escaped()
    asked = [json.loads(line)["messages"][-1]["content"] for line in seen.read_text().splitlines()]
    assert asked == ["Which organ pumps blood?"]


def test_what_may_not_leave_is_refused_and_sends_nothing(at_work, attacked, seen):
    """The note, for the provider's model."""
    before = seen.read_text()
    watch = attacked.network.watching()
    assert not at_work.does(*ASK, "generate", "--model", "assistant", NOTE)
    watch.stop().nothing()
    assert seen.read_text() == before


def test_an_idle_site_sends_nothing(at_work, attacked):
    """Nobody asks; health checks, the log's checkpoints and whatever else runs by itself stay inside."""
    watch = attacked.network.watching()
    at_work.run("sleep", "5")
    watch.stop().nothing()
