"""A decision is shown with every target, and as a whole."""

from __future__ import annotations

import io

from ringfence.v1 import types_pb2 as types
from ringfenced.cli.decided import decision_table
from ringfenced.cli.output import Output

TINY = types.Target(kind=types.TARGET_KIND_LOCAL, model="tiny")
LARGE = types.Target(kind=types.TARGET_KIND_LOCAL, model="large")
CLOUD = types.Target(kind=types.TARGET_KIND_PROVIDER, provider="acme", model="gpt", region="eu")


def candidate(target, **changes):
    estimate = types.Estimate(cost_microcredits=900, cost_microcredits_max=4000, latency_ms=1200, quality=0.6)
    return types.Candidate(target=target, estimate=estimate, **changes)


def shown(decision):
    output = Output(False, io.StringIO(), io.StringIO())
    decision_table(output, decision, beside=False)
    return output.stdout.getvalue()


def test_a_ladder_is_shown_with_what_it_comes_to_as_a_whole():
    learned = candidate(CLOUD, chosen=True, rule="chosen", deidentified=True, reason="next rung")
    learned.estimate.quality_uncertainty = 0.05
    decision = types.Decision(
        target=TINY,
        candidates=[
            candidate(TINY, chosen=True, rule="chosen", reason="cheap to try"),
            learned,
            candidate(LARGE, rule="cost", reason="local:tiny is cheaper or sooner"),
        ],
        ladder=[TINY, CLOUD],
        expected=types.Estimate(
            cost_microcredits=1300, cost_microcredits_max=8000, latency_ms=1680, quality=0.9, quality_uncertainty=0.05
        ),
        fallbacks=[LARGE],
        explored=True,
        propensity=0.01,
    )
    text = shown(decision)
    for piece in (
        "0.60 ± 0.05 learned",
        "next rung [de-identified]",
        "0.0009 (max 0.004)",
        "local:tiny, if it falls short acme/gpt (eu)",
        "0.0013 (max 0.008) credits, 1,680 ms, quality 0.90 ± 0.05 learned",
        "local:large",
        "as 1.0% of such requests are",
    ):
        assert piece in text
    rows = [line.split()[:2] for line in text.splitlines()]
    assert [row for row in rows if row and row[0] in {"1", "2", "+"}] == [
        ["1", "local:tiny"],
        ["2", "acme/gpt"],
        ["+", "local:large"],
    ]


def test_a_single_target_needs_no_more_than_its_row():
    text = shown(types.Decision(target=TINY, candidates=[candidate(TINY, chosen=True, rule="chosen")], ladder=[TINY]))
    assert "* " in text
    assert "the whole" not in text


def test_a_decision_without_a_target_says_so():
    assert "refused: no target is open" in shown(types.Decision(candidates=[candidate(TINY, rule="label")]))
