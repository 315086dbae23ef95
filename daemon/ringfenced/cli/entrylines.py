"""Entries of the egress log for people (one line each) and for programs (the entry itself)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ringfenced.cli.output import Output

_WIDTHS: Final = (6, 19, 8, 10, 18, 24, 7)
"""Columns of a line but the last, which is as long as it is."""

HEAD: Final = ("#", "time (UTC)", "kind", "department", "to", "label", "bytes", "what came of it")


def show_head(output: Output) -> None:
    """The columns' names; nothing with --json."""
    if not output.as_json:
        output.line(_line(HEAD), style="bold")


def show_entry(output: Output, index: int, entry: bytes) -> None:
    """One entry."""
    if output.as_json:
        output.json({"index": index, "entry": parsed(entry)})
    else:
        output.line(_line(_cells(index, parsed(entry) or {})))


def parsed(entry: bytes) -> dict[str, Any] | None:
    """What an entry says; None where it cannot be read, which `audit verify` then tells."""
    try:
        record = json.loads(entry)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _line(cells: tuple[str, ...]) -> str:
    """Cells in columns."""
    padded = [cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=False)]
    return " ".join((*padded, cells[-1]))


def _cells(index: int, record: Mapping[str, Any]) -> tuple[str, ...]:
    """What a line tells of an entry; a field that is not there is a dash."""
    provider, model = record.get("provider"), record.get("model")
    return (
        str(index),
        _time(record.get("time_unix_ms")),
        str(record.get("kind", "unreadable")),
        str(record.get("department", "-")),
        f"{provider}/{model}" if provider else "-",
        _label(record.get("label")),
        str(record.get("bytes_out", "-")),
        _end(record),
    )


def _time(unix_ms: object) -> str:
    """A time as people read it; a dash where it is none."""
    if type(unix_ms) is not int:
        return "-"
    try:
        return datetime.fromtimestamp(unix_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return "-"


def _label(label: object) -> str:
    """A label as people write it."""
    if not isinstance(label, dict):
        return "-"
    categories = ", ".join(str(each) for each in label.get("categories", ()))
    return f"{label.get('level')} {{{categories}}}" if categories else str(label.get("level"))


def _end(record: Mapping[str, Any]) -> str:
    """What became of it: the outcome, the rules that refused it, the request."""
    reasons = record.get("reasons", ())
    parts = (
        str(record.get("outcome", "")),
        ", ".join(str(each) for each in reasons) if isinstance(reasons, list) else "",
        f"of #{record['intent']}" if "intent" in record else "",
        f"request {record['request_id']}" if "request_id" in record else "",
    )
    return "; ".join(part for part in parts if part)
