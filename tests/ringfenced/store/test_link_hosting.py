"""What a worker has of the models is given back, whatever comes first."""

from __future__ import annotations

import contextlib

from ringfenced.store.link_hosting import HostingEnd


class Place(contextlib.AbstractContextManager):
    number = 3

    def __init__(self, hosting):
        self.hosting = hosting
        hosting.places += 1

    def __exit__(self, *_):
        self.hosting.places -= 1

    async def wait(self):
        return None


class Status:
    def to_json(self):
        return {}


class Hosting:
    places = 0

    def place(self, name, *, seconds_max=None):
        return Place(self)

    def states(self):
        return {"m": Status()}


async def test_who_leaves_before_the_question_was_taken_up_holds_nothing():
    hosting = Hosting()
    end = HostingEnd(hosting, lambda _: None)
    await end.do(0, "leave", [8])
    assert await end.do(8, "place", ["m", None]) is None
    assert hosting.places == 0


async def test_leaving_twice_leaves_nothing_behind():
    """A worker that asked again under another number gives both back."""
    hosting = Hosting()
    end = HostingEnd(hosting, lambda _: None)
    for number in range(1, 50):
        assert await end.do(number, "place", ["m", None]) == 3
        await end.do(0, "leave", [number])
        await end.do(0, "leave", [number])
    assert hosting.places == 0
    assert len(end._left) <= 1
