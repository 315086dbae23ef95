"""What is acknowledged is durable and stays; what a crash tore is cut; what someone changed is not continued."""

import asyncio
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.journals import KEY, ORIGIN, Clock, append, filled, journal, killed, opened
from fakes.stuck import Stuck
from ringfence.permit import LIFETIME_MS, SKEW_MS
from ringfence.translog import ProofError, open_checkpoint, verify_consistency, verify_inclusion
from ringfence_agent import logstore
from ringfence_agent.entry import Kind
from ringfence_agent.journal import REMEMBERED_MS, Journal
from ringfence_agent.release import Nonces
from ringfence_agent.segments import LogError

ROOT = Path(__file__).parents[2]


def damage(path, old, new):
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))


def segment(directory, number=0):
    return directory / f"entries-{number:06}.ndjson"


async def test_entries_are_canonical_json_lines_in_order(tmp_path):
    async with journal(tmp_path) as one:
        assert [await one.append(Kind.START, {"z": 1, "a": "ä"}), await one.append(Kind.REFUSAL, {})] == [0, 1]
    assert segment(tmp_path).read_text() == (
        '{"a":"ä","kind":"start","seq":0,"time_unix_ms":1800000000000,"v":1,"z":1}\n'
        '{"kind":"refusal","seq":1,"time_unix_ms":1800000000000,"v":1}\n'
    )


async def test_an_entry_is_on_disk_before_its_append_returns(tmp_path):
    async with journal(tmp_path) as one:
        for number in range(5):
            await one.append(Kind.REFUSAL, {})
            assert len(segment(tmp_path).read_bytes().splitlines()) == number + 1


async def test_many_waiters_share_one_sync(tmp_path, monkeypatch):
    """Two hundred entries submitted at once need far fewer than two hundred syncs."""
    syncs = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda file: (syncs.append(file), real(file)))
    async with journal(tmp_path) as one:
        indexes = await asyncio.gather(*(one.append(Kind.REFUSAL, {}) for _ in range(200)))
    assert indexes == list(range(200))
    assert len(syncs) <= 3


async def test_every_entry_is_proven_and_checkpoints_are_consistent(tmp_path):
    async with journal(tmp_path) as one:
        notes = []
        for _ in range(20):
            await one.append(Kind.REFUSAL, {})
            notes.append(open_checkpoint(one.checkpoint(), ORIGIN, KEY.public_key()))
        for index in range(20):
            proof = one.prove(index)
            last = open_checkpoint(proof.checkpoint, ORIGIN, KEY.public_key())
            verify_inclusion(proof.entry, index, 20, proof.inclusion_path, last.root)
            old = notes[index]
            verify_consistency(old.size, 20, old.root, last.root, one.consistency(old.size, 0))
        with pytest.raises(ProofError):
            one.prove(20)
        with pytest.raises(ProofError):
            one.consistency(1, 21)


async def test_a_checkpoint_reaches_the_disk_within_a_second(tmp_path):
    async with journal(tmp_path) as one:
        await one.append(Kind.REFUSAL, {})
        async with asyncio.timeout(3):
            note = tmp_path / "checkpoint"
            while open_checkpoint(note.read_text(), ORIGIN, KEY.public_key()).size != 1:  # noqa: ASYNC110 - a file
                await asyncio.sleep(0.05)


async def test_the_log_goes_on_over_segments_and_restarts(tmp_path):
    await filled(tmp_path, 10, segment_entries=4)
    await filled(tmp_path, 3, segment_entries=4)
    names = [path.name for path in sorted(tmp_path.glob("entries-*.ndjson"))]
    assert names == [f"entries-{n:06}.ndjson" for n in range(4)]
    assert [len(path.read_bytes().splitlines()) for path in sorted(tmp_path.glob("entries-*.ndjson"))] == [4, 4, 4, 1]
    async with journal(tmp_path, segment_entries=4) as one:
        assert one.size == 13
        assert [json.loads(one.read(index))["seq"] for index in range(13)] == list(range(13))


async def test_a_second_agent_cannot_write_the_same_log(tmp_path):
    async with journal(tmp_path):
        with pytest.raises(LogError, match="another agent"):
            Journal(tmp_path, ORIGIN, KEY, Clock())


