"""A configuration file's problems are told with file, line and what to write instead."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from ringfence.configfile import ConfigError, Section, load, parse

FILE = Path("site.toml")


class Inner(Section):
    port: int = Field(ge=1)
    """A port."""
    name: str = "x"
    """A name."""


class Outer(Section):
    inner: Inner
    """One."""
    many: tuple[Inner, ...] = ()
    """Several."""


class Timed(Section):
    seconds: float = Field(ge=0)
    """A time."""


def problem(text, model=Outer):
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE, model)
    return str(caught.value)


@pytest.mark.parametrize("number", ["inf", "+inf", "-inf", "nan"])
def test_a_number_is_finite(number):
    assert "site.toml:1" in problem(f"seconds = {number}\n", Timed)


def test_a_good_file_is_a_frozen_value():
    value = parse("[inner]\nport = 7\n", FILE, Outer)
    assert value.inner.port == 7
    with pytest.raises(ValueError, match="frozen"):
        value.inner.port = 8


def test_an_unknown_key_is_told_with_its_line_and_the_nearest_one():
    assert problem("[inner]\nport = 7\nnmae = 'y'\n") == "site.toml:3: inner.nmae: is unknown; write name"


def test_an_unknown_key_without_a_near_one_lists_what_is_known():
    assert problem("[inner]\nport = 7\nzzzz = 'y'\n").endswith("write one of port, name")


def test_a_missing_key_is_told_at_its_table():
    assert problem("[inner]\nname = 'y'\n") == "site.toml:1: inner.port: is missing. A port."


def test_the_right_element_of_an_array_of_tables_is_named():
    text = "[inner]\nport = 1\n[[many]]\nport = 1\n[[many]]\nname = 'b'\nport = 0\n"
    assert problem(text).startswith("site.toml:7: many[1].port: ")


def test_every_problem_is_told_at_once():
    assert len(problem("[inner]\nport = 0\nx = 1\n[[many]]\n").splitlines()) == 3


def test_values_are_not_repeated():
    """A value may be a secret."""
    assert "s3cret" not in problem("[inner]\nport = 's3cret'\n")


def test_no_toml_says_where():
    assert "line 2" in problem("[inner]\nport = = 7\n")


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "none.toml", Outer)


@given(st.text(max_size=200))
def test_any_text_is_a_config_error_or_a_value(text):
    with contextlib.suppress(ConfigError):
        parse(text, FILE, Outer)
