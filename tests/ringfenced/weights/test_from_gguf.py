"""From headers to shapes: every kind of memory, and impossible figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.random_model import SMALL
from ringfenced.weights import BadModelFile
from ringfenced.weights.files import read_gguf_file
from ringfenced.weights.from_gguf import shape_of_gguf
from ringfenced.weights.gguf import GgufHeader, Tensor
from ringfenced.weights.types import BY_NAME

PLAIN = {
    "block_count": 4,
    "embedding_length": 64,
    "attention.head_count": 4,
    "attention.head_count_kv": 2,
    "feed_forward_length": 128,
    "context_length": 2048,
}


def header(architecture="llama", tensors=(), general=(), **values):
    figures = {f"{architecture}.{key.replace('__', '.')}": value for key, value in values.items()}
    plain = {f"{architecture}.{key}": value for key, value in PLAIN.items()}
    every = {"general.architecture": architecture} | plain | figures | dict(general)
    kept = {key: value for key, value in every.items() if value is not None}
    return GgufHeader(3, kept, tuple(tensors), 0, 0)


def shape(*arguments, **values):
    return shape_of_gguf(header(*arguments, **values))


def windowed(found):
    return [layer.is_windowed for layer in found.layers]


def test_a_plain_transformer(small_models):
    found = read_gguf_file(small_models["llama"]).shape
    recipe = SMALL["llama"]
    assert (found.architecture, len(found.layers), found.vocabulary) == ("llama", recipe.layers, 32_000)
    assert {(layer.key_elements, layer.value_elements) for layer in found.layers} == {(128, 128)}
    assert found.input_bytes == found.embeddings_bytes == 32_000 * recipe.width * 2
    assert found.output_bytes == found.input_bytes + 4 * recipe.width
    assert not found.is_tied
    assert found.has_chat_template
    assert found.is_cache_known
    assert not found.is_embedding
    assert found.quantization == "f16"


def test_all_bytes_of_all_tensors_are_somewhere(small_models):
    for path in small_models.values():
        model = read_gguf_file(path)
        assert model.shape.weights_bytes == sum(tensor.bytes for tensor in model.tensors)
        assert model.shape.parameters == sum(tensor.elements for tensor in model.tensors)


def test_windows(small_models):
    found = read_gguf_file(small_models["gemma3"]).shape
    assert found.window == 512
    assert windowed(found) == [True] * 5 + [False] + [True] * 2
    assert found.is_tied


@pytest.mark.parametrize(
    ("architecture", "values", "window", "expected"),
    [
        ("gemma3", {"attention__sliding_window": 512}, 512, [True] * 4),
        ("gemma2", {}, 4096, [True, False, True, False]),
        ("cohere2", {"attention__sliding_window": 4096}, 4096, [True, True, True, False]),
        ("llama4", {"attention__sliding_window": 1}, 8192, [True, True, True, False]),
        ("smallthinker", {"attention__sliding_window": 9}, 9, [False, True, True, True]),
        (
            "gpt-oss",
            {"attention__sliding_window": 128, "attention__sliding_window_pattern": 4},
            128,
            [True] * 3 + [False],
        ),
        ("gemma3", {}, None, [False] * 4),
        ("exaone4", {"attention__sliding_window": 128}, None, [False] * 4),
        ("llama", {"attention__sliding_window": 4096}, None, [False] * 4),
    ],
)
def test_windows_are_llama_cpps_where_the_file_does_not_list_them(architecture, values, window, expected):
    found = shape(architecture, **values)
    assert (found.window, windowed(found)) == (window, expected)


def test_latent_attention_keeps_no_values(small_models):
    found = read_gguf_file(small_models["deepseek2"]).shape
    assert {(layer.key_elements, layer.value_elements) for layer in found.layers} == {(128 + 16, 0)}
    assert (found.experts, found.experts_used) == (8, 2)


def test_recurrent_layers_have_a_state_and_no_cache(small_models):
    found = read_gguf_file(small_models["mamba"]).shape
    inner, state = 2 * SMALL["mamba"].width, SMALL["mamba"].state
    assert {(layer.key_elements, layer.state_bytes) for layer in found.layers} == {(0, 4 * (3 * inner + state * inner))}


def test_hybrid_models_have_both(small_models):
    found = read_gguf_file(small_models["jamba"]).shape
    assert [bool(layer.state_bytes) for layer in found.layers] == [True, True, True, False] * 2
    assert [bool(layer.key_elements) for layer in found.layers] == [False, False, False, True] * 2


def test_one_layer_in_so_many_has_a_cache():
    values = {"ssm__conv_kernel": 4, "ssm__inner_size": 128, "ssm__state_size": 16, "ssm__group_count": 2}
    found = shape("qwen3next", **values)
    assert [bool(layer.key_elements) for layer in found.layers] == [False, False, False, True]
    assert found.layers[0].state_bytes == 4 * (3 * (128 + 2 * 2 * 16) + 16 * 128)


@pytest.mark.parametrize(
    ("architecture", "values", "elements"),
    [
        ("rwkv6", {"wkv__head_size": 8, "token_shift_count": 2}, 2 * 64 + 64 * 8),
        ("lfm2", {"shortconv__l_cache": 3, "attention__head_count_kv": (0, 0, 2, 2)}, 64 * 2),
        ("kimi-linear", {"kda__head_dim": 8, "ssm__conv_kernel": 4, "attention__head_count_kv": (0, 4, 4, 4)}, 0),
        ("falcon-h1", {"ssm__conv_kernel": 4, "ssm__inner_size": 32, "ssm__state_size": 4}, 3 * 32 + 4 * 32),
    ],
)
def test_states_of_other_recurrent_layers(architecture, values, elements):
    expected = 3 * 3 * 4 * 8 + 8 * 8 * 4 if architecture == "kimi-linear" else elements
    assert shape(architecture, **values).layers[0].state_bytes == 4 * expected


def test_heads_may_differ_by_layer():
    found = shape("openelm", attention__head_count=(4, 4, 8, 8), attention__head_count_kv=(1, 2, 2, 4))
    assert [layer.key_elements for layer in found.layers] == [16, 32, 32, 64]
    assert found.heads == 8


def test_layers_that_share_the_keys_of_earlier_ones_have_none():
    found = shape("gemma4", attention__shared_kv_layers=1, attention__sliding_window=None)
    assert [bool(layer.key_elements) for layer in found.layers] == [True, True, True, False]


def test_encoders_keep_nothing():
    found = shape("bert", pooling_type=2)
    assert not any(layer.key_elements for layer in found.layers)
    assert (found.pooling, found.is_embedding, found.has_cache) == ("cls", True, False)


def test_layers_that_only_draft_are_not_loaded():
    tensors = [Tensor(f"blk.{number}.w", (32,), BY_NAME["f32"], 0, 128) for number in range(4)]
    found = shape(tensors=tensors, nextn_predict_layers=1)
    assert (len(found.layers), found.unused_layers, found.unused_bytes, found.weights_bytes) == (3, 1, 128, 384)


def test_a_projector_is_told_from_a_model():
    found = shape_of_gguf(GgufHeader(3, {"general.architecture": "clip"}, (), 0, 0))
    assert found.is_projector
    assert not found.layers


def test_an_unknown_architecture_says_that_its_cache_is_not_known():
    assert not shape("nextbigthing").is_cache_known
    assert not shape("deepseek32").is_cache_known


@pytest.mark.parametrize(
    "values",
    [
        {"block_count": None},
        {"block_count": 0},
        {"block_count": 513},
        {"block_count": "4"},
        {"block_count": True},
        {"block_count": -1},
        {"embedding_length": None},
        {"attention__head_count": (4, 4)},
        {"attention__head_count_kv": ("a",) * 4},
        {"attention__head_count_kv": (2**40,) * 4},
        {"context_length": 2**40},
        {"nextn_predict_layers": 4},
    ],
)
def test_impossible_figures_are_refused(values):
    with pytest.raises(BadModelFile):
        shape(**values)


def test_a_tensor_of_a_layer_that_is_not_there_is_refused():
    with pytest.raises(BadModelFile, match=r"blk\.4"):
        shape(tensors=[Tensor("blk.4.w", (32,), BY_NAME["f32"], 0, 128)])


def test_a_file_that_does_not_say_its_architecture_is_refused():
    with pytest.raises(BadModelFile, match="architecture"):
        shape_of_gguf(GgufHeader(3, {}, (), 0, 0))


VALUES = st.one_of(
    st.none(), st.integers(-(2**63), 2**64), st.integers(0, 64), st.booleans(), st.text(max_size=3), st.floats(),
    st.lists(st.one_of(st.integers(-5, 2**32), st.booleans(), st.text(max_size=2)), max_size=6).map(tuple),
)  # fmt: skip
KEYS = (
    "block_count", "embedding_length", "attention__head_count", "attention__head_count_kv", "attention__key_length",
    "attention__sliding_window", "attention__sliding_window_pattern", "ssm__inner_size", "ssm__conv_kernel",
    "expert_count", "expert_used_count", "feed_forward_length", "pooling_type", "full_attention_interval",
    "attention__recurrent_layers", "nextn_predict_layers", "context_length", "attention__key_length_mla",
)  # fmt: skip


@given(
    architecture=st.sampled_from(
        ["llama", "gemma3", "jamba", "qwen3next", "nemotron_h", "lfm2", "deepseek2", "bert", "x"]
    ),
    values=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6),
)
def test_any_figures_give_a_shape_or_the_typed_error(architecture, values):
    try:
        found = shape(architecture, **values)
    except BadModelFile:
        return
    assert all(layer.key_elements >= 0 <= layer.state_bytes for layer in found.layers)
