"""`ringfence audit witness`: a host elsewhere that remembers the log, and says so under each checkpoint.

    look      ask the daemon for the newest checkpoint, and for the proof that the one kept is its beginning
    keep      the newer of them, durably; the first one of all only where --first says that it is the first
    cosign    it, where this host has keys, and write the result to a file

What contradicts the checkpoint kept is written down as evidence (both checkpoints, and what is wrong between them), and
the command ends with code 1, now and each time until somebody has looked at the evidence and removed it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import grpc
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ringfence import durable
from ringfence.client import Client, RingfenceCallError
from ringfence.cosignature import Cosigner, PrivateKey, cosign
from ringfence.presence import is_there, read_if_there
from ringfence.translog import Checkpoint, ProofError, open_checkpoint, verify_consistency
from ringfenced.cli import logfiles, settings
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output, json_option

_EVIDENCE_SUFFIX: Final = ".condemned"
_COSIGNED_SUFFIX: Final = ".cosigned"
_NO_SUCH_TREE: Final = (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.INVALID_ARGUMENT)
"""How daemon and agent say that the log does not reach so far."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The log, and how this host remembers it."""

    public_key: Ed25519PublicKey
    """The log's key."""
    origin: str
    """The log's name; empty for the one that its first checkpoint bears."""
    kept: Path
    """File of the newest checkpoint that was seen."""
    first: bool
    """Whether nothing was seen yet, so that the next checkpoint is taken as it is."""
    name: str
    """This witness's name."""
    keys: tuple[PrivateKey, ...]
    """What it cosigns with; none to watch only."""

    @property
    def evidence(self) -> Path:
        """File that holds what is wrong, once something is."""
        return self.kept.with_name(self.kept.name + _EVIDENCE_SUFFIX)

    @property
    def cosigned(self) -> Path:
        """File of the newest checkpoint with this host's cosignatures."""
        return self.kept.with_name(self.kept.name + _COSIGNED_SUFFIX)


def witness(
    context: typer.Context,
    *,
    key: Annotated[Path, typer.Option(metavar="PUBKEY", help="The log's public key: PEM, or a C2SP verifier key.")],
    kept: Annotated[Path, typer.Option(metavar="FILE", help="Where this host remembers the newest checkpoint.")],
    first: Annotated[
        bool, typer.Option("--first", help="FILE does not exist yet: trust the first checkpoint as it is. Once only.")
    ] = False,
    name: Annotated[str, typer.Option(help="This witness's name, for example auditors.example/witness.")] = "",
    sign: Annotated[
        list[Path] | None,
        typer.Option("--sign", metavar="KEY", help="PEM of an Ed25519 or ML-DSA-44 private key; repeatable."),
    ] = None,
    interval: Annotated[
        float, typer.Option(min=0, max=86_400, metavar="SECONDS", help="Look again after so long; 0 to look once.")
    ] = 0,
    as_json: json_option = False,
) -> None:
    """See that the log only grows, remember it, and cosign it: KEPT.cosigned has the checkpoint. Role: auditor.

    Exit code 1, and KEPT.condemned with the evidence, when the log contradicts what this host has seen; exit code 1
    too when what it has seen is gone or damaged.

    Examples:
    - `ringfence ... audit witness --key log.pub --kept log.checkpoint --first`
    - `ringfence ... audit witness --key log.pub --kept log.checkpoint --name a.example/w --sign w.key`
    """
    output = Output.of(as_json=as_json)
    public_key, origin = logfiles.read_key(key)
    keys = tuple(logfiles.read_signing_key(path) for path in sign or ())
    if bool(name) != bool(keys):
        raise Failure("a witness that cosigns needs both --name and --sign")
    watched = Watched(public_key, origin, kept, first, name, keys)
    for one in keys:
        output.remark(f"verifier key: {_vkey(name, one)}")
    connection = settings.load(context.obj)
    while True:
        try:
            with connection.client() as client:
                seen = look(client, watched, lambda: int(time.time()))
        except RingfenceCallError as error:
            if not interval:
                raise
            output.remark(f"no checkpoint to be had ({error.reason}); trying again", style="yellow")
        else:
            _show(output, seen, watched)
            watched = replace(watched, first=False)
        if not interval:
            return
        time.sleep(interval)


