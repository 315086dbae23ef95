"""A start believes what is signed and fits; where anything derived does not, it reads everything and is as strict."""

import json

import pytest

from fakes.journals import KEY, append, filled, journal, killed, opened
from ringfence_agent import logfolder, opening, segments
from ringfence_agent.entry import Kind
from ringfence_agent.folds import Recovered
from ringfence_agent.logerror import LogError
from ringfence_agent.snapshot import Snapshot, seal, unseal


class Counting:
    """A fold that knows how often it was asked."""

    def __init__(self):
        self.seen = []

    def see(self, index, record):
        self.seen.append(index)

    def dump(self):
        return len(self.seen)

    def load(self, value):
        self.seen = [None] * int(value)


def reopened(directory, **more):
    """A fold after a start, and the root; nothing is left running."""
    counting = Counting()
    one = opened(directory, folds={"counting": counting}, segment_entries=256, **more)
    size, root = one.size, one._store._tree.root()
    one._store.close()
    return counting.seen, size, root


@pytest.fixture
async def log(tmp_path):
    """600 entries in segments of 256, stopped well."""
    async with journal(tmp_path, folds={"counting": Counting()}, segment_entries=256) as one:
        await append(one, 600)
    return tmp_path


async def test_a_start_after_a_clean_stop_reads_no_entry_one_by_one(log):
    seen, size, _ = reopened(log)
    assert (seen, size) == ([None] * 600, 600)


async def test_a_start_after_a_crash_reads_what_follows_the_snapshot(log):
    async with killed(log, folds={"counting": Counting()}, segment_entries=256) as one:
        await append(one, 300)
    seen, size, _ = reopened(log)
    assert (seen, size) == ([None] * 600 + list(range(600, 900)), 900)


def harm_snapshot(log):
    (log / "snapshot").write_bytes((log / "snapshot").read_bytes()[:-9])


def no_snapshot(log):
    (log / "snapshot").unlink()


def another_version(log):
    known = unseal((log / "snapshot").read_bytes(), "site.example/egress", KEY.public_key())
    other = Snapshot(known.origin, known.size, known.root, {**known.folds, "counting": "many"})
    (log / "snapshot").write_bytes(seal(other, KEY))


def fewer_folds(log):
    known = unseal((log / "snapshot").read_bytes(), "site.example/egress", KEY.public_key())
    other = Snapshot(known.origin, known.size, known.root, {"recovered": known.folds["recovered"]})
    (log / "snapshot").write_bytes(seal(other, KEY))


def harm_edge(log):
    data = (log / "tiles-0").read_bytes()
    (log / "tiles-0").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def harm_upper_edge(log):
    data = (log / "tiles-1").read_bytes()
    (log / "tiles-1").write_bytes(bytes([data[0] ^ 1]) + data[1:])


def harm_last_segments_tile(log):
    data = bytearray((log / "tiles-0").read_bytes())
    data[32 * 520] ^= 1
    (log / "tiles-0").write_bytes(data)


def short_tiles(log):
    (log / "tiles-0").write_bytes((log / "tiles-0").read_bytes()[:999])


def no_tiles(log):
    for path in log.glob("tiles-*"):
        path.unlink()


@pytest.mark.parametrize(
    "harm",
    [
        harm_snapshot,
        no_snapshot,
        another_version,
        fewer_folds,
        harm_edge,
        harm_upper_edge,
        harm_last_segments_tile,
        short_tiles,
        no_tiles,
    ],
)
async def test_what_follows_from_the_entries_is_made_anew_from_them(log, harm):
    """Torn, gone, of another version, or wrong: everything is read, the same comes out, and the next start is quick."""
    _, _, root = reopened(log)
    tiles = {path.name: path.read_bytes() for path in log.glob("tiles-*")}
    harm(log)
    seen, size, again = reopened(log)
    assert (seen, size, again) == (list(range(600)), 600, root)
    assert {path.name: path.read_bytes() for path in log.glob("tiles-*")} == tiles


@pytest.mark.parametrize("index", [0, 255, 256, 511])
async def test_an_old_entry_that_was_changed_is_found_where_everything_is_read(log, index):
    """The quick way leaves old segments to the scrub; without its snapshot the log is refused."""
    path = log / f"entries-{index // 256:06}.ndjson"
    path.write_bytes(path.read_bytes().replace(b'"number":%d,' % index, b'"number":%d,' % (999 - index), 1))
    no_snapshot(log)
    with pytest.raises(LogError, match=r"does not match its newest checkpoint|is damaged"):
        reopened(log)


@pytest.mark.parametrize("index", [512, 599])
async def test_an_entry_of_the_last_segment_that_was_changed_is_found_at_every_start(log, index):
    path = log / "entries-000002.ndjson"
    path.write_bytes(path.read_bytes().replace(b'"number":%d,' % index, b'"number":%d,' % (index - 300), 1))
    with pytest.raises(LogError, match="does not match"):
        reopened(log)


async def test_an_entry_after_the_snapshot_that_was_changed_is_found(log):
    async with killed(log, folds={"counting": Counting()}, segment_entries=256) as one:
        await append(one, 20)
        await one._write_upkeep()
    path = log / "entries-000002.ndjson"
    path.write_bytes(path.read_bytes().replace(b'"number":610,', b'"number":910,', 1))
    with pytest.raises(LogError, match="does not match its newest checkpoint"):
        reopened(log)


async def test_an_older_snapshot_only_means_more_reading(log):
    old = (log / "snapshot").read_bytes()
    async with journal(log, folds={"counting": Counting()}, segment_entries=256) as one:
        await append(one, 50)
    (log / "snapshot").write_bytes(old)
    seen, size, _ = reopened(log)
    assert (seen, size) == ([None] * 600 + list(range(600, 650)), 650)


async def test_a_checkpoint_that_was_rolled_back_hides_no_truncation(log):
    """The snapshot is a promise too: entries that only it covers may not be gone."""
    old = (log / "checkpoint").read_bytes()
    async with journal(log, folds={"counting": Counting()}, segment_entries=256) as one:
        await append(one, 50)
    (log / "checkpoint").write_bytes(old)
    last = log / "entries-000002.ndjson"
    last.write_bytes(b"".join(last.read_bytes().splitlines(keepends=True)[:88]))
    with pytest.raises(LogError, match="truncated or damaged"):
        reopened(log)


@pytest.mark.parametrize(
    ("owner", "name"),
    [(opening.Opening, "open"), (logfolder.LogFolder, "open"), (segments.Segments, "__init__")],
)
async def test_a_disk_that_cannot_be_read_is_a_typed_error(tmp_path, monkeypatch, owner, name):
    """Whichever file it is: the agent ends with the code that says so, and the folder is free again."""
    await filled(tmp_path, 3)

    def fail(*_arguments, **_named):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(owner, name, fail)
    with pytest.raises(LogError, match="Input/output error"):
        opened(tmp_path)
    monkeypatch.undo()
    opened(tmp_path)._store.close()


async def test_open_intents_and_nonces_come_back_through_a_snapshot(tmp_path):
    async with journal(tmp_path) as one:
        await one.append(Kind.INTENT, {"request_id": "r-1", "nonce_sha256": "n", "bytes_out": 9})
    one = opened(tmp_path)
    assert (list(one.recovered.open_intents), list(one.recovered.nonces)) == ([0], ["n"])
    snapshot = json.loads((tmp_path / "snapshot").read_bytes().splitlines()[0])
    fold = Recovered()
    fold.load(snapshot["folds"]["recovered"])
    assert fold == one.recovered
    one._store.close()
