"""The witness: whatever order checkpoints come in, growth is kept and contradiction is never forgotten."""

import asyncio
import errno
import fcntl
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.translog import Checkpoint, ProofError, Tree, leaf_hash, sign_checkpoint
from ringfenced.egress.checkpointfile import CheckpointFile
from ringfenced.egress.witness import LogCondemned, Witness
from ringfenced.errors import Unavailable

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORIGIN = "site.example/egress"


class Log:
    """An agent's log, honest or not."""

    def __init__(self, count, fork_at=None):
        self.tree = Tree()
        self.asked = []
        for number in range(count):
            self.tree.append(leaf_hash(b"forked" if number == fork_at else str(number).encode()))

    def note(self, size):
        return sign_checkpoint(Checkpoint(ORIGIN, size, self.tree.root(size)), KEY)

    async def prove(self, old, new):
        self.asked.append((old, new))
        await asyncio.sleep(0)
        return self.tree.consistency(old, new)


class Counting(CheckpointFile):
    writes = 0

    def save(self, note, instead_of):
        self.writes += 1
        return super().save(note, instead_of)


def witness(tmp_path):
    store = Counting(tmp_path / "checkpoint")
    return Witness(store, ORIGIN, KEY.public_key()), store


async def show(one, log, size, **how):
    await one.observe(one.open(log.note(size)), log.prove, **how)


async def test_the_first_is_taken_and_growth_is_kept_over_restarts(tmp_path):
    log = Log(20)
    one, _ = witness(tmp_path)
    assert (one.newest, one.size) == ("", 0)
    for size in (0, 3, 3, 20):
        await show(one, log, size)
    assert witness(tmp_path)[0].newest == log.note(20)


@pytest.mark.parametrize("name", ["checkpoint", "checkpoint.condemned"])
async def test_a_disk_that_does_not_say_what_is_kept_lets_nothing_out(tmp_path, monkeypatch, name):
    """Python 3.14 takes an error for "not there": a log that forked would be the first that is seen, or acquitted."""

    def lstat(path, original=Path.lstat):
        if path.name == name:
            raise OSError(5, "Input/output error")
        return original(path)

    one, _ = witness(tmp_path)
    await show(one, Log(20), 10)
    monkeypatch.setattr(Path, "lstat", lstat)
    with pytest.raises(Unavailable, match="the witness cannot work") as caught:
        await show(one, Log(20, 5), 20)
    assert caught.value.reason == "witness_failed"


async def test_a_smaller_checkpoint_that_came_late_is_no_crime(tmp_path):
    """It is proven to be the beginning, and the larger one stays."""
    log = Log(20)
    one, _ = witness(tmp_path)
    await show(one, log, 20)
    await show(one, log, 7)
    assert (one.size, log.asked) == (20, [(7, 20)])


async def test_a_smaller_one_that_is_the_newest_is_going_backwards(tmp_path):
    log = Log(20)
    one, store = witness(tmp_path)
    await show(one, log, 20)
    with pytest.raises(LogCondemned, match=r"checkpoint\.condemned"):
        await show(one, log, 7, size_min=20)
    assert store.load() == log.note(20)


async def test_an_answer_is_compared_with_what_was_kept_when_it_was_asked_for(tmp_path):
    """What came in between may be larger; that is no going backwards."""
    log = Log(20)
    one, _ = witness(tmp_path)
    await show(one, log, 5)
    size_min = one.size
    await show(one, log, 20)
    await show(one, log, 7, size_min=size_min)
    assert one.size == 20


# ── several processes ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_fork_that_is_shown_to_another_process_is_caught_and_all_know(tmp_path):
    first, second, third = (witness(tmp_path)[0] for _ in range(3))
    await show(first, Log(40), 20)
    assert (second.size, second.newest) == (20, first.newest)
    with pytest.raises(LogCondemned):
        await show(second, Log(40, 5), 30)
    for one in (first, second, third):
        assert one.condemned
        with pytest.raises(LogCondemned):
            await show(one, Log(40), 20)
    second._store.evidence_path.unlink()
    for one in (first, second, third):
        one.demand_trust()


async def test_what_another_process_kept_during_the_comparison_is_compared_too(tmp_path):
    """The fork fits what was kept when the proof was asked for, and not what is kept when it comes."""
    honest, forked = Log(40), Log(40, 15)
    first, second = (witness(tmp_path)[0] for _ in range(2))
    await show(first, honest, 10)

    async def slowly(old, new):
        if second.size == 10:
            await show(second, honest, 25)
        return await forked.prove(old, new)

    with pytest.raises(LogCondemned):
        await first.observe(first.open(forked.note(20)), slowly)
    assert second.newest == honest.note(25)


