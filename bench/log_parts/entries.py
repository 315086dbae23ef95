"""Entries of one length, as an agent writes them: intents and their outcomes in turn. Pure.

426 bytes is the length that the prototype was measured with. Every entry is canonical and every permit another one, so
that a verifier has all of its work to do; an intent leaves its commitment out to be of that length.
"""

from __future__ import annotations

from collections.abc import Iterator

ENTRY_BYTES = 426
BEGAN_UNIX_MS = 1_800_000_000_000

_INTENT = (
    '{"bytes_out":1234,"caller":"0f1e2d3c4b5a6978","department":"ward-7","kind":"intent",'
    '"label":{"categories":["PHI"],"level":"INTERNAL"},"model":"large","nonce_sha256":"%064x","permit_sha256":"%064x",'
    '"provider":"cloud","request_id":"%s","seq":%d,"time_unix_ms":%d,"v":1}'
)
_OUTCOME = (
    '{"bytes_in":567,"bytes_out":1234,"department":"ward-7","intent":%d,"kind":"outcome","model":"large",'
    '"outcome":"answered","permit_sha256":"%064x","provider":"cloud","reasons":["stop"],"region":"eu","request_id":"%s",'
    '"seq":%d,"time_unix_ms":%d,"usage":{"completion_tokens":128,"prompt_tokens":256},"v":1}'
)


def entries(start: int, end: int) -> Iterator[bytes]:
    """The entries from `start` to before `end`."""
    for index in range(start, end):
        yield entry(index)


def entry(index: int) -> bytes:
    """The entry of one index."""
    request, unix_ms = index - index % 2, BEGAN_UNIX_MS + index
    if index % 2:
        said = _OUTCOME % (request, request, "%s", index, unix_ms)
    else:
        said = _INTENT % (request, request, "%s", index, unix_ms)
    name = f"r{request}"
    return (said % name.ljust(ENTRY_BYTES - len(said) + 2, "-")).encode()


def fields() -> dict[str, object]:
    """What is submitted to a journal so that its entry has this length, give or take the digits of its number."""
    return {
        "bytes_out": 0,
        "caller": "0f1e2d3c4b5a6978",
        "department": "ward-7",
        "label": {"level": "INTERNAL", "categories": ["PHI"]},
        "model": "large",
        "permit_sha256": "0" * 64,
        "provider": "cloud",
        "reasons": ["residual"],
        "request_id": "r" * 89,
    }
