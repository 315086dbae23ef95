"""What a source holds that could be fetched."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ringfenced.library.names import whole


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file of a source."""

    path: str
    """What it would be called in the model."""
    url: str = ""
    """Where it is; empty for a file of this machine."""
    local: Path | None = None
    """The file of this machine."""
    size_bytes: int | None = None
    """As the source says; None where it does not."""
    sha256: str | None = None
    """Digest that it must have, hex; None where the source tells none."""
    git_sha1: str | None = None
    """Git's name of its content, hex, which a hub tells of small files instead; None elsewhere."""
    validator: str = ""
    """Changes when the file does: an entity tag, a date; empty where one of the digests says it."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """To be sent with the request; they hold what proves who asks, and go nowhere else."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A source in one exact state."""

    source: str
    """As the operator gave it, without credentials."""
    revision: str
    """Which state: a commit, a digest; empty where there is none to name."""
    name: str
    """What the model is called there."""
    files: tuple[Wanted, ...]
    """All that it holds."""
    licence: str | None = None
    """As the source names it."""
    remarks: tuple[str, ...] = ()
    """What the operator should know."""

    def state(self, chosen: Iterable[Wanted]) -> str:
        """One line that changes when any of the chosen files does: what came of another state is not gone on with."""
        facts = [[one.path, one.size_bytes, one.sha256, one.git_sha1, one.validator] for one in chosen]
        digest = hashlib.sha256(json.dumps([self.source, self.revision, facts]).encode()).hexdigest()
        return f"{self.source} {digest}"


def groups(files: Iterable[Wanted]) -> dict[str, list[Wanted]]:
    """Files by the model that they are part of."""
    found: dict[str, list[Wanted]] = {}
    for one in files:
        found.setdefault(whole(one.path), []).append(one)
    return found
