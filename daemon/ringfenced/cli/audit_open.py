"""`ringfence audit open` and `audit new-key`: the sealed archive, on the auditors' own machine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from google.protobuf.json_format import ParseDict, ParseError

from ringfence import sealkeys
from ringfence.translog import ProofError, open_checkpoint, verify_inclusion
from ringfence.v1.types_pb2 import EntryProof
from ringfenced.cli import archivefiles, logfiles, verify
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.opening import Opening, opening
from ringfenced.cli.output import Output, json_option


class _Found(NamedTuple):
    """An entry, and whether the log holds it."""

    entry: bytes
    origin: str
    check: verify.Check


def open_archived(
    index: Annotated[int, typer.Argument(min=0, help="The intent's number in the log.")],
    *,
    archive: Annotated[Path, typer.Option(metavar="DIR", help="The agent's archive folder, or a copy.")],
    key: Annotated[Path, typer.Option(metavar="PRIVKEY", help="The auditors' private key, made by `audit new-key`.")],
    log_key: Annotated[Path, typer.Option(metavar="PUBKEY", help="The log's public key: PEM, or a verifier key.")],
    log: Annotated[Path | None, typer.Option(metavar="DIR", help="The agent's log folder, or a copy.")] = None,
    entry: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Instead: what `audit show INDEX --json` printed.")
    ] = None,
    kept: Annotated[
        list[Path] | None, typer.Option("--checkpoint", metavar="OLD", help="A checkpoint kept earlier; repeatable.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the body there, readable by you alone.")
    ] = None,
    as_json: json_option = False,
) -> None:
    """Open a record of the sealed archive, and verify that it is what the log's entry committed to.

    Verifies the log (or, with --entry, the entry's inclusion proof), opens the record with the auditors' key, and
    computes the commitment anew from the salt and the body inside. Asks nobody. Without --out no content is shown.
    Exit code 1 when a check fails; then nothing is written.

    Example: `ringfence audit open 7 --archive archive --key auditors.key --log log --log-key log.pub --out body.json`
    """
    output = Output.of(as_json=as_json)
    private = archivefiles.read_private(key)
    public, origin = logfiles.read_key(log_key)
    if (log is None) == (entry is None):
        raise Failure("give the log with --log, or one entry with --entry", code=ExitCode.USAGE)
    older = [(path.name, logfiles.read_checkpoint(path)) for path in kept or ()]
    found = _in_log(log, index, older, public, origin) if log else _in_file(entry, index, public, origin)
    opened = Opening((), None)
    if found.check.ok:
        records = archivefiles.records_of(archive, index)
        opened = opening(index, found.entry, records, found.origin, private)
    if opened.opened is not None and out is not None:
        archivefiles.write_new(out, opened.opened.body, 0o600)
    _show(output, (found.check, *opened.checks), well=opened.opened is not None)


def new_key(
    name: Annotated[Path, typer.Argument(metavar="NAME", help="Writes NAME.key and NAME.pub.")],
    *,
    as_json: json_option = False,
) -> None:
    """Make the auditors' key pair: the agent gets NAME.pub (archive.recipient), and NAME.key stays with the auditors.

    ML-KEM-768 and X25519 together. Whoever has NAME.key reads every payload that was archived; if it is lost, nobody
    does. Nothing that exists is overwritten.

    Example: `ringfence audit new-key auditors`
    """
    output = Output.of(as_json=as_json)
    private, public = sealkeys.make()
    files = ((f"{name}.key", private, 0o600), (f"{name}.pub", public, 0o644))
    for path, content, mode in files:
        archivefiles.write_new(Path(path), content, mode)
    if as_json:
        output.json({"files": [path for path, _, _ in files]})
    else:
        purposes = ("opens the archive; keep it off every machine of the agent", "archive.recipient of the agent")
        rows = [(path, f"{mode:04o}", why) for (path, _, mode), why in zip(files, purposes, strict=True)]
        output.table("", ("file", "mode", "what it is"), rows)


def _in_log(log: Path | None, index: int, older: list[tuple[str, str]], key: Ed25519PublicKey, origin: str) -> _Found:
    """The entry, out of a log that is verified as a whole."""
    assert log is not None
    newest = logfiles.read_checkpoint(log / "checkpoint")
    origin = origin or logfiles.origin_of(newest)
    taken: list[bytes] = []
    report = verify.verify(_taking(logfiles.entries(log), index, taken), newest, older, key, origin)
    bad = [f"{check.name}: {check.said}" for check in report.checks if not check.ok]
    covered = _covered(newest, origin, key)
    if bad:
        return _Found(b"", origin, verify.Check("log", ok=False, said="; ".join(bad)))
    if not taken or index >= covered:
        why = f"the newest checkpoint covers {covered} entries, and #{index} is not among them"
        return _Found(b"", origin, verify.Check("log", ok=False, said=why))
    return _Found(taken[0], origin, verify.Check("log", ok=True, said=f"{origin}, {covered} entries, whole"))


def _covered(newest: str, origin: str, key: Ed25519PublicKey) -> int:
    """How many entries a checkpoint covers; 0 where it does not hold."""
    try:
        return open_checkpoint(newest, origin, key).size
    except ProofError:
        return 0


def _taking(entries: Iterable[bytes], index: int, taken: list[bytes]) -> Iterator[bytes]:
    """The same entries; the one at `index` is put into `taken`."""
    for number, entry in enumerate(entries):
        if number == index:
            taken.append(entry)
        yield entry


def _in_file(path: Path | None, index: int, key: Ed25519PublicKey, origin: str) -> _Found:
    """The entry that `audit show --json` printed, and its inclusion proof."""
    assert path is not None
    try:
        shown = json.loads(path.read_bytes())
        proof = ParseDict(shown["proof"], EntryProof())
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}", code=ExitCode.USAGE) from error
    except (ValueError, KeyError, TypeError, RecursionError, ParseError):
        raise Failure(f"{path} is not what `audit show INDEX --json` prints", code=ExitCode.USAGE) from None
    origin = origin or logfiles.origin_of(proof.checkpoint)
    try:
        tree = open_checkpoint(proof.checkpoint, origin, key)
        verify_inclusion(proof.entry, proof.index, tree.size, proof.inclusion_path, tree.root)
    except ProofError as error:
        return _Found(b"", origin, verify.Check("inclusion", ok=False, said=str(error)))
    if proof.index != index:
        return _Found(b"", origin, verify.Check("inclusion", ok=False, said=f"the file proves #{proof.index}"))
    said = f"{origin} holds it among {tree.size} entries"
    return _Found(proof.entry, origin, verify.Check("inclusion", ok=True, said=said))


def _show(output: Output, checks: tuple[verify.Check, ...], *, well: bool) -> None:
    """What was checked; ends with exit code 1 where something failed."""
    if output.as_json:
        output.json({"ok": well, "checks": [{"name": one.name, "ok": one.ok, "said": one.said} for one in checks]})
    else:
        rows = [("ok" if check.ok else "FAILED", check.name, check.said) for check in checks]
        output.table("", ("", "check", "what was found"), rows)
    if not well:
        raise typer.Exit(ExitCode.FAILED)
