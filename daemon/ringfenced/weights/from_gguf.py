"""From a GGUF header to the shape of the model, by llama.cpp's rules (src/llama-model.cpp, src/llama-hparams.cpp)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from ringfenced.weights import architectures as known
from ringfenced.weights.bad import BadModelFile, shown
from ringfenced.weights.gguf import GgufHeader, Skipped, Tensor
from ringfenced.weights.shape import LayerShape, ModelShape

LAYERS_MAX: Final = 512
"""LLAMA_MAX_LAYERS."""
_FIGURE_MAX: Final = 1 << 31
"""No extent of a model comes near it."""
_LAYER = re.compile(r"^blk\.(\d{1,6})\.")
_INPUT = ("token_embd", "per_layer_token_embd", "position_embd", "token_types")
_POOLING = {0: "none", 1: "mean", 2: "cls", 3: "last", 4: "rank"}  # enum llama_pooling_type
_FLOAT_BYTES = 4
"""Recurrent states are kept in 32 bits."""
_PROJECTOR = "clip"
"""Architecture of a file that makes pictures readable."""


def shape_of_gguf(header: GgufHeader, tensors: Sequence[Tensor] | None = None) -> ModelShape:
    """Return the shape of the model in a GGUF file.

    Args:
        header: of the file, or of the first of its shards.
        tensors: of all shards; the header's if None.

    Raises:
        BadModelFile: a figure is missing or impossible.
    """
    return _Facts(header, header.tensors if tensors is None else tensors).shape()


class _Facts:
    """The figures of one file."""

    def __init__(self, header: GgufHeader, tensors: Sequence[Tensor]) -> None:
        self._values = header.values
        self._tensors = tensors
        self.architecture = header.architecture
        if not self.architecture:
            raise BadModelFile("missing", "it does not say which architecture it is of: it is no model, or damaged")
        self.is_projector = self.architecture == _PROJECTOR
        least = 0 if self.is_projector else 1
        self.layers = 0 if self.is_projector else self._figure("block_count", least=least, most=LAYERS_MAX)
        self.unused = self._figure("nextn_predict_layers", 0, most=max(0, self.layers - 1))
        self.embedding = 0 if self.is_projector else self._figure("embedding_length", least=1)
        self.heads = self._by_layer("attention.head_count", 0)
        self.kv_heads = self._by_layer("attention.head_count_kv", None) or self.heads
        first = self.heads[0] if self.heads else 0
        head = self.embedding // first if first else 0
        self.key = self._figure("attention.key_length", head) if first else 0
        self.value = self._figure("attention.value_length", head) if first else 0
        self.key_windowed = self._figure("attention.key_length_swa", self.key)
        self.value_windowed = self._figure("attention.value_length_swa", self.value)
        self.is_latent = bool(self._figure("attention.key_length_mla", 0))

    def shape(self) -> ModelShape:
        """Gather them."""
        by_layer, unused, before, behind = self._weights()
        template = self._values.get("tokenizer.chat_template")
        pooling = self._value("pooling_type")
        used = self._by_layer("expert_used_count", 0)
        windowed, window = self._windows()
        embeddings = next((tensor for tensor in self._tensors if tensor.name == "token_embd.weight"), None)
        has_cache = self.architecture not in known.ENCODERS and not self.is_projector
        return ModelShape(
            format="gguf",
            architecture=self.architecture,
            layers=tuple(
                self._layer(number, weights, is_windowed=windowed[number], has_cache=has_cache)
                for number, weights in enumerate(by_layer)
            ),
            input_bytes=before,
            output_bytes=behind,
            is_tied=not any(tensor.name == "output.weight" for tensor in self._tensors),
            embeddings_bytes=embeddings.bytes if embeddings else 0,
            embeddings_type=embeddings.type.name if embeddings else "",
            embedding=self.embedding,
            heads=max(self.heads, default=0),
            head_elements=self.key,
            feed_forward=self._feed_forward(max(used, default=0)),
            vocabulary=self._vocabulary(),
            context_trained=self._figure("context_length", 0) or None,
            window=window,
            experts=self._figure("expert_count", 0),
            experts_used=max(used, default=0),
            unused_bytes=unused,
            unused_layers=self.unused,
            quantization=self._quantization(),
            parameters=sum(tensor.elements for tensor in self._tensors),
            pooling=_POOLING.get(pooling) if isinstance(pooling, int) else None,
            has_chat_template=isinstance(template, str) and bool(template),
            is_projector=self.is_projector,
            has_cache=has_cache,
            is_cache_known=self.architecture in known.KNOWN - known.UNUSUAL,
        )

    # ── weights ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _weights(self) -> tuple[list[int], int, int, int]:
        """Return bytes by layer, of layers that are not loaded, before the first, and behind the last."""
        by_layer = [0] * (self.layers - self.unused)
        unused = before = behind = 0
        for tensor in self._tensors:
            match = _LAYER.match(tensor.name)
            layer = int(match[1]) if match and not self.is_projector else -1
            if layer >= self.layers:
                raise BadModelFile(
                    "malformed",
                    f"the tensor {shown(tensor.name)} is of a layer that the model does not have: the file is damaged",
                )
            if layer >= len(by_layer):
                unused += tensor.bytes
            elif layer >= 0:
                by_layer[layer] += tensor.bytes
            elif tensor.name.startswith(_INPUT):
                before += tensor.bytes
            else:
                behind += tensor.bytes
        return by_layer, unused, before, behind

    def _quantization(self) -> str:
        bytes_of = Counter[str]()
        for tensor in self._tensors:
            bytes_of[tensor.type.name] += tensor.bytes
        return bytes_of.most_common(1)[0][0] if bytes_of else ""

    # ── layers ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _layer(self, number: int, weights_bytes: int, *, is_windowed: bool, has_cache: bool) -> LayerShape:
        is_cached, is_recurrent = self._memory(number)
        heads = self.kv_heads[number] if has_cache and is_cached else 0
        key, value = (self.key_windowed, self.value_windowed) if is_windowed else (self.key, self.value)
        return LayerShape(
            weights_bytes,
            key_elements=heads * key,
            value_elements=0 if self.is_latent else heads * value,
            is_windowed=is_windowed and heads > 0,
            state_bytes=self._state_elements() * _FLOAT_BYTES if has_cache and is_recurrent else 0,
        )

    def _memory(self, number: int) -> tuple[bool, bool]:
        """Return whether a layer has a cache, and whether it has a recurrent state."""
        if self.architecture in known.BOTH:
            return True, True
        if self.architecture in known.RECURRENT:
            return False, True
        if self.architecture in known.WITHOUT_KEYS:
            has_keys = self.kv_heads[number] > 0
            is_nemotron = self.architecture.startswith("nemotron_h")
            is_plain = is_nemotron and self._by_layer("feed_forward_length", 0)[number] > 0
            return has_keys, not (has_keys or is_plain)
        if self.architecture in known.INTERVAL:
            listed = self._values.get(f"{self.architecture}.attention.recurrent_layers")
            if isinstance(listed, tuple) and len(listed) >= self.layers:
                return not listed[number], bool(listed[number])
            every = self._figure("full_attention_interval", 8 if self.architecture == "minimax-01" else 4, least=1)
            return (number + 1) % every == 0, (number + 1) % every != 0
        return number < self._layers_with_keys(), False

    def _layers_with_keys(self) -> int:
        """Return how many layers have keys of their own; the others read those of earlier ones."""
        if self.architecture == "gemma3n":
            return 20  # src/models/gemma3n.cpp
        if self.architecture == "gemma4":
            return self.layers - self._figure("attention.shared_kv_layers", 0, most=self.layers)
        return self.layers

    def _state_elements(self) -> int:
        """Return the numbers of a layer's recurrent state (llama_hparams::n_embd_r and n_embd_s)."""
        head, heads = self._figure("wkv.head_size", 0), max(self.heads[:1], default=0)
        if head:
            return self._figure("token_shift_count", 2) * self.embedding + self.embedding * head
        if kept := self._figure("shortconv.l_cache", 0):
            return self.embedding * (kept - 1)
        kernel = self._figure("ssm.conv_kernel", 0)
        if head := self._figure("kda.head_dim", 0):
            return 3 * (kernel - 1 if kernel else 3) * heads * head + head * head * heads
        if self.architecture == "minimax-01":
            return self.key * self.key * heads
        inner, state = self._figure("ssm.inner_size", 0), self._figure("ssm.state_size", 0)
        groups = self._figure("ssm.group_count", 0)
        return max(0, kernel - 1) * (inner + 2 * groups * state) + state * inner

    def _windows(self) -> tuple[list[bool], int | None]:
        """Return which layers have a window, and how long it is."""
        none = [False] * self.layers, None
        rule = known.WINDOWS.get(self.architecture)
        if rule is None or rule.layers not in {0, self.layers}:
            return none
        window = self._figure("attention.sliding_window", rule.tokens or 0)
        if rule.is_fixed and window:
            window = rule.tokens or window
        if not window:
            return none
        if self.architecture == "lfm2":
            return [heads > 0 for heads in self.kv_heads], window
        pattern = self._value("attention.sliding_window_pattern")
        if isinstance(pattern, tuple):
            if len(pattern) < self.layers:
                raise self._bad("attention.sliding_window_pattern")
            return [bool(one) for one in pattern[: self.layers]], window
        every = self._figure("attention.sliding_window_pattern", rule.every)
        full = 0 if rule.is_full_first else every - 1
        return [every == 0 or number % every != full for number in range(self.layers)], window

    # ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _feed_forward(self, used: int) -> int:
        dense = max(self._by_layer("feed_forward_length", 0), default=0)
        expert = max(self._by_layer("expert_feed_forward_length", 0), default=0)
        shared = self._figure("expert_shared_count", 0) or bool(self._figure("expert_shared_feed_forward_length", 0))
        return max(dense, (expert or dense) * (used + shared)) if used else dense

    def _vocabulary(self) -> int | None:
        tokens = self._values.get("tokenizer.ggml.tokens")
        if isinstance(tokens, Skipped):
            return tokens.elements
        return len(tokens) if isinstance(tokens, tuple) else self._figure("vocab_size", 0) or None

    def _value(self, key: str) -> object:
        return self._values.get(f"{self.architecture}.{key}")

    def _figure(self, key: str, default: int | None = None, *, least: int = 0, most: int = _FIGURE_MAX) -> int:
        value = self._value(key)
        if value is None and default is not None:
            return default
        if value is None:
            raise BadModelFile(
                "missing", f"it does not say {shown(f'{self.architecture}.{key}')}: convert the model again"
            )
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self._bad(key)
        return value

    def _by_layer(self, key: str, default: int | None) -> list[int]:
        """Return a figure that is the same for all layers, or one for each; none where there is no default."""
        value = self._value(key)
        if value is None:
            return [] if default is None else [default] * self.layers
        figures = value if isinstance(value, tuple) else (value,) * self.layers
        if len(figures) < self.layers:
            raise self._bad(key)
        checked = []
        for figure in figures[: self.layers]:
            if isinstance(figure, bool) or not isinstance(figure, int) or not 0 <= figure <= _FIGURE_MAX:
                raise self._bad(key)
            checked.append(figure)
        return checked

    def _bad(self, key: str) -> BadModelFile:
        return BadModelFile(
            "malformed", f"{shown(f'{self.architecture}.{key}')} is impossible: the file is damaged; fetch it again"
        )