async def test_times_never_go_back_whatever_the_clock_does(tmp_path):
    clock = Clock(2000)
    async with journal(tmp_path, clock) as one:
        await one.append(Kind.REFUSAL, {})
        clock.now = 1000
        await one.append(Kind.REFUSAL, {})
        assert one.now_unix_ms() == 2000
    async with journal(tmp_path, clock) as one:
        assert one.now_unix_ms() == 2000
        await one.append(Kind.REFUSAL, {})
    times = [json.loads(line)["time_unix_ms"] for line in segment(tmp_path).read_bytes().splitlines()]
    assert times == [2000, 2000, 2000]


# ── after a crash ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("tail", [b'{"seq":3,"kin', b"\x00" * 100, b'{"seq":9,"kind":"x","time_unix_ms":1}\n', b"\n"])
async def test_a_torn_end_that_no_checkpoint_covers_is_cut_and_told(tmp_path, tail):
    await filled(tmp_path, 3)
    with segment(tmp_path).open("ab") as file:
        file.write(tail)
    async with journal(tmp_path) as one:
        assert (one.size, one.cut_bytes) == (3, len(tail))
        one.resume({})
        await one.append(Kind.REFUSAL, {})
        assert json.loads(one.read(3))["cut_bytes"] == len(tail)


async def test_open_intents_are_closed_as_unknown(tmp_path):
    async with journal(tmp_path) as one:
        answered = await one.append(Kind.INTENT, {"request_id": "r-1"})
        await one.append(Kind.INTENT, {"request_id": "r-2", "bytes_out": 9})
        await one.append(Kind.OUTCOME, {"intent": answered})
    async with journal(tmp_path) as one:
        one.resume({})
        await one.append(Kind.REFUSAL, {})
        closed = json.loads(one.read(4))
    assert (closed["kind"], closed["intent"], closed["outcome"]) == ("outcome", 1, "unknown")
    assert (closed["request_id"], closed["bytes_out"]) == ("r-2", 9)
    assert "bytes_in" not in closed
    async with journal(tmp_path) as one:
        assert one.recovered.open_intents == {}


async def test_nonces_of_the_last_minute_come_back(tmp_path):
    clock = Clock()
    async with journal(tmp_path, clock) as one:
        for nonce, passed in (("old", 0), ("edge", 1), ("new", REMEMBERED_MS)):
            clock.now += passed
            await one.append(Kind.INTENT, {"nonce_sha256": nonce})
    async with journal(tmp_path, clock) as one:
        assert set(one.recovered.nonces) == {"edge", "new"}


async def test_a_clock_that_jumps_forward_and_back_makes_no_permit_fresh_again(tmp_path):
    """What the jump let the agent forget had expired by the time that it goes on with, and time stays there."""
    clock = Clock()
    async with journal(tmp_path, clock) as one:
        expires = clock.now + LIFETIME_MS
        nonces = Nonces(one.recovered.nonces)
        nonces.take(b"used", one.now_unix_ms())
        await one.append(Kind.INTENT, {"nonce_sha256": "used"})
        clock.now += 10 * 24 * 3600 * 1000
        nonces.take(b"of the future", one.now_unix_ms())
        clock.now -= 10 * 24 * 3600 * 1000
        assert nonces.used(b"used") or one.now_unix_ms() >= expires + SKEW_MS
        await one.append(Kind.INTENT, {"nonce_sha256": "later"})
        now = one.now_unix_ms()
    async with journal(tmp_path, clock) as one:
        assert one.now_unix_ms() == now >= expires + SKEW_MS
        assert list(one.recovered.nonces) == ["later"]


async def test_a_clock_that_goes_back_forgets_no_nonce(tmp_path):
    """Set back by days, over a crash and a restart: a permit that may still be fresh is remembered as used."""
    clock = Clock()
    async with killed(tmp_path, clock) as one:
        await one.append(Kind.INTENT, {"nonce_sha256": "used"})
        clock.now -= 3 * 24 * 3600 * 1000
        await append(one, 50)
    async with journal(tmp_path, clock) as one:
        assert "used" in one.recovered.nonces
        assert one.now_unix_ms() == clock.now + 3 * 24 * 3600 * 1000


@pytest.mark.parametrize("covered", [1, 5, 9])
async def test_a_log_that_is_shorter_than_its_checkpoint_is_not_opened(tmp_path, covered):
    """Truncated at any entry, or in the middle of one."""
    await filled(tmp_path, 10)
    lines = segment(tmp_path).read_bytes().splitlines(keepends=True)
    for end in (b"", lines[covered][:7]):
        segment(tmp_path).write_bytes(b"".join(lines[:covered]) + end)
        with pytest.raises(LogError, match="truncated or damaged"):
            Journal(tmp_path, ORIGIN, KEY, Clock())


