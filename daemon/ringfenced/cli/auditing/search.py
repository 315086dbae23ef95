"""`ringfence audit search`: entries by who, whither, under which label and when."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated, Final

import typer

from ringfence.client import Client
from ringfence.v1.audit_pb2 import SearchEntriesRequest, SearchEntriesResponse
from ringfence.v1.types_pb2 import Level
from ringfenced.cli import settings
from ringfenced.cli.auditing.times import moment
from ringfenced.cli.entrylines import show_entry, show_head
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output, json_option

PAGE_ENTRIES: Final = 1000
"""How many entries are asked for at a time."""

_LEVELS: Final = ("PUBLIC", "INTERNAL", "CONFIDENTIAL", "RESTRICTED")


def search(
    context: typer.Context,
    *,
    caller: Annotated[
        str, typer.Option(metavar="IDENTITY", help="Of this caller; the daemon finds its pseudonym.")
    ] = "",
    pseudonym: Annotated[str, typer.Option(help="Of the caller with this pseudonym.")] = "",
    department: Annotated[str, typer.Option(help="Of this department.")] = "",
    provider: Annotated[str, typer.Option(help="To this provider.")] = "",
    model: Annotated[str, typer.Option(help="To this model, by its name in permits.")] = "",
    label: Annotated[
        str, typer.Option(metavar="LEVEL", help="Under at least this level, after de-identification.")
    ] = "",
    kind: Annotated[str, typer.Option(help="intent, outcome, refusal, start, lockdown or key.")] = "",
    request: Annotated[str, typer.Option(metavar="ID", help="Of this request, as receipts tell it.")] = "",
    since: Annotated[str, typer.Option(metavar="TIME", help="Not older: 24h, 7d, 2026-11-03, or a time, UTC.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Older than this.")] = "",
    number: Annotated[int, typer.Option("-n", min=0, help="At most so many, the oldest; 0 for all.")] = 1000,
    as_json: json_option = False,
) -> None:
    """Show the entries that match everything given, oldest first, one a line. Role: auditor.

    Examples:
    - `ringfence --certs run/certs --as auditor audit search --department ward --kind refusal --since 24h`
    - `ringfence --certs run/certs --as auditor audit search --label CONFIDENTIAL --provider cloud --since 7d --json`
    - `ringfence --certs run/certs --as auditor audit search --caller spiffe://ringfence.local/caller/ward`
    """
    output = Output.of(as_json=as_json)
    query = SearchEntriesRequest(
        caller=caller,
        caller_pseudonym=pseudonym,
        department=department,
        provider=provider,
        model=model,
        kind=kind,
        request_id=request,
        level_min=level(label),
    )
    now_unix_ms = time.time_ns() // 1_000_000
    if since:
        getattr(query, "from").FromMilliseconds(moment(since, now_unix_ms))
    if until:
        query.until.FromMilliseconds(moment(until, now_unix_ms))
    show_head(output)
    count = 0
    with settings.load(context.obj).client() as client:
        for found in pages(client, query, number):
            show_entry(output, found.index, found.entry)
            count += 1
    if number and count == number:
        output.remark(f"stopped after {count} entries; there may be more: give another -n, or --since the last")


def level(text: str) -> Level.ValueType:
    """A level by its name; 0 for none.

    Raises:
        Failure: there is no such level.
    """
    if not text:
        return Level.LEVEL_UNSPECIFIED
    if text.upper() not in _LEVELS:
        raise Failure(f"{text!r} is no level", code=ExitCode.USAGE, advice=(f"write one of {', '.join(_LEVELS)}",))
    return Level.Value(f"LEVEL_{text.upper()}")


def pages(client: Client, query: SearchEntriesRequest, entries_max: int) -> Iterator[SearchEntriesResponse]:
    """The entries that match, asked for a page at a time, so that no single call runs for long.

    Args:
        client: speaks to the daemon.
        query: is changed: where the next page begins, and how long it is.
        entries_max: how many at most; 0 for all.
    """
    left = entries_max
    while True:
        query.entries_max = min(PAGE_ENTRIES, left) if entries_max else PAGE_ENTRIES
        count = 0
        for found in client.entries(query):
            yield found
            count, query.from_index = count + 1, found.index + 1
        left -= count
        if count < query.entries_max or (entries_max and left == 0):
            return
