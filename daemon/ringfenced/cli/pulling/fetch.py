"""One file into quarantine: gone on with where an earlier try ended, never longer than announced, verified.

Nothing that a server says of itself is believed: it may send as many bytes as the listing names and no more, a piece is
taken only from where the file stands, and the digest decides. Where no digest is known beforehand, the digest of what
came stands in the manifest.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Final

from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.pulling.listing import Wanted
from ringfenced.cli.pulling.pace import Pace
from ringfenced.cli.pulling.web import Answer, Broken, Web, shown
from ringfenced.library.arrival import Arrival
from ringfenced.library.errors import Refused
from ringfenced.library.names import FILE_BYTES_MAX
from ringfenced.library.stamps import Stamp, hash_file

TRIES_MAX: Final = 6
"""In a row, without a byte between them."""
_FIRST_WAIT_S: Final = 0.5
_WAIT_S_MAX: Final = 60.0
_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_PIECE_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True)
class Means:
    """What a transfer needs."""

    web: Callable[[], Web]
    """The client, made when the first file comes from elsewhere."""
    pace: Pace
    """Its rate."""
    sleep: Callable[[float], None]
    """Waits so many seconds."""
    seen: Callable[[int], None]
    """Told of bytes that came, or that are there already; negative where some are void."""
    remark: Callable[[str], None]
    """Told what the operator should know."""


class _Digests:
    """SHA-256, and Git's name of the content where that is asked for."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self.reset()

    def reset(self) -> None:
        """Of nothing."""
        self._sha256 = hashlib.sha256()
        self._git = hashlib.sha1(usedforsecurity=False) if self._wanted.git_sha1 else None
        if self._git and self._wanted.size_bytes is not None:
            self._git.update(b"blob %d\0" % self._wanted.size_bytes)

    def update(self, piece: bytes) -> None:
        self._sha256.update(piece)
        if self._git:
            self._git.update(piece)

    def demand(self) -> str:
        """The SHA-256, hex, if it is the right one."""
        wanted, found = self._wanted, self._sha256.hexdigest()
        if wanted.sha256 and found != wanted.sha256:
            raise _wrong(wanted, found, wanted.sha256)
        if self._git and self._git.hexdigest() != wanted.git_sha1:
            raise _wrong(wanted, self._git.hexdigest(), str(wanted.git_sha1))
        return found


def fetch(wanted: Wanted, arrival: Arrival, means: Means) -> Stamp:
    """Bring one file into quarantine, complete and verified.

    Raises:
        Refused: it is not what was announced.
        Failure: the source cannot be reached; what came so far is kept.
        OSError: the disk is full, or failed.
    """
    whole = arrival.files / wanted.path
    if whole.is_file() and not whole.is_symlink():  # complete from an earlier try
        stamp = hash_file(whole, means.seen)
        if wanted.sha256 in {None, stamp.sha256}:
            return stamp
        means.seen(-stamp.size_bytes)
        whole.unlink()
    with arrival.open_part(wanted.path, keep=True) as part:
        digests = _again(part, wanted, means)
        if wanted.local is not None:
            _copy(wanted, part, digests, means)
        else:
            _transfer(wanted, part, digests, means)
        return arrival.complete(wanted.path, part, digests.demand())


def _again(part: BinaryIO, wanted: Wanted, means: Means) -> _Digests:
    """The digests of what is there already; a file of this machine is copied anew."""
    digests = _Digests(wanted)
    length = part.seek(0, os.SEEK_END)
    if wanted.local is not None or (wanted.size_bytes is not None and length > wanted.size_bytes):
        part.truncate(0)
    part.seek(0)
    while piece := part.read(_PIECE_BYTES):
        digests.update(piece)
        means.seen(len(piece))
    return digests


