"""`ringfence audit report`: a month as one HTML page and CSV files."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterable
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from ringfence.client import Client
from ringfenced.cli import logfiles, settings, verify
from ringfenced.cli.auditing.figures import Figures
from ringfenced.cli.auditing.page import Title, page
from ringfenced.cli.auditing.record import Record
from ringfenced.cli.auditing.sheets import sheets, to_csv
from ringfenced.cli.auditing.source import Daemon, Folder, Pair, Source
from ringfenced.cli.auditing.times import iso, month
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output, json_option


def report(
    context: typer.Context,
    *,
    of: Annotated[str, typer.Option("--month", metavar="MONTH", help="For example 2026-11, UTC.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the page and the files go; made if need be.")],
    log: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The agent's log folder, or a copy; else the daemon is asked.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="PUBKEY", help="The log's public key: verify the whole log too.")
    ] = None,
    kept: Annotated[
        list[Path] | None, typer.Option("--checkpoint", metavar="OLD", help="A checkpoint kept earlier; repeatable.")
    ] = None,
    agent_config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The agent's configuration, for the providers' contracts.")
    ] = None,
    as_json: json_option = False,
) -> None:
    """Write what left in a month, to whom, under which label, and what was refused: report.html and CSV files.

    Role: auditor; none with --log. With --key the whole log is verified first, as `audit verify` does; exit code 1
    where it is not whole, and the page says so.

    Examples:
    - `ringfence audit report --month 2026-11 --log run/log --key run/certs/log.pub --out report-2026-11`
    - `ringfence --certs run/certs --as auditor audit report --month 2026-11 --out report-2026-11`
    """
    output = Output.of(as_json=as_json)
    start_ms, end_ms = month(of)
    contracts = read_contracts(agent_config) if agent_config else {}
    with ExitStack() as stack:
        client = None if log else stack.enter_context(settings.load(context.obj).client())
        source: Source = Folder(log) if log else Daemon(_some(client))
        origin = source.origin()
        verified = _verified(source, log, client, key, kept or []) if key else None
        found = figures_of(source.entries(0, since_unix_ms=start_ms, until_unix_ms=end_ms), start_ms, end_ms)
    tables = sheets(found, contracts)
    title = Title(of, origin, iso(time.time_ns() // 1_000_000)[:16].replace("T", " "), version("ringfence"))
    files = {"report.html": page(title, found, tables, verified)}
    files |= {f"{sheet.name}.csv": to_csv(sheet) for sheet in tables}
    _write(out, files)
    if as_json:
        output.json({"files": sorted(files), "entries": found.entries, "verified": verified.ok if verified else None})
    else:
        output.line(f"{found.entries:,} entries of {of}: {out / 'report.html'} and {len(tables)} CSV files")
        if verified is None:
            output.remark("not verified: give the log's public key with --key", style="yellow")
    if verified and not verified.ok:
        raise typer.Exit(ExitCode.FAILED)


def figures_of(pairs: Iterable[Pair], start_ms: int, end_ms: int) -> Figures:
    """The figures of the entries in a time; an entry that does not say when counts where it stands."""
    found, inside = Figures(), False
    for index, entry in pairs:
        record = Record.of(index, entry)
        unix_ms = record.number("time_unix_ms")
        if unix_ms is not None and unix_ms >= end_ms:
            break  # times never go back
        inside = inside if unix_ms is None else unix_ms >= start_ms
        if inside:
            found.take(record)
    return found


def read_contracts(path: Path) -> dict[str, str]:
    """What was agreed with each provider, by the agent's configuration; nothing else of it is read.

    Raises:
        Failure: it cannot be read, or is no TOML.
    """
    try:
        values = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Failure(f"{path}: {error}", code=ExitCode.USAGE) from None
    tables = values.get("providers")
    providers = [each for each in tables if isinstance(each, dict)] if isinstance(tables, list) else []
    return {str(each.get("name", "")): str(each.get("contract", "")) for each in providers}


def _verified(source: Source, log: Path | None, client: Client | None, key: Path, kept: list[Path]) -> verify.Report:
    """What a verification of the whole log comes to."""
    public_key, origin = logfiles.read_key(key)
    older = [(path.name, logfiles.read_checkpoint(path)) for path in kept]
    if log:
        newest = logfiles.read_checkpoint(log / "checkpoint")
    else:
        response = _some(client).checkpoint()
        newest = response.checkpoint
        if response.witnessed_checkpoint:
            older.append(("of the daemon", response.witnessed_checkpoint))
    entries = (entry for _, entry in source.entries(0))
    return verify.verify(entries, newest, older, public_key, origin or logfiles.origin_of(newest))


def _write(folder: Path, files: dict[str, str]) -> None:
    """Write every file."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, newline="")
    except OSError as error:
        raise Failure(f"cannot write {error.filename}: {error.strerror}", code=ExitCode.USAGE) from None


def _some(client: Client | None) -> Client:
    """The client, which is there wherever no folder is."""
    assert client is not None
    return client
