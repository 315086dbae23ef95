"""`ringfence audit tiles`: a log's folder as static files that any C2SP tlog-tiles client can read."""

from __future__ import annotations

import base64
import binascii
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from ringfence.tiles import Resource, StaticLog, TileError
from ringfence.translog import Checkpoint, ProofError, open_checkpoint
from ringfenced.cli import logfiles
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output, json_option


def write_tiles(
    *,
    log: Annotated[Path, typer.Option(metavar="DIR", help="The agent's log folder, or a copy.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the static files go; made where it is missing.")],
    key: Annotated[
        Path | None, typer.Option(metavar="PUBKEY", help="The log's public key: PEM, or a C2SP verifier key.")
    ] = None,
    as_json: json_option = False,
) -> None:
    """Write the log as a static C2SP tlog-tiles tree: `checkpoint`, `tile/...` and `tile/entries/...`.

    Holds the entries that the newest checkpoint covers; their root must be the checkpoint's, and with --key its
    signature is verified too. The checkpoint is written last. A folder that holds an earlier state of the same log is
    brought up to date. Reads and writes files only, and asks nobody.

    Example: `ringfence audit tiles --log run/log --out run/tiles --key run/certs/log.pub`
    """
    note = logfiles.read_checkpoint(log / "checkpoint")
    checkpoint = _verified(note, key) if key else _said(note)
    _demand_same_log(out, checkpoint.origin)
    files, size_bytes, static = 0, 0, StaticLog()
    try:
        for resource in static.resources(islice(logfiles.entries(log), checkpoint.size)):
            _write(out, resource)
            files, size_bytes = files + 1, size_bytes + len(resource.content)
    except TileError as error:
        raise Failure(f"the log cannot be written as tiles: {error}") from None
    if static.size < checkpoint.size:
        raise Failure(f"truncated: the checkpoint covers {checkpoint.size} entries, {static.size} are there")
    if static.root() != checkpoint.root:
        raise Failure("other entries than these were signed: one was edited, moved or replaced")
    _write(out, Resource("checkpoint", note.encode()))
    _tell(Output.of(as_json=as_json), checkpoint, files + 1, size_bytes)


def _tell(output: Output, checkpoint: Checkpoint, files: int, size_bytes: int) -> None:
    """What was written."""
    if output.as_json:
        said = {"origin": checkpoint.origin, "entries": checkpoint.size, "files": files, "bytes": size_bytes}
        output.json(said)
    else:
        output.line(f"{checkpoint.origin}: {checkpoint.size:,} entries in {files:,} files, {size_bytes:,} bytes")


def _verified(note: str, key: Path) -> Checkpoint:
    """The checkpoint, its signature verified."""
    public_key, origin = logfiles.read_key(key)
    try:
        return open_checkpoint(note, origin or logfiles.origin_of(note), public_key)
    except ProofError as error:
        raise Failure(str(error)) from None


def _said(note: str) -> Checkpoint:
    """What a checkpoint says, whoever signed it."""
    origin, size, root = [*note.split("\n"), "", "", ""][:3]
    try:
        return Checkpoint(origin, int(size), base64.b64decode(root, validate=True))
    except (ProofError, ValueError, binascii.Error):
        raise Failure("the log's checkpoint is no checkpoint", code=ExitCode.USAGE) from None


def _demand_same_log(out: Path, origin: str) -> None:
    """Refuse to mix two logs in one folder."""
    there = logfiles.read_checkpoint_if_there(out / "checkpoint")
    if there is not None and logfiles.origin_of(there) != origin:
        raise Failure(f"{out} holds another log; give a folder of its own with --out", code=ExitCode.USAGE)


def _write(out: Path, resource: Resource) -> None:
    """One file, whole or not at all."""
    path = out / resource.path
    fresh = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(resource.content)
        fresh.replace(path)
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}") from error
