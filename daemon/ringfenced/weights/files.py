"""GGUF models on disk: read without trusting them, and checked before an engine does anything with them.

Headers are read, not mapped: a mapped file that somebody truncates meanwhile would end the process.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Final

from ringfenced.weights import architectures
from ringfenced.weights.bad import BadModelFile
from ringfenced.weights.from_gguf import shape_of_gguf
from ringfenced.weights.gguf import GgufHeader, Tensor, read_gguf_header
from ringfenced.weights.reading import named, opened
from ringfenced.weights.shape import ModelShape

PIECE_BYTES: Final = 16 << 20
"""Read first; the header of a model with a vocabulary of 128,000 has 11 MB."""
HEADER_BYTES_MAX: Final = 256 << 20
"""No header is longer."""
SHARDS_MAX: Final = 1000
"""Files of one model; the largest known have some 50."""
_SHARD = re.compile(r"^(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf$")


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A GGUF model on disk, whose header is as it should be."""

    paths: tuple[Path, ...]
    """Its files: one, or all shards in order."""
    header: GgufHeader
    """Of the first of them."""
    tensors: tuple[Tensor, ...]
    """Of all of them."""
    shape: ModelShape
    """What the header says of the model."""
    file_bytes: int
    """Length of all files."""

    @property
    def is_architecture_known(self) -> bool:
        """Whether the llama.cpp that Ringfence is tested with loads such models; a newer one may load more."""
        return self.header.architecture in architectures.KNOWN


def read_gguf_file(path: Path, wanted: Collection[str] = ()) -> ModelFile:
    """Read what a GGUF model says of itself, and check that all its weights are there.

    Args:
        path: the file, or the first of its shards.
        wanted: keys whose arrays are read whatever their size.

    Raises:
        BadModelFile: it cannot be read, or is not what it should be; the message begins with the file's name.
    """
    with named(path), opened(path) as (file, size):
        header = _header(file, size, wanted)
    paths, headers = [path], [header]
    for other in _shards(path, header):
        with named(other), opened(other) as (file, size):
            shard = _header(file, size, ())
            if shard.values.get("split.no") != len(paths):
                raise BadModelFile("malformed", "it is not the shard that its name says: fetch it again")
        paths.append(other)
        headers.append(shard)
    with named(path):
        tensors = _joined(headers)
        return ModelFile(
            tuple(paths), header, tensors, shape_of_gguf(header, tensors), sum(each.file_bytes for each in headers)
        )


def read_gguf_header_of(path: Path) -> GgufHeader:
    """Read what one GGUF file says of itself, whichever shard of a model it is.

    Raises:
        BadModelFile: it cannot be read, or is not what it should be; the message begins with the file's name.
    """
    with named(path), opened(path) as (file, size):
        return _header(file, size, ())


def verify_model_file(path: Path, sha256: str = "") -> ModelFile:
    """Check a GGUF model before an engine loads it.

    Args:
        path: the file, or the first of its shards.
        sha256: digest that the file must have, hex; empty for any. Of several shards it is the first one's.

    Raises:
        BadModelFile: it cannot be read, is not what it should be, or has another digest.
    """
    model = read_gguf_file(path)
    if sha256:
        with named(path), opened(path) as (file, _):
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise BadModelFile(
                    "digest", "it is not the file that the configuration names: its SHA-256 differs; fetch it again"
                )
    return model


def _header(file: FileIO, size: int, wanted: Collection[str]) -> GgufHeader:
    """Read a header of unknown length."""
    data = b""
    while True:
        data += file.read(max(PIECE_BYTES, 3 * len(data)))
        is_all = len(data) >= min(size, HEADER_BYTES_MAX)
        try:
            return read_gguf_header(data, size, wanted)
        except BadModelFile as error:
            if is_all or error.reason != "truncated" or data[:4] != b"GGUF":
                raise


def _shards(path: Path, header: GgufHeader) -> list[Path]:
    """Return the files that belong to the first."""
    count, number = header.values.get("split.count", 0), header.values.get("split.no", 0)
    with named(path):
        if not isinstance(count, int) or not isinstance(number, int) or not 0 <= count <= SHARDS_MAX:
            raise BadModelFile("malformed", "what it says of its shards is impossible: fetch it again")
        if number:
            raise BadModelFile("missing", f"it is shard {number + 1} of {count}: name the first")
        if count <= 1:
            return []
        match = _SHARD.match(path.name)
        if match is None or int(match["number"]) != 1 or int(match["count"]) != count:
            raise BadModelFile("missing", f"it is the first of {count} shards and not named …-00001-of-{count:05}.gguf")
    return [path.with_name(f"{match['stem']}-{each:05}-of-{count:05}.gguf") for each in range(2, count + 1)]


def _joined(headers: list[GgufHeader]) -> tuple[Tensor, ...]:
    """Return the tensors of all shards."""
    tensors = {tensor.name: tensor for header in headers for tensor in header.tensors}
    found = sum(len(header.tensors) for header in headers)
    if len(tensors) != found:
        raise BadModelFile("malformed", "two of its shards have a tensor of the same name: fetch it again")
    expected = headers[0].values.get("split.tensors.count", found)
    if len(headers) > 1 and expected != found:
        raise BadModelFile("malformed", f"its shards have {found:,} tensors, not {expected:,}: fetch it again")
    return tuple(tensors.values())
