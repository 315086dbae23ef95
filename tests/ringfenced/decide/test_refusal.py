"""A refusal's error follows from the rules that removed the targets."""

from __future__ import annotations

import pytest

from ringfence.labels import Label
from ringfenced.decide.refusal import refusal
from ringfenced.errors import ContextExceeded, DeadlineExceeded, Refused, Unavailable, WalletEmpty
from ringfenced.model import Candidate, Decision, Estimate, Target, TargetKind, Wallet

WALLET = Wallet("ward", granted_microcredits=100, spent_microcredits=60, held_microcredits=30)


def decision(*rules):
    return Decision(
        Label(),
        (),
        tuple(
            Candidate(
                Target(TargetKind.LOCAL, f"m{place}"), Estimate(5, 50 + place, 1, 0.5, 1, 1), False, rule, "why", False
            )
            for place, rule in enumerate(rules)
        ),
        "digest",
    )


@pytest.mark.parametrize(
    ("rules", "kind"),
    [
        (("label",), Refused),
        (("label", "quality"), Refused),
        ((), Refused),
        (("wallet",), WalletEmpty),
        (("wallet", "label"), WalletEmpty),
        (("wallet", "quality"), Refused),
        (("available", "label"), Unavailable),
        (("deadline", "model"), DeadlineExceeded),
        (("deadline", "label"), Refused),
        (("context", "label"), ContextExceeded),
        (("context", "available"), Unavailable),
    ],
)
def test_the_kind_follows_from_the_rules(rules, kind):
    error = refusal(decision(*rules), WALLET)
    assert type(error) is kind
    assert error.decision is not None
    assert error.step == 3


def test_an_empty_wallet_tells_the_least_that_is_needed():
    error = refusal(decision("wallet", "wallet"), WALLET)
    assert error.numbers == {
        "needed_microcredits": 50,
        "available_microcredits": 10,
        "granted_microcredits": 100,
        "held_microcredits": 30,
    }


def test_what_is_away_may_be_tried_again():
    assert refusal(decision("available"), WALLET).retry_after_ms == 1000
