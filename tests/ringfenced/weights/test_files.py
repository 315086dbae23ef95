"""GGUF models on disk: shards, digests, and what is no model file."""

from __future__ import annotations

import hashlib
import os

import pytest

from fakes.random_model import SMALL, write_model
from ringfenced.weights import BadModelFile
from ringfenced.weights.files import PIECE_BYTES, read_gguf_file, verify_model_file


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("shards") / "m.gguf", SMALL["llama"], shards=3, sparse=True)


def reason(path, *arguments):
    with pytest.raises(BadModelFile) as caught:
        verify_model_file(path, *arguments)
    assert caught.value.message.startswith(ascii(path.name))
    return caught.value.reason


def test_a_model_with_its_digest_passes(small_models):
    path = small_models["llama"]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    model = verify_model_file(path, digest)
    assert model.is_architecture_known
    assert model.file_bytes == path.stat().st_size
    assert reason(path, "0" * 64) == "digest"


def test_shards_are_one_model(shards, small_models):
    model, whole = read_gguf_file(shards), read_gguf_file(small_models["llama"])
    assert [path.name for path in model.paths] == [f"m-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    assert model.shape == whole.shape
    assert len(model.tensors) == len(whole.tensors)


def test_a_later_shard_is_no_model(shards):
    assert reason(shards.with_name("m-00002-of-00003.gguf")) == "missing"


def test_a_missing_shard_is_named(shards, tmp_path):
    (tmp_path / shards.name).symlink_to(shards)
    with pytest.raises(BadModelFile, match="m-00002-of-00003"):
        read_gguf_file(tmp_path / shards.name)


def test_a_first_shard_under_another_name_is_refused(shards, tmp_path):
    (tmp_path / "other.gguf").symlink_to(shards)
    assert reason(tmp_path / "other.gguf") == "missing"


def test_shards_in_each_others_place_are_refused(shards, tmp_path):
    for number, taken in ((1, 1), (2, 3), (3, 2)):
        (tmp_path / f"m-0000{number}-of-00003.gguf").symlink_to(shards.with_name(f"m-0000{taken}-of-00003.gguf"))
    with pytest.raises(BadModelFile, match="not the shard"):
        read_gguf_file(tmp_path / "m-00001-of-00003.gguf")


def test_what_is_no_file_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.gguf")
    (tmp_path / "folder.gguf").mkdir()
    assert reason(tmp_path / "pipe.gguf") == "foreign"
    assert reason(tmp_path / "folder.gguf") == "foreign"
    assert reason(tmp_path / "none.gguf") == "missing"


def test_a_file_cut_off_in_its_weights_is_refused(small_models, tmp_path):
    path = tmp_path / "cut.gguf"
    write_model(path, SMALL["qwen2"], sparse=True)
    os.truncate(path, path.stat().st_size - 4096)
    assert reason(path) == "truncated"


def test_a_header_longer_than_what_is_read_first_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("ringfenced.weights.files.PIECE_BYTES", 1000)
    path = write_model(tmp_path / "long.gguf", SMALL["llama"], sparse=True)
    assert read_gguf_file(path).shape.vocabulary == 32_000
    assert PIECE_BYTES > 1000


def test_garbage_of_any_length_is_refused(tmp_path):
    path = tmp_path / "garbage.gguf"
    path.write_bytes(b"GGUF" + b"\xff" * 100_000)
    assert reason(path) == "version"
    path.write_bytes(b"")
    assert reason(path) == "foreign"
