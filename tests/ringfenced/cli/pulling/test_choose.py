"""Which files make a model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.cli.exits import Failure
from ringfenced.cli.pulling.choose import choose, name_for
from ringfenced.cli.pulling.listing import Listing, Wanted
from ringfenced.library.names import checked_name


def listing(*paths, name="Repo"):
    return Listing("hf:org/repo", "r", name, tuple(Wanted(path) for path in paths))


def chosen(*paths, globs=()):
    return [one.path for one in choose(listing(*paths), globs)]


def test_the_only_gguf_model_is_taken_with_its_licence_and_nothing_else():
    assert chosen("m.gguf", "README.md", "LICENSE", "mmproj-m.gguf", "config.json") == ["LICENSE", "m.gguf"]


def test_a_projector_is_taken_where_it_is_named():
    assert chosen("m.gguf", "mmproj-m.gguf", globs=["*.gguf"]) == ["m.gguf", "mmproj-m.gguf"]


def test_a_split_model_is_one_model():
    parts = ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"]
    assert chosen(*parts) == parts
    assert chosen(*parts, "n.gguf", globs=["m-00001*"]) == parts


def test_two_kinds_of_weights_are_the_operators_to_choose():
    with pytest.raises(Failure) as refused:
        chosen("m.gguf", "model.safetensors")
    assert any("safetensors" in line for line in refused.value.advice)


def test_a_glob_that_fits_nothing_is_answered_with_what_there_is():
    with pytest.raises(Failure) as refused:
        chosen("m.gguf", globs=["*.nothing"])
    assert "m.gguf" in refused.value.advice[0]


def test_a_source_without_weights_is_refused():
    for paths in ([], ["README.md"]):
        with pytest.raises(Failure):
            chosen(*paths)


@pytest.mark.parametrize(
    ("paths", "name"),
    [
        (["q/Qwen3-8B-Q4_K_M.gguf"], "Qwen3-8B-Q4_K_M"),
        (["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"], "m"),
        (["model.gguf"], "Repo"),
        (["model.safetensors"], "Repo"),
        (["a b?.gguf"], "a-b"),
    ],
)
def test_a_model_is_called_as_its_file_or_its_source(paths, name):
    one = listing(*paths)
    assert name_for(one, one.files) == name


@given(st.text(max_size=200), st.text(max_size=50))
def test_whatever_a_source_is_called_the_name_can_be_one(path, name):
    checked_name(name_for(listing(f"{path}.gguf", name=name), (Wanted(f"{path}.gguf"),)))
