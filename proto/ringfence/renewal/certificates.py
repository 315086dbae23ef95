"""The PEM files of one process: looked at often, read anew when they change, taken only where they fit together.

A renewal replaces three files, one after the other or all at once (a Kubernetes secret). Whoever looks in between finds
a certificate whose key is still the old one, or half a file; then what was read before stays in use, and the next look
tries again. Whether a certificate is still valid, and whether the other side will trust it, is for the handshake.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"
_FILE_BYTES_MAX: Final = 1024 * 1024
"""Longer files are no certificates of ours."""

SETTLE_S: Final = 2.0
"""How long a start waits for the rest of a renewal, in seconds; scripts replace certificate and key within one."""
_LOOK_S: Final = 0.05

Told = Callable[[str], None]
"""Gets what is wrong with changed files, once; the empty text when changed files were taken."""
_Stamp = tuple[tuple[int, int, int, int], ...]


class CertificateError(ValueError):
    """The files do not fit together. The text names the file and never holds a key."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The PEM files of one process."""

    certificate: Path
    """Own certificate chain, leaf first."""
    key: Path
    """Own private key, unencrypted PKCS #8."""
    authority: Path
    """Certificates that the other side's chain must end in; nothing else is trusted. While an authority is replaced,
    the old and the new one stand here together."""


@dataclass(frozen=True, slots=True)
class Pems:
    """What stood in the files at one moment, and fits together."""

    certificate: bytes
    """Own certificate chain."""
    key: bytes = field(repr=False)
    """Own private key."""
    authority: bytes
    """Whom to trust."""


class Certificates:
    """The newest files that fit together. For any number of threads."""

    def __init__(self, files: Identity, told: Told = lambda _why: None) -> None:
        """Read the files.

        Args:
            files: where they lie.
            told: hears of renewals, and of changed files that cannot be used; may be called from any thread.

        Raises:
            OSError: a file cannot be read.
            CertificateError: they do not fit together.
        """
        self._files = files
        self._paths = tuple(str(path) for path in (files.certificate, files.key, files.authority))
        self._told = told
        self._lock = threading.Lock()
        self._complaint = ""
        self._stamp = _stamp(self._paths)
        self._pems = _read(files)

    @classmethod
    def settled(cls, files: Identity, told: Told = lambda _why: None) -> Self:
        """Read the files; where they do not fit together and one has just been replaced, wait for the others.

        Whoever starts amid a renewal would otherwise end as wrongly configured, which no service manager starts again.
        It blocks for `SETTLE_S` at most, so that it is for a start, before anything is served.

        Raises:
            OSError: a file cannot be read.
            CertificateError: they do not fit together.
        """
        began_s = time.monotonic()
        while True:
            try:
                return cls(files, told)
            except (OSError, CertificateError):
                if time.monotonic() - began_s > SETTLE_S or not _is_changing(files):
                    raise
            time.sleep(_LOOK_S)

    def current(self) -> Pems:
        """What is to be used now; the same object until the files change. Costs three calls of stat(2)."""
        with self._lock:
            try:
                self._look()
            except (OSError, CertificateError) as error:
                self._complain(str(error))
            return self._pems

    def _look(self) -> None:
        """Take what has changed, if it was not changed again meanwhile."""
        stamp = _stamp(self._paths)
        if stamp == self._stamp:
            return
        pems = _read(self._files)
        if _stamp(self._paths) != stamp:
            return
        self._stamp, self._complaint = stamp, ""
        if pems != self._pems:
            self._pems = pems
            self._told("")

    def _complain(self, why: str) -> None:
        """Say it once."""
        if why != self._complaint:
            self._complaint = why
            self._told(why)


def _is_changing(files: Identity) -> bool:
    """Whether one of them was written a moment ago."""
    now_s = time.time()
    for path in (files.certificate, files.key, files.authority):
        with contextlib.suppress(OSError):
            if abs(now_s - path.stat().st_mtime) < 2 * SETTLE_S:
                return True
    return False


def _stamp(paths: tuple[str, ...]) -> _Stamp:
    """What changes when a file is replaced or written. Every call looks, so that it must cost little."""
    found = [os.stat(path) for path in paths]  # noqa: PTH116 - half of what Path.stat costs
    return tuple((status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size) for status in found)


def _read(files: Identity) -> Pems:
    """The files, which fit together."""
    chain = _certificates(files.certificate, certificate := _bytes(files.certificate))
    _certificates(files.authority, authority := _bytes(files.authority))
    try:
        private_key = load_pem_private_key(key := _bytes(files.key), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CertificateError(f"{files.key}: no unencrypted private key in PEM") from None
    if chain[0].public_key() != private_key.public_key():
        raise CertificateError(f"{files.key}: not the private key of the first certificate in {files.certificate}")
    return Pems(certificate, key, authority)


def _certificates(path: Path, pem: bytes) -> list[x509.Certificate]:
    """The certificates in a file, every one that begins there."""
    try:
        found = x509.load_pem_x509_certificates(pem)
        found[0].public_key()
    except (ValueError, UnsupportedAlgorithm):
        found = []
    if not found or len(found) != pem.count(_BEGIN):
        raise CertificateError(f"{path}: no whole certificates in PEM")
    return found


def _bytes(path: Path) -> bytes:
    """A file's content."""
    with path.open("rb") as file:
        content = file.read(_FILE_BYTES_MAX + 1)
    if len(content) > _FILE_BYTES_MAX:
        raise CertificateError(f"{path}: longer than {_FILE_BYTES_MAX} bytes")
    return content
