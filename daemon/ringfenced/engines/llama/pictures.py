"""Pictures in a prompt, through llama.cpp's mtmd: bounded before they are decoded, then read in steps of their own.

mtmd decodes PNG and JPEG with stb_image, which is foreign code and inflates whatever a PNG holds, however small its
header says that it is: what it is given has a known beginning, a bounded size, and holds no more than that size takes.
It runs in the engine's process, which holds no secrets.
"""

from __future__ import annotations

import ctypes
import struct
import weakref
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llama_cpp import mtmd_cpp as mtmd

from ringfenced.engines.llama.binding import LOG_ERRORS, LlamaContext, LlamaModel, LoadError
from ringfenced.engines.llama.sights import BadPicture, Sight

BYTES_MAX = 16 * 1024 * 1024
"""Longest file of a picture."""

PIXELS_MAX = 8 * 1024 * 1024
"""Most pixels of a picture: decoded they take three bytes each, and as much again while it is decoded."""

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF markers (ITU-T T.81, table B.1)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A picture, or a part of one, as mtmd cut it; implements `Sight`."""

    projector: Projector = field(repr=False)
    """Whose it is."""
    tokens: int
    """How many."""
    chunk: Any = field(repr=False)
    """mtmd's own."""
    owner: object = field(repr=False)
    """Keeps the chunk alive."""

    def decode(self, context: LlamaContext, position: int, sequence: int) -> bool:
        """As `Sight.decode`."""
        return self.projector.decode(self, context, position, sequence)


class Projector:
    """Makes a model's pictures readable."""

    def __init__(self, path: Path, model: LlamaModel, *, threads: int, has_gpu: bool) -> None:
        """Load it.

        Args:
            path: the GGUF file (mmproj); verified by whoever put it there.
            model: the model that it was made for.
            threads: compute threads.
            has_gpu: whether it may use a GPU.

        Raises:
            LoadError: llama.cpp does not take it, or it takes positions otherwise than tokens.
        """
        mtmd.mtmd_log_set(LOG_ERRORS, None)
        mtmd.mtmd_helper_log_set(LOG_ERRORS, None)
        parameters = mtmd.mtmd_context_params_default()
        parameters.use_gpu = has_gpu
        parameters.n_threads = threads
        parameters.print_timings = False
        parameters.warmup = False
        self._pointer = mtmd.mtmd_init_from_file(str(path).encode(), model.pointer, parameters)
        if not self._pointer:
            raise LoadError("llama.cpp cannot load the projector, or it was made for another model")
        weakref.finalize(self, mtmd.mtmd_free, self._pointer)
        if not mtmd.mtmd_support_vision(self._pointer):
            raise LoadError("the projector reads no pictures")
        if mtmd.mtmd_decode_use_mrope(self._pointer):
            raise LoadError("pictures of models with M-RoPE are not supported yet; leave the projector out")

    def read(self, data: bytes) -> list[int | Sight]:
        """Return what a picture is in a prompt: tokens and sights.

        Raises:
            BadPicture: it is none that can be read, or over a bound.
        """
        check_picture(data)
        buffer = (ctypes.c_uint8 * len(data)).from_buffer_copy(data)
        bitmap = mtmd.mtmd_helper_bitmap_init_from_buf(self._pointer, buffer, len(data), False)  # noqa: FBT003
        if not bitmap:
            raise BadPicture("a picture that cannot be decoded")
        try:
            return list(self._items(bitmap))
        finally:
            mtmd.mtmd_bitmap_free(bitmap)

    def _items(self, bitmap: Any) -> Iterator[int | Sight]:
        part = mtmd.mtmd_input_part(bitmap=bitmap)
        parts = (ctypes.POINTER(mtmd.mtmd_input_part) * 1)(ctypes.pointer(part))
        chunks = _Chunks()
        if mtmd.mtmd_tokenize_from_parts(self._pointer, chunks.pointer, parts, 1, False) != 0:  # noqa: FBT003
            raise BadPicture("a picture that cannot be made tokens of")
        for index in range(mtmd.mtmd_input_chunks_size(chunks.pointer)):
            chunk = mtmd.mtmd_input_chunks_get(chunks.pointer, index)
            count = mtmd.mtmd_input_chunk_get_n_tokens(chunk)
            if mtmd.mtmd_input_chunk_get_type(chunk) == mtmd.MTMD_INPUT_CHUNK_TYPE_TEXT:
                yield from mtmd.mtmd_input_chunk_get_tokens_text(chunk, ctypes.byref(ctypes.c_size_t()))[:count]
            else:
                yield Chunk(self, count, chunk, chunks)

    def decode(self, sight: Chunk, context: LlamaContext, position: int, sequence: int) -> bool:
        """As `Sight.decode`."""
        end = ctypes.c_int32()
        result = mtmd.mtmd_helper_eval_chunk_single(
            self._pointer,
            context.pointer,
            sight.chunk,
            position,
            sequence,
            context.batch_tokens,
            False,  # noqa: FBT003  # no distribution is wanted
            ctypes.byref(end),
        )
        return result == 0 and end.value == position + sight.tokens


class _Chunks:
    """mtmd's list of chunks; freed with the object."""

    def __init__(self) -> None:
        self.pointer = mtmd.mtmd_input_chunks_init()
        weakref.finalize(self, mtmd.mtmd_input_chunks_free, self.pointer)


def check_picture(data: bytes) -> None:
    """Pass if these bytes begin as PNG or JPEG and say that they are no larger than is decoded.

    Raises:
        BadPicture: otherwise.
    """
    if len(data) > BYTES_MAX:
        raise BadPicture(f"a picture of more than {BYTES_MAX} bytes")
    size = _png_size(data) if data.startswith(_PNG) else _jpeg_size(data) if data.startswith(_JPEG) else None
    if size is None:
        raise BadPicture("a picture that is neither PNG nor JPEG")
    width, height = size
    if not 0 < width * height <= PIXELS_MAX:
        raise BadPicture(f"a picture of more than {PIXELS_MAX} pixels, or of none")
    if data.startswith(_PNG) and not _png_holds(data, width, height):
        raise BadPicture("a picture that holds more than its size takes, or is broken")


def _png_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of the header, which comes first (PNG, third edition, 11.2.1)."""
    if data[12:16] != b"IHDR" or len(data) < 24:  # noqa: PLR2004  # signature, length, type, width, height
        return None
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _png_holds(data: bytes, width: int, height: int) -> bool:
    """Whether what is compressed in a PNG is no more than its size takes: at most 8 bytes a pixel, and a byte for each
    row of each of the seven passes of an interlaced one.
    """  # noqa: D205  # one sentence
    most = 8 * width * height + 8 * height + 64
    inflating, held, at = zlib.decompressobj(), 0, len(_PNG)
    try:
        while at + 12 <= len(data):  # length, type, content, checksum
            length = int.from_bytes(data[at : at + 4], "big")
            if data[at + 4 : at + 8] == b"IDAT":
                held += len(inflating.decompress(data[at + 8 : at + 8 + length], most + 1 - held))
                if held > most or inflating.unconsumed_tail:
                    return False
            at += 12 + length
    except zlib.error:
        return False
    return True


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of the first frame; segments before it are passed over."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:  # noqa: PLR2004  # each marker begins with it
        marker = data[at + 1]
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")  # noqa: PLR2004
    return None
