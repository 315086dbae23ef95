"""Hugging Face, or a mirror that speaks as it does: ``hf:ORG/REPO``, ``hf:ORG/REPO/FILE``.

Two addresses are asked (https://huggingface.co/docs/hub/api): ``/api/models/REPO/revision/REVISION?blobs=true`` for the
commit, the files, their lengths and digests, and ``/REPO/resolve/COMMIT/FILE`` for each file. The revision is resolved
to a commit first, so that all files are of one state. Large files are announced with their SHA-256, small ones with
Git's name of them; both are verified. The token goes to the hub and to no other host.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.pulling.facts import Facts
from ringfenced.cli.pulling.listing import Listing, Wanted
from ringfenced.cli.pulling.web import Web, shown
from ringfenced.library.names import whole

ENDPOINT: Final = "https://huggingface.co"
_REPO: Final = re.compile(r"[A-Za-z0-9_.\-]+/[A-Za-z0-9_.\-]+")
_REVISION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./\-]{0,254}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_TOKEN_BYTES_MAX: Final = 4096


def list_repository(web: Web, source: str, revision: str, endpoint: str, token_file: Path | None) -> Listing:
    """What a repository holds.

    Args:
        web: the client.
        source: ``hf:ORG/REPO``, with or without a file.
        revision: a branch, a tag or a commit; empty for ``main``.
        endpoint: the hub's address.
        token_file: proves who asks; None, or a file that is not there, for nobody.

    Raises:
        Failure: the hub refuses, or says what makes no sense.
        Broken: no connection.
    """
    repository, file = split(source)
    if revision and not _REVISION.fullmatch(revision):
        raise Failure("--revision takes a branch, a tag or a commit", code=ExitCode.USAGE)
    headers = _authorization(token_file)
    base = endpoint.rstrip("/")
    url = f"{base}/api/models/{repository}/revision/{quote(revision or 'main', safe='')}?blobs=true"
    body, _ = web.read(url, headers)
    facts = Facts.read(body, shown(url))
    commit = facts.get("sha").text()
    if not _COMMIT.fullmatch(commit):
        raise Failure(f"{shown(url)} names no commit", code=ExitCode.INVALID, advice=("is HF_ENDPOINT a hub?",))
    files = tuple(
        _wanted(one, f"{base}/{repository}/resolve/{commit}", headers) for one in facts.get("siblings").items()
    )
    if file:
        files = _only(files, file, source)
    return Listing(f"hf:{repository}", commit, repository.partition("/")[2], files, _licence(facts))


def split(source: str) -> tuple[str, str]:
    """Repository and file of ``hf:ORG/REPO/FILE``; the file may be empty.

    Raises:
        Failure: it is neither.
    """
    parts = source.removeprefix("hf:").strip("/").split("/", 2)
    repository = "/".join(parts[:2])
    if not _REPO.fullmatch(repository) or ".." in repository:
        raise Failure(f"{source!r} names no repository: write hf:ORG/REPO or hf:ORG/REPO/FILE", code=ExitCode.USAGE)
    return repository, parts[2] if len(parts) > 2 else ""  # noqa: PLR2004 - the file


def _wanted(one: Facts, base: str, headers: Mapping[str, str]) -> Wanted:
    """One file as the hub announces it."""
    path, lfs = one.get("rfilename").text(), one.get("lfs")
    sha256 = lfs.get("sha256").text_or()
    size = lfs.get("size") if lfs.value else one.get("size")
    git = one.get("blobId").text_or()
    return Wanted(
        path,
        f"{base}/{quote(path)}",
        size_bytes=size.count() if size.value is not None else None,
        sha256=sha256 if _SHA256.fullmatch(sha256) else None,
        git_sha1=git if not lfs.value and _COMMIT.fullmatch(git) and size.value is not None else None,
        headers=headers,
    )


def _only(files: tuple[Wanted, ...], file: str, source: str) -> tuple[Wanted, ...]:
    """The one file that the source names; the parts of a split model with it."""
    found = tuple(one for one in files if whole(one.path) == whole(file))
    if not any(one.path == file for one in found):
        names = ", ".join(one.path for one in files[:20])
        raise Failure(f"{source}: there is no such file", code=ExitCode.INVALID, advice=(f"there are: {names}",))
    return found


def _licence(facts: Facts) -> str | None:
    """As the model card says it, else as a tag does."""
    card = facts.get("cardData").get("license").text_or()
    tags = (tag.text_or() for tag in facts.get("tags").items())
    tagged = next((tag.removeprefix("license:") for tag in tags if tag.startswith("license:")), "")
    found = card or tagged
    return found if found and found.isprintable() and len(found) < 256 else None  # noqa: PLR2004 - a name, no text


def _authorization(token_file: Path | None) -> dict[str, str]:
    """The header that proves who asks; empty where there is no token."""
    if token_file is None:
        return {}
    try:
        with token_file.open("rb") as file:
            token = file.read(_TOKEN_BYTES_MAX).strip()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise Failure(f"cannot read {token_file}: {error.strerror}", code=ExitCode.USAGE) from None
    if not token or not all(0x20 < byte < 0x7F for byte in token):  # noqa: PLR2004 - ASCII
        raise Failure(f"{token_file} holds no token", code=ExitCode.USAGE)
    return {"Authorization": f"Bearer {token.decode('ascii')}"}
