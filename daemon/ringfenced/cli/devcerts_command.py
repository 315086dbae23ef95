"""`ringfence dev-certs`: write a development folder, or leave what is there alone."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from ringfenced.cli import devcerts
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output, json_option

DAYS_MAX: Final = 90
"""Longer than this is no development certificate any more."""

VKEY_CHARS_SHOWN_MAX: Final = 120
"""An ML-DSA-44 verifier key has some 1800 characters; the file has all of them."""


def dev_certs(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write into; made if it is not there.")],
    *,
    days: Annotated[int, typer.Option(min=1, max=DAYS_MAX, help="How long the certificates hold.")] = 7,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    as_json: json_option = False,
) -> None:
    """Make certificates and keys for one development machine.

    Two authorities (the site's and the stand-in provider's) whose private keys are forgotten at once; certificates for
    daemon, agent, two callers, an operator, an auditor and the provider; the key pairs that sign permits and the
    egress log, and the ones with which the daemon cosigns that log as witness. Nothing that exists is overwritten
    without --force.

    Example: `ringfence dev-certs run/certs && ringfence --certs run/certs --as caller-ward status`
    """
    files = devcerts.make(datetime.now(UTC), timedelta(days=days))  # noqa: TID251 - the edge: here the clock is read
    write(directory, files, force=force)
    rows = [[file.name, "0600" if file.private else "0644", file.purpose] for file in files]
    output = Output.of(as_json=as_json)
    if as_json:
        output.json({"directory": str(directory), "days": days, "files": [file.name for file in files]})
    else:
        output.table(f"{directory}, valid for {days} days", ("file", "mode", "what it is"), rows)
        for vkey in next(file.content for file in files if file.name == "witness.vkeys").decode().splitlines():
            output.line(f"witness: {vkey if len(vkey) <= VKEY_CHARS_SHOWN_MAX else f'{vkey[:VKEY_CHARS_SHOWN_MAX]}…'}")


def write(directory: Path, files: tuple[devcerts.DevFile, ...], *, force: bool) -> None:
    """Write every file, private ones readable by their owner alone.

    Each file appears whole or not at all. Several writers at once are the caller's mistake.

    Raises:
        Failure: something is there already and `force` is not set; or the folder cannot be written.
    """
    existing = [file.name for file in files if os.path.lexists(directory / file.name)]
    if existing and not force:
        raise Failure(
            f"{directory} already holds {existing[0]} and {len(existing) - 1} more of these files",
            code=ExitCode.USAGE,
            advice=("use another folder, or --force to replace them (running processes must then be restarted)",),
        )
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in files:
            _write_one(directory / file.name, file.content, mode=0o600 if file.private else 0o644)
    except OSError as error:
        raise Failure(f"cannot write into {directory}: {error.strerror}", code=ExitCode.USAGE) from error


def _write_one(path: Path, content: bytes, *, mode: int) -> None:
    """Write beside and rename: the mode holds from the first byte, and links are replaced, not followed."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as stream:
        os.fchmod(descriptor, mode)
        stream.write(content)
    temporary.replace(path)
