"""One table from typed errors to gRPC statuses."""

from __future__ import annotations

import grpc
import pytest

from ringfence.labels import Label
from ringfence.status import decode
from ringfenced import errors
from ringfenced.api.status import CODES, code_of, trailer_of, typed
from ringfenced.model import Candidate, Decision, Estimate, Target, TargetKind


def every(kind):
    yield kind
    for child in kind.__subclasses__():
        yield from every(child)


@pytest.mark.parametrize(
    "kind",
    sorted(
        (k for k in every(errors.RingfenceError) if k.__module__ == errors.__name__ and k is not errors.RingfenceError),
        key=str,
    ),
)
def test_every_error_has_a_status(kind):
    assert CODES[kind] is not grpc.StatusCode.UNKNOWN


def test_an_error_of_another_layer_takes_its_ancestors_status():
    class Nearby(errors.Refused):
        pass

    assert code_of(Nearby("x")) is grpc.StatusCode.FAILED_PRECONDITION


def test_the_detail_travels_whole():
    error = errors.WalletEmpty("no credits", step=4, numbers={"needed": 7}, suggestions=("a",), retry_after_ms=5)
    ((key, value),) = trailer_of(error)
    code, message, detail = decode(value)
    assert key == "grpc-status-details-bin"
    assert (code, message) == (grpc.StatusCode.RESOURCE_EXHAUSTED.value[0], "no credits")
    assert (detail.reason, detail.step, dict(detail.numbers), list(detail.suggestions)) == (
        "wallet_empty",
        4,
        {"needed": 7},
        ["a"],
    )
    assert detail.retry_after_ms == 5


def test_a_defect_tells_nothing_of_its_insides():
    error = typed(ValueError("Margarete Ellison"))
    assert isinstance(error, errors.Internal)
    assert "Margarete" not in str(error)


def test_a_decision_with_very_many_targets_does_not_cost_the_status():
    """gRPC's clients take 8 KiB of metadata by default."""
    estimate = Estimate(5, 50, 1, 0.5, 1, 1)
    refused = tuple(
        Candidate(Target(TargetKind.LOCAL, f"model-{n}"), estimate, False, "label", "why " * 20, False)
        for n in range(200)
    )
    error = errors.Refused("no target " * 2000, decision=Decision(Label(), (), refused, "d" * 64))
    ((_, value),) = trailer_of(error)
    assert len(value) < 4096
    _, message, detail = decode(value)
    assert len(detail.decision.candidates) == 4
    assert "ringfence plan" in message
