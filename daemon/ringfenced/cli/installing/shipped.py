"""The files that come with the package, and where each belongs (file-hierarchy(7), FHS 3.0)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import ringfenced

PROGRAMS: Final = ("ringfenced", "ringfence-agent", "ringfence")
"""What units start, as `/usr/bin/NAME`."""

UNITS: Final = (
    *("ringfenced.service", "ringfenced-proxy.socket", "ringfenced-proxy.service"),
    *("ringfence-relay.socket", "ringfence-relay.service"),
    *("ringfence-agent.service", "ringfence-export.service", "ringfence-watch.service"),
)
"""Every unit, in the order in which they are stopped."""

CONFIGURATION: Final = ("ringfenced.toml", "ringfence-agent.toml", "export.env", "watch.env")
"""Templates that a site edits: never written over once somebody has."""

FOLDERS: Final = {
    "etc/ringfence": 0o755,
    "etc/ringfence/pki": 0o755,
    "etc/ringfence/keys": 0o700,
    "etc/ringfence/keys/providers": 0o700,
    "etc/ringfence/keys/watch": 0o700,
}
"""Folders that units or the guide name, with their modes."""

RECORD: Final = "usr/share/ringfence/installed.json"
"""What was installed, with the SHA-256 of each file: so that an edited file is known from an old one."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """One file."""

    path: str
    """Where it belongs, from the root, without a leading slash."""
    data: bytes
    """What is in it."""
    edited: bool = False
    """A site edits it; all others are the package's, and drop-ins the place for changes."""


def folder() -> Path:
    """Where the files lie: inside the installed package, or at the top of a checkout."""
    package = Path(ringfenced.__file__).parent
    inside = package / "systemd"
    return inside if inside.is_dir() else package.parents[1] / "systemd"


def files(source: Path) -> tuple[Shipped, ...]:
    """Every file, by destination.

    Args:
        source: `folder`.

    Raises:
        OSError: the package is not whole.
    """
    pairs = [(f"usr/lib/systemd/system/{name}", source / name) for name in UNITS]
    pairs += [
        (f"usr/lib/{name}.d/ringfence.conf", source / f"{name}.d/ringfence.conf") for name in ("sysusers", "tmpfiles")
    ]
    pairs += [
        (f"usr/share/ringfence/drop-ins/{each.name}", each) for each in sorted((source / "drop-ins").glob("*.conf"))
    ]
    pairs += [("usr/share/doc/ringfence/systemd.md", source / "design.md")]
    package = [Shipped(path, each.read_bytes()) for path, each in pairs]
    return (
        *package,
        *(Shipped(f"etc/ringfence/{name}", (source / name).read_bytes(), edited=True) for name in CONFIGURATION),
    )
