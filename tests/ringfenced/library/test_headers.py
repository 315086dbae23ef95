"""What a file's first bytes say."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.modelhubs import gguf, safetensors
from fakes.random_gguf import write_random_gguf
from ringfenced.library.errors import Refused
from ringfenced.library.headers import demand_header, plain_size


def look(path, data, name):
    path.write_bytes(data)
    demand_header(path, name, len(data))


def test_real_models_pass(tmp_path):
    model = write_random_gguf(tmp_path / "m.gguf")
    demand_header(model, "m.gguf", model.stat().st_size)
    look(tmp_path / "w", safetensors(b"12345678"), "w.safetensors")
    look(tmp_path / "c", b"anything", "config.json")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no GGUF file"),
        (b"GGUF", "cut off"),
        (b"<!DOCTYPE html>" + bytes(99), "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n" + bytes(99), "Git LFS pointer"),
        (b"PK\x03\x04" + bytes(99), "ZIP archive"),
        (b"GGUF\x01\0\0\0" + bytes(99), "version 1"),
        (b"GGUF\x03\0\0\0" + b"\xff" * 16 + bytes(99), "read at most"),
        (b"GGUF\x03\0\0\0" + (1000).to_bytes(8, "little") + bytes(99), "cut off"),
    ],
)
def test_a_foreign_or_cut_gguf_file_is_refused_with_what_it_is(tmp_path, data, said):
    with pytest.raises(Refused, match=said):
        look(tmp_path / "x", data, "m.gguf")


@pytest.mark.parametrize("cut", [1, 7, 8, 20, -1])
def test_a_cut_safetensors_file_is_refused(tmp_path, cut):
    with pytest.raises(Refused):
        look(tmp_path / "x", safetensors(bytes(100))[:cut], "w.safetensors")


@pytest.mark.parametrize(
    "header",
    [
        [],
        {"w": 1},
        {"w": {"data_offsets": [0]}},
        {"w": {"data_offsets": [8, 0]}},
        {"w": {"data_offsets": [0, 9]}},
        {"w": {"data_offsets": [1, 8]}},
        {"w": {"data_offsets": [0, 4]}, "v": {"data_offsets": [3, 8]}},
        {"w": {"data_offsets": ["0", "8"]}},
    ],
)
def test_a_safetensors_header_that_does_not_fit_its_file_is_refused(tmp_path, header):
    head = json.dumps(header).encode()
    with pytest.raises(Refused):
        look(tmp_path / "x", len(head).to_bytes(8, "little") + head + bytes(8), "w.safetensors")


@given(st.binary(max_size=200), st.sampled_from(["m.gguf", "w.safetensors"]))
def test_any_bytes_are_refused_or_pass_and_nothing_else_happens(tmp_path_factory, data, name):
    path = tmp_path_factory.getbasetemp() / "any"
    for content in (data, b"GGUF" + data, len(data).to_bytes(8, "little") + data):
        try:
            look(path, content, name)
        except Refused:
            continue


def test_a_link_or_a_folder_is_no_plain_file(tmp_path):
    (tmp_path / "file").write_bytes(gguf(24))
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "folder").mkdir()
    assert plain_size(tmp_path / "file", "file") == 24
    for name in ("link", "folder", "nothing"):
        with pytest.raises(Refused):
            plain_size(tmp_path / name, name)
