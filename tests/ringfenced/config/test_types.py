"""Types that sections share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.labels import Category, Label, Level
from ringfenced.config import LabelSetting, Tls


@given(level=st.sampled_from(Level), upper=st.booleans(), categories=st.frozensets(st.sampled_from(Category)))
def test_a_label_is_written_by_names_in_any_case(level, upper, categories):
    name = level.name if upper else level.name.lower()
    assert LabelSetting(level=name, categories=categories).label() == Label(level, categories)


def test_a_level_that_is_none_is_refused():
    with pytest.raises(ValueError, match="level"):
        LabelSetting(level="SECRET")


def test_paths_stand_beside_the_file_that_names_them(tmp_path):
    made = Tls.model_validate({"ca": "ca.pem", "cert": "/etc/cert.pem", "key": "keys/key.pem"}, context=tmp_path)
    assert (made.ca, str(made.cert), made.key) == (tmp_path / "ca.pem", "/etc/cert.pem", tmp_path / "keys/key.pem")