def _copy(wanted: Wanted, part: BinaryIO, digests: _Digests, means: Means) -> None:
    """A file of this machine."""
    assert wanted.local is not None
    source = os.open(wanted.local, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(source, "rb", buffering=0) as file:  # noqa: PTH123 - no link
        while piece := file.read(_PIECE_BYTES):
            _write(part, piece)
            digests.update(piece)
            means.seen(len(piece))


def _transfer(wanted: Wanted, part: BinaryIO, digests: _Digests, means: Means) -> None:
    """A file from elsewhere, in as many tries as it takes."""
    failures, furthest, done = 0, part.tell(), part.tell() == wanted.size_bytes
    while not done:
        try:
            _once(wanted, part, digests, means)
            done = True
        except Broken as broken:
            failures = 1 if part.tell() > furthest else failures + 1  # beginning anew is no progress
            furthest = max(furthest, part.tell())
            if failures >= TRIES_MAX:
                raise Failure(
                    f"{wanted.path}: {broken}",
                    code=ExitCode.UNAVAILABLE,
                    advice=(f"{part.tell():,} bytes are kept; the same command goes on from there",),
                ) from None
            wait_s = min(broken.wait_s or _FIRST_WAIT_S * 2 ** (failures - 1), _WAIT_S_MAX)
            means.remark(f"{wanted.path}: {broken}; again in {wait_s:g} s from byte {part.tell():,}")
            means.sleep(wait_s)


def _once(wanted: Wanted, part: BinaryIO, digests: _Digests, means: Means) -> None:
    """One try; Broken where the file is not complete then."""
    if part.tell() and not (wanted.sha256 or wanted.git_sha1 or wanted.validator):
        _empty(part, digests, means)  # nothing would tell that the file is another one by now
    have = part.tell()
    headers = {**wanted.headers}
    if have:
        headers["Range"] = f"bytes={have}-"
        if wanted.validator:
            headers["If-Range"] = wanted.validator
    with means.web().open(wanted.url, headers) as answer:
        if have and answer.status != 206:  # noqa: PLR2004 - Partial Content: it sends all of it, or has less than we
            means.remark(f"{wanted.path}: the server cannot go on from the middle, or the file changed: from the start")
            _empty(part, digests, means)
            have = 0
            if answer.status == 416:  # noqa: PLR2004 - Range Not Satisfiable
                raise Broken("the server has less than came before")
        end = _end(wanted, answer, have)
        limit = end if end is not None else FILE_BYTES_MAX
        for piece in answer.pieces:
            if have + len(piece) > limit:
                raise _lie(wanted, f"more than the {limit:,} bytes that were announced")
            _write(part, piece)
            digests.update(piece)
            have += len(piece)
            means.seen(len(piece))
            means.pace.passed(len(piece))
    if end is not None and have < end:
        raise Broken("ended early")


def _end(wanted: Wanted, answer: Answer, have: int) -> int | None:
    """Where the file will end; None where nobody says.

    Raises:
        Refused: the server speaks of another place or length than was asked for.
    """
    length = answer.headers.get("content-length", "")
    end = have + int(length) if length.isdecimal() else None
    if answer.status == 206:  # noqa: PLR2004 - Partial Content
        match = _RANGE.fullmatch(answer.headers.get("content-range", ""))
        if match is None or int(match[1]) != have:
            raise _lie(wanted, "another part of the file than was asked for")
        end = int(match[3]) if match[3] != "*" else int(match[2]) + 1
    if wanted.size_bytes is not None:
        if end is not None and end != wanted.size_bytes:
            raise _lie(wanted, f"{end:,} bytes instead of {wanted.size_bytes:,}")
        return wanted.size_bytes
    return end


def _empty(part: BinaryIO, digests: _Digests, means: Means) -> None:
    """Begin anew."""
    means.seen(-part.tell())
    part.seek(0)
    part.truncate(0)
    digests.reset()


def _write(part: BinaryIO, piece: bytes) -> None:
    """All of a piece; a raw file may take less at once."""
    view = memoryview(piece)
    while view:
        view = view[part.write(view) :]


def _wrong(wanted: Wanted, found: str, expected: str) -> Refused:
    return Refused(
        f"{wanted.path} has the digest {found} instead of {expected}",
        "it was damaged or altered on its way: remove it (ringfence models rm --quarantine) and fetch it again",
    )


def _lie(wanted: Wanted, what: str) -> Refused:
    return Refused(f"{wanted.path}: {shown(wanted.url)} sends {what}", "fetch it from elsewhere, or tell who runs it")
