"""The sections of callers and departments."""

from __future__ import annotations

import pytest

from fakes.daemonfile import GOOD, read
from ringfence.configfile import ConfigError
from ringfence.labels import Category, Label, Level


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("spiffe://", "https://", "callers[0].identity"),
        ('["caller", "auditor"]', '["root"]', "callers[0].roles"),
        ("grant_credits = 1", "grant_credits = -1", "departments[0].grant_credits"),
    ],
)
def test_what_is_no_identity_no_role_and_no_grant_is_told_with_its_place(old, new, told):
    with pytest.raises(ConfigError) as caught:
        read(GOOD.replace(old, new))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("", Label(Level.INTERNAL)),
        ("label_default = {}", Label(Level.INTERNAL)),
        ('label_default = { categories = ["PHI"] }', Label(Level.INTERNAL, frozenset({Category.PHI}))),
        ('label_default = { level = "PUBLIC", categories = ["PHI"] }', Label(Level.PUBLIC, frozenset({Category.PHI}))),
    ],
)
def test_a_default_label_without_a_level_is_internal_as_where_none_stands(written, label):
    """Whoever adds a category lowers nothing."""
    config = read(GOOD + written)
    (caller,) = config.callers_by_identity().values()
    assert caller.label_default == label
