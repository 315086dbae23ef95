"""Models in Hugging Face's layout."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.weights import BadModelFile
from ringfenced.weights.folders import read_hf_folder
from ringfenced.weights.from_hf import shape_of_hf
from ringfenced.weights.safetensors import StoredTensor

LLAMA = {
    "model_type": "llama",
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 128,
    "vocab_size": 100,
    "max_position_embeddings": 2048,
}
NAMES = (
    "model.embed_tokens.weight",
    "model.layers.0.mlp.up_proj.weight",
    "model.layers.1.mlp.up_proj.weight",
    "model.norm.weight",
    "lm_head.weight",
)


def write(path, names, elements=4):
    size = 2 * elements
    header = {
        name: {"dtype": "BF16", "shape": [elements], "data_offsets": [number * size, (number + 1) * size]}
        for number, name in enumerate(names)
    }
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(size * len(names)))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    write(tmp_path / "model.safetensors", NAMES)
    return tmp_path


def shape(tensors=(), **values):
    return shape_of_hf(LLAMA | values, tensors, has_chat_template=False)


def test_a_folder_is_a_model(folder):
    found = read_hf_folder(folder)
    assert (found.format, found.architecture, found.vocabulary, found.context_trained) == (
        "safetensors",
        "llama",
        100,
        2048,
    )
    assert (found.input_bytes, found.output_bytes, [layer.weights_bytes for layer in found.layers]) == (8, 16, [8, 8])
    assert {(layer.key_elements, layer.value_elements) for layer in found.layers} == {(32, 32)}
    assert (found.quantization, found.is_tied, found.has_chat_template) == ("bf16", False, False)


def test_several_files_are_one_model(folder):
    write(folder / "model-1.safetensors", NAMES[:2])
    write(folder / "model-2.safetensors", NAMES[2:])
    (folder / "model.safetensors").unlink()
    files = {name: f"model-{1 if name in NAMES[:2] else 2}.safetensors" for name in NAMES}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}))
    assert read_hf_folder(folder).weights_bytes == 40
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": files | {"x": "model-1.safetensors"}})
    )
    with pytest.raises(BadModelFile, match="'x'"):
        read_hf_folder(folder)


def test_chat_templates_and_pooling_are_found(folder):
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ messages }}"}))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling/config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    found = read_hf_folder(folder)
    assert found.has_chat_template
    assert (found.pooling, found.is_embedding) == ("mean", True)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(BadModelFile, match=name.replace(".", r"\.")):
        read_hf_folder(folder)


def test_a_cut_file_is_refused(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadModelFile, match="too short"):
        read_hf_folder(folder)


def test_windows_by_list_by_pattern_and_for_all():
    layers = [layer.is_windowed for layer in shape(sliding_window=512).layers]
    assert layers == [True, True]
    kinds = ["sliding_attention", "full_attention"]
    assert [layer.is_windowed for layer in shape(sliding_window=512, layer_types=kinds).layers] == [True, False]
    assert [layer.is_windowed for layer in shape(sliding_window=512, sliding_window_pattern=2).layers] == [True, False]
    assert shape(sliding_window=512, use_sliding_window=False).window is None
    late = shape(sliding_window=512, use_sliding_window=True, max_window_layers=1)
    assert [layer.is_windowed for layer in late.layers] == [False, True]


def test_latent_attention_keeps_one_row():
    found = shape(kv_lora_rank=512, qk_rope_head_dim=64)
    assert {(layer.key_elements, layer.value_elements) for layer in found.layers} == {(576, 0)}


def test_recurrent_layers_have_a_state():
    found = shape(model_type="mamba", state_size=16, conv_kernel=4, intermediate_size=128)
    assert {(layer.key_elements, layer.state_bytes) for layer in found.layers} == {(0, 4 * (3 * 128 + 16 * 128))}
    hybrid = shape(layers_block_type=["mamba", "attention"], mamba_d_state=16, mamba_d_conv=4, mamba_expand=2)
    assert [bool(layer.state_bytes) for layer in hybrid.layers] == [True, False]


def test_a_model_that_sees_has_its_figures_one_level_down():
    config = {"model_type": "seer", "text_config": LLAMA, "vision_config": {}}
    tensors = [StoredTensor("vision_tower.layers.0.weight", "F16", (4,), 8)]
    found = shape_of_hf(config, tensors, has_chat_template=False)
    assert (found.input_bytes, len(found.layers)) == (8, 2)


VALUES = st.one_of(
    st.none(), st.integers(-9, 2**40), st.booleans(), st.text(max_size=3), st.floats(), st.lists(st.text())
)
KEYS = (*LLAMA, "sliding_window", "layer_types", "head_dim", "kv_lora_rank", "text_config", "sliding_window_pattern")


@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5))
def test_any_configuration_gives_a_shape_or_the_typed_error(values):
    with contextlib.suppress(BadModelFile):
        shape(**values)
