"""Names that come from elsewhere and become paths."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.library.errors import Refused
from ringfenced.library.names import (
    Format,
    checked_name,
    checked_path,
    checked_paths,
    first_weights,
    format_of,
    missing_shards,
)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", ".hidden", "-x", "quarantine", "a" * 129, "a\n", "ä"])
def test_what_cannot_be_a_models_name_is_refused(name):
    with pytest.raises(Refused):
        checked_name(name)


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../x.gguf", "a/../b.gguf", "a//b.gguf", "./a", "a/.b", ".git/config", "a\\b\0",
     "a/b/c/d/e.json", "manifest.json", "x" * 201, "a\nb", "a.", "con /b "],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_refused(path):
    with pytest.raises(Refused):
        checked_path(path)


@pytest.mark.parametrize("path", ["pytorch_model.bin", "a/model.PT", "x.pth", "x.ckpt", "x.pkl"])
def test_pickles_are_refused_by_name_with_the_reason(path):
    with pytest.raises(Refused, match="pickles") as refused:
        checked_path(path)
    assert "safetensors or GGUF" in refused.value.advice[0]


@pytest.mark.parametrize("path", ["modeling_x.py", "lib.so", "all.tar"])
def test_what_could_be_run_is_refused(path):
    with pytest.raises(Refused, match="program"):
        checked_path(path)


def test_two_files_with_one_name_are_refused_whatever_their_case():
    with pytest.raises(Refused, match="one name"):
        checked_paths(["a.gguf", "A.gguf"])


def test_a_file_that_is_anothers_folder_is_refused():
    with pytest.raises(Refused, match="folder"):
        checked_paths(["a.gguf", "x", "x/y.json"])


@given(st.text(max_size=40))
def test_whatever_passes_stays_in_its_folder(path):
    """Resolved below any folder, it is still below it."""
    try:
        checked_path(path)
    except Refused:
        return
    parts = PurePosixPath("/library/m", path).parts
    assert parts[:3] == ("/", "library", "m")
    assert ".." not in parts
    assert not any(part.startswith(".") for part in path.split("/"))


def test_a_model_has_weights_of_one_kind():
    assert format_of(["a.gguf", "LICENSE"]) is Format.GGUF
    for files in (["LICENSE"], ["a.gguf", "b.safetensors"]):
        with pytest.raises(Refused):
            format_of(files)


def test_the_missing_parts_of_a_split_model_are_named():
    assert missing_shards(["m-00002-of-00003.gguf"]) == ("m-00001-of-00003.gguf", "m-00003-of-00003.gguf")
    assert missing_shards(["m.gguf"]) == ()


def test_an_engine_is_pointed_at_the_first_part_and_never_at_a_projector():
    assert first_weights(["mmproj-m.gguf", "m-00002-of-00002.gguf", "m-00001-of-00002.gguf"]) == "m-00001-of-00002.gguf"
    assert first_weights(["mmproj.gguf"]) is None
