"""From a Hugging Face folder's config.json and tensors to the shape of the model, as vLLM would load it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ringfenced.weights.bad import BadModelFile, shown
from ringfenced.weights.safetensors import StoredTensor
from ringfenced.weights.shape import LayerShape, ModelShape

LAYERS_MAX: Final = 512
"""As for GGUF."""
_FIGURE_MAX: Final = 1 << 31
_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks)\.(\d{1,6})\.")
_INPUT = re.compile(r"(?:embed_tokens|word_embeddings|wte|tok_embeddings)\.weight$")
_OUTPUT = re.compile(r"(?:lm_head|output)\.weight$")
_FULL = {"full_attention", "attention", "full"}
_STATES = {"mamba", "mamba2", "falcon_mamba"}
_PROJECTOR = (
    "vision_tower.",
    "visual.",
    "vision_model.",
    "multi_modal_projector.",
    "model.vision_tower.",
    "model.visual.",
)


def shape_of_hf(
    config: Mapping[str, Any], tensors: Sequence[StoredTensor], *, has_chat_template: bool, pooling: str | None = None
) -> ModelShape:
    """Return the shape of a model in a Hugging Face folder.

    Args:
        config: its config.json.
        tensors: of all its safetensors files.
        has_chat_template: whether its tokenizer's files have one.
        pooling: what its pooling module says; None where it has none.

    Raises:
        BadModelFile: a figure is missing or impossible.
    """
    text = config.get("text_config")
    facts = _Facts(config if not isinstance(text, dict) else {**config, **text})
    layers = facts.figure("num_hidden_layers", "n_layer", "num_layers", least=1, most=LAYERS_MAX)
    weights, before, behind, sight = _weights(tensors, layers)
    embeddings = [tensor for tensor in tensors if _INPUT.search(tensor.name)]
    kinds = Counter[str]()
    for tensor in tensors:
        kinds[tensor.type] += tensor.bytes
    windows, window = facts.windows(layers)
    return ModelShape(
        format="safetensors",
        architecture=facts.text("model_type"),
        layers=tuple(facts.layer(number, weights[number], is_windowed=windows[number]) for number in range(layers)),
        input_bytes=before + sight,
        output_bytes=behind,
        is_tied=not any(_OUTPUT.search(tensor.name) for tensor in tensors),
        embeddings_bytes=sum(tensor.bytes for tensor in embeddings),
        embeddings_type=embeddings[0].type if embeddings else "",
        embedding=facts.figure("hidden_size", "n_embd", "d_model", least=1),
        heads=facts.heads,
        head_elements=facts.head,
        feed_forward=facts.figure("intermediate_size", "n_inner", default=0),
        vocabulary=facts.figure("vocab_size", default=0) or None,
        context_trained=facts.figure("max_position_embeddings", "n_positions", default=0) or None,
        window=window,
        experts=facts.figure("num_local_experts", "n_routed_experts", "num_experts", default=0),
        experts_used=facts.figure("num_experts_per_tok", default=0),
        quantization=_quantization(config, kinds),
        parameters=sum(_elements(tensor) for tensor in tensors),
        pooling=pooling,
        has_chat_template=has_chat_template,
        has_cache=facts.figure("is_encoder", default=0) == 0 and not facts.text("model_type").endswith("bert"),
        is_cache_known=not facts.has_unknown_memory,
    )


class _Facts:
    """The figures of one configuration."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self.heads = self.figure("num_attention_heads", "n_head", default=0)
        kv_heads = 1 if config.get("multi_query") is True else self.heads
        self.kv_heads = self.figure("num_key_value_heads", "num_kv_heads", default=kv_heads)
        width = self.figure("hidden_size", "n_embd", "d_model", least=1)
        self.head = self.figure("head_dim", default=width // self.heads if self.heads else 0)
        self.latent = self.figure("kv_lora_rank", default=0)
        self.rotated = self.figure("qk_rope_head_dim", default=0)
        self.kinds = config.get("layer_types") or config.get("layers_block_type")
        self.has_unknown_memory = any(
            name in config for name in ("index_topk", "linear_num_value_heads", "linear_attn_config", "wkv_head_size")
        )

    def layer(self, number: int, weights_bytes: int, *, is_windowed: bool) -> LayerShape:
        """Return one layer."""
        kind = self._kind(number)
        if self.text("model_type") in _STATES or (kind and kind not in _FULL and "attention" not in kind):
            return LayerShape(weights_bytes, state_bytes=self._state_bytes())
        if self.latent:
            return LayerShape(weights_bytes, key_elements=self.latent + self.rotated)
        elements = self.kv_heads * self.head
        return LayerShape(weights_bytes, elements, elements, is_windowed=is_windowed)

    def windows(self, layers: int) -> tuple[list[bool], int | None]:
        """Return which layers have a window, and how long it is."""
        window = self._config.get("sliding_window")
        if window is None or self._config.get("use_sliding_window") is False:
            return [False] * layers, None
        window = self.figure("sliding_window")
        if isinstance(self.kinds, list):
            return ["sliding" in (self._kind(number) or "") for number in range(layers)], window
        if every := self.figure("sliding_window_pattern", "_sliding_window_pattern", default=0):
            return [(number + 1) % every != 0 for number in range(layers)], window
        if self._config.get("use_sliding_window"):
            first = self.figure("max_window_layers", default=0)
            return [number >= first for number in range(layers)], window
        return [True] * layers, window

    def figure(self, *names: str, default: int | None = None, least: int = 0, most: int = _FIGURE_MAX) -> int:
        """Return the first of some figures that is there."""
        value = next((self._config[name] for name in names if self._config.get(name) is not None), default)
        if value is None:
            raise BadModelFile("missing", f"config.json does not say {shown(names[0])}: fetch the model again")
        if not isinstance(value, int) or not least <= int(value) <= most:
            raise BadModelFile("malformed", f"{shown(names[0])} in config.json is impossible: fetch it again")
        return int(value)

    def text(self, name: str) -> str:
        """Return a text; empty where there is none."""
        value = self._config.get(name)
        return value if isinstance(value, str) else ""

    def _kind(self, number: int) -> str:
        kinds = self.kinds
        kind = kinds[number] if isinstance(kinds, list) and number < len(kinds) else ""
        return kind if isinstance(kind, str) else ""

    def _state_bytes(self) -> int:
        """Return the recurrent state of a layer of Mamba, in 32 bits."""
        width = self.figure("hidden_size", "n_embd", "d_model", least=1)
        expanded = width * self.figure("expand", "mamba_expand", default=2)
        inner = self.figure("intermediate_size", default=expanded) if self.text("model_type") in _STATES else expanded
        kernel = self.figure("conv_kernel", "mamba_d_conv", default=4, least=1)
        state = self.figure("state_size", "mamba_d_state", default=16)
        groups = self.figure("n_groups", "mamba_n_groups", default=0)
        return 4 * ((kernel - 1) * (inner + 2 * groups * state) + state * inner)


def _weights(tensors: Sequence[StoredTensor], layers: int) -> tuple[list[int], int, int, int]:
    """Return bytes by layer, before the first, behind the last, and of what reads pictures."""
    by_layer = [0] * layers
    before = behind = sight = 0
    for tensor in tensors:
        match = _LAYER.search(tensor.name)
        if tensor.name.startswith(_PROJECTOR):
            sight += tensor.bytes
        elif match and int(match[1]) < layers:
            by_layer[int(match[1])] += tensor.bytes
        elif _INPUT.search(tensor.name):
            before += tensor.bytes
        else:
            behind += tensor.bytes
    return by_layer, before, behind, sight


def _quantization(config: Mapping[str, Any], kinds: Counter[str]) -> str:
    scheme = config.get("quantization_config")
    method = scheme.get("quant_method") if isinstance(scheme, dict) else None
    if isinstance(method, str):
        return method
    return kinds.most_common(1)[0][0].lower() if kinds else ""


def _elements(tensor: StoredTensor) -> int:
    product = 1
    for extent in tensor.shape:
        product *= extent
    return product
