"""A cursor fits the log that it was made on, and no other."""

import json

import pytest

from fakes.egresslog import ORIGIN, ordinary, refusal
from ringfenced.cli.auditing.cursor import CursorFile, Place
from ringfenced.cli.exits import Failure

LOG = ordinary()


def entry_of(entries):
    return lambda index: entries[index] if index < len(entries) else None


PLACE = Place(ORIGIN).after(4, LOG[4])


@pytest.fixture
def file(tmp_path):
    return CursorFile(tmp_path / "cursor")


def test_there_is_a_beginning_before_the_first(file):
    assert file.load(ORIGIN) == (Place(ORIGIN), None)
    Place(ORIGIN).check(ORIGIN, entry_of([]))


def test_a_place_is_kept_with_what_its_owner_remembers(file):
    file.save(PLACE, {"a": [1]})
    assert file.load("another") == (PLACE, {"a": [1]})
    assert PLACE.following == 5


def test_a_place_fits_the_log_that_still_begins_like_this():
    PLACE.check(ORIGIN, entry_of(LOG))
    PLACE.check(ORIGIN, entry_of(LOG[:5]))


@pytest.mark.parametrize(
    ("origin", "entries", "said"),
    [
        ("other/log", LOG, "it is of the log"),
        (ORIGIN, LOG[:4], "the log has fewer"),
        (ORIGIN, [*LOG[:4], refusal(4), *LOG[5:]], "forked"),
    ],
)
def test_another_log_a_shorter_one_or_a_fork_is_refused(origin, entries, said):
    with pytest.raises(Failure, match=said):
        PLACE.check(origin, entry_of(entries))


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "no", '{"v": 2, "origin": "a", "following": 1, "leaf": ""}', '{"v": 1, "following": -1}',
     '{"v": 1, "origin": "a", "following": "1", "leaf": ""}'],
)  # fmt: skip
def test_what_is_no_cursor_is_refused(file, tmp_path, text):
    (tmp_path / "cursor").write_text(text)
    with pytest.raises(Failure, match="no cursor"):
        file.load(ORIGIN)


def test_a_crash_while_saving_leaves_the_old_place(file, tmp_path, monkeypatch):
    file.save(PLACE)

    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(json, "dumps", crash)
    with pytest.raises(KeyboardInterrupt):
        file.save(PLACE.after(5, LOG[5]))
    monkeypatch.undo()
    assert file.load(ORIGIN)[0] == PLACE


def test_two_processes_cannot_go_on_from_one_cursor(file, tmp_path):
    with file.locked(), pytest.raises(Failure, match="another process"), CursorFile(tmp_path / "cursor").locked():
        pass
    with file.locked():
        pass


def test_a_folder_that_is_not_there_is_told(tmp_path):
    file = CursorFile(tmp_path / "none" / "cursor")
    with pytest.raises(Failure, match="cannot write"):
        file.save(PLACE)
    with pytest.raises(Failure, match="cannot write"), file.locked():
        pass
