"""`ringfence audit proof` and `audit check`: hand an entry's proof over in one file, and check such a file offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from ringfence import tlogproof
from ringfence.tlogproof import TlogProof
from ringfence.translog import ProofError
from ringfence.v1.types_pb2 import EntryProof
from ringfenced.cli import logfiles, settings
from ringfenced.cli.entrylines import parsed
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output, json_option

_STDOUT: Final = Path("-")


def proof(
    context: typer.Context,
    index: Annotated[int, typer.Argument(min=0, help="The entry's number, as `tail` and receipts tell it.")],
    *,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write it; - for stdout.")] = _STDOUT,
    without_entry: Annotated[
        bool, typer.Option("--without-entry", help="Leave the entry out; whoever checks must have it.")
    ] = False,
) -> None:
    """Write the proof that the log holds an entry, as a C2SP tlog-proof with the entry in it. Role: auditor.

    Example: `ringfence --certs run/certs --as auditor audit proof 7 --out entry-7.tlog-proof`
    """
    with settings.load(context.obj).client() as client:
        text = tlogproof.write(from_receipt(client.entry(index), with_entry=not without_entry))
    if out == _STDOUT:
        Output.of(as_json=False).text(text)
        return
    try:
        out.write_bytes(text.encode())
    except OSError as error:
        raise Failure(f"cannot write {out}: {error.strerror}", code=ExitCode.USAGE) from error


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A C2SP tlog-proof, as `audit proof` writes it.")],
    *,
    key: Annotated[Path, typer.Option(metavar="PUBKEY", help="The log's public key: PEM, or a C2SP verifier key.")],
    entry: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The entry's exact bytes; else the ones that the proof carries.")
    ] = None,
    as_json: json_option = False,
) -> None:
    """Check offline that the log holds an entry. Exit code 1 when it does not.

    Example: `ringfence audit check entry-7.tlog-proof --key run/certs/log.pub`
    """
    public_key, origin = logfiles.read_key(key)
    output = Output.of(as_json=as_json)
    try:
        one = tlogproof.read(logfiles.read_checkpoint(file))
        data = one.extra if entry is None else logfiles.read_bytes(entry)
        if data is None:
            raise Failure(
                f"{file} carries no entry", code=ExitCode.USAGE, advice=("give the entry's exact bytes with --entry",)
            )
        tree = tlogproof.check(one, data, origin or logfiles.origin_of(one.checkpoint), public_key)
    except ProofError as error:
        raise Failure(f"{file} proves nothing: {error}") from error
    if as_json:
        output.json({"ok": True, "index": one.index, "origin": tree.origin, "size": tree.size, "entry": parsed(data)})
        return
    output.line(json.dumps(parsed(data), indent=2, ensure_ascii=False))
    output.line(f"{tree.origin} holds it as #{one.index} among {tree.size} entries", style="bold green")


def from_receipt(message: EntryProof, *, with_entry: bool) -> TlogProof:
    """The proof in a receipt, or in the daemon's answer, as one that can be written to a file."""
    extra = message.entry if with_entry else None
    return TlogProof(message.index, tuple(message.inclusion_path), message.checkpoint, extra)
