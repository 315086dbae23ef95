"""The header of a GGUF file, read with a limit on everything.

Source: ggml/docs/gguf.md and ggml/src/gguf.cpp. What llama.cpp refuses is refused here, before it sees it.
Tensors lie one after the other, in the header's order, each padded to the alignment; llama.cpp asks for that too.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from mmap import mmap
from typing import Final

from ringfenced.weights.bad import BadModelFile, shown
from ringfenced.weights.types import GGML_TYPES, TensorType

Buffer = bytes | memoryview | mmap
"""A whole file, or as much of it as holds the header."""

MAGIC = b"GGUF"
VERSIONS = (2, 3)
"""Versions that llama.cpp reads."""
TENSORS_MAX: Final = 1 << 17
"""Tensors of a file; the largest models known have some 2,000 a shard."""
KEYS_MAX: Final = 1 << 14
"""Key-value pairs; a model with a large tokenizer has some 50, llama-imatrix writes thousands."""
KEY_BYTES_MAX: Final = (1 << 16) - 1
"""Length of a key (gguf.md)."""
STRING_BYTES_MAX: Final = 1 << 26
"""Length of a string; llama.cpp takes up to 1 GiB, and the longest known, a tokenizer as JSON, is 30 MB."""
ELEMENTS_MAX: Final = 1 << 24
"""Elements of an array; the largest vocabularies have some 300,000 tokens."""
BUILT_MAX: Final = 1 << 12
"""Elements of an array that is built though nobody asked for it: figures by layer are, vocabularies are not."""
NAME_BYTES_MAX: Final = 63
"""Length of a tensor's name (GGML_MAX_NAME - 1)."""
DIMENSIONS_MAX: Final = 4
"""GGML_MAX_DIMS."""
BYTES_MAX: Final = 1 << 50
"""Size of a tensor: a petabyte."""
ALIGNMENT: Final = 32
"""Where the file names none."""
ALIGNMENT_MAX: Final = 1 << 20
"""A file whose tensors are further apart wastes its disk."""

_SCALARS: Final = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
_STRING: Final = 8
_ARRAY: Final = 9
_U32: Final = _SCALARS[4]
_U64: Final = _SCALARS[10]


@dataclass(frozen=True, slots=True)
class Skipped:
    """An array that was checked and not built."""

    elements: int
    """How many it has."""
    of_strings: bool
    """Whether they are strings."""


Scalar = int | float | bool | str
Value = Scalar | tuple[Scalar, ...] | Skipped


@dataclass(frozen=True, slots=True)
class Tensor:
    """What the header says of one tensor."""

    name: str
    """Unique in the model."""
    shape: tuple[int, ...]
    """Its extents, the row's length first, as ggml has them."""
    type: TensorType
    """How its numbers are kept."""
    offset: int
    """Where it begins, in bytes of the file."""
    bytes: int
    """How long it is."""

    @property
    def elements(self) -> int:
        """How many numbers it has."""
        return _product(self.shape)


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What stands before the weights."""

    version: int
    """Of the format."""
    values: Mapping[str, Value] = field(repr=False)
    """The key-value pairs."""
    tensors: tuple[Tensor, ...] = field(repr=False)
    """In the file's order."""
    data_offset: int
    """Where the weights begin, in bytes."""
    file_bytes: int
    """Length of the file."""

    @property
    def architecture(self) -> str:
        """Which program of the engine computes it; empty where the file does not say."""
        value = self.values.get("general.architecture", "")
        return value if isinstance(value, str) else ""


def read_gguf_header(data: Buffer, file_bytes: int | None = None, wanted: Collection[str] = ()) -> GgufHeader:
    """Read a header. It takes time in proportion to the header's length, whatever the bytes are.

    Args:
        data: the file, or its beginning.
        file_bytes: how long the file is; `data`'s length if None.
        wanted: keys whose arrays are built whatever their size.

    Raises:
        BadModelFile: it is no GGUF file, or one that is malformed or cut off.
    """
    reader = _Reader(data, len(data) if file_bytes is None else file_bytes, frozenset(wanted))
    try:
        return reader.header()
    except struct.error:  # a read past the end
        raise _truncated("its header") from None


