"""The header of a safetensors file, and the index of a model that has several, read with a limit on everything.

Source of the format: safetensors' README; its own limit on a header is 100 MB.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ringfenced.weights.bad import BadModelFile, shown

HEADER_BYTES_MAX: Final = 100_000_000
"""safetensors' own limit."""
TENSORS_MAX: Final = 1 << 18
"""Tensors of a file; a mixture of 256 experts has some 46,000."""
NAME_MAX: Final = 512
"""Length of a tensor's name."""
DIMENSIONS_MAX: Final = 16
"""Dimensions of a tensor."""
BYTES_MAX: Final = 1 << 50
"""Size of a tensor: a petabyte."""
_LENGTH_BYTES: Final = 8
_ENDS: Final = 2
_BITS: Final = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U64": 64, "U32": 32,
    "U16": 16, "U8": 8, "BOOL": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4, "C64": 64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """What the header says of one tensor."""

    name: str
    """Unique in the file."""
    type: str
    """As the format calls it, for example ``BF16``."""
    shape: tuple[int, ...]
    """Its extents."""
    bytes: int
    """How long it is."""


def header_bytes(data: bytes) -> int:
    """Return how many bytes of a file its header takes, from the first eight.

    Raises:
        BadModelFile: it is no safetensors file.
    """
    if len(data) < _LENGTH_BYTES:
        raise BadModelFile("truncated", "the file ends before its header: it was cut off; fetch it again")
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if not 0 < length <= HEADER_BYTES_MAX:
        raise BadModelFile("foreign", "it is no safetensors file: its first eight bytes are no length of a header")
    return _LENGTH_BYTES + length


def read_safetensors_header(data: bytes, file_bytes: int) -> tuple[StoredTensor, ...]:
    """Read a header.

    Args:
        data: the file's beginning, as long as `header_bytes` says.
        file_bytes: how long the file is.

    Raises:
        BadModelFile: it is no safetensors file, or one that is malformed or cut off.
    """
    end = header_bytes(data)
    if len(data) < end:
        raise BadModelFile("truncated", "the file ends before the end of its header: it was cut off; fetch it again")
    entries = read_json(data[_LENGTH_BYTES:end], "its header")
    entries.pop("__metadata__", None)
    if len(entries) > TENSORS_MAX:
        raise BadModelFile("limit", f"it says that it has {len(entries):,} tensors; {TENSORS_MAX:,} are read at most")
    placed = sorted((_tensor(name, entry) for name, entry in entries.items()), key=lambda one: one[1])
    at = 0
    for tensor, begin in placed:
        if begin != at:
            raise _malformed(f"the tensor {shown(tensor.name)} begins at {begin:,}, where {at:,} is expected")
        at += tensor.bytes
    if end + at != file_bytes:
        difference = end + at - file_bytes
        if difference > 0:
            raise BadModelFile("truncated", f"the file is {difference:,} bytes too short: fetch it again")
        raise _malformed(f"{-difference:,} bytes stand behind its last tensor")
    return tuple(tensor for tensor, _ in placed)


def read_index(data: bytes) -> Mapping[str, str]:
    """Read the index of a model in several files: the file of each tensor.

    Raises:
        BadModelFile: it is malformed, or names a file outside of its folder.
    """
    files = read_json(data, "the index").get("weight_map")
    if not isinstance(files, dict) or len(files) > TENSORS_MAX * 64:
        raise _malformed("the index has no weight_map")
    for file in set(map(str, files.values())):
        if "/" in file or "\\" in file or file.startswith(".") or not file.endswith(".safetensors"):
            raise BadModelFile("malformed", f"the index names {shown(file)}, which is no file of its folder")
    return {str(name): str(file) for name, file in files.items()}


def read_json(data: bytes, what: str) -> dict[str, Any]:
    """Read a JSON object in which no name stands twice; Python's own limit bounds how deep it may be nested.

    Args:
        data: its text.
        what: what it is, for the message.

    Raises:
        BadModelFile: it is none.
    """
    try:
        value = json.loads(data, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise _malformed(f"{what} is no JSON") from None
    if not isinstance(value, dict):
        raise _malformed(f"{what} is no JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands in it twice")
    return found


def _tensor(name: str, entry: Any) -> tuple[StoredTensor, int]:
    """Return a tensor and where it begins."""
    if not 0 < len(name) <= NAME_MAX or not isinstance(entry, dict):
        raise _malformed(f"what it says of {shown(name)} is no tensor")
    kind, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    if not isinstance(kind, str) or kind not in _BITS:
        raise _malformed(f"the tensor {shown(name)} is of a type that there is not")
    extents, place = _sizes(shape), _sizes(offsets)
    if extents is None or len(extents) > DIMENSIONS_MAX or place is None or len(place) != _ENDS:
        raise _malformed(f"the shape or the place of the tensor {shown(name)} is impossible")
    bits = math.prod(extents) * _BITS[kind]
    if bits % 8 or bits // 8 != place[1] - place[0] or bits // 8 > BYTES_MAX:
        raise _malformed(f"the tensor {shown(name)} is not as long as its shape says")
    return StoredTensor(name, kind, extents, bits // 8), place[0]


def _sizes(value: Any) -> tuple[int, ...] | None:
    if not isinstance(value, list) or not all(type(each) is int and 0 <= each <= BYTES_MAX for each in value):
        return None
    return tuple(value)


def _malformed(what: str) -> BadModelFile:
    return BadModelFile("malformed", f"{what}: the file is damaged; fetch it again")
