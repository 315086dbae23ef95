"""Models, policy, GPUs, and what the daemon says."""

import pytest

from ringfenced.cli.doctoring.finding import State
from ringfenced.cli.doctoring.site import (
    CheckFacts,
    DaemonFacts,
    ProviderFacts,
    WeightsFacts,
    daemon,
    gpus,
    policy,
    weights,
)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (WeightsFacts("m", is_read=True), State.OK),
        (WeightsFacts("m", read_at="2026-11-29T00:00:00Z"), State.OK),
        (WeightsFacts("m", has_digest=False), State.WARNING),
        (WeightsFacts("m", "another digest"), State.ERROR),
    ],
)
def test_weights_are_what_they_must_be(facts, state):
    assert weights([facts])[0].state is state


def test_a_policy_that_does_not_parse_is_an_error():
    assert policy("", "ab" * 32).told.endswith("abababababababab")
    assert policy("ringfenced.toml:3: unknown", "").state is State.ERROR


@pytest.mark.parametrize(
    ("wanted", "driver", "seen", "states"),
    [
        (False, "", None, []),
        (False, "570.1", 1, [State.OK]),
        (True, "570.1", None, [State.OK]),
        (True, "", 0, [State.ERROR]),
        (True, "570.1", 0, [State.ERROR]),
    ],
)
def test_gpus_that_are_counted_on_are_there(wanted, driver, seen, states):
    assert [each.state for each in gpus(wanted, driver, seen)] == states


WELL = DaemonFacts(version="0.1.0", checks=(CheckFacts("disk", True, ""),), providers=(ProviderFacts("gpt", ""),))


@pytest.mark.parametrize(
    ("facts", "states"),
    [
        (WELL, [State.OK] * 3),
        (DaemonFacts(problem="not asked"), [State.WARNING]),
        (DaemonFacts(problem="away", is_away=True), [State.ERROR]),
        (DaemonFacts(checks=None), [State.OK, State.WARNING]),
        (DaemonFacts(checks=(CheckFacts("ledger", False, "disk full"),)), [State.OK, State.ERROR]),
        (DaemonFacts(checks=(CheckFacts("confinement", True, "signals are not judged"),)), [State.OK, State.WARNING]),
        (DaemonFacts(checks=(CheckFacts("confinement", True, ""),)), [State.OK, State.OK]),
        (DaemonFacts(checks=(CheckFacts("confinement", False, "no Landlock"),)), [State.OK, State.ERROR]),
        (DaemonFacts(checks=(), lockdown=""), [State.OK]),
        (DaemonFacts(checks=(), lockdown="an incident"), [State.OK, State.WARNING]),
        (DaemonFacts(checks=(), providers=(ProviderFacts("gpt", "breaker"),)), [State.OK, State.WARNING]),
    ],
)
def test_what_the_daemon_says_is_passed_on(facts, states):
    assert [each.state for each in daemon(facts)] == states
