"""The table of tensor types is the installed library's."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from ringfenced.weights import architectures
from ringfenced.weights.types import BY_NAME, GGML_TYPES

llama_cpp = pytest.importorskip("llama_cpp")
LIBRARIES = Path(llama_cpp.__file__).parent / "lib"


@pytest.mark.llama
def test_sizes_are_ggmls():
    ggml = ctypes.CDLL(str(LIBRARIES / "libggml-base.so"))
    ggml.ggml_type_name.restype = ctypes.c_char_p
    ggml.ggml_type_size.restype = ctypes.c_size_t
    ggml.ggml_blck_size.restype = ctypes.c_int64
    for number in range(43):  # GGML_TYPE_COUNT
        size, block = ggml.ggml_type_size(number), ggml.ggml_blck_size(number)
        if not size:
            assert number not in GGML_TYPES
        else:
            kind = GGML_TYPES[number]
            assert (kind.name, kind.bytes, kind.block) == (ggml.ggml_type_name(number).decode(), size, block)


@pytest.mark.llama
def test_known_architectures_are_the_librarys():
    """Each name stands in the library; a new release needs a new list."""
    assert llama_cpp.__version__ == architectures.LLAMA_CPP
    code = (LIBRARIES / "libllama.so").read_bytes()
    assert [name for name in architectures.KNOWN if name.encode() not in code] == []


def test_sets_of_architectures_are_known_ones():
    for some in (architectures.RECURRENT, architectures.WITHOUT_KEYS, architectures.INTERVAL, architectures.BOTH):
        assert some <= architectures.KNOWN
    assert architectures.ENCODERS | architectures.UNUSUAL | set(architectures.WINDOWS) <= architectures.KNOWN


def test_a_row_is_a_whole_number_of_blocks():
    assert BY_NAME["q8_0"].row_bytes(64) == 68
