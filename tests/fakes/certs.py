"""Fresh development certificates for tests that shake hands for real."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from ringfenced.cli import devcerts
from ringfenced.cli.devcerts_command import write


def fresh() -> tuple[devcerts.DevFile, ...]:
    """A folder's files, valid from now on for an hour."""
    return devcerts.make(datetime.now(UTC), timedelta(hours=1))


def write_fresh(directory: Path) -> Path:
    """The same, written down; returns the folder."""
    write(directory, fresh(), force=False)
    return directory
