"""Reasons that the log may repeat: all that the daemon gives, and none else."""

import pytest

from ringfence.permit import Statement
from ringfence.reasons import OTHER, REASONS, repeatable


@pytest.mark.parametrize("reason", sorted(REASONS | {OTHER, ""}))
def test_known_reasons_are_repeated(reason):
    assert repeatable(reason) == (reason or "")


@pytest.mark.parametrize("reason", ["JohnSmith", "cheapest", "The cheapest that is allowed, good enough and in time"])
def test_no_other_text_is(reason):
    assert repeatable(reason) == OTHER


def test_a_permit_can_bear_each():
    """The field's shape has room for them."""
    assert all(len(reason) < 128 for reason in REASONS)
    assert Statement.__dataclass_fields__["decision_reason"].default == ""
