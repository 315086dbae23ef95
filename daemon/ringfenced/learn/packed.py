"""Arrays as bytes and back: an npz without pickles, a digest before it, and bounds on what is accepted."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ringfenced.learn.outcome import BadState

BYTES_MAX: Final = 64 << 20
"""Largest state, packed or unpacked."""
ARRAYS_MAX: Final = 4096
"""Most arrays in one state."""
_DIGEST_BYTES: Final = 32

Arrays = Mapping[str, NDArray[Any]]


def pack(arrays: Arrays) -> bytes:
    """Arrays as bytes: SHA-256, then an npz; the same arrays give the same bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in sorted(arrays.items()):
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue(), zipfile.ZIP_DEFLATED)
    packed = file.getvalue()
    return hashlib.sha256(packed).digest() + packed


def unpack(content: bytes) -> dict[str, NDArray[Any]]:
    """Read what `pack` wrote.

    The digest finds damage, not forgery: whoever can write the state can write its digest.

    Raises:
        BadState: it is damaged, too large, or something else.
    """
    digest, packed = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if len(content) > BYTES_MAX or hashlib.sha256(packed).digest() != digest:
        raise BadState("learned state is damaged; refit it from the outcomes")
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            entries = archive.infolist()
            _bounded(entries)
            return {entry.filename.removesuffix(".npy"): _array(archive.read(entry)) for entry in entries}
    except BadState:
        raise
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError) as error:
        raise BadState("learned state is malformed; refit it from the outcomes") from error


def _bounded(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > ARRAYS_MAX or sum(entry.file_size for entry in entries) > BYTES_MAX:
        raise BadState("learned state is larger than any that this version writes; refit it from the outcomes")


def _array(content: bytes) -> NDArray[Any]:
    array: NDArray[Any] = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    return array
