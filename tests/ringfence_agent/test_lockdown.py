"""A stop holds before the disk has it, ends what is on its way, and wins over a lift that is being written down."""

import asyncio
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.agent import until
from ringfence.lift import Lift, LiftError, sign
from ringfence_agent.lockdown import Lockdown, Signers, Stopped, Word
from ringfence_agent.lockdown_file import LockdownFile
from ringfence_agent.lockdown_orders import Operators
from ringfence_agent.segments import LogError


class Log:
    """What was logged; fails when told to."""

    def __init__(self):
        self.entries = []
        self.fails = False

    async def append(self, fields):
        if self.fails:
            raise LogError("full")
        self.entries.append(dict(fields))


class SlowFile(LockdownFile):
    """A disk that writes when it is let."""

    def __init__(self, directory):
        super().__init__(directory)
        self.may_save = threading.Event()
        self.may_save.set()
        self.asked = threading.Event()

    def save(self, standing):
        self.asked.set()
        assert self.may_save.wait(20)
        super().save(standing)

    def lift(self):
        self.asked.set()
        assert self.may_save.wait(20)
        return super().lift()


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def file(tmp_path):
    return SlowFile(tmp_path)


ORIGIN = "site.example/egress"
KEYS = {name: Ed25519PrivateKey.from_private_bytes(name.ljust(32).encode()) for name in ("anna", "ben")}
PUBLIC = {name: key.public_key() for name, key in KEYS.items()}


def lockdown_of(file, log, *, to_stop=1, to_lift=1, keys=None, clock=lambda: 1000):
    return Lockdown(file, Operators(to_stop, to_lift, 60_000), log.append, clock, Signers(ORIGIN, keys or {}))


def word(name, stopped_unix_ms=1000, expires_at_unix_ms=2000):
    lift = Lift(ORIGIN, stopped_unix_ms, name, expires_at_unix_ms)
    return Word(name, sign(lift, KEYS[name]), expires_at_unix_ms)


async def stop(lockdown, by="anna"):
    return await lockdown.order(on=True, reason="drill", by=by)


async def lift(lockdown, by="anna"):
    return await lockdown.order(on=False, reason="over", by=by)


async def is_stopped(lockdown, begun):
    """Whether something that would go on for ever was ended by a stop."""
    try:
        async with asyncio.timeout(20), lockdown.stoppable():
            begun()
            await asyncio.Event().wait()
    except Stopped:
        return True


async def test_orders_are_logged_and_outlive_a_restart(file, log):
    lockdown = lockdown_of(file, log, to_lift=2)
    assert (await stop(lockdown)).on
    assert (await lift(lockdown)).on
    again = lockdown_of(file, log, to_lift=2)
    assert (again.on, again.missing) == (True, 1)
    assert not (await lift(again, by="ben")).on
    assert not lockdown_of(file, log).on
    assert log.entries == [
        {"on": 1, "why": "drill", "caller": "anna", "confirmed": ["anna"]},
        {"on": 0, "why": "over", "caller": "anna", "missing": 1},
        {"on": 0, "why": "over", "caller": "ben", "confirmed": ["anna", "ben"]},
    ]


async def test_a_stop_holds_before_the_disk_has_it(file, log):
    lockdown = lockdown_of(file, log)
    file.may_save.clear()
    async with asyncio.TaskGroup() as group:
        stopping = group.create_task(stop(lockdown))
        await asyncio.to_thread(file.asked.wait, 20)
        assert (lockdown.on, stopping.done(), log.entries) == (True, False, [])
        file.may_save.set()


async def test_a_stop_ends_what_is_on_its_way_and_what_begins_after_it(file, log):
    lockdown = lockdown_of(file, log)
    inside = asyncio.Event()

    async with asyncio.TaskGroup() as group:
        sending = group.create_task(is_stopped(lockdown, inside.set))
        await inside.wait()
        await stop(lockdown)
    assert sending.result()
    inside.clear()
    assert await is_stopped(lockdown, inside.set)
    assert not inside.is_set()


async def test_other_ends_stay_what_they_are(file, log):
    lockdown = lockdown_of(file, log)
    with pytest.raises(TimeoutError):
        async with lockdown.stoppable():
            raise TimeoutError
    with pytest.raises(KeyError):
        async with lockdown.stoppable():
            raise KeyError
    async with lockdown.stoppable():
        pass
    await stop(lockdown)


