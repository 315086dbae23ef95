"""Old entries, tiles and indexes that were changed are found without a start."""

import asyncio
import os

import pytest

from fakes.journals import append, journal, opened
from ringfence_agent import scrub
from ringfence_agent.entry import Kind
from ringfence_agent.logerror import LogError


@pytest.fixture
async def log(tmp_path):
    """Two full segments of 512 entries and a few more, stopped well."""
    async with journal(tmp_path, segment_entries=512) as one:
        await append(one, 1100)
    return tmp_path


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


async def scrubbed(log, until_failure):
    """What the journal told of its pass, and its failure."""
    told, done = [], asyncio.Event()

    def checked(count, total):
        told.append((count, total))
        if count == total:
            done.set()

    async with asyncio.timeout(10), journal(log, segment_entries=512, checked=checked) as one:
        if until_failure:
            await one.grown(10_000)
            with pytest.raises(LogError, match=r"Start the agent again|are not where"):
                await one.append(Kind.REFUSAL, {})
        else:
            await done.wait()
        return told, one.failure


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr("ringfence_agent.journal.SCRUB_ENTRIES_PER_S", 1e9)


async def test_a_whole_log_is_compared_and_progress_is_told_in_quarters(log):
    told, failure = await scrubbed(log, until_failure=False)
    assert told == [(256, 1024), (512, 1024), (768, 1024), (1024, 1024)]
    assert failure == ""


async def test_a_last_segment_that_is_just_full_is_left_to_the_next_start(tmp_path):
    """It has no index yet, and a start has compared it."""
    async with journal(tmp_path, segment_entries=512) as one:
        await append(one, 1024)
    told, failure = await scrubbed(tmp_path, until_failure=False)
    assert (told[-1], failure) == ((512, 512), "")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("entries-000000.ndjson", 20),
        ("entries-000001.ndjson", -5),
        ("entries-000000.ndjson", -1),
        ("entries-000001.idx", 100),
        ("tiles-0", 40),
        ("tiles-0", 1000 * 32),
    ],
)
async def test_a_changed_byte_ends_egress_and_the_next_start_reads_everything(log, name, place):
    flip(log / name, place)
    _, failure = await scrubbed(log, until_failure=True)
    assert name.removesuffix(".idx").removesuffix(".ndjson") in failure
    assert not (log / "snapshot").exists()
    if name.endswith(".ndjson"):
        with pytest.raises(LogError, match=r"does not match|damaged|more than"):
            opened(log, segment_entries=512)
    else:
        _, failure = await scrubbed(log, until_failure=False)
        assert failure == ""


async def test_entries_and_tiles_that_were_changed_alike_do_not_hash_to_the_root(log):
    """Somebody who writes both files is still not the one who signed."""
    one = opened(log, segment_entries=512)
    path = log / "entries-000000.ndjson"
    path.write_bytes(path.read_bytes().replace(b'"number":3,', b'"number":4,', 1))
    segment = one._store._segments.open_sealed(0)
    leaf = scrub.leaf_hash(segment.read(3)[0])
    segment.close()
    with (log / "tiles-0").open("r+b") as stream:
        os.pwrite(stream.fileno(), leaf, 3 * 32)
    steps = one._store.scrub().steps()
    with pytest.raises(LogError, match="not the ones that were signed"):
        list(steps)
    one._store.close()
