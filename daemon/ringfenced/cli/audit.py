"""`ringfence audit`: what left the site, and the proof that the log of it is whole."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ringfence.client import Client
from ringfence.cosignature import Cosigner, cosigned_at
from ringfence.translog import ProofError, open_checkpoint, verify_inclusion
from ringfence.v1.audit_pb2 import SearchEntriesRequest, SearchEntriesResponse, WatchEntriesResponse
from ringfence.v1.types_pb2 import EntryProof
from ringfenced.cli import audit_proof, audit_witness, logfiles, settings, verify
from ringfenced.cli.audit_open import new_key, open_archived
from ringfenced.cli.audit_tiles import write_tiles
from ringfenced.cli.auditing.export import export
from ringfenced.cli.auditing.report import report
from ringfenced.cli.auditing.search import search
from ringfenced.cli.auditing.watch import watch
from ringfenced.cli.entrylines import parsed, show_entry, show_head
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output, json_option, to_dict

PAGE_ENTRIES: Final = 10_000
"""How many entries are asked for at a time."""

_UNIX_S_SHOWN_MAX: Final = 253_402_300_799
"""The last second of the year 9999, as far as dates are written."""

_KEY = typer.Option(metavar="PUBKEY", help="The log's public key: PEM, or a C2SP verifier key.")

audit = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
audit.command("tiles")(write_tiles)
audit.command()(search)
audit.command()(report)
audit.command()(export)
audit.command()(watch)


@audit.callback()
def audit_group() -> None:
    """Read and verify the egress log: what left the site, for whom, under which label, to whom."""


audit.command("open")(open_archived)
audit.command("new-key")(new_key)


@audit.command()
def tail(
    context: typer.Context,
    *,
    number: Annotated[int, typer.Option("-n", min=0, help="How many entries.")] = 10,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with entries as they are written.")] = False,
    as_json: json_option = False,
) -> None:
    """Show the newest entries, one a line. Role: auditor.

    Examples:
    - `ringfence --certs run/certs --as auditor audit tail -n 20`
    - `ringfence --certs run/certs --as auditor audit tail --follow --json`
    """
    output = Output.of(as_json=as_json)
    show_head(output)
    with settings.load(context.obj).client() as client:
        size = logfiles.size_of(client.checkpoint().checkpoint)
        start = max(0, size - number)
        stream = client.watch_entries(start) if follow else _pages(client, start, size)
        with contextlib.closing(stream) as found, contextlib.suppress(KeyboardInterrupt):
            for index, entry in _pairs(found):
                show_entry(output, index, entry)


@audit.command()
def show(
    context: typer.Context,
    index: Annotated[int, typer.Argument(min=0, help="The entry's number, as `tail` and receipts tell it.")],
    *,
    key: Annotated[Path | None, _KEY] = None,
    as_json: json_option = False,
) -> None:
    """Show one entry; with --key also verify that the log holds it. Role: auditor.

    Example: `ringfence --certs run/certs --as auditor audit show 7 --key run/certs/log.pub`
    """
    output = Output.of(as_json=as_json)
    public_key, origin = logfiles.read_key(key) if key else (None, "")
    with settings.load(context.obj).client() as client:
        proof = client.entry(index)
    included = _included(proof, public_key, origin) if public_key else None
    if as_json:
        verified = included.ok if included else None
        output.json({"index": proof.index, "entry": parsed(proof.entry), "verified": verified, "proof": to_dict(proof)})
    else:
        output.line(json.dumps(parsed(proof.entry), indent=2, ensure_ascii=False))
        if included:
            _show_checks(output, (included,))
        else:
            output.remark("not verified: give the log's public key with --key", style="yellow")
    if included and not included.ok:
        raise typer.Exit(ExitCode.FAILED)


@audit.command()
def checkpoint(context: typer.Context, *, as_json: json_option = False) -> None:
    """Print the newest signed checkpoint; keep it, and give it to `audit verify` later. Role: auditor.

    Example: `ringfence --certs run/certs --as auditor audit checkpoint > kept.checkpoint`
    """
    output = Output.of(as_json=as_json)
    with settings.load(context.obj).client() as client:
        response = client.checkpoint()
    if as_json:
        output.message(response)
    else:
        output.text(response.checkpoint)


@audit.command("verify")
def verify_log(
    context: typer.Context,
    *,
    key: Annotated[Path, _KEY],
    log: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The agent's log folder, or a copy; else the daemon is asked.")
    ] = None,
    kept: Annotated[
        list[Path] | None, typer.Option("--checkpoint", metavar="OLD", help="A checkpoint kept earlier; repeatable.")
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option(metavar="VKEY", help="A witness that must have cosigned; repeatable.")
    ] = None,
    as_json: json_option = False,
) -> None:
    """Verify the whole log: signature, root, order, pairing, and that it still begins with every kept checkpoint.

    Needs nothing but the log's public key and, to detect a fork or a log that went backwards, an older checkpoint.
    `make verifier` writes the same verifier as one file that needs Python's standard library alone.
    With --log it reads the files and asks nobody; without, it reads every entry through the daemon (role: auditor).
    Exit code 1 when a check fails.

    Examples:
    - `ringfence audit verify --log run/log --key run/certs/log.pub --checkpoint kept.checkpoint`
    - `ringfence --certs run/certs --as auditor audit verify --key run/certs/log.pub --checkpoint kept.checkpoint`
    """
    output = Output.of(as_json=as_json)
    public_key, origin = logfiles.read_key(key)
    older = [(path.name, logfiles.read_checkpoint(path)) for path in kept or ()]
    witnesses = [logfiles.read_witness(text) for text in witness or ()]
    if log is not None:
        newest = logfiles.read_checkpoint(log / "checkpoint")
        cosigned = logfiles.read_checkpoint_if_there(log / "checkpoint.cosigned")
        cosigned = newest if cosigned is None else cosigned
        own = origin or logfiles.origin_of(newest)
        beside = [] if cosigned == newest else [("that was cosigned", cosigned)]
        report = verify.verify(logfiles.entries(log), newest, [*older, *beside], public_key, own)
    else:
        with settings.load(context.obj).client() as client:
            response = client.checkpoint()
            newest = cosigned = response.checkpoint
            own = origin or logfiles.origin_of(newest)
            if response.witnessed_checkpoint:
                older.append(("of the daemon", response.witnessed_checkpoint))
            stream = (entry for _, entry in _pairs(_pages(client, 0, logfiles.size_of(newest))))
            report = verify.verify(stream, newest, older, public_key, own)
    report = replace(report, checks=(*report.checks, *(_witnessed(cosigned, own, one) for one in witnesses)))
    _show_report(output, report)
    if not older and not witnesses:
        output.remark("no older checkpoint was given: a fork or a log that went backwards would not be seen")
    if not report.ok:
        raise typer.Exit(ExitCode.FAILED)


def _pages(client: Client, start: int, end: int) -> Generator[SearchEntriesResponse]:
    """Entries from `start` to before `end`, a page at a time.

    Raises:
        Failure: the daemon stops giving entries before `end`.
    """
    while start < end:
        first = start
        for response in client.entries(
            SearchEntriesRequest(from_index=start, until_index=end, entries_max=PAGE_ENTRIES)
        ):
            yield response
            start = response.index + 1
        if start == first:
            raise Failure(f"the daemon gave no entries from #{start} on, but the checkpoint covers {end}")


def _pairs(stream: Iterable[SearchEntriesResponse | WatchEntriesResponse]) -> Iterator[tuple[int, bytes]]:
    """Index and bytes of each."""
    return ((response.index, response.entry) for response in stream)


def _included(proof: EntryProof, key: Ed25519PublicKey, origin: str) -> verify.Check:
    """Whether the log holds the entry."""
    try:
        tree = open_checkpoint(proof.checkpoint, origin or logfiles.origin_of(proof.checkpoint), key)
        verify_inclusion(proof.entry, proof.index, tree.size, proof.inclusion_path, tree.root)
    except ProofError as error:
        return verify.Check("inclusion", ok=False, said=str(error))
    return verify.Check("inclusion", ok=True, said=f"{tree.origin} holds it among {tree.size} entries")


def _witnessed(note: str, origin: str, witness: Cosigner) -> verify.Check:
    """Whether a witness cosigned; that the log begins with what it cosigned is another check's."""
    name = f"witness {witness.name}"
    try:
        unix_s = cosigned_at(note, origin, witness)
    except ProofError as error:
        return verify.Check(name, ok=False, said=str(error))
    when = datetime.fromtimestamp(min(unix_s, _UNIX_S_SHOWN_MAX), UTC).strftime(" on %Y-%m-%d at %H:%M:%S UTC")
    return verify.Check(name, ok=True, said=f"cosigned {logfiles.size_of(note)} entries{when if unix_s else ''}")


def _show_checks(output: Output, checks: Iterable[verify.Check]) -> None:
    """What was checked."""
    rows = [("ok" if check.ok else "FAILED", check.name, check.said) for check in checks]
    output.table("", ("", "check", "what was found"), rows)


def _show_report(output: Output, report: verify.Report) -> None:
    """What came of a verification."""
    if output.as_json:
        checks = [{"name": check.name, "ok": check.ok, "said": check.said} for check in report.checks]
        output.json({"ok": report.ok, "checks": checks, "figures": dict(report.figures)})
        return
    _show_checks(output, report.checks)
    output.line(", ".join(f"{name}: {report.figures[name]:,}" for name in sorted(report.figures)))
    output.line(
        "the log is whole" if report.ok else "THE LOG IS NOT WHOLE", style="bold green" if report.ok else "bold red"
    )


audit.command()(audit_proof.proof)
audit.command()(audit_proof.check)
audit.command()(audit_witness.witness)