async def stop_amid_a_lift(lockdown, file, by):
    """Order a stop while a lift is being written down; both have ended on return."""
    file.asked.clear()
    file.may_save.clear()
    async with asyncio.TaskGroup() as group:
        group.create_task(lift(lockdown))
        await asyncio.to_thread(file.asked.wait, 20)
        group.create_task(stop(lockdown, by))
        await until(lambda: lockdown._stops == 2)
        file.may_save.set()


async def test_a_stop_wins_over_a_lift_that_is_being_written_down(file, log):
    lockdown = lockdown_of(file, log)
    await stop(lockdown)
    await stop_amid_a_lift(lockdown, file, "ben")
    assert (lockdown.on, file.present(), lockdown.standing.by) == (True, True, ("ben",))


async def test_a_lift_that_the_log_does_not_hold_lifts_nothing(file, log):
    lockdown = lockdown_of(file, log)
    await stop(lockdown)
    log.fails = True
    with pytest.raises(LogError):
        await lift(lockdown)
    assert (lockdown.on, file.present()) == (True, True)


@pytest.mark.parametrize("what", ["disk", "log"])
async def test_a_stop_that_cannot_be_written_down_holds_all_the_same(file, log, what, monkeypatch):
    lockdown = lockdown_of(file, log)
    log.fails = what == "log"
    if what == "disk":
        monkeypatch.setattr(file, "save", lambda _standing: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises((OSError, LogError)):
        await stop(lockdown)
    assert lockdown.on


@pytest.mark.parametrize("log_fails", [False, True])
async def test_a_file_that_appears_stops_what_is_on_its_way(file, log, tmp_path, log_fails):
    lockdown = lockdown_of(file, log)
    log.fails = log_fails
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(lockdown.run())
        assert await is_stopped(lockdown, (tmp_path / "lockdown").touch)
        await until(lambda: lockdown.standing.on)
        watching.cancel()
    assert [entry["on"] for entry in log.entries] == ([] if log_fails else [1])


@pytest.mark.parametrize(("on", "to_stop"), [(False, 1), (True, 2)])
async def test_an_order_that_lifts_nothing_leaves_a_file_that_nobody_has_seen_yet(file, log, tmp_path, on, to_stop):
    """One to allow what is allowed already, and one that waits for another operator."""
    lockdown = lockdown_of(file, log, to_stop=to_stop, to_lift=2)
    (tmp_path / "lockdown").touch()
    await lockdown.order(on=on, reason="drill", by="anna")
    assert file.present()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(lockdown.run())
        await until(lambda: lockdown.standing.on)
        watching.cancel()
    assert lockdown.on
    assert (log.entries[-1]["on"], log.entries[-1]["confirmed"]) == (1, [])


async def test_a_file_that_somebody_puts_there_while_a_lift_is_written_down_goes_on_stopping(file, log, tmp_path):
    """The lift was ordered for another stop; the log says both."""
    lockdown = lockdown_of(file, log)
    await stop(lockdown)
    file.asked.clear()
    file.may_save.clear()
    async with asyncio.TaskGroup() as group:
        lifting = group.create_task(lift(lockdown))
        await asyncio.to_thread(file.asked.wait, 20)
        (tmp_path / "lockdown").write_text('{"reason": "by hand"}')
        file.may_save.set()
    assert lifting.result().on
    assert (lockdown.on, lockdown.standing.reason, file.present()) == (True, "by hand", True)
    assert [(entry["on"], entry["why"]) for entry in log.entries] == [(1, "drill"), (0, "over"), (1, "by hand")]
    assert not (await lift(lockdown)).on
    assert (lockdown.on, file.present()) == (False, False)


async def test_a_file_that_is_touched_while_egress_is_stopped_is_another_stop(file, log, tmp_path):
    lockdown = lockdown_of(file, log)
    await stop(lockdown)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(lockdown.run())
        (tmp_path / "lockdown").write_text('{"reason": "by hand"}')
        await until(lambda: len(log.entries) > 1)
        watching.cancel()
    assert (lockdown.on, lockdown.standing.reason, log.entries[1]["why"]) == (True, "by hand", "by hand")
    assert not (await lift(lockdown)).on
    assert not lockdown.on


async def test_a_file_that_was_there_for_a_moment_stops_until_somebody_lifts_it(file, log, tmp_path, monkeypatch):
    lockdown = lockdown_of(file, log)

    def load(original=file.load):
        (tmp_path / "lockdown").unlink()
        return original()

    (tmp_path / "lockdown").touch()
    monkeypatch.setattr(file, "load", load)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(lockdown.run())
        await until(lambda: lockdown.standing.on)
        watching.cancel()
    assert lockdown.on
    assert not (await lift(lockdown)).on
    assert not lockdown.on


async def test_a_stop_wins_over_a_lift_that_was_ordered_before_it_and_still_waits(file, log):
    """The lift waits for its turn; whoever ordered the stop was told that it holds."""
    lockdown = lockdown_of(file, log, to_stop=1, to_lift=1)
    await stop(lockdown)
    seen = []
    append = log.append

    async def watched(fields):
        seen.append(lockdown.on)
        await append(fields)

    lockdown._append = watched
    file.asked.clear()
    file.may_save.clear()
    async with asyncio.TaskGroup() as group:
        group.create_task(stop(lockdown, by="carl"))  # it has the turn
        await asyncio.to_thread(file.asked.wait, 20)
        group.create_task(lift(lockdown))
        await asyncio.sleep(0)
        last = group.create_task(stop(lockdown, by="ben"))
        await until(lambda: lockdown._stops == 3)
        file.may_save.set()
    assert seen == [True, True, True]
    assert last.result().on
    assert (lockdown.on, file.present(), lockdown.standing.by) == (True, True, ("ben",))


async def test_a_file_that_vanishes_lifts_nothing(file, log, tmp_path):
    """Whoever takes it away by hand must start the agent again, or give the order."""
    lockdown = lockdown_of(file, log)
    await stop(lockdown)
    (tmp_path / "lockdown").unlink()
    assert lockdown.on
    assert not (await lift(lockdown)).on


async def test_where_operators_have_keys_a_daemon_cannot_make_them_up(file, log):
    """Pseudonyms count for stopping; a lift counts by the name under the signature, whoever the daemon says it is."""
    lockdown = lockdown_of(file, log, to_lift=2, keys=PUBLIC)
    await stop(lockdown)
    for made_up in (Word(), Word("anna"), Word("anna", bytes(64), 2000), word("anna", stopped_unix_ms=999)):
        for by in ("o-1", "o-2"):
            with pytest.raises(LiftError):
                await lockdown.order(on=False, reason="over", by=by, word=made_up)
    for by in ("o-1", "o-2", "o-3"):
        standing = await lockdown.order(on=False, reason="over", by=by, word=word("anna"))
        assert (standing.on, standing.waiting.by) == (True, ("anna",))
    standing = await lockdown.order(on=False, reason="over", by="o-1", word=word("ben"))
    assert (standing.on, standing.by) == (False, ("anna", "ben"))
    assert log.entries[-1]["confirmed"] == ["anna", "ben"]


async def test_a_signature_for_an_earlier_stop_lifts_no_later_one(file, log):
    now = iter(range(1000, 2000))
    lockdown = lockdown_of(file, log, keys=PUBLIC, clock=lambda: next(now))
    first = await stop(lockdown)
    signed = word("anna", first.since_unix_ms)
    assert not (await lockdown.order(on=False, reason="over", by="o-1", word=signed)).on
    await stop(lockdown)
    with pytest.raises(LiftError, match="not anna's"):
        await lockdown.order(on=False, reason="over", by="o-1", word=signed)
    assert lockdown.on


async def test_stopping_never_needs_a_signature(file, log):
    assert (await stop(lockdown_of(file, log, keys=PUBLIC))).on


async def test_no_vote_and_no_word_outlives_the_stop_that_it_was_about(file, log, tmp_path):
    """Whoever touches the file stops anew: both operators are asked again, and so is who signed."""
    lockdown = lockdown_of(file, log, to_lift=2, keys=PUBLIC)
    await stop(lockdown)
    await lockdown.order(on=False, reason="over", by="x", word=word("anna"))
    assert lockdown.missing == 1
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(lockdown.run())
        (tmp_path / "lockdown").touch()
        await until(lambda: lockdown.standing.waiting is None)
        watching.cancel()
    with pytest.raises(LiftError):
        await lockdown.order(on=False, reason="over", by="x", word=word("ben"))
    assert (lockdown.on, file.present(), lockdown.standing.since_unix_ms > 1000) == (True, True, True)
    assert LockdownFile(tmp_path).load().waiting is None


async def test_one_operators_stop_amid_a_lift_holds_and_can_be_lifted(file, log):
    """Two must order one, but this one was told that it holds: nobody may be left with a stop that nobody can lift."""
    lockdown = lockdown_of(file, log, to_stop=2, to_lift=1)
    await stop(lockdown, by="anna")
    await stop(lockdown, by="ben")
    await stop_amid_a_lift(lockdown, file, "carl")
    assert (lockdown.on, file.present(), lockdown.standing.by) == (True, True, ("carl",))
    await lift(lockdown)
    assert (lockdown.on, file.present(), lockdown.standing.on) == (False, False, False)
