"""What a process needs to read and run is found, and nothing else named."""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import BaseModel

from ringfence.confine import places
from ringfence.confine.settings import named


def test_a_pythons_own_tree_is_run_and_its_modules_are_read(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    (tmp_path / "modules").mkdir()
    assert sys.prefix in places.interpreters()
    assert str(tmp_path / "modules") in places.python()
    assert str(tmp_path / "modules") not in places.interpreters()
    assert set(places.interpreters()) <= set(places.python())


def test_another_environment_is_run_with_what_it_was_made_from(tmp_path):
    """PEP 405: its interpreter is a link."""
    (tmp_path / "real/bin").mkdir(parents=True)
    (tmp_path / "real/bin/python3").touch()
    (tmp_path / "venv/bin").mkdir(parents=True)
    (tmp_path / "venv/bin/python").symlink_to(tmp_path / "real/bin/python3")
    found = places.interpreters(tmp_path / "venv/bin/python")
    assert {str(tmp_path / "venv"), str(tmp_path / "real")} <= set(found)


class Inner(BaseModel):
    """A table."""

    key: Path


class Whole(BaseModel):
    """A file."""

    inner: Inner
    many: tuple[Inner, ...]
    by_name: dict[str, Path]
    nothing: Path | None = None
    word: str = "/not/a/path"


def test_every_file_that_a_configuration_names_is_found_where_it_leads(tmp_path):
    """Its folder, because a file that is renewed is another file; and where a link goes."""
    for name in ("a", "b", "c", "real"):
        (tmp_path / name).mkdir()
    (tmp_path / "a/key").touch()
    (tmp_path / "real/key").touch()
    (tmp_path / "b/key").symlink_to(tmp_path / "real/key")
    whole = Whole(
        inner=Inner(key=tmp_path / "a/key"), many=(Inner(key=tmp_path / "b/key"),), by_name={"x": tmp_path / "c"}
    )
    assert set(named(whole)) == {str(tmp_path / name) for name in ("a", "b", "c", "real")}


def test_links_are_followed(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert places.resolved(tmp_path / "link") == (str(tmp_path / "link"), str(tmp_path / "file"))


def test_who_has_no_home_is_sent_nowhere(monkeypatch):
    """A container's user is often in no passwd, and HOME may be unset: the self-test goes on all the same."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", _nobody)
    assert places.at_home("~/.netrc") == Path("/nonexistent/.netrc")
    assert places.at_home("/etc/~x") == Path("/etc/~x")


def _nobody(uid):
    raise KeyError(uid)
