"""The hyperscan database: compiled once per machine, kept in a cache that is checked before it is used."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import hyperscan

from ringfence.recognize.cache import read_cached, write_cached
from ringfence.recognize.patterns import Trigger

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

    The file's name is the `fingerprint`; a torn, foreign or stale file is compiled anew; see
    `ringfence.recognize.cache`.
    """
    if cache_dir is None:
        return compile_database(triggers)
    path = cache_dir / f"recognisers-{fingerprint(triggers)[:32]}.hs"
    database = _read(path)
    if database is None:
        database = compile_database(triggers)
        write_cached(path, hyperscan.dumpb(database))
    return database


def _read(path: Path) -> hyperscan.Database | None:
    body = read_cached(path)
    try:
        return None if body is None else hyperscan.loadb(body, _MODE)
    except hyperscan.error:
        return None