class _Reader:
    """A position in a file."""

    def __init__(self, data: Buffer, file_bytes: int, wanted: frozenset[str]) -> None:
        self._data = data
        self._end = len(data)
        self._file_bytes = file_bytes
        self._wanted = wanted
        self._at = 0

    def header(self) -> GgufHeader:
        """Read everything."""
        version = self._version()
        tensors_n = self._count("tensors", TENSORS_MAX, least_bytes=24)
        values_n = self._count("key-value pairs", KEYS_MAX, least_bytes=13)
        values: dict[str, Value] = {}
        for _ in range(values_n):
            key = self._name("a key", KEY_BYTES_MAX)
            if key in values:
                raise _malformed(f"the key {shown(key)} stands in it twice")
            values[key] = self._value(key)
        alignment = _alignment(values.get("general.alignment", ALIGNMENT))
        infos = [self._info() for _ in range(tensors_n)]
        data_offset = _padded(self._at, alignment)
        return GgufHeader(version, values, self._placed(infos, data_offset, alignment), data_offset, self._file_bytes)

    def _version(self) -> int:
        if bytes(self._data[:4]) != MAGIC:
            raise BadModelFile("foreign", "it is no GGUF file: the first four bytes are not GGUF")
        self._at = 4
        version = self._number(_U32)
        if version not in VERSIONS:
            if version and version & 0xFFFF == 0:
                raise BadModelFile("endian", "it is a big-endian GGUF file: convert it to little endian")
            raise BadModelFile("version", f"it is GGUF of version {version}; 2 and 3 are read: convert the model again")
        return version

    def _count(self, what: str, most: int, least_bytes: int) -> int:
        """Read how many of something follow, each of so many bytes at least."""
        count = self._number(_U64)
        if count > most:
            raise BadModelFile("limit", f"it says that it has {count:,} {what}; {most:,} are read at most")
        if count * least_bytes > self._end - self._at:
            raise _truncated(f"its {count:,} {what}")
        return count

    def _number(self, form: struct.Struct) -> int:
        (number,) = form.unpack_from(self._data, self._at)
        self._at += form.size
        assert isinstance(number, int)
        return number

    def _bytes(self, what: str, most: int) -> bytes:
        length = self._number(_U64)
        if length > most:
            raise BadModelFile("limit", f"{what} is {length:,} bytes long; {most:,} are read at most")
        if length > self._end - self._at:
            raise _truncated(what)
        self._at += length
        return bytes(self._data[self._at - length : self._at])

    def _name(self, what: str, most: int) -> str:
        name = self._bytes(what, most)
        if not name or not name.isascii() or not name.decode("ascii").isprintable():
            raise _malformed(f"{what}, {shown(name)}, is no name")
        return name.decode("ascii")

    def _value(self, key: str) -> Value:
        kind = self._number(_U32)
        if kind == _ARRAY:
            return self._array(key)
        if kind == _STRING:
            return self._bytes(f"the value of {shown(key)}", STRING_BYTES_MAX).decode("utf-8", "replace")
        form = self._form(key, kind)
        (value,) = form.unpack_from(self._data, self._at)
        self._at += form.size
        scalar: Scalar = value
        return scalar

    def _form(self, key: str, kind: int) -> struct.Struct:
        form = _SCALARS.get(kind)
        if form is None:
            raise _malformed(f"the value of {shown(key)} is of type {kind}, which there is not")
        return form

    def _array(self, key: str) -> Value:
        kind = self._number(_U32)
        if kind == _ARRAY:
            raise _malformed(f"the value of {shown(key)} is an array of arrays")
        size = 8 if kind == _STRING else self._form(key, kind).size
        count = self._count(f"elements in {shown(key)}", ELEMENTS_MAX, size)
        is_built = count <= BUILT_MAX or key in self._wanted
        if kind == _STRING:
            if is_built:
                what = f"an element of {shown(key)}"
                return tuple(self._bytes(what, STRING_BYTES_MAX).decode("utf-8", "replace") for _ in range(count))
            self._skip_strings(key, count)
        else:
            at, self._at = self._at, self._at + count * size
            if is_built:
                letter = _SCALARS[kind].format[1:]
                return struct.unpack_from(f"<{count}{letter}", self._data, at)
        return Skipped(count, of_strings=kind == _STRING)

    def _skip_strings(self, key: str, count: int) -> None:
        read, data, at = _U64.unpack_from, self._data, self._at
        for _ in range(count):  # some 400,000 times for a large vocabulary: nothing else stands in this loop
            at += 8 + read(data, at)[0]
        if at > self._end:
            raise _truncated(f"the elements of {shown(key)}")
        self._at = at

    def _info(self) -> tuple[str, tuple[int, ...], TensorType, int, int]:
        """Read what is said of one tensor: name, shape, type, offset in the data, bytes."""
        name = self._name("a tensor's name", NAME_BYTES_MAX)
        dimensions = self._number(_U32)
        if dimensions > DIMENSIONS_MAX:
            raise _malformed(f"the tensor {shown(name)} has {dimensions:,} dimensions; {DIMENSIONS_MAX} are possible")
        shape = tuple(self._number(_U64) for _ in range(dimensions))
        number = self._number(_U32)
        kind = GGML_TYPES.get(number)
        if kind is None:
            raise _malformed(f"the tensor {shown(name)} is of type {number}, which there is not")
        row = shape[0] if shape else 1
        if row % kind.block:
            raise _malformed(f"the tensor {shown(name)} has rows of {row:,}, no multiple of {kind.name}'s {kind.block}")
        length = _product(shape) // kind.block * kind.bytes
        if length > BYTES_MAX:
            raise BadModelFile("limit", f"the tensor {shown(name)} would have {length:,} bytes")
        return name, shape, kind, self._number(_U64), length

    def _placed(
        self, infos: list[tuple[str, tuple[int, ...], TensorType, int, int]], data_offset: int, alignment: int
    ) -> tuple[Tensor, ...]:
        """Return the tensors, after a check that they lie in the file as they should."""
        expected = 0
        tensors: dict[str, Tensor] = {}
        for name, shape, kind, offset, length in infos:
            if name in tensors:
                raise _malformed(f"the tensor {shown(name)} stands in it twice")
            if offset != expected:
                raise _malformed(f"the tensor {shown(name)} begins at {offset:,}, where {expected:,} is expected")
            end = data_offset + offset + length
            if end > self._file_bytes:
                raise BadModelFile(
                    "truncated",
                    f"the tensor {shown(name)} ends {end - self._file_bytes:,} bytes after the end of the file: it was "
                    "cut off; fetch it again",
                )
            tensors[name] = Tensor(name, shape, kind, data_offset + offset, length)
            expected = _padded(offset + length, alignment)
        return tuple(tensors.values())


def _alignment(value: Value) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= ALIGNMENT_MAX or value & (value - 1):
        raise _malformed("general.alignment is no power of two that is possible")
    return value


def _padded(position: int, alignment: int) -> int:
    return -(-position // alignment) * alignment


def _product(shape: tuple[int, ...]) -> int:
    product = 1
    for extent in shape:
        product *= extent
    return product


def _malformed(what: str) -> BadModelFile:
    return BadModelFile("malformed", f"{what}: the file is damaged; fetch or convert it again")


def _truncated(what: str) -> BadModelFile:
    return BadModelFile("truncated", f"the file ends before the end of {what}: it was cut off; fetch it again")
