"""A site's cases: may this request of that caller go there? As the whole decision answers, policy and built-in rules.

What changes from minute to minute is left out: every target is there, and the wallet is full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ringfence.labels import Label, covers, join
from ringfenced.decide import decide
from ringfenced.decide.asked import DEIDENTIFIED, sources_of
from ringfenced.inputs import Ability, Asked, Circumstances, Inputs, configured
from ringfenced.model import Caller, Candidate, Offer, Permission, TargetKind
from ringfenced.policy.rulebook import Rulebook
from ringfenced.policy.vocabulary import plainest

WHERE_IT_MAY_GO: Final = frozenset({"permission", "label", "policy"})
"""The rules that say where a request may go at all; what other rules remove is not refused but not there."""
SITE: Final = "site"
"""Stands for any model of the site, as a place to go."""
_WALLET: Final = 10**15
_CHARS: Final = 400


@dataclass(frozen=True, slots=True)
class Case:
    """One question, and the answer that is expected."""

    name: str
    """For people."""
    caller: Caller
    """Who asks."""
    label: Label
    """What the request is, its findings included."""
    to: str
    """A target as decisions print it, a provider, or `SITE`."""
    allowed: bool
    """Whether it may go there: to one of them, where several are meant."""
    rule: str = ""
    """A rule or a policy that must have decided; empty for any."""
    sent: Label | None = None
    """What de-identification leaves; None where all was found that is above what the caller asserts by default."""
    findings: frozenset[str] = frozenset()
    """Types that were found."""
    deidentified: bool = False
    """The caller lets de-identified content leave."""
    task: str = ""
    """The caller's name for this kind of work."""
    source: str = ""
    """The upstream system that the request names; the one that its caller speaks for counts besides."""
    embeds: bool = False
    """Texts to embed."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a case."""

    case: Case
    """Which."""
    allowed: bool
    """Whether it may go there."""
    rule: str
    """The rule that removed it; empty where it is allowed."""
    reason: str
    """The same for people."""
    policies: tuple[str, ...]
    """The policies that decided."""
    problem: str
    """What is not as expected; empty if it passed."""


def try_case(case: Case, book: Rulebook, offers: Sequence[Offer]) -> Tried:
    """Decide a case.

    Args:
        case: the question.
        book: the policy.
        offers: every target of the site.
    """
    meant = [offer for offer in offers if _is_meant(offer, case.to)]
    if not meant:
        return Tried(case, allowed=False, rule="", reason="", policies=(), problem=f"there is no {case.to} here")
    offers = tuple(replace(offer, available=True, unavailable_reason="") for offer in offers)
    asked = asked_in(case)
    rulings = book.rulings(asked, offers)
    inputs = Inputs(asked, offers, configured(offers), rulings, Circumstances(_WALLET, None))
    decision = decide(inputs)
    targets = {offer.target for offer in meant}
    found = [one for one in (*decision.ladder, *decision.refused) if one.target in targets]
    open_ = [one for one in found if not _is_refused(one)]
    told = (open_ or found)[0]
    allowed = bool(open_)
    rule, reason = ("", "") if allowed else (told.rule, told.reason)
    problem = "".join(_problems(case, told, allowed=allowed))
    return Tried(case, allowed, rule, reason, told.policies, problem)


def asked_in(case: Case) -> Asked:
    """A case as the request that it stands for."""
    asserted = join((case.caller.label_default, case.caller.label_department))
    stays = case.label if covers(asserted, case.label) else join((asserted, DEIDENTIFIED))
    sent = stays if case.sent is None else case.sent
    lowered = bool(case.findings) or sent != case.label
    return replace(
        plainest(case.caller, embeds=case.embeds),
        task=case.task,
        sources=sources_of(case.source, case.caller),
        permission=Permission(deidentified_egress=case.deidentified),
        needs=frozenset({Ability.EMBEDDINGS if case.embeds else Ability.TEXT}),
        prompt_chars=_CHARS,
        label=case.label,
        label_deidentified=sent,
        lowered=lowered,
        findings=case.findings,
    )


def _is_meant(offer: Offer, to: str) -> bool:
    if to == SITE:
        return offer.target.kind is not TargetKind.PROVIDER
    return to in {str(offer.target), offer.target.provider}


def _is_refused(candidate: Candidate) -> bool:
    return not candidate.chosen and candidate.rule in WHERE_IT_MAY_GO


def _problems(case: Case, told: Candidate, *, allowed: bool) -> Iterator[str]:
    if allowed != case.allowed:
        yield f"{'allowed' if allowed else 'refused'}, not {'allowed' if case.allowed else 'refused'}"
    elif case.rule and case.rule not in {told.rule, *told.policies}:
        by = ", ".join(told.policies) or told.rule
        yield f"decided by {by}, not by {case.rule}"
