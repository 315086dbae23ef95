"""Renews every certificate of a site that runs, as a certificate manager would: authority first, then the leaves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ringfenced.cli import devcerts

OVERLAP_SHARE = 0.2
"""The part of a period for which everybody trusts the next authority already and shows certificates of the last."""
LEAVES = ("agent", "daemon", "caller-ward", "caller-billing", "operator")


async def renew(folder: Path, period_s: float) -> None:
    """One rotation: a new authority beside the old one, then new pairs, each in two steps with a gap between them.

    In the gap a certificate stands beside a key that is not its own, which must not be taken.
    """
    fresh = {file.name: file.content for file in devcerts.make(datetime.now(UTC), timedelta(hours=2))}  # noqa: TID251
    newest = _certificates((folder / "ca.pem").read_bytes())[-1]
    replace(folder / "ca.pem", newest + fresh["ca.pem"])
    await asyncio.sleep(period_s * OVERLAP_SHARE)
    for leaf in LEAVES:
        replace(folder / f"{leaf}.pem", fresh[f"{leaf}.pem"])
    await asyncio.sleep(0.05)
    for leaf in LEAVES:
        replace(folder / f"{leaf}.key", fresh[f"{leaf}.key"])


def replace(path: Path, content: bytes) -> None:
    """Replace a file whole."""
    beside = path.with_name(f".{path.name}.renewed")
    beside.touch(mode=0o600)
    beside.write_bytes(content)
    beside.replace(path)


def _certificates(pem: bytes) -> list[bytes]:
    """The certificates of a file, each as PEM."""
    end = b"-----END CERTIFICATE-----\n"
    return [part + end for part in pem.split(end) if part.strip()]
