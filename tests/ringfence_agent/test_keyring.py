"""A key is read anew: the log says so first."""

import asyncio

import pytest

from ringfence_agent.entry import Kind
from ringfence_agent.keyring import KeyRing, NoSuchKey
from ringfence_agent.keys import Key, KeyUnreadable, fingerprint
from ringfence_agent.segments import LogError

SECRET = b"s" * 32


class Journal:
    """Keeps what it is given; durable when the test says so."""

    def __init__(self, failure=None):
        self.entries = []
        self.failure = failure
        self.durable = None

    def submit(self, kind, fields):
        if self.failure:
            raise LogError(self.failure)
        self.entries.append((kind, fields))
        self.durable = asyncio.get_running_loop().create_future()
        return self.durable


class Place:
    """Where a key lies."""

    lies = "sk-first"

    def __call__(self):
        if not self.lies:
            raise KeyUnreadable("nothing there")
        return self.lies


@pytest.fixture
def place():
    return Place()


async def begun(ring, journal, provider="cloud"):
    """A rotation that waits for its entry."""
    rotating = asyncio.ensure_future(ring.rotate(provider, "o-1"))
    async with asyncio.timeout(10):
        while journal.durable is None and not rotating.done():  # noqa: ASYNC110 - a thread tells no event
            await asyncio.sleep(0.001)
    return rotating


async def test_the_new_key_is_used_once_the_log_says_so(place):
    key, journal = Key(place), Journal()
    place.lies = "sk-second"
    rotating = await begun(KeyRing({"cloud": key}, journal, SECRET), journal)
    now = fingerprint("sk-second", SECRET)
    assert journal.entries == [(Kind.KEY, {"provider": "cloud", "caller": "o-1", "fingerprint": now})]
    assert key() == "sk-first"
    journal.durable.set_result(7)
    assert await rotating == (fingerprint("sk-first", SECRET), now)
    assert key() == "sk-second"


async def test_who_hangs_up_meanwhile_changes_nothing_about_it(place):
    key, journal = Key(place), Journal()
    place.lies = "sk-second"
    rotating = await begun(KeyRing({"cloud": key}, journal, SECRET), journal)
    rotating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await rotating
    journal.durable.set_result(7)
    await asyncio.sleep(0)
    assert key() == "sk-second"


async def test_a_log_that_fails_leaves_the_old_key_in_use(place):
    key, journal = Key(place), Journal()
    place.lies = "sk-second"
    rotating = await begun(KeyRing({"cloud": key}, journal, SECRET), journal)
    journal.durable.set_exception(LogError("disk full"))
    with pytest.raises(LogError):
        await rotating
    with pytest.raises(LogError):
        await KeyRing({"cloud": key}, Journal("disk full"), SECRET).rotate("cloud", "o-1")
    assert key() == "sk-first"


async def test_a_place_without_a_key_leaves_the_old_one_and_no_entry(place):
    key, journal = Key(place), Journal()
    place.lies = ""
    with pytest.raises(KeyUnreadable):
        await KeyRing({"cloud": key}, journal, SECRET).rotate("cloud", "o-1")
    assert key() == "sk-first"
    assert journal.entries == []


async def test_an_unknown_provider_has_no_key(place):
    with pytest.raises(NoSuchKey):
        await KeyRing({"cloud": Key(place)}, Journal(), SECRET).rotate("clout", "o-1")