def look(client: Client, watched: Watched, unix_s: Callable[[], int]) -> Checkpoint:
    """Look at the log once; what is kept and cosigned is durable on return.

    Raises:
        Failure: the log contradicts what was seen, now or earlier, what was seen is gone or damaged, or something
            cannot be read or written.
        RingfenceCallError: the daemon did not answer.
    """
    try:
        if is_there(watched.evidence):
            raise _condemned(watched)
        kept = _remembered(watched)
        note = client.checkpoint().checkpoint
        origin = watched.origin or (kept.checkpoint.origin if kept else logfiles.origin_of(note))
        try:
            seen = open_checkpoint(note, origin, watched.public_key)
        except ProofError as error:
            raise Failure(f"what the daemon shows is no checkpoint of this log: {error}") from error
        try:
            newer = kept is None or _newer(client, kept.checkpoint, seen)
        except ProofError as error:
            _write_evidence(watched, str(error), kept.note if kept else "", note)
            raise _condemned(watched) from error
        if newer:
            durable.replace(watched.kept, note)
        _cosign(watched, note, origin, unix_s())
    except OSError as error:
        raise Failure(f"cannot keep {watched.kept}: {error.strerror}") from error
    return seen


@dataclass(frozen=True, slots=True)
class _Kept:
    note: str
    """As the daemon showed it."""
    checkpoint: Checkpoint
    """What it says, its signature verified."""


def _remembered(watched: Watched) -> _Kept | None:
    """What this host has seen; None before the first look.

    A file that is there counts, whatever is in it: one that a failed command or a failed restore left empty is no leave
    to trust the next log that comes along.

    Raises:
        Failure: it is gone, or is no checkpoint of this log; or there is one and this was to be the first look.
        OSError: it cannot be read.
    """
    data = read_if_there(watched.kept)
    if data is None:
        if watched.first:
            return None
        raise _forgotten(f"{watched.kept} is not there: this host does not know what it has seen of the log", ())
    if watched.first:
        raise Failure(
            f"{watched.kept} is there, so that this is not the first look",
            code=ExitCode.USAGE,
            advice=("leave --first out; it is for a host that has seen nothing yet",),
        )
    note = data.decode(errors="replace")
    try:
        return _Kept(note, open_checkpoint(note, watched.origin or logfiles.origin_of(note), watched.public_key))
    except ProofError as error:
        raise _forgotten(
            f"{watched.kept} holds no checkpoint of this log: {error}",
            ("see that --key is this log's; find out who wrote to the file",),
        ) from error


def _forgotten(message: str, advice: tuple[str, ...]) -> Failure:
    """What is said where nobody knows what the log held before."""
    return Failure(
        message,
        advice=(
            *advice,
            "restore it from a copy, or put a checkpoint there that somebody kept (ringfence audit checkpoint)",
            "only if this host has seen nothing yet: remove what is there and add --first, once",
        ),
    )


def _newer(client: Client, old: Checkpoint, seen: Checkpoint) -> bool:
    """Whether the log grew; ProofError where it did anything else."""
    path: Sequence[bytes] = ()
    try:
        if 0 < old.size < seen.size:
            path = client.consistency(old.size, seen.size).path
    except RingfenceCallError as error:
        if error.code in _NO_SUCH_TREE:
            raise ProofError(f"it cannot prove that its {seen.size} entries begin with the {old.size} seen") from error
        raise
    verify_consistency(old.size, seen.size, old.root, seen.root, path)
    return seen.size > old.size


def _cosign(watched: Watched, note: str, origin: str, unix_s: int) -> None:
    """Write the checkpoint down with this host's lines under it."""
    if watched.keys:
        lines = (cosign(note, origin, watched.name, key, unix_s) for key in watched.keys)
        durable.replace(watched.cosigned, note + "".join(lines), 0o644)


def _write_evidence(watched: Watched, why: str, kept: str, seen: str) -> None:
    """Keep both notes and what is wrong between them."""
    durable.replace(watched.evidence, json.dumps({"why": why, "kept": kept, "seen": seen}, indent=1) + "\n")


def _condemned(watched: Watched) -> Failure:
    """What is said of a log that was caught."""
    return Failure(
        "THE LOG CONTRADICTS ITSELF: it no longer begins with what this host has seen, signed by the log's own key",
        advice=(
            f"the evidence is in {watched.evidence}: both checkpoints, and what is wrong between them",
            "stop egress (ringfence lockdown on), and compare the log with the copies that you have",
            "remove the evidence only when it is understood; until then this command ends with code 1",
        ),
    )


def _vkey(name: str, key: PrivateKey) -> str:
    """What verifies this witness's cosignatures."""
    try:
        return Cosigner(name, key.public_key()).vkey
    except ProofError as error:
        raise Failure(f"--name: {error}") from error


def _show(output: Output, seen: Checkpoint, watched: Watched) -> None:
    """What was seen, and whether there was anything to compare it with."""
    cosigned = bool(watched.keys)
    if output.as_json:
        told = {"origin": seen.origin, "size": seen.size, "root": seen.root.hex(), "cosigned": cosigned}
        output.json(told | {"first": watched.first})
    else:
        done = ("trusted as the first, " if watched.first else "") + ("kept and cosigned" if cosigned else "kept")
        output.line(f"{seen.origin}: {seen.size} entries, root {seen.root.hex()[:16]}…, {done}")
