"""What a request that got no answer tells of its target: the class of the error, or that it tells nothing. Pure.

A caller's own errors tell nothing: a request that the provider rejects, that is too long, that the agent refuses, that
finds its own quota spent, a caller that hangs up or gives too little time. Nor does a local engine's death: the
supervisor knows whether a model of this node is there, and starts it again (`engines.supervisor`). Nor what is the way
out's trouble and no provider's: the agent tells every second whether anything may leave (`site.exits`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ringfenced.errors import RingfenceError
from ringfenced.schedule.breaker import Rule

PATIENT_MS: Final = 10_000
"""A provider that was given less time than this and did not answer in it proves nothing: its caller was in a hurry."""


class Trouble(StrEnum):
    """What is the matter with a target."""

    UNREACHABLE = "unreachable"
    """There is no connection to it."""
    RATE_LIMITED = "rate_limited"
    """It limits how often it is asked (429)."""
    OVERLOADED = "overloaded"
    """It fails or has too much to do (5xx)."""
    CREDENTIALS = "credentials"
    """It does not take the agent's key (401, 403)."""
    QUOTA = "quota"
    """The agent's own quota for the provider has no room at the moment."""
    BAD_ANSWER = "bad_answer"
    """What it says is no answer."""
    TIMEOUT = "timeout"
    """It does not answer, though it has time."""


RULES: Final[Mapping[Trouble, Rule]] = MappingProxyType(
    {
        Trouble.UNREACHABLE: Rule(failures_max=2, rest_s=2.0, rest_s_max=60.0, callers_min=2),
        Trouble.RATE_LIMITED: Rule(failures_max=1, rest_s=1.0, rest_s_max=60.0, callers_min=2),
        Trouble.OVERLOADED: Rule(failures_max=3, rest_s=2.0, rest_s_max=60.0, callers_min=2),
        Trouble.CREDENTIALS: Rule(failures_max=2, rest_s=15.0, rest_s_max=300.0, callers_min=2),
        Trouble.QUOTA: Rule(failures_max=3, rest_s=1.0, rest_s_max=60.0, callers_min=2),
        Trouble.BAD_ANSWER: Rule(failures_max=5, rest_s=5.0, rest_s_max=60.0, callers_min=2),
        Trouble.TIMEOUT: Rule(failures_max=3, rest_s=5.0, rest_s_max=60.0, callers_min=2),
    }
)
"""When each trips its breaker. Few failures suffice, since the agent has tried each request again itself. What is a
tenant's takes the failures of two callers, since a request may bring about any of it: a 429 because it alone is too
large, a 5xx or a timeout by what it says, a 403 or a broken connection by a filter before the provider. A caller's own
breaker takes its failures alone. Rests are short: a trial costs one request a fallback."""

TOLD: Final[Mapping[Trouble, str]] = MappingProxyType(
    {
        Trouble.UNREACHABLE: "it could not be reached",
        Trouble.RATE_LIMITED: "it limits how often it is asked",
        Trouble.OVERLOADED: "it failed or had too much to do",
        Trouble.CREDENTIALS: "it does not take the agent's key",
        Trouble.QUOTA: "the agent's quota for it is spent",
        Trouble.BAD_ANSWER: "what it said was no answer",
        Trouble.TIMEOUT: "it did not answer",
    }
)
"""The same for people."""

_BY_REASON: Final[Mapping[str, Trouble]] = MappingProxyType(
    {
        "provider_unreachable": Trouble.UNREACHABLE,
        "provider_rate_limited": Trouble.RATE_LIMITED,
        "provider_overloaded": Trouble.OVERLOADED,
        "provider_credentials": Trouble.CREDENTIALS,
        "provider_bad_answer": Trouble.BAD_ANSWER,
        "provider_deadline": Trouble.TIMEOUT,
    }
)
"""The agent's reasons (egress.proto, `ProviderFailed`) as `egress.client` hands them on."""


@dataclass(frozen=True, slots=True)
class Told:
    """What an error tells of its target."""

    trouble: Trouble
    """What is the matter."""
    asked_s: float | None = None
    """How long it asks to be left alone, in seconds; None where it says nothing."""


def told_by(error: BaseException, took_ms: float) -> Told | None:
    """What an error tells of a provider; None where it tells nothing.

    Args:
        error: what a request ended with.
        took_ms: how long it was waited for, in milliseconds.
    """
    if not isinstance(error, RingfenceError):
        return None
    trouble = _BY_REASON.get(error.reason)
    if error.reason == "agent_quota" and "quota.provider" in error.suggestions and error.retry_after_ms is not None:
        trouble = Trouble.QUOTA  # where waiting does not help, the request alone is too much
    if trouble is None or (trouble is Trouble.TIMEOUT and took_ms < PATIENT_MS):
        return None
    return Told(trouble, None if error.retry_after_ms is None else error.retry_after_ms / 1000)
