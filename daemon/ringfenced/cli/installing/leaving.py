"""What goes and what stays when Ringfence goes. Pure.

The egress log stays: it is the proof of what left, and a site must often keep it for years after. With it stays what it
takes to read it: its public key, the key of its salts, the last checkpoint that the daemon witnessed (and the proof, if
it caught the log contradicting itself), and the sealed archive where a site has one. Everything else goes, keys and
wallets included.
"""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from ringfenced.cli.installing.shipped import PROGRAMS, UNITS

AGENT_STATE: Final = "var/lib/ringfence-agent"
"""The agent's folder of state, by its unit."""

USERS: Final = ("ringfenced", "ringfence-agent", "ringfence-export", "ringfence-watch")
"""Users that sysusers.d made; each has a group of its name."""

GROUPS: Final = ("ringfence-link", "ringfence-callers")
"""Groups besides."""

_GOING: Final = (
    *(f"usr/lib/systemd/system/{unit}" for unit in UNITS),
    *(f"etc/systemd/system/{unit}.d" for unit in UNITS),
    *("usr/lib/sysusers.d/ringfence.conf", "usr/lib/tmpfiles.d/ringfence.conf"),
    *("usr/share/ringfence", "usr/share/doc/ringfence", "etc/ringfence"),
    *("run/ringfence", "run/ringfenced"),
    *("var/lib/ringfenced", "var/lib/ringfence-export", "var/lib/ringfence-watch", AGENT_STATE),
)


@dataclass(frozen=True, slots=True)
class Leaving:
    """What to do, paths from the root without a leading slash."""

    going: tuple[str, ...]
    """Files and folders that go, with all that is in them."""
    links: tuple[str, ...]
    """Names of programs, which go where they are links of ours."""
    log: str
    """The folder of the egress log."""
    copied: tuple[tuple[str, str], ...]
    """Files that are copied beside the log first, where they are there."""
    staying: frozenset[str]
    """Files and folders in those that go which stay."""
    elsewhere: tuple[str, ...]
    """Files and folders outside of ours that the configuration names: they stay where they are, with all that is in
    them; those that are evidence (log, salt key, archive) belong to root alone then."""


def leaving(daemon: bytes | None, agent: bytes | None) -> Leaving:
    """Plan it.

    Args:
        daemon: the daemon's configuration file; None where there is none.
        agent: the agent's.

    Where there is none, the places of the templates are taken.

    Raises:
        ValueError: one of them is no TOML, so that nobody knows where the log is.
    """
    ours, theirs = _read(daemon), _read(agent)
    log = _path(theirs, "log", "directory") or f"{AGENT_STATE}/log"
    public = _path(ours, "agent", "log_public_key") or "etc/ringfence/pki/log.pub"
    state = _path(ours, "state") or "var/lib/ringfenced"
    evidence = [
        log,
        _path(theirs, "log", "salt_key") or f"{AGENT_STATE}/salt.key",
        _path(theirs, "archive", "directory"),
    ]
    beside = posixpath.dirname(log)
    seen = ("witnessed.checkpoint", "witnessed.checkpoint.condemned")
    copies = {public: f"{beside}/log.pub"} | {f"{state}/{name}": f"{beside}/{name}" for name in seen}
    named = {each for each in (*evidence, state, _path(ours, "library", "folder")) if each}
    return Leaving(
        going=_GOING,
        links=tuple(f"usr/bin/{name}" for name in PROGRAMS),
        log=log,
        copied=tuple(copies.items()),
        staying=frozenset({*filter(None, evidence), *copies.values()}),
        elsewhere=tuple(sorted(f"/{each}" for each in named if not _is_within(each, _GOING))),
    )


def _is_within(path: str, folders: tuple[str, ...]) -> bool:
    return any(f"{path}/".startswith(f"{folder}/") for folder in folders)


def is_evidence(names: Iterable[str]) -> bool:
    """Whether a folder with such files is an egress log or a sealed archive, whoever forgot to name it."""
    return any(name.startswith(("entries-", "sealed-")) for name in names)


def _read(text: bytes | None) -> dict[str, Any]:
    return tomllib.loads((text or b"").decode())


def _path(document: dict[str, Any], *names: str) -> str:
    """A path that a file names, from the root; empty where it names none. Relative ones count from /etc/ringfence."""
    value: Any = document
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, str) or not value:
        return ""
    return posixpath.normpath(posixpath.join("/etc/ringfence", value)).lstrip("/")
