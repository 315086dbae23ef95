"""Whether a file is what its name says, by its first bytes: keeps foreign and cut files out. Bounded; blocking.

GGUF: magic, version, and counts that its length can bear (ggml's docs/gguf.md). Safetensors: the header is JSON whose
tensors lie back to back and end where the file ends, so that a cut file shows without reading it (safetensors' README,
"Format"). What the header means for memory is `ringfenced.weights`' to say, not this module's.
"""

from __future__ import annotations

import json
import os
import stat
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, Final

from ringfenced.library.errors import Refused
from ringfenced.library.names import is_weights

SAFETENSORS_HEADER_BYTES_MAX: Final = 100_000_000
"""The format's own limit (safetensors' README)."""
TENSORS_MAX: Final = 1_000_000
"""The largest models have some 100,000."""
GGUF_VERSIONS: Final = (2, 3)
"""What llama.cpp reads in little-endian order."""

_GGUF: Final = struct.Struct("<4sIQQ")
_GGUF_KEY_BYTES_MIN: Final = 8 + 4 + 1
"""A key's length, its value's type, the shortest value."""
_GGUF_TENSOR_BYTES_MIN: Final = 8 + 4 + 8 + 4 + 8
"""A name's length, the number of dimensions, one of them, a type, an offset."""
_FOREIGN: Final = {
    b"<!DO": "a web page: the server answered something else than the file",
    b"<htm": "a web page: the server answered something else than the file",
    b"vers": "a Git LFS pointer: fetch the file itself, with git lfs pull",
    b"PK\x03\x04": "a ZIP archive, as PyTorch writes its pickles",
    b"\x80\x02}q": "a Python pickle",
    b"lmgg": "a GGML file of before 2023: convert it to GGUF",
    b"tjgg": "a GGML file of before 2023: convert it to GGUF",
    b"FUGG": "a big-endian GGUF file: take the little-endian one",
}


def demand_header(path: Path, name: str, size_bytes: int) -> None:
    """Pass if the file begins as its name says; a file that holds no weights passes.

    Args:
        path: the file, not a link.
        name: its path in the model, for messages.
        size_bytes: its length.

    Raises:
        Refused: it is another kind of file, or cut.
        OSError: it cannot be read.
    """
    if not is_weights(name):
        return
    with path.open("rb") as file:
        if name.lower().endswith(".gguf"):
            _demand_gguf(file, name, size_bytes)
        else:
            _demand_safetensors(file, name, size_bytes)


def _demand_gguf(file: BinaryIO, name: str, size_bytes: int) -> None:
    head = file.read(_GGUF.size)
    if head[:4] != b"GGUF":
        raise Refused(f"{name} is no GGUF file: it is {_kind(head)}")
    if len(head) < _GGUF.size:
        raise Refused(f"{name} is cut: {size_bytes} bytes are no GGUF file")
    _, version, tensors, keys = _GGUF.unpack(head)
    if version not in GGUF_VERSIONS:
        raise Refused(f"{name}: GGUF version {version} cannot be read", "convert it anew with today's llama.cpp")
    least = _GGUF.size + tensors * _GGUF_TENSOR_BYTES_MIN + keys * _GGUF_KEY_BYTES_MIN
    if tensors > TENSORS_MAX or least > size_bytes:
        raise Refused(f"{name} is cut or corrupt: {size_bytes} bytes cannot hold {tensors} tensors and {keys} keys")


def _demand_safetensors(file: BinaryIO, name: str, size_bytes: int) -> None:
    head = file.read(8)
    length = int.from_bytes(head, "little")
    if len(head) < 8 or not 2 <= length <= min(SAFETENSORS_HEADER_BYTES_MAX, size_bytes - 8):  # noqa: PLR2004 - "{}"
        raise Refused(f"{name} is no safetensors file, or cut: it is {_kind(head)}")
    try:
        header = json.loads(file.read(length))
        ends = _ends(header)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Refused(f"{name} is no safetensors file: its header cannot be read") from None
    if any(start != end for (_, start), (end, _) in pairwise(ends)) or (ends and ends[0][0] != 0):
        raise Refused(f"{name} is corrupt: its tensors do not lie back to back")
    if 8 + length + (ends[-1][1] if ends else 0) != size_bytes:
        raise Refused(f"{name} is cut or corrupt: its header speaks of another length than {size_bytes} bytes")


def _ends(header: Any) -> list[tuple[int, int]]:
    """Where each tensor starts and ends, in order; ValueError where one makes no sense."""
    if not isinstance(header, dict) or len(header) > TENSORS_MAX:
        raise ValueError
    spans = []
    for name, tensor in header.items():
        if name != "__metadata__":
            start, end = tensor["data_offsets"]
            if not (isinstance(start, int) and isinstance(end, int) and 0 <= start <= end):
                raise ValueError
            spans.append((start, end))
    return sorted(spans)


def _kind(head: bytes) -> str:
    """What a file's first bytes tell, for people."""
    return _FOREIGN.get(head[:4], "something else")


def plain_size(path: Path, name: str) -> int:
    """The length of a plain file.

    Raises:
        Refused: it is missing, a link, or no file at all.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        raise Refused(f"{name} is missing", "fetch the model again") from None
    if not _is_plain(status):
        raise Refused(f"{name} is a link or no plain file", "put the file itself there: cp -L")
    return status.st_size


def _is_plain(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode)
