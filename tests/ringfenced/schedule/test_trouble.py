"""Which errors tell of a target: no caller's own does."""

from __future__ import annotations

import pytest

from ringfenced.errors import (
    ContextExceeded,
    DeadlineExceeded,
    InvalidRequest,
    Overloaded,
    Refused,
    Unavailable,
    WalletEmpty,
)
from ringfenced.schedule.trouble import PATIENT_MS, RULES, TOLD, Told, Trouble, told_by

LONG_MS = PATIENT_MS + 1


@pytest.mark.parametrize(
    ("reason", "trouble"),
    [
        ("provider_unreachable", Trouble.UNREACHABLE),
        ("provider_rate_limited", Trouble.RATE_LIMITED),
        ("provider_overloaded", Trouble.OVERLOADED),
        ("provider_credentials", Trouble.CREDENTIALS),
        ("provider_bad_answer", Trouble.BAD_ANSWER),
    ],
)
def test_what_a_provider_does_is_told_by_its_class(reason, trouble):
    """With how long it asks to be left alone."""
    assert told_by(Unavailable("x", reason=reason, retry_after_ms=1500), 1.0) == Told(trouble, 1.5)


OWN = [
    Unavailable("x", reason="provider_rejected"),
    Unavailable("x", reason="provider_too_long"),
    Refused("x", reason="agent_refused"),
    Refused("x", reason="label"),
    ContextExceeded("x"),
    InvalidRequest("x", reason="payload_too_long"),
    WalletEmpty("x"),
    Overloaded("x", reason="agent_quota", suggestions=("quota.caller",), retry_after_ms=10),
    Overloaded("x", reason="agent_quota", suggestions=("quota.department",), retry_after_ms=10),
    Overloaded("x", reason="agent_quota", suggestions=("quota.provider",)),
    Overloaded("x", reason="slow_reader"),
    Unavailable("x", reason="engine_died"),
    Unavailable("x", reason="lockdown"),
    DeadlineExceeded("x"),
    GeneratorExit(),
    ValueError(),
]


@pytest.mark.parametrize("error", OWN, ids=lambda error: getattr(error, "reason", type(error).__name__))
def test_a_callers_own_error_tells_nothing(error):
    """Nor one of this node's."""
    assert told_by(error, LONG_MS) is None


def test_silence_tells_of_a_provider_that_had_time():
    """A caller in a hurry proves nothing."""
    silence = DeadlineExceeded("x", reason="provider_deadline")
    assert told_by(silence, PATIENT_MS - 1) is None
    assert told_by(silence, LONG_MS) == Told(Trouble.TIMEOUT)


def test_a_quota_without_room_tells_where_waiting_helps():
    """It is the agent's own, and it is the same for all."""
    full = Overloaded("x", reason="agent_quota", suggestions=("quota.provider",), retry_after_ms=10)
    assert told_by(full, 1.0) == Told(Trouble.QUOTA, 0.01)


def test_every_trouble_has_a_rule_and_words():
    """So that none can be met without either."""
    assert set(RULES) == set(TOLD) == set(Trouble)