async def test_a_changed_entry_is_found(tmp_path):
    await filled(tmp_path, 10)
    damage(segment(tmp_path), b'"number":4', b'"number":7')
    with pytest.raises(LogError, match="does not match"):
        Journal(tmp_path, ORIGIN, KEY, Clock())


async def test_missing_pieces_are_found(tmp_path):
    """A segment, the checkpoint, or all entries gone: each is said by name, and nothing is opened."""
    await filled(tmp_path, 10, segment_entries=4)
    whole = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for name, text in (
        ("entries-000001.ndjson", "missing"),
        ("entries-000002.ndjson", "truncated"),
        ("checkpoint", "missing beside entries"),
    ):
        (tmp_path / name).unlink()
        with pytest.raises(LogError, match=text):
            Journal(tmp_path, ORIGIN, KEY, Clock(), segment_entries=4)
        (tmp_path / name).write_bytes(whole[name])
    damage(segment(tmp_path, 1), b'"seq":5', b'"seq":6')
    (tmp_path / "snapshot").unlink()
    with pytest.raises(LogError, match="later entries follow"):
        Journal(tmp_path, ORIGIN, KEY, Clock(), segment_entries=4)


@pytest.mark.parametrize("name", ["checkpoint", ""])
async def test_a_folder_that_cannot_be_listed_is_no_log_that_has_not_begun(tmp_path, monkeypatch, name):
    """`Path.glob` finds nothing there, and a new log would begin over the old one."""

    def deny(*_arguments):
        raise PermissionError(13, "Permission denied")

    await filled(tmp_path, 10)
    if name:
        (tmp_path / name).unlink()
    before = segment(tmp_path).read_bytes()
    monkeypatch.setattr(os, "scandir", deny)
    monkeypatch.setattr(os, "listdir", deny)
    with pytest.raises((OSError, LogError), match="denied"):
        Journal(tmp_path, ORIGIN, KEY, Clock())
    assert segment(tmp_path).read_bytes() == before


async def test_a_log_opens_with_its_own_key_and_origin_only(tmp_path):
    await filled(tmp_path, 2)
    with pytest.raises(LogError, match="origin and key"):
        Journal(tmp_path, "another.example/log", KEY, Clock())
    with pytest.raises(LogError, match="origin and key"):
        Journal(tmp_path, ORIGIN, Ed25519PrivateKey.generate(), Clock())


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_mutation_of_a_covered_log_goes_unnoticed(tmp_path_factory, data):
    """Any byte changed, any piece cut out, any two entries swapped: refused, or nothing that is covered changed."""
    directory = tmp_path_factory.mktemp("log")
    asyncio.run(filled(directory, 6))
    path = segment(directory)
    whole = path.read_bytes()
    kind = data.draw(st.sampled_from(["flip", "cut", "swap"]))
    place = data.draw(st.integers(0, len(whole) - 1))
    if kind == "flip":
        bent = whole[:place] + bytes([whole[place] ^ data.draw(st.integers(1, 255))]) + whole[place + 1 :]
    elif kind == "cut":
        bent = whole[:place] + whole[place + data.draw(st.integers(1, 200)) :]
    else:
        lines = whole.splitlines(keepends=True)
        one = data.draw(st.integers(0, 4))
        lines[one], lines[one + 1] = lines[one + 1], lines[one]
        bent = b"".join(lines)
    path.write_bytes(bent)
    with pytest.raises(LogError):
        Journal(directory, ORIGIN, KEY, Clock())


# ── when the disk fails ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
async def test_after_the_first_error_of_the_disk_nothing_is_acknowledged(tmp_path, monkeypatch, number):
    """Those who wait are told, those who come later too, and what was acknowledged before can still be read."""

    def fail(_file):
        raise OSError(number, os.strerror(number))

    async with journal(tmp_path) as one:
        await one.append(Kind.REFUSAL, {})
        monkeypatch.setattr(os, "fdatasync", fail)
        told = await asyncio.gather(*(one.append(Kind.REFUSAL, {}) for _ in range(5)), return_exceptions=True)
        assert all(isinstance(error, LogError) for error in told)
        monkeypatch.undo()
        with pytest.raises(LogError, match=os.strerror(number)):
            await one.append(Kind.REFUSAL, {})
        assert one.size == 1
        assert json.loads(one.read(0))["seq"] == 0
        assert not await one.grown(5)
    async with journal(tmp_path) as one:
        assert one.size >= 1


