"""safetensors headers: what is read, and that whatever is malformed ends in `BadModelFile` and nothing else."""

from __future__ import annotations

import contextlib
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.weights import BadModelFile
from ringfenced.weights.safetensors import read_index, read_json, read_safetensors_header


def made(header, data_bytes=0):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(data_bytes)


def entry(begin, end, shape, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


VALID = {"__metadata__": {"format": "pt"}, "b": entry(16, 20, [2], "BF16"), "a": entry(0, 16, [2, 2])}


def reason(data, file_bytes=None):
    with pytest.raises(BadModelFile) as caught:
        read_safetensors_header(data, len(data) if file_bytes is None else file_bytes)
    return caught.value.reason


def test_tensors_are_read_in_the_files_order():
    tensors = read_safetensors_header(made(VALID, 20), len(made(VALID, 20)))
    assert [(tensor.name, tensor.type, tensor.shape, tensor.bytes) for tensor in tensors] == [
        ("a", "F32", (2, 2), 16),
        ("b", "BF16", (2,), 4),
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "truncated"),
        (b"GGUF....", "foreign"),
        (b"\0" * 8, "foreign"),
        ((100).to_bytes(8, "little") + b"{}", "truncated"),
        (made(b"[]"), "malformed"),
        (made(b"{"), "malformed"),
        (made(b'{"a":1,"a":2}'), "malformed"),
        (made(b"[" * 100_000), "malformed"),
        (made(b'{"a":' * 100_000), "malformed"),
        (made({"a": 1}), "malformed"),
        (made({"": entry(0, 4, [1])}, 4), "malformed"),
        (made({"a": entry(0, 4, [1], "F128")}, 4), "malformed"),
        (made({"a": entry(0, 4, [-1])}, 4), "malformed"),
        (made({"a": entry(0, 4, [True])}, 4), "malformed"),
        (made({"a": entry(0, 4, [1.0])}, 4), "malformed"),
        (made({"a": entry(0, 8, [1])}, 8), "malformed"),
        (made({"a": entry(4, 8, [1])}, 8), "malformed"),
        (made({"a": entry(0, 4, [1]), "b": entry(0, 4, [1])}, 4), "malformed"),
        (made({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0]}}, 4), "malformed"),
        (made({"a": entry(0, 4, [2**49] * 3)}, 4), "malformed"),
        (made(VALID, 19), "truncated"),
        (made(VALID, 21), "malformed"),
    ],
)
def test_what_is_malformed_is_refused_with_its_reason(data, expected):
    assert reason(data) == expected


@given(seed=st.integers(0, 2**32))
def test_mutations_are_read_or_refused(seed):
    chance = random.Random(seed)
    data = bytearray(made(VALID, 20))
    for _ in range(chance.choice((1, 3))):
        data[chance.randrange(len(data))] = chance.randrange(256)
    with contextlib.suppress(BadModelFile):
        read_safetensors_header(bytes(data), len(data))


def test_an_index_names_files_of_its_folder_only():
    assert read_index(b'{"weight_map": {"a": "model-1.safetensors"}}') == {"a": "model-1.safetensors"}
    for file in ("../x.safetensors", "/etc/passwd", ".x.safetensors", "x.bin"):
        with pytest.raises(BadModelFile):
            read_index(json.dumps({"weight_map": {"a": file}}).encode())
    with pytest.raises(BadModelFile):
        read_index(b"{}")


@given(st.binary(max_size=60))
def test_any_bytes_are_json_or_refused(data):
    with contextlib.suppress(BadModelFile):
        assert isinstance(read_json(data, "it"), dict)
