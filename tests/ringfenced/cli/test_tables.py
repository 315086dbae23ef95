"""Messages as tables for people."""

from __future__ import annotations

from ringfence.v1.admin_pb2 import Model, ModelSpeed, ModelState
from ringfence.v1.types_pb2 import TargetKind
from ringfenced.cli.tables import _model_row


def model(**fields):
    return Model(
        name="gpt", kind=TargetKind.TARGET_KIND_PROVIDER, engine="acme", state=ModelState.MODEL_STATE_READY, **fields
    )


def test_a_model_shows_measured_beside_configured():
    """What is not known is a dash; a slope is shown where there is one."""
    configured = ModelSpeed(first_token_ms=500, token_ms=20)
    assert _model_row(model(configured=configured))[-3:] == ("500, 20.0", "-", "")
    measured = ModelSpeed(first_token_ms=420.4, prompt_token_ms=0.25, token_ms=11.26, answers=12)
    assert _model_row(model(configured=configured, measured=measured))[-3:-1] == ("500, 20.0", "420 + 25.0/100, 11.3")


def test_a_model_that_is_left_alone_says_so():
    """An operator sees why nobody gets there."""
    assert _model_row(model(closed=["unreachable for 1 tenant"]))[-1] == "left alone: unreachable for 1 tenant"
    assert _model_row(model(closed=["x"], failure="lockdown"))[-1] == "lockdown"