async def refused(one, text):
    """The next submission is refused within a tenth of a second, and says why."""
    async with asyncio.timeout(0.1):
        with pytest.raises(LogError, match=text):
            await one.append(Kind.REFUSAL, {})


@pytest.mark.parametrize("name", ["entries-000000.ndjson", "entries-000001.ndjson"])
async def test_a_removed_file_ends_egress_at_once_and_loses_nothing_acknowledged(tmp_path, name):
    """Whoever has a copy opens the log again with every entry that was acknowledged."""
    async with journal(tmp_path, segment_entries=4) as one:
        await append(one, 6)
        copy = (tmp_path / name).read_bytes()
        (tmp_path / name).unlink()
        await refused(one, f"{name} was removed")
        await refused(one, "nothing leaves any more")
        assert (one.size, json.loads(one.read(5))["seq"]) == (6, 5)
    (tmp_path / name).write_bytes(copy)
    async with journal(tmp_path, segment_entries=4) as one:
        assert one.size == 6


async def test_a_truncated_file_ends_egress_at_once(tmp_path):
    async with journal(tmp_path) as one:
        await append(one, 3)
        os.truncate(segment(tmp_path), 10)
        await refused(one, r"entries-000000\.ndjson was cut to 10 of")


async def test_a_moved_folder_ends_egress_at_once(tmp_path):
    async with journal(tmp_path / "log") as one:
        await append(one, 3)
        (tmp_path / "log").rename(tmp_path / "elsewhere")
        await refused(one, "moved or replaced")


async def test_a_file_that_is_removed_is_noticed_while_nobody_sends(tmp_path, monkeypatch):
    monkeypatch.setattr("ringfence_agent.journal.CHECKPOINT_EVERY_S", 0.01)
    async with asyncio.timeout(5), journal(tmp_path) as one:
        await append(one, 1)
        segment(tmp_path).unlink()
        await one.grown(5)
        assert "was removed" in one.failure


async def test_a_read_only_disk_is_told_by_its_name(tmp_path, monkeypatch):
    def fail(*_arguments):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    async with journal(tmp_path) as one:
        await append(one, 1)
        monkeypatch.setattr(os, "write", fail)
        await refused(one, "Read-only file system")
        monkeypatch.undo()


async def test_a_disk_that_does_not_answer_takes_nothing_new_and_loses_nothing(tmp_path, monkeypatch):
    """Who waits already goes on once the disk answers; who comes meanwhile is refused at once."""
    monkeypatch.setattr("ringfence_agent.journal.DISK_SECONDS_MAX", 0.02)
    told, real = asyncio.Event(), Journal._stall
    monkeypatch.setattr(Journal, "_stall", lambda self: (real(self), told.set()))
    async with asyncio.timeout(10), journal(tmp_path) as one:
        await append(one, 1)
        with Stuck(monkeypatch, "fdatasync") as stuck:
            waiting = one.submit(Kind.REFUSAL, {})
            await stuck.reached()
            await told.wait()
            await refused(one, "has not answered")
            assert not waiting.done()
        assert await waiting == 1
        assert await one.append(Kind.REFUSAL, {}) == 2
        assert one.failure == ""


async def test_a_queue_that_is_full_refuses(tmp_path, monkeypatch):
    monkeypatch.setattr("ringfence_agent.journal.PENDING_ENTRIES_MAX", 3)
    async with journal(tmp_path) as one:
        waiting = [one.submit(Kind.REFUSAL, {}) for _ in range(3)]
        with pytest.raises(LogError, match="wait for the disk"):
            one.submit(Kind.REFUSAL, {})
        assert await asyncio.gather(*waiting) == [0, 1, 2]


async def test_an_entry_that_no_bundle_could_hold_is_refused(tmp_path):
    """C2SP tlog-tiles measures entries with two bytes; the log goes on without it."""
    async with journal(tmp_path) as one:
        with pytest.raises(LogError, match="65535 at most"):
            await one.append(Kind.REFUSAL, {"long": "x" * 65_535})
        assert await one.append(Kind.REFUSAL, {"long": "x" * 65_000}) == 0


