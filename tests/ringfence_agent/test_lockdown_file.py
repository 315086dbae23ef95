"""Anything but the file's absence means stop."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence_agent.lockdown_file import LockdownFile
from ringfence_agent.lockdown_orders import Standing, Waiting

STOPPED = Standing(on=True, reason="drill", since_unix_ms=5, by=("anna",))


def test_what_is_saved_is_loaded_and_a_lift_leaves_nothing(tmp_path):
    file = LockdownFile(tmp_path)
    file.save(STOPPED)
    assert (file.present(), file.load()) == (True, STOPPED)
    assert file.lift()
    assert (file.present(), file.load(), list(tmp_path.iterdir())) == (False, Standing(), [])


@pytest.mark.parametrize("on", [True, False])
def test_an_order_that_waits_outlives_a_restart(tmp_path, on):
    waits = Waiting(not on, "r", ("anna",), 99)
    standing = Standing(on=on, reason="drill" if on else "", since_unix_ms=5 if on else 0, waiting=waits)
    LockdownFile(tmp_path).save(standing)
    assert LockdownFile(tmp_path).load() == standing


def test_an_order_for_what_holds_already_does_not_wait_after_a_restart(tmp_path):
    """The file was put there by hand while a stop was waiting: the stop is no order of the opposite any more."""
    LockdownFile(tmp_path).save(Standing(waiting=Waiting(True, "r", ("anna",), 99)))
    (tmp_path / "lockdown").touch()
    assert LockdownFile(tmp_path).load().waiting is None


def test_a_file_that_somebody_touched_stops(tmp_path):
    (tmp_path / "lockdown").touch()
    os.utime(tmp_path / "lockdown", ns=(7_000_000, 7_000_000))
    standing = LockdownFile(tmp_path).load()
    assert (standing.on, standing.by, standing.since_unix_ms) == (True, (), 7)
    assert "lockdown" in standing.reason


@pytest.mark.parametrize("make", ["mkdir", "dangling", "mode 0"])
def test_whatever_lies_there_stops(tmp_path, make):
    path = tmp_path / "lockdown"
    if make == "mkdir":
        path.mkdir()
    elif make == "dangling":
        path.symlink_to(tmp_path / "nowhere")
    else:
        path.touch(mode=0)
    file = LockdownFile(tmp_path)
    assert file.present()
    assert file.load().on


def test_a_folder_that_is_gone_or_cannot_be_looked_at_stops(tmp_path, monkeypatch):
    gone = LockdownFile(tmp_path / "gone")
    assert gone.present()
    (tmp_path / "file").touch()
    assert LockdownFile(tmp_path / "file").present()

    def fail(_path):
        raise OSError(5, "Input/output error")

    file = LockdownFile(tmp_path)
    assert not file.present()
    monkeypatch.setattr("pathlib.Path.lstat", fail)
    assert file.present()


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_nonsense_in_the_files_stops_and_breaks_nothing(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("log")
    (folder / "lockdown.waiting").write_bytes(content)
    assert LockdownFile(folder).load() == Standing()
    (folder / "lockdown").write_bytes(content)
    assert LockdownFile(folder).load().on


@pytest.mark.parametrize(
    "said", [{"by": "anna"}, {"reason": 7, "time_unix_ms": "x"}, {"by": [1], "reason": "r" * 5000}]
)
def test_half_sensible_files_are_read_as_far_as_they_go(tmp_path, said):
    (tmp_path / "lockdown").write_text(json.dumps(said))
    standing = LockdownFile(tmp_path).load()
    assert standing.on
    assert len(standing.reason) <= 1024


@pytest.mark.parametrize("standing", [Standing(), Standing(waiting=Waiting(True, "r", ("anna",), 99))])
def test_what_is_no_lift_takes_no_stop_away(tmp_path, standing):
    """Somebody put it there a moment ago, and nobody has seen it yet."""
    file = LockdownFile(tmp_path)
    file.load()
    (tmp_path / "lockdown").write_text("stop!")
    file.save(standing)
    assert (file.present(), file.is_new()) == (True, True)
    assert (tmp_path / "lockdown").read_text() == "stop!"


def put(path, how):
    """As somebody would by hand, over whatever lies there."""
    match how:
        case "touched":
            os.utime(path, ns=(9_000_000_000, 9_000_000_000))  # the clock of files is a coarse one
        case "written over":
            path.write_text("stop!")
        case "moved there":
            path.with_name("other").touch()
            path.with_name("other").rename(path)
        case "removed and made anew":
            path.unlink()
            path.touch()


@pytest.mark.parametrize("how", ["touched", "written over", "moved there", "removed and made anew"])
@pytest.mark.parametrize("seen", ["saved", "loaded"])
def test_a_lift_takes_away_what_it_was_ordered_for_and_no_other(tmp_path, how, seen):
    file = LockdownFile(tmp_path)
    file.save(STOPPED)
    if seen == "loaded":
        file = LockdownFile(tmp_path)
        file.load()
    assert not file.is_new()
    put(tmp_path / "lockdown", how)
    assert file.is_new()
    assert not file.lift()
    assert [path.name for path in tmp_path.iterdir()] == ["lockdown"]
    assert file.load().on
    assert not file.is_new()
    assert file.lift()
    assert list(tmp_path.iterdir()) == []


def test_a_stop_that_is_put_there_while_another_is_taken_away_stays(tmp_path, monkeypatch):
    def unlink(path, original=Path.unlink, **options):
        if path.name == "lockdown.lifting":
            assert file.present()
            (tmp_path / "lockdown").touch()
        original(path, **options)

    file = LockdownFile(tmp_path)
    file.save(STOPPED)
    monkeypatch.setattr(Path, "unlink", unlink)
    assert not file.lift()
    assert file.present()
    assert (tmp_path / "lockdown").exists()


def test_a_lift_that_a_crash_cut_off_has_lifted_nothing(tmp_path):
    LockdownFile(tmp_path).save(STOPPED)
    (tmp_path / "lockdown").rename(tmp_path / "lockdown.lifting")
    file = LockdownFile(tmp_path)
    assert file.present()
    assert file.load() == STOPPED
    assert (tmp_path / "lockdown").exists()
    assert file.lift()
    assert list(tmp_path.iterdir()) == []


def test_a_crash_and_a_stop_by_hand_are_both_a_stop_and_both_lifted(tmp_path):
    LockdownFile(tmp_path).save(STOPPED)
    (tmp_path / "lockdown").rename(tmp_path / "lockdown.lifting")
    (tmp_path / "lockdown").touch()
    file = LockdownFile(tmp_path)
    assert file.load().by == ()
    assert file.lift()
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_taken_away_goes_on_stopping(tmp_path):
    """A folder of that name, for instance."""
    (tmp_path / "lockdown").mkdir()
    file = LockdownFile(tmp_path)
    assert file.load().on
    with pytest.raises(OSError, match="lockdown"):
        file.lift()
    assert [path.name for path in tmp_path.iterdir()] == ["lockdown"]
    assert file.present()


def test_a_stop_that_was_taken_away_by_hand_can_be_lifted(tmp_path):
    file = LockdownFile(tmp_path)
    file.save(STOPPED)
    (tmp_path / "lockdown").unlink()
    assert file.lift()
    assert not file.present()


def test_a_lift_of_which_the_disk_cannot_tell_is_none(tmp_path, monkeypatch):
    """After a restart it would be a lift that nobody was told of."""
    file = LockdownFile(tmp_path)
    file.save(STOPPED)

    def fails(_descriptor):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="Input/output"):
        file.lift()
    assert LockdownFile(tmp_path).present()


def test_a_stop_that_is_touched_is_one_since_then(tmp_path):
    """Whatever time it says: a word for lifting the one before is none for it."""
    LockdownFile(tmp_path).save(STOPPED)
    (tmp_path / "lockdown").touch()
    assert LockdownFile(tmp_path).load().since_unix_ms > STOPPED.since_unix_ms


def test_a_time_that_is_none_holds_no_stop_up(tmp_path):
    """Whatever the file says, the next stop is written down."""
    (tmp_path / "lockdown").write_text('{"time_unix_ms": 99999999999999999999999}')
    file = LockdownFile(tmp_path)
    standing = file.load()
    (tmp_path / "lockdown").unlink()
    file.save(standing)
    assert LockdownFile(tmp_path).load() == standing
