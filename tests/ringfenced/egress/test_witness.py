"""The witness: whatever order checkpoints come in, growth is kept and contradiction is never forgotten."""

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.translog import Checkpoint, ProofError, Tree, leaf_hash, sign_checkpoint
from ringfenced.egress.witness import CheckpointFile, LogCondemned, Witness

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

    def save(self, note):
        self.writes += 1
        super().save(note)


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
        await show(one, log, 7, current=True)
    assert store.load() == log.note(20)


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
