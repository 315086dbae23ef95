"""What is kept is durable and sealed; what cannot be kept is an error of its own send; old files go whole."""

import asyncio
import errno
import json
import os
import stat
import threading

import pytest
import structlog
from structlog.testing import capture_logs

from ringfence import sealkeys
from ringfence.sealed import HEAD_BYTES, OVERHEAD_BYTES, Name
from ringfence_agent import archive as archives
from ringfence_agent import archivefiles
from ringfence_agent.archive import ArchiveError, ArchiveSettings, NoArchive, SealedArchive
from ringfence_agent.archivefiles import ArchiveFiles
from ringfenced.cli.archivefiles import records_of

PRIVATE, PUBLIC = sealkeys.make()
KEY, RECIPIENT = sealkeys.load_private(PRIVATE), sealkeys.load_public(PUBLIC)
SALT = bytes(32)
BEGAN_MS = 1_700_000_000_000
RECORD_BYTES = HEAD_BYTES + OVERHEAD_BYTES + len(b"body")


def name(index, time_ms=BEGAN_MS):
    return Name(index, time_ms, b"c" * 32)


def read(index):
    """The log's entry."""
    return json.dumps({"time_unix_ms": BEGAN_MS, "commitment": (b"c" * 32).hex()}).encode()


def opened(folder, now=lambda: BEGAN_MS, read=read, **changes):
    settings = {"retention_ms": 1000, "bytes_max": 1_000_000, **changes}
    return SealedArchive(
        ArchiveSettings(directory=folder, origin="site/egress", recipient=RECIPIENT, **settings),
        read,
        now,
        structlog.get_logger(),
    )


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "archive"


@pytest.fixture
def archive(folder):
    made = opened(folder)
    yield made
    made.close()


def held(folder, indices):
    return [index for index in indices if any(records_of(folder, index))]


async def test_what_is_kept_can_be_read_by_the_auditors_and_is_durable(archive, folder, monkeypatch):
    synced = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda file: (synced.append(os.fstat(file).st_size), real(file)))
    await archive.keep(3, SALT, b"body")
    assert synced == [RECORD_BYTES]
    (path,) = folder.glob("sealed-*")
    assert path.name == "sealed-000000000003.rec"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert held(folder, range(5)) == [3]


async def test_records_that_wait_share_a_write(archive, folder, monkeypatch):
    synced = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda file: (synced.append(1), real(file)))
    await asyncio.gather(*(archive.keep(index, SALT, b"body") for index in range(50)))
    assert held(folder, range(50)) == list(range(50))
    assert len(synced) < 50


@pytest.mark.parametrize("call", ["write", "fdatasync", "open"])
async def test_a_failing_disk_is_an_error_and_the_next_record_tries_anew(archive, folder, monkeypatch, call):
    await archive.keep(1, SALT, b"body")

    def fail(*_args, **_more):
        raise OSError(errno.EIO, "Input/output error")

    if call == "open":
        monkeypatch.setattr(archivefiles, "FILE_BYTES", 1)
    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(ArchiveError, match="Input/output error"):
            await archive.keep(2, SALT, b"body")
    await archive.keep(3, SALT, b"body")
    assert held(folder, (1, 3)) == [1, 3]


async def test_an_intent_that_cannot_be_read_back_is_not_kept(folder):
    def fail(_index):
        raise OSError(errno.EIO, "Input/output error")

    archive = opened(folder, read=fail)
    try:
        with pytest.raises(ArchiveError, match="read back"):
            await archive.keep(1, SALT, b"body")
    finally:
        archive.close()


async def test_a_defect_over_one_record_keeps_none_of_those_beside_it(archive, folder, monkeypatch):
    """Whoever waited beside it must not believe that theirs was kept."""
    may_go, real = threading.Event(), archives.seal

    def seal(name, *rest):
        assert may_go.wait(20)
        if name.intent_index == 3:
            raise RuntimeError
        return real(name, *rest)

    monkeypatch.setattr(archives, "seal", seal)
    keeping = [asyncio.ensure_future(archive.keep(index, SALT, b"body")) for index in range(1, 5)]
    await asyncio.sleep(0)
    may_go.set()
    ends = await asyncio.gather(*keeping, return_exceptions=True)
    kept = [index for index, end in enumerate(ends, 1) if end is None]
    assert held(folder, range(1, 5)) == kept if kept else not any(folder.glob("sealed-*"))
    assert 3 not in kept
    assert all(isinstance(end, RuntimeError | ArchiveError) for end in ends if end is not None)


