"""The run that must be found out: a traced process that keeps canaries, in every place and every encoding."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from zero_parts.canaries import Canary, canary
from zero_parts.encodings import ENCODINGS
from zero_parts.gather import Blob, add_up, files, shared_memory
from zero_parts.places import PLACES, Layout
from zero_parts.search import Search, whose
from zero_parts.tracing import Tracing

_LEAK = r"""
import base64, json, os, socket, sqlite3, sys
from multiprocessing import resource_tracker, shared_memory
from pathlib import Path
order = json.load(sys.stdin)
site, tmp = Path(order["site"]), Path(order["tmp"])
kept = []
sql = sqlite3.connect(site / "state" / "ledger.sqlite3", isolation_level=None)
sql.execute("PRAGMA journal_mode=wal")
sql.execute("CREATE TABLE IF NOT EXISTS leak (said BLOB)")
listening = socket.create_server(("127.0.0.1", 0))
plain = socket.create_connection(listening.getsockname())
other, _ = listening.accept()
hears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
hears.bind(str(site / "syslog"))
tells = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for place, said in order["plants"]:
    data = base64.b64decode(said)
    if place == "logs":
        os.write(2, b'{"event":"' + data + b'"}\n')
    elif place == "SQLite":  # a row that was deleted: only free pages and the log have it
        sql.execute("INSERT INTO leak VALUES (?)", (data,))
        sql.execute("DELETE FROM leak")
    elif place == "shared memory":
        memory = shared_memory.SharedMemory(create=True, size=len(data))
        resource_tracker.unregister(memory._name, "shared_memory")
        memory.buf[:len(data)] = data
        print(memory.name, flush=True)
        kept.append(memory)
    elif place == "core files":
        kept.append(bytearray(data))
    elif place == "names and arguments":
        os.waitpid(os.posix_spawn("/bin/true", [b"true", data], {}), 0)
    elif place == "datagrams":
        tells.sendto(data, str(site / "syslog"))
        hears.recv(65536)
    elif place == "network":
        plain.sendall(data)
        other.recv(65536)
    else:
        path = site / {"decisions": "state/decisions/0.jsonl", "egress log": "log/entries-000000.ndjson",
                       "sealed archive": "archive/sealed-0.rec", "temporary files": "", "other files": "state/x"}[place]
        path = tmp / "leak" if place == "temporary files" else path
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        half = len(data) // 2  # in two writes
        os.write(file, data[:half])
        os.write(file, data[half:] + b"\n")
        os.close(file)
if order["abort"]:
    os.abort()
"""
_TOLD = ("metrics page", "what operators read", "error messages")
"""Places that are read over the network: what was read is searched as it is."""


def plant(tracing: Tracing, stem: str, rng: Random, before: frozenset[str]) -> dict[str, dict[str, bool]]:
    """Keep a canary for each place and encoding; place to encoding to whether the search found that very one.

    Args:
        tracing: a folder of its own.
        stem: of the run.
        rng: makes the canaries.
        before: shared memory that others have.
    """
    site = tracing.folder / "site"
    (site / "state").mkdir(parents=True)
    layout = Layout(str(site), str(tracing.cores), str(tracing.temporary))
    places = [place for place in PLACES if place != "core files" or _cores_here()]
    canaries = {(place, one.name): canary(stem, place, one.name, rng) for place in places for one in ENCODINGS}
    plants = [(place, _written(one)) for (place, _), one in canaries.items()]
    plants = [pair for pair in plants if not _cannot_be(*pair)]
    memories = _leak(tracing, site, [pair for pair in plants if pair[0] not in _TOLD])
    try:
        found = _found(list(_blobs(tracing, layout, plants, before)), stem, list(canaries.values()))
    finally:
        for name in memories:
            (Path("/dev/shm") / name).unlink(missing_ok=True)
    pairs = [(place, one) for place in places for one in ENCODINGS]
    planted = {(place, one.name): not _cannot_be(place, _written(canaries[place, one.name])) for place, one in pairs}
    return {
        place: {one.name: (place, one.name) in found for one in ENCODINGS if planted[place, one.name]}
        for place in places
    }


def _cannot_be(place: str, data: bytes) -> bool:
    """Names and arguments end at the first zero byte, so that what has one cannot stand there."""
    return place == "names and arguments" and b"\0" in data


def _written(one: Canary) -> bytes:
    encoding = next(encoding for encoding in ENCODINGS if encoding.name == one.encoding)
    return encoding.write(f"said {one.word}; ")


def _leak(tracing: Tracing, site: Path, plants: Sequence[tuple[str, bytes]]) -> list[str]:
    """Run the process that keeps them; the names of the shared memory that it left."""
    import base64  # noqa: PLC0415 - only here

    said = [(place, base64.b64encode(data).decode()) for place, data in plants]
    order = {"site": str(site), "tmp": str(tracing.temporary), "plants": said, "abort": _cores_here()}
    with (site / "daemon.log").open("wb") as log:
        done = subprocess.run(
            (*tracing.launcher("leak"), sys.executable, "-P", "-c", _LEAK),
            input=json.dumps(order).encode(),
            stdout=subprocess.PIPE,
            stderr=log,
            check=False,
        )
    tracing.whole()
    assert done.returncode == (-6 if order["abort"] else 0), (site / "daemon.log").read_text(errors="replace")[-2000:]
    return done.stdout.decode().split()


def _blobs(
    tracing: Tracing, layout: Layout, plants: Sequence[tuple[str, bytes]], before: frozenset[str]
) -> Iterator[Blob]:
    seen = add_up(tracing.events(), layout)
    yield from seen.written
    yield from files(layout, seen.opened)
    yield from shared_memory(before)
    yield from (Blob(place, place, data) for place, data in plants if place in _TOLD)


def _found(blobs: Sequence[Blob], stem: str, canaries: Sequence[Canary]) -> set[tuple[str, str]]:
    """Place and encoding of each canary that was met in its own place."""
    search = Search(stem)
    return {
        (one.scene, one.encoding)
        for blob in blobs
        for hit in search.look(blob.data, shown_max=64)
        for one in [whose(hit, (one for one in canaries if one.scene == blob.place and one.encoding == hit.encoding))]
        if one is not None
    }


def _cores_here() -> bool:
    """Whether this machine leaves cores in the folder of the process (core(5))."""
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    return "/" not in pattern and not pattern.startswith("|")
