"""A site's cases about people: may this caller do that? As the daemon answers, by roles and the policy for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ringfenced.model import Caller, CallerRole
from ringfenced.policy.people import Act, People, why

ROLES: Final[Mapping[Act, frozenset[CallerRole]]] = MappingProxyType(
    {
        **dict.fromkeys((Act.PLAN, Act.FEEDBACK), frozenset({CallerRole.CALLER})),
        **dict.fromkeys((Act.SEE_MODELS, Act.SEE_NODE, Act.SEE_WALLETS), frozenset(CallerRole)),
        **dict.fromkeys((Act.SEE_POLICY, Act.SEE_ROUTING), frozenset({CallerRole.OPERATOR, CallerRole.AUDITOR})),
        **dict.fromkeys(
            (
                *(Act.LOAD_MODEL, Act.UNLOAD_MODEL, Act.REPLACE_MODEL, Act.RELOAD_POLICY, Act.FORGET_ROUTING),
                *(Act.ROTATE_KEY, Act.LOCKDOWN, Act.LIFT),
            ),
            frozenset({CallerRole.OPERATOR}),
        ),
        Act.AUDIT: frozenset({CallerRole.AUDITOR}),
    }
)
"""The roles of which one is needed to do anything of an act; of some acts a part takes more (`ringfenced.api`)."""

ROLE: Final = "role"
"""The rule that refuses who has no role for an act."""
POLICY: Final = "policy"
"""The rule that refuses what the policy for people does not let somebody do."""


@dataclass(frozen=True, slots=True)
class ActCase:
    """One question about an act, and the answer that is expected."""

    name: str
    """For people."""
    caller: Caller
    """Who acts."""
    act: Act
    """What it would do."""
    allowed: bool
    """Whether it may."""
    rule: str = ""
    """`ROLE`, `POLICY`, or a policy that must have decided; empty for any."""


@dataclass(frozen=True, slots=True)
class ActTried:
    """What came of a case."""

    case: ActCase
    """Which."""
    allowed: bool
    """Whether it may."""
    rule: str
    """`ROLE` or `POLICY`, which refused it; empty where it is allowed."""
    reason: str
    """The same for people."""
    policies: tuple[str, ...]
    """The policies that decided."""
    problem: str
    """What is not as expected; empty if it passed."""


def try_act(case: ActCase, people: People | None) -> ActTried:
    """Decide a case.

    Args:
        case: the question.
        people: the policy for people; None where roles alone decide.
    """
    rule, reason, policies = _refused(case, people)
    allowed = not rule
    problem = "".join(_problems(case, rule, policies, allowed=allowed))
    return ActTried(case, allowed, rule, reason, policies, problem)


def _refused(case: ActCase, people: People | None) -> tuple[str, str, tuple[str, ...]]:
    """Which rule refuses it, why, and the policies that decided; roles first, as the daemon asks."""
    needed = ROLES[case.act]
    if not needed & case.caller.roles:
        return ROLE, f"it takes the role {' or '.join(sorted(needed))}", ()
    if people is None:
        return "", "", ()
    ruling = people.ruling(case.caller, case.act)
    return ("", "", ruling.policies) if ruling.allowed else (POLICY, why(ruling, people.source.name), ruling.policies)


def _problems(case: ActCase, rule: str, policies: tuple[str, ...], *, allowed: bool) -> Iterator[str]:
    if allowed != case.allowed:
        yield f"{'allowed' if allowed else 'refused'}, not {'allowed' if case.allowed else 'refused'}"
    elif case.rule and case.rule not in {rule, *policies}:
        yield f"decided by {', '.join(policies) or rule or 'roles alone'}, not by {case.rule}"
