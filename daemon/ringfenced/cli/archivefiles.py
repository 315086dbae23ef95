"""Reading a sealed archive and its keys from disk, and writing what was opened (docs/egress-log.md)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

from ringfence.sealed import HEAD_BYTES, SealError, read_head, whole
from ringfence.sealkeys import KEY_FILE_BYTES_MAX, SealKeyError, load_private
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.opening import Record


def read_private(path: Path) -> MLKEM768X25519PrivateKey:
    """The auditors' private key.

    Raises:
        Failure: it cannot be read, or is none.
    """
    try:
        with path.open("rb") as file:
            return load_private(file.read(KEY_FILE_BYTES_MAX + 1))
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}", code=ExitCode.USAGE) from error
    except SealKeyError as error:
        advice = ("give the private key that `ringfence audit new-key` made",)
        raise Failure(f"{path}: {error}", code=ExitCode.USAGE, advice=advice) from None


def records_of(directory: Path, index: int) -> Iterator[Record]:
    """Every whole record of one intent; a file is read up to where it is torn.

    Raises:
        Failure: there is no archive, or a file cannot be read.
    """
    paths = sorted(directory.glob("sealed-*.rec"))
    if not paths:
        raise Failure(f"{directory} holds no sealed-*.rec", code=ExitCode.USAGE)
    for path in paths:
        try:
            with path.open("rb") as file:
                yield from _records(file, index)
        except OSError as error:
            raise Failure(f"cannot read {path}: {error.strerror}") from error


def write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that is not there yet.

    Raises:
        Failure: it is there, or cannot be written.
    """
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:  # noqa: PTH123 - mode
            file.write(content)
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}", code=ExitCode.USAGE) from error


def _records(file: BinaryIO, index: int) -> Iterator[Record]:
    """One file's whole records of an intent; only their own bytes are read."""
    end = os.fstat(file.fileno()).st_size
    while data := file.read(HEAD_BYTES):
        try:
            head = read_head(data)
        except SealError:
            return
        if file.tell() + head.sealed_bytes > end:
            return
        if head.name.intent_index != index:
            file.seek(head.sealed_bytes, os.SEEK_CUR)
            continue
        sealed = file.read(head.sealed_bytes)
        if whole(head, sealed):
            yield head, sealed