async def test_after_a_torn_write_nothing_follows_in_that_file(archive, folder, monkeypatch):
    """A record behind a torn one could not be found again."""
    await archive.keep(1, SALT, b"body")
    real = os.write

    def tear(file, data):
        real(file, data[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", tear)
        with pytest.raises(ArchiveError, match="No space"):
            await archive.keep(2, SALT, b"body")
    await archive.keep(3, SALT, b"body")
    assert held(folder, range(4)) == [1, 3]
    assert len(list(folder.glob("sealed-*"))) == 2


async def test_a_full_archive_refuses_until_there_is_room(folder):
    archive = opened(folder, bytes_max=2 * RECORD_BYTES)
    try:
        await archive.keep(1, SALT, b"body")
        await archive.keep(2, SALT, b"body")
        with pytest.raises(ArchiveError, match="archive is full"):
            await archive.keep(3, SALT, b"body")
        with pytest.raises(ArchiveError, match="archive is full"):
            await archive.keep(4, SALT, b"")
        next(folder.glob("sealed-*")).rename(folder.parent / "taken elsewhere")
        await archive.keep(5, SALT, b"body")
        assert held(folder, range(6)) == [5]
    finally:
        archive.close()


@pytest.mark.parametrize("how", ["unlink", "replace"])
async def test_a_file_that_goes_away_under_the_agent_is_not_counted_on(archive, folder, how):
    await archive.keep(1, SALT, b"body")
    path = next(folder.glob("sealed-*"))
    path.unlink()
    if how == "replace":
        path.write_bytes(b"")
    with pytest.raises(ArchiveError):
        await archive.keep(2, SALT, b"body")
    await archive.keep(3, SALT, b"body")
    assert held(folder, range(4)) == [3]


async def test_a_start_goes_on_in_a_new_file_and_counts_what_is_there(folder):
    for index in (1, 2):
        archive = opened(folder, bytes_max=2 * RECORD_BYTES)
        await archive.keep(index, SALT, b"body")
        archive.close()
    assert held(folder, range(4)) == [1, 2]
    archive = opened(folder, bytes_max=2 * RECORD_BYTES)
    try:
        with pytest.raises(ArchiveError, match="full"):
            await archive.keep(3, SALT, b"body")
    finally:
        archive.close()


def test_one_folder_has_one_agent(folder, archive):
    with pytest.raises(BlockingIOError):
        opened(folder)


def test_whole_files_go_once_all_that_they_hold_is_old(folder, monkeypatch):
    """Also the last; and a file whose first record is torn goes by the time of its writing."""
    monkeypatch.setattr(archivefiles, "FILE_BYTES", 1)
    files = ArchiveFiles(folder)
    for index in range(3):
        files.append([(name(index, BEGAN_MS + index * 10), record(index, BEGAN_MS + index * 10))])
    assert files.expire(BEGAN_MS) == []
    assert [old for old, _ in files.expire(BEGAN_MS + 11)] == ["sealed-000000000000.rec", "sealed-000000000001.rec"]
    assert [path.name for path in sorted(folder.glob("sealed-*"))] == ["sealed-000000000002.rec"]
    files.close()
    again = ArchiveFiles(folder)
    assert again.expire(BEGAN_MS + 20) == []
    assert [old for old, _ in again.expire(BEGAN_MS + 21)] == ["sealed-000000000002.rec"]
    assert again.held_bytes == 0
    again.close()
    (folder / "sealed-000000000009.rec").write_bytes(b"torn")
    torn = ArchiveFiles(folder)
    assert torn.expire(BEGAN_MS) == []
    torn.close()


def test_a_file_spans_a_day_at_most(folder):
    files = ArchiveFiles(folder)
    for index, days in enumerate((0, 0.5, 1.1)):
        time_ms = BEGAN_MS + round(days * archivefiles.FILE_MS)
        files.append([(name(index, time_ms), record(index, time_ms))])
    files.close()
    assert len(list(folder.glob("sealed-*"))) == 2


def record(index, time_ms):
    return archives.seal(name(index, time_ms), "site/egress", SALT, b"body", RECIPIENT)


async def test_tending_removes_only_while_the_clock_keeps_step(folder, monkeypatch):
    """A clock that jumps ten years removes nothing, an hour of steady time does; both are told in the log."""
    clock = {"unix_ms": BEGAN_MS, "monotonic_s": 0.0}
    archive = opened(folder, now=lambda: clock["unix_ms"])
    loop = asyncio.get_running_loop()
    await archive.keep(1, SALT, b"body")
    sweeps = []

    async def passing(_seconds):
        sweeps.append(len(list(folder.glob("sealed-*"))))
        clock["monotonic_s"] += 600.0
        clock["unix_ms"] += 600_000 if len(sweeps) > 1 else 10 * 365 * 86_400_000
        if len(sweeps) == 12:
            raise asyncio.CancelledError

    monkeypatch.setattr(loop, "time", lambda: clock["monotonic_s"])
    monkeypatch.setattr(archives.asyncio, "sleep", passing)
    with capture_logs() as logs, pytest.raises(asyncio.CancelledError):
        await archive.tend()
    monkeypatch.undo()
    archive.close()
    assert sweeps == [1] * 7 + [0] * 5
    assert [line["event"] for line in logs] == ["archive_expired"]


def test_without_an_archive_nothing_is_kept_and_nothing_fails(tmp_path):
    none = NoArchive()
    asyncio.run(none.keep(1, SALT, b"body"))
    asyncio.run(none.tend())
    none.close()
    assert not any(tmp_path.iterdir())
