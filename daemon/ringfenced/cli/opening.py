"""Is what the archive holds the payload that the log's entry committed to? Pure: bytes in, checks out.

The checks, in the order in which they are told; each needs the one before:

1. ``entry``: the entry is an intent with the index that was asked for, and names a commitment.
2. ``record``: the archive has a whole record of that intent, of that time and with that commitment.
3. ``seal``: the auditors' key opens it, for this log and this entry (HPKE, ``ringfence.sealed``).
4. ``commitment``: salt and body, as opened, give the entry's commitment, and the body has the length in the entry.

That the log holds the entry is the caller's to verify (``ringfenced.cli.verify``, or an inclusion proof).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

from ringfence.commitment import commitment
from ringfence.sealed import Head, Opened, SealError, unseal
from ringfenced.cli.verify import Check

Record = tuple[Head, bytes]
"""A record's head, and what was sealed."""


class Opening(NamedTuple):
    """What came of it."""

    checks: tuple[Check, ...]
    """In the order of the module's list; those after the first that failed are not made."""
    opened: Opened | None
    """What was sealed; only where every check holds."""


def opening(index: int, entry: bytes, records: Iterable[Record], origin: str, key: MLKEM768X25519PrivateKey) -> Opening:
    """Open the record of an entry, and compare.

    Args:
        index: the intent that is asked for.
        entry: its exact bytes, as the verified log has them.
        records: the archive's records of that intent; a torn one may be among them.
        origin: the log's name.
        key: the auditors' private key.
    """
    said = _intent(index, entry)
    if said is None:
        why = f"#{index} is no intent: only what was about to leave is archived"
        return Opening((Check("entry", ok=False, said=why),), None)
    checks = [Check("entry", ok=True, said=f"#{index} is an intent, {said['bytes_out']} bytes")]
    fitting = [record for record in records if _fits(record[0], index, said)]
    if not fitting:
        why = "the archive has no record of this intent: it never had one, it was removed with age, or it is damaged"
        return Opening((*checks, Check("record", ok=False, said=why)), None)
    checks.append(Check("record", ok=True, said="the archive has a record of this intent"))
    try:
        opened = unseal(*fitting[-1], origin, key)
    except SealError as error:
        return Opening((*checks, Check("seal", ok=False, said=str(error))), None)
    checks.append(Check("seal", ok=True, said="the auditors' key opens it, for this entry of this log"))
    same = commitment(opened.salt, opened.body) == said["commitment"] and len(opened.body) == said["bytes_out"]
    well = f"these {len(opened.body)} bytes are the payload that the entry committed to"
    ill = f"THESE {len(opened.body)} BYTES ARE NOT THE PAYLOAD THAT THE ENTRY COMMITTED TO"
    checks.append(Check("commitment", ok=same, said=well if same else ill))
    return Opening(tuple(checks), opened if same else None)


def _intent(index: int, entry: bytes) -> Mapping[str, Any] | None:
    """What an intent says; None where the entry is none."""
    try:
        record = json.loads(entry)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.get("kind") != "intent" or record.get("seq") != index:
        return None
    typed = (("commitment", str), ("bytes_out", int), ("time_unix_ms", int))
    return record if all(type(record.get(name)) is kind for name, kind in typed) else None


def _fits(head: Head, index: int, said: Mapping[str, Any]) -> bool:
    """Whether a record names this intent."""
    name = head.name
    named = (name.intent_index, name.time_unix_ms, name.commitment.hex())
    return named == (index, said["time_unix_ms"], said["commitment"])
