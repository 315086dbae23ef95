"""Permissions and room."""

import pytest

from ringfenced.cli.doctoring.finding import State
from ringfenced.cli.doctoring.places import FREE_BYTES_LOW, FREE_BYTES_MIN, PlaceFacts, RoomFacts, permissions, room


@pytest.mark.parametrize(
    ("kind", "mode", "advice"),
    [
        ("secret", 0o100600, ""),
        ("secret", 0o100640, "chmod 0400 x"),
        ("private folder", 0o40700, ""),
        ("private folder", 0o40750, "chmod 0700 x"),
        ("public", 0o100644, ""),
        ("public", 0o100664, "chmod go-w x"),
        ("public", 0o100646, "chmod go-w x"),
    ],
)
def test_what_others_may_do(kind, mode, advice):
    found = permissions([PlaceFacts("x", kind, mode)])
    assert [(each.state, each.advice) for each in found] == [(State.ERROR if advice else State.OK, advice)]


def test_what_cannot_be_seen_is_told():
    found = permissions([PlaceFacts("x", "secret", None, "Permission denied"), PlaceFacts("y", "public", 0o644)])
    assert [(each.state, each.told) for each in found] == [(State.WARNING, "Permission denied")]


@pytest.mark.parametrize(
    ("free", "inodes", "state"),
    [
        (FREE_BYTES_LOW, None, State.OK),
        (FREE_BYTES_LOW, 5, State.OK),
        (FREE_BYTES_LOW - 1, None, State.WARNING),
        (FREE_BYTES_MIN - 1, None, State.ERROR),
        (FREE_BYTES_LOW, 0, State.ERROR),
        (None, None, State.WARNING),
    ],
)
def test_whether_there_is_room(free, inodes, state):
    assert room([RoomFacts("/var/lib/ringfenced", "the daemon's state", free, inodes)])[0].state is state
