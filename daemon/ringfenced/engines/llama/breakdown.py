"""How much memory llama.cpp takes, by its own account: weights, cache and compute buffers, by kind of buffer.

llama.cpp has no C function for it. ``llama_get_memory_breakdown`` (src/llama-ext.h) is exported under its C++ name and
returns a ``std::map`` by value, which is read here as libstdc++ lays it out: both x86-64's and AArch64's ABI return
such a value through memory that the caller gives, which is what ctypes does for a structure of this size. A library
whose map is laid out otherwise is recognised by its node count, and None comes back.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llama_cpp
from llama_cpp import llama_cpp as lib

from ringfenced.weights.dryrun import HOST, DeviceUse, LoadSettings

_SYMBOL = "_Z26llama_get_memory_breakdownPK13llama_context"
_KINDS_MAX = 256
"""Kinds of buffers; a machine with 16 GPUs has some 50."""
_HOST_DEVICES = {0, 3}
"""GGML_BACKEND_DEVICE_TYPE_CPU and _ACCEL."""
_MAPPED = "_Mapped"
"""End of the name of a buffer that is a mapped file."""


@dataclass(frozen=True, slots=True)
class Buffers:
    """Buffers of one kind."""

    name: str
    """As llama.cpp calls them: ``CPU``, ``CPU_REPACK``, ``CUDA0``, ``CUDA_Host``."""
    device: str
    """Where they are: ``cpu``, or a GPU as llama.cpp calls it."""
    weights_bytes: int
    """Of the model."""
    cache_bytes: int
    """Of the context's cache and recurrent states."""
    compute_bytes: int
    """Of what is computed with."""

    @property
    def is_mapped(self) -> bool:
        """Whether it is a mapped file, whose range in bytes `weights_bytes` is: more than is used of it."""
        return self.name.endswith(_MAPPED)


class _Node(ctypes.Structure):
    """``std::_Rb_tree_node<pair<ggml_backend_buffer_type_t const, llama_memory_breakdown_data>>``."""

    def sizes(self) -> tuple[int, int, int]:
        """Return bytes of model, context and compute buffers."""
        return self.model, self.context, self.compute


_Link = ctypes.POINTER(_Node)
_Node._fields_ = [
    ("colour", ctypes.c_long),
    ("parent", _Link),
    ("left", _Link),
    ("right", _Link),
    ("kind", ctypes.c_void_p),
    ("model", ctypes.c_size_t),
    ("context", ctypes.c_size_t),
    ("compute", ctypes.c_size_t),
]


class _Map(ctypes.Structure):
    """``std::map``: a comparison without state, the header node, the number of nodes."""

    _fields_ = (
        ("compare", ctypes.c_long),
        ("colour", ctypes.c_long),
        ("root", _Link),
        ("first", _Link),
        ("last", _Link),
        ("count", ctypes.c_size_t),
    )


def memory_breakdown(context: Any) -> tuple[Buffers, ...] | None:
    """Return what a context and its model take.

    A few hundred bytes are not given back by each call: the map's nodes are C++'s to free.

    Args:
        context: the ``llama_context``.

    Returns:
        One value for each kind of buffer; None where this library does not tell.
    """
    ggml = _ggml()
    function = getattr(lib._lib, _SYMBOL, None)  # noqa: SLF001  # the handle that llama_cpp loaded
    if ggml is None or function is None:
        return None
    function.argtypes, function.restype = [ctypes.c_void_p], _Map
    found = function(ctypes.cast(context, ctypes.c_void_p))
    nodes = list(_nodes(found.root)) if 0 < found.count <= _KINDS_MAX else []
    if len(nodes) != found.count:
        return None
    return tuple(
        Buffers(_text(ggml.ggml_backend_buft_name(node.kind)), _device(ggml, node.kind), *node.sizes())
        for node in nodes
    )


def results_bytes(model: Any, settings: LoadSettings) -> int:
    """Return what the copy of a batch's results takes on the host, which llama.cpp's account leaves out.

    Source: llama_context::output_reserve in src/llama-context.cpp.

    Args:
        model: the ``llama_model``.
        settings: how it is loaded.
    """
    tokens = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(model))
    numbers = tokens + (lib.llama_model_n_embd(model) if settings.embeddings else 0)
    return 4 * settings.outputs * int(numbers)


def device_uses(
    buffers: Iterable[Buffers], model_bytes: int, results: int, tied_bytes: int = 0
) -> tuple[DeviceUse, ...]:
    """Return what is taken of each device.

    A mapped file counts with what is used of it: the weights that are in no other buffer, and embeddings that are in
    another as the output's matrix.

    Args:
        buffers: of all kinds.
        model_bytes: the weights' size in the file.
        results: what `results_bytes` says.
        tied_bytes: the embeddings' size, where they are the output's matrix too; else 0.
    """
    all_buffers = tuple(buffers)
    copied = sum(each.weights_bytes for each in all_buffers if not each.is_mapped)
    mapped = max(0, model_bytes - copied) if any(each.is_mapped for each in all_buffers) else 0
    if mapped and mapped < tied_bytes:  # a copy of them is the output's matrix
        mapped += tied_bytes
    uses = []
    for device in dict.fromkeys(each.device for each in all_buffers):
        here = [each for each in all_buffers if each.device == device]
        mapped_here, results_here = (mapped, results) if device == HOST else (0, 0)
        uses.append(
            DeviceUse(
                device,
                sum(each.weights_bytes for each in here if not each.is_mapped) + mapped_here,
                sum(each.cache_bytes for each in here),
                sum(each.compute_bytes for each in here) + results_here,
                mapped_here,
            )
        )
    return tuple(sorted(uses, key=lambda use: (use.device != HOST, use.device)))


def _ggml() -> Any:
    """Return the library with the devices, typed; None where it lies elsewhere."""
    try:
        ggml = ctypes.CDLL(str(Path(llama_cpp.__file__).with_name("lib") / "libggml-base.so"))
        for name, result in (
            ("ggml_backend_buft_name", ctypes.c_char_p),
            ("ggml_backend_buft_is_host", ctypes.c_bool),
            ("ggml_backend_buft_get_device", ctypes.c_void_p),
            ("ggml_backend_dev_type", ctypes.c_int),
            ("ggml_backend_dev_name", ctypes.c_char_p),
        ):
            function = getattr(ggml, name)
            function.argtypes, function.restype = [ctypes.c_void_p], result
    except (AttributeError, OSError):
        return None
    return ggml


def _device(ggml: Any, kind: int) -> str:
    device = None if ggml.ggml_backend_buft_is_host(kind) else ggml.ggml_backend_buft_get_device(kind)
    if device is None or ggml.ggml_backend_dev_type(device) in _HOST_DEVICES:
        return HOST
    return _text(ggml.ggml_backend_dev_name(device))


def _text(name: bytes) -> str:
    return name.decode("ascii", "replace")


def _nodes(link: Any, depth: int = 0) -> Iterator[Any]:
    if not link or depth > _KINDS_MAX:
        return
    node = link.contents
    yield from _nodes(node.left, depth + 1)
    yield node
    yield from _nodes(node.right, depth + 1)