async def test_an_entry_that_changed_on_disk_is_not_proven(tmp_path):
    async with journal(tmp_path) as one:
        await append(one, 5)
        await one._write_upkeep()
        damage(segment(tmp_path), b'"number":3', b'"number":4')
        with pytest.raises(LogError, match="entry 3 was changed"):
            one.prove(3)
        await refused(one, "entry 3 was changed")
    with pytest.raises(LogError, match="does not match"):
        opened(tmp_path)


async def test_folds_see_every_durable_entry_once_in_order(tmp_path):
    """Those of the past at the start, the others as they become durable; a crash or a stop makes no difference."""
    for run in (killed, journal, killed):
        fold = Seen()
        async with run(tmp_path, folds={"seen": fold}) as one:
            assert fold.seen == list(range(one.size))
            await append(one, 20, Kind.INTENT)
            assert fold.seen == list(range(one.size))


class Seen:
    def __init__(self):
        self.seen = []

    def see(self, index, record):
        assert record["seq"] == index
        self.seen.append(index)

    def dump(self):
        return list(self.seen)

    def load(self, value):
        self.seen = list(value)


async def test_waiters_of_one_batch_share_one_signature(tmp_path, monkeypatch):
    signed = []
    real = logstore.sign_checkpoint
    monkeypatch.setattr(logstore, "sign_checkpoint", lambda *said: (signed.append(said), real(*said))[1])
    async with journal(tmp_path) as one:
        signed.clear()

        async def proven():
            return one.prove(await one.append(Kind.REFUSAL, {}))

        proofs = await asyncio.gather(*(proven() for _ in range(100)))
        assert len(signed) == 1
        assert len({proof.checkpoint for proof in proofs}) == 1


async def test_a_short_write_is_finished(tmp_path, monkeypatch):
    """write(2) may take less than it was given."""
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:7]))
    await filled(tmp_path, 3)
    monkeypatch.undo()
    async with journal(tmp_path) as one:
        assert (one.size, one.cut_bytes) == (3, 0)


async def test_a_waiter_that_leaves_takes_nothing_out_of_the_line(tmp_path):
    async with journal(tmp_path) as one:
        gone = one.submit(Kind.REFUSAL, {})
        gone.cancel()
        assert await one.append(Kind.REFUSAL, {}) == 1
        assert one.size == 2


async def test_followers_wait_for_growth(tmp_path):
    async with journal(tmp_path) as one, asyncio.timeout(5), asyncio.TaskGroup() as group:
        waiting = [group.create_task(one.grown(0)) for _ in range(3)]
        await asyncio.sleep(0.01)
        assert not any(task.done() for task in waiting)
        await one.append(Kind.REFUSAL, {})
        assert await asyncio.gather(*waiting) == [True] * 3


async def test_nobody_follows_a_log_that_is_about_to_close(tmp_path):
    """What is durable is still read; what comes after that is not waited for."""
    async with journal(tmp_path) as one, asyncio.timeout(5):
        waiting = asyncio.ensure_future(one.grown(0))
        await asyncio.sleep(0.01)
        one.dismiss()
        assert not await waiting
        await one.append(Kind.REFUSAL, {})
        assert await one.grown(0)
        assert not await one.grown(1)


WRITER = """
import asyncio, sys
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ringfence_agent import logstore
from ringfence_agent.entry import Kind
from ringfence_agent.journal import Journal

async def write(journal):
    while True:
        print(await journal.append(Kind.INTENT, {"request_id": "r"}), flush=True)

async def main():
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    journal = Journal(Path(sys.argv[1]), "site.example/egress", key, lambda: 1)
    async with asyncio.TaskGroup() as group:
        group.create_task(journal.run())
        for _ in range(16):
            group.create_task(write(journal))

asyncio.run(main())
"""


@pytest.mark.parametrize("after", [1, 60, 900])
async def test_sigkill_loses_nothing_that_was_acknowledged(tmp_path, after):
    """A writer killed after some acknowledgements: each of them is in the log that opens again."""
    roots = os.pathsep.join(str(ROOT / name) for name in ("proto", "agent"))
    with subprocess.Popen(  # noqa: ASYNC220 - nothing else runs meanwhile
        [sys.executable, "-c", WRITER, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": roots},
        stdout=subprocess.PIPE,
    ) as process:
        acknowledged = [int(process.stdout.readline()) for _ in range(after)]
        process.kill()
        acknowledged += [int(line) for line in process.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
    async with journal(tmp_path) as one:
        assert one.size > max(acknowledged)
        assert len(one.recovered.open_intents) == one.size
