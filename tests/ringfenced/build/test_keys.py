"""Secrets of the node: made once, kept, and never made of less than they should be."""

import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from ringfenced.build import keys


def config(state, *, learn=True):
    return SimpleNamespace(state=state, routing=SimpleNamespace(learn=learn))


def test_secrets_are_made_once_for_this_user_alone(tmp_path):
    keys.prepare(config(tmp_path))
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {name: len(key) for name, key in made.items()} == {"pseudonym.key": 32, "learning.salt": 16}
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    keys.prepare(config(tmp_path))
    assert made == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_what_a_start_that_was_cut_off_left_is_no_key(tmp_path):
    (tmp_path / ".pseudonym.key.new").write_bytes(b"half")
    keys.prepare(config(tmp_path))
    assert [path.name for path in tmp_path.glob("*pseudonym*")] == ["pseudonym.key"]
    assert len((tmp_path / "pseudonym.key").read_bytes()) == 32


def test_a_node_that_does_not_learn_has_no_salt(tmp_path):
    keys.prepare(config(tmp_path, learn=False))
    assert not (tmp_path / "learning.salt").exists()
    assert keys.salt(config(tmp_path, learn=False)) == b""


def test_pseudonyms_are_the_keys(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    for state in (here, there):
        state.mkdir()
        keys.prepare(config(state))
    one, same, other = (keys.pseudonyms(config(state))("anna") for state in (here, here, there))
    assert one == same != other
    assert "anna" not in one


@pytest.mark.parametrize("length", [0, 15, 31, 33])
def test_a_key_of_another_length_is_refused_with_what_to_do(tmp_path, length):
    """Pseudonyms under an empty key could be guessed by whoever has the log."""
    for name in ("pseudonym.key", "learning.salt"):
        (tmp_path / name).write_bytes(bytes(length))
    with pytest.raises(OSError, match=r"pseudonym\.key is no key of 32 bytes; restore it, or remove it"):
        keys.pseudonyms(config(tmp_path))
    with pytest.raises(OSError, match=r"learning\.salt is no key of 16 bytes"):
        keys.salt(config(tmp_path))


def test_a_key_of_which_nobody_can_tell_whether_it_is_there_is_not_made_anew(tmp_path, monkeypatch):
    """A node would have other pseudonyms from then on, and the log name the same people twice."""

    def lstat(path, original=Path.lstat):
        if path.name == "pseudonym.key":
            raise OSError(5, "Input/output error")
        return original(path)

    keys.prepare(config(tmp_path))
    made = (tmp_path / "pseudonym.key").read_bytes()
    monkeypatch.setattr(Path, "lstat", lstat)
    with pytest.raises(OSError, match="Input/output error"):
        keys.prepare(config(tmp_path))
    assert (tmp_path / "pseudonym.key").read_bytes() == made


def test_a_key_that_is_a_link_to_nowhere_is_not_made_anew(tmp_path):
    """As of a folder that is not mounted yet."""
    (tmp_path / "pseudonym.key").symlink_to("not mounted/pseudonym.key")
    keys.prepare(config(tmp_path))
    assert (tmp_path / "pseudonym.key").is_symlink()
    with pytest.raises(FileNotFoundError):
        keys.pseudonyms(config(tmp_path))