async def test_a_file_that_went_backwards_makes_nobody_forget(tmp_path):
    log = Log(20)
    one, store = witness(tmp_path)
    await show(one, log, 10)
    older = store.load()
    await show(one, log, 19)
    store.save(older, store.load())
    assert one.size == 19
    await show(one, log, 20)
    assert store.load() == log.note(20)


def test_a_writer_waits_for_the_lock_and_does_not_write_over_what_it_has_not_seen(tmp_path):
    _, store = witness(tmp_path)
    store.save("first", None)
    with (tmp_path / "checkpoint.lock").open() as lock, ThreadPoolExecutor() as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = pool.submit(store.save, "second", "first")
        with pytest.raises(TimeoutError):
            waiting.result(0.1)
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert waiting.result(5)
    assert not store.save("third", "first")
    assert store.load() == "second"


def test_nobody_else_may_read_what_is_kept(tmp_path):
    _, store = witness(tmp_path)
    store.save("note", None)
    store.condemn("why", "kept", "seen")
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert len(list(tmp_path.iterdir())) == 3


# ── a disk that fails ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_full_disk_is_unavailable_and_passes(tmp_path, monkeypatch):
    def full(_file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    one, _ = witness(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="No space left") as caught:
        await show(one, Log(20), 10)
    assert caught.value.reason == "witness_failed"
    monkeypatch.undo()
    await show(one, Log(20), 20)
    assert one.size == 20


async def test_a_log_that_is_caught_while_the_disk_is_full_is_not_believed_either(tmp_path, monkeypatch):
    def full(_file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    one, store = witness(tmp_path)
    await show(one, Log(20), 10)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LogCondemned):
        await show(one, Log(20, 5), 20)
    assert not store.condemned()
    with pytest.raises(LogCondemned):
        one.demand_trust()


async def test_a_file_with_something_else_in_it_is_unavailable(tmp_path):
    one, _ = witness(tmp_path)
    (tmp_path / "checkpoint").write_bytes(b"\xff")
    with pytest.raises(Unavailable) as caught:
        await show(one, Log(20), 10)
    assert caught.value.reason == "witness_failed"


@pytest.mark.parametrize(("size", "fork_at"), [(20, 5), (30, 5), (10, 5), (30, 19)])
async def test_a_fork_is_caught_at_any_size_and_never_forgotten(tmp_path, size, fork_at):
    """The same size, larger, smaller; afterwards the honest log is refused too, also by the next daemon."""
    honest, forked = Log(40), Log(40, fork_at)
    one, store = witness(tmp_path)
    await show(one, honest, 20)
    with pytest.raises(LogCondemned):
        await show(one, forked, size)
    for again in (one, witness(tmp_path)[0]):
        with pytest.raises(LogCondemned):
            await show(again, honest, 30)
    assert store.load() == honest.note(20)
    store.evidence_path.unlink()
    await show(witness(tmp_path)[0], honest, 30)


async def test_an_agent_that_has_no_proof_is_caught(tmp_path):
    one, _ = witness(tmp_path)
    log = Log(20)
    await show(one, log, 10)

    async def none(_old, _new):
        raise ProofError("no such tree")

    with pytest.raises(LogCondemned):
        await one.observe(one.open(log.note(20)), none)


async def test_an_agent_that_is_away_is_not_condemned(tmp_path):
    """Whoever waits is told; the next look decides."""
    one, _ = witness(tmp_path)
    log = Log(20)
    await show(one, log, 10)

    async def away(_old, _new):
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await one.observe(one.open(log.note(20)), away)
    await show(one, log, 20)
    assert one.size == 20


async def test_checkpoints_that_wait_together_share_one_write(tmp_path):
    log = Log(100)
    one, store = witness(tmp_path)
    await asyncio.gather(*(show(one, log, size) for size in range(1, 101)))
    assert one.size == 100
    assert store.writes <= 3


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=30), st.data())
def test_any_order_of_an_honest_log_is_believed(tmp_path_factory, sizes, data):
    """At once or one after the other; the largest is kept."""

    async def run():
        one, _ = witness(tmp_path_factory.mktemp("state"))
        log = Log(60)
        cut = data.draw(st.integers(0, len(sizes)))
        for size in sizes[:cut]:
            await show(one, log, size)
        await asyncio.gather(*(show(one, log, size) for size in sizes[cut:]))
        assert one.size == max(sizes)

    asyncio.run(run())


def test_another_keys_checkpoint_does_not_open(tmp_path):
    one, _ = witness(tmp_path)
    note = sign_checkpoint(Checkpoint(ORIGIN, 0, Tree().root()), Ed25519PrivateKey.generate())
    with pytest.raises(ProofError):
        one.open(note)
