"""A file at an address: ``https://HOST/PATH/FILE.gguf``."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.pulling.listing import Listing, Wanted
from ringfenced.cli.pulling.web import Web, shown


def list_page(web: Web, source: str) -> Listing:
    """The one file at an address.

    Raises:
        Failure: the server refuses.
        Broken: no connection.
    """
    parts = urlsplit(source)
    if parts.username or parts.password:
        raise Failure("an address with a password in it ends in logs: leave it out", code=ExitCode.USAGE)
    name = PurePosixPath(unquote(parts.path)).name
    if not parts.hostname or not name:
        raise Failure("that is no address of a file", code=ExitCode.USAGE)
    with web.open(source, {}) as answer:
        length, tag = answer.headers.get("content-length", ""), answer.headers.get("etag", "")
        changed = answer.headers.get("last-modified", "")
    strong = tag if tag.startswith('"') else ""  # a weak one says nothing of the bytes (RFC 9110, 8.8.1)
    wanted = Wanted(name, source, size_bytes=int(length) if length.isdecimal() else None, validator=strong or changed)
    return Listing(shown(source), "", PurePosixPath(name).stem, (wanted,))
