"""The hyperscan database: compiled once per machine, kept in a cache that is checked before it is used."""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import hyperscan

from ringfence.recognize.patterns import Trigger

_DIGEST_BYTES = 32
_MODE = hyperscan.HS_MODE_BLOCK


def fingerprint(triggers: Sequence[Trigger]) -> str:
    """SHA-256, hex, of all that a compiled database depends on: expressions, flags, hyperscan, CPU."""
    state = hashlib.sha256()
    for part in (
        version("hyperscan"),
        platform.machine(),
        _cpu(),
        *(f"{t.name}\0{t.flags}\0{t.expression}" for t in triggers),
    ):
        state.update(part.encode("utf-8") + b"\x00")
    return state.hexdigest()


def _cpu() -> str:
    """The CPU's feature flags; hyperscan compiles for the CPU it runs on. Empty where the system does not say."""
    try:
        with Path("/proc/cpuinfo").open(encoding="ascii", errors="replace") as lines:
            return next((line for line in lines if line.startswith("flags")), "")
    except OSError:
        return ""


def compile_database(triggers: Sequence[Trigger]) -> hyperscan.Database:
    """Compile `triggers`; their positions are the match ids. Takes about a second."""
    database = hyperscan.Database(mode=_MODE)
    database.compile(
        expressions=[trigger.expression.encode("latin-1") for trigger in triggers],
        ids=list(range(len(triggers))),
        elements=len(triggers),
        flags=[trigger.flags for trigger in triggers],
    )
    return database


def load_database(triggers: Sequence[Trigger], cache_dir: Path | None) -> hyperscan.Database:
    """The database for `triggers`, from `cache_dir` where it lies there intact, else compiled and put there.

    The file's name is the `fingerprint`, its first 32 bytes the SHA-256 of the rest: a torn, foreign or stale file is
    compiled anew. The digest finds accidents, not forgeries: the folder must belong to the process's own user, and a
    file or folder that others may write to is not read. A cache that cannot be written costs time, nothing else.
    """
    if cache_dir is None:
        return compile_database(triggers)
    path = cache_dir / f"recognisers-{fingerprint(triggers)[:32]}.hs"
    database = _read(path)
    if database is None:
        database = compile_database(triggers)
        _write(path, hyperscan.dumpb(database))
    return database


def _read(path: Path) -> hyperscan.Database | None:
    try:
        for place in (path.parent, path):
            status = place.stat()
            if status.st_uid != os.getuid() or status.st_mode & 0o022:
                return None
        blob = path.read_bytes()
    except OSError:
        return None
    digest, body = blob[:_DIGEST_BYTES], blob[_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        return None
    try:
        return hyperscan.loadb(body, _MODE)
    except hyperscan.error:
        return None


def _write(path: Path, body: bytes) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".recognisers-")  # mkstemp makes it 0600
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(body).digest() + body)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
