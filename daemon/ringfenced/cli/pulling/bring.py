"""From a source's name to a model in the library."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output
from ringfenced.cli.pulling.bars import bar
from ringfenced.cli.pulling.fetch import Means, fetch
from ringfenced.cli.pulling.hub import list_repository
from ringfenced.cli.pulling.listing import Listing, Wanted
from ringfenced.cli.pulling.localfiles import list_local
from ringfenced.cli.pulling.pages import list_page
from ringfenced.cli.pulling.registry import list_artifact
from ringfenced.cli.pulling.web import Broken, Web
from ringfenced.library.errors import LibraryError
from ringfenced.library.folder import Library, rfc3339
from ringfenced.library.manifest import FileFacts, Manifest
from ringfenced.library.names import format_of, is_weights
from ringfenced.library.signing import PrivateKey, sign

_TRIES_MAX: Final = 4
_FIRST_WAIT_S: Final = 0.5
_WAIT_S_MAX: Final = 30.0
_DIGEST_CHARS: Final = 64


@dataclass(frozen=True, slots=True)
class Hubs:
    """Whom a fetch asks, and as whom."""

    endpoint: str
    """Hugging Face, or a mirror (HF_ENDPOINT)."""
    token_file: Path
    """As `hf auth login` writes it (HF_TOKEN_PATH, HF_HOME)."""
    auth_file: Path
    """As `docker login` writes it (REGISTRY_AUTH_FILE, DOCKER_CONFIG)."""


class LazyWeb:
    """The client, made when it is first asked for: a path needs none."""

    def __init__(self, stack: ExitStack, ca: Path | None) -> None:
        """Take where it ends, and whom to trust."""
        self._stack, self._ca = stack, ca
        self._web: Web | None = None

    def __call__(self) -> Web:
        """The client."""
        if self._web is None:
            self._web = self._stack.enter_context(Web(self._ca))
        return self._web


def list_source(source: str, web: Callable[[], Web], revision: str, asked: Hubs) -> Listing:
    """What a source holds.

    Args:
        source: ``hf:ORG/REPO``, ``oci://HOST/REPO:TAG``, ``https://HOST/FILE`` or a path.
        web: gives the client, where one is needed.
        revision: with ``hf:``, a branch, a tag or a commit; empty for the newest.
        asked: whom to ask, and as whom.

    Raises:
        Failure: that is no source, or the other side refuses.
        Broken: no connection, or the other side is busy.
    """
    if revision and not source.startswith("hf:"):
        raise Failure(
            "--revision goes with hf: only; a registry's tag or digest stands in its name", code=ExitCode.USAGE
        )
    if source.startswith("hf:"):
        return list_repository(web(), source, revision, asked.endpoint, asked.token_file)
    if source.startswith("oci://"):
        return list_artifact(web(), source, asked.auth_file)
    if source.startswith("https://"):
        return list_page(web(), source)
    if "://" in source:
        raise Failure(
            f"{source.partition('://')[0]}:// is no way to fetch a model",
            code=ExitCode.USAGE,
            advice=("write hf:ORG/REPO, oci://HOST/REPO:TAG, https://HOST/FILE.gguf, or a path",),
        )
    return list_local(source.removeprefix("file:"))


def patiently(ask: Callable[[], Listing], output: Output, sleep: Callable[[float], None]) -> Listing:
    """Ask again while the other side is busy; Failure where it stays so."""
    for attempt in range(1, _TRIES_MAX + 1):
        try:
            return ask()
        except Broken as broken:
            if attempt == _TRIES_MAX:
                raise Failure(str(broken), code=ExitCode.UNAVAILABLE, advice=("try again later",)) from None
            wait_s = min(broken.wait_s or _FIRST_WAIT_S * 2**attempt, _WAIT_S_MAX)
            output.remark(f"{broken}; again in {wait_s:g} s")
            sleep(wait_s)
    raise AssertionError


def pinned(chosen: tuple[Wanted, ...], sha256: str) -> tuple[Wanted, ...]:
    """The files, with the digest that the operator says."""
    if not sha256:
        return chosen
    weights = [one for one in chosen if is_weights(one.path)]
    if len(sha256) != _DIGEST_CHARS or set(sha256.lower()) - set("0123456789abcdef"):
        raise Failure("--sha256 takes 64 hex digits", code=ExitCode.USAGE)
    if len(weights) != 1:
        raise Failure(f"--sha256 is for one file of weights, and {len(weights)} are chosen", code=ExitCode.USAGE)
    pinned = replace(weights[0], sha256=sha256.lower())
    return tuple(pinned if one is weights[0] else one for one in chosen)


def bring(
    library: Library,
    name: str,
    listing: Listing,
    chosen: Sequence[Wanted],
    *,
    keys: tuple[PrivateKey, ...],
    output: Output,
    means: Means,
    who: str,
) -> Manifest:
    """Through quarantine into the library; what is there now.

    Args:
        library: where to.
        name: what it is called there.
        listing: where it comes from.
        chosen: its files.
        keys: sign for it.
        output: gets a bar.
        means: what a transfer needs; `seen` is set here.
        who: ``user@host``.

    Raises:
        Refused: it is not what was announced, or nobody vouches for it.
        LibraryError: the disk is full, or failed.
        Failure: the source cannot be reached.
    """
    sizes = [one.size_bytes for one in chosen]
    total = sum(size for size in sizes if size is not None)
    with library.arrival(name) as arrival:
        arrival.resume(listing.state(chosen))
        _demand_room(library.folder, total, arrival.files)
        with bar(output, name, None if None in sizes else total) as seen:
            try:
                stamps = {one.path: fetch(one, arrival, replace(means, seen=seen)) for one in chosen}
            except OSError as error:
                raise LibraryError(
                    f"the library's folder failed: {error.strerror or error}", "look at the disk"
                ) from None
        files = tuple(FileFacts(path, stamp.size_bytes, stamp.sha256) for path, stamp in stamps.items())
        manifest = Manifest(
            name=name,
            format=format_of(stamps),
            source=listing.source,
            revision=listing.revision,
            licence=listing.licence,
            files=files,
            imported_at=rfc3339(time.time()),
            imported_by=who,
        )
        manifest = sign(manifest, keys)
        arrival.admit(manifest, library.signers, stamps)
    return manifest


def _demand_room(folder: Path, size_bytes: int, there: Path) -> None:
    """LibraryError where the disk has no room for the rest."""
    have = sum(path.lstat().st_size for path in there.rglob("*") if not path.is_dir())
    free = shutil.disk_usage(folder).free
    if free < size_bytes - have:
        raise LibraryError(
            f"{folder} has room for {free:,} bytes, and {size_bytes - have:,} are needed",
            "make room, or use another folder",
        )
