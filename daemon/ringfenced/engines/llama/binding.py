"""llama.cpp's low-level API, wrapped once: a model, its tokenizer, and a context that decodes batches.

Bad use aborts the whole process, so what the library demands is asserted here: no empty batch, no token, position or
sequence out of range, no more outputs than sequences. One thread only.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as lib
from numpy.typing import NDArray

from ringfenced.engines.llama.breakdown import device_uses, memory_breakdown, results_bytes
from ringfenced.engines.llama.parameters import context_parameters, model_parameters
from ringfenced.weights.dryrun import LoadSettings

_LOG_LEVEL_ERROR = 4  # enum ggml_log_level
_ATTRIBUTES_CONTROL = 1 | 8  # enum llama_token_attr: UNKNOWN, CONTROL: what tokenizing reads only when asked to
_POOLED = frozenset({1, 2, 3})  # enum llama_pooling_type: MEAN, CLS, LAST
_NO_ADAPTERS: Mapping[str, Any] = MappingProxyType({})
_PIECE_BYTES_MAX = 4096
_META_BYTES_MAX = 64 * 1024


class LoadError(Exception):
    """A model that cannot be loaded; llama.cpp has printed why."""


class OutOfMemory(LoadError):
    """Its working memory cannot be had: a shorter context may fit."""


def _log_errors(level: int, text: bytes, _: Any) -> None:
    if level == _LOG_LEVEL_ERROR:
        sys.stderr.write(text.decode(errors="replace"))
        sys.stderr.flush()


LOG_ERRORS = lib.llama_log_callback(_log_errors)  # kept for as long as the library may call it


class LlamaModel:
    """The weights and the tokenizer of one GGUF file."""

    def __init__(
        self, path: Path, settings: LoadSettings, *, on_progress: Callable[[float], None] = lambda _: None
    ) -> None:
        """Load it.

        Args:
            path: the GGUF file; verified by whoever put it there.
            settings: which layers go where.
            on_progress: told the share that is read, 0 to 1.

        Raises:
            LoadError: llama.cpp does not take it.
        """
        lib.llama_log_set(LOG_ERRORS, ctypes.c_void_p(0))
        lib.llama_backend_init()
        devices = lib.llama_max_devices()
        if len(settings.tensor_split) > devices:
            parts = len(settings.tensor_split)
            raise LoadError(f"the layers are split over {parts} devices, llama.cpp takes {devices}")
        parameters = model_parameters(settings, is_dry=False)

        def told(share: float, _: Any) -> bool:
            on_progress(share)
            return True

        progress = lib.llama_progress_callback(told)  # kept until the file is read
        parameters.progress_callback = progress
        self.pointer = lib.llama_model_load_from_file(str(path).encode(), parameters)
        if not self.pointer:
            raise LoadError("llama.cpp cannot load the model file")
        self.vocab = lib.llama_model_get_vocab(self.pointer)
        self.tokens_n: int = lib.llama_vocab_n_tokens(self.vocab)
        """Size of the vocabulary."""
        self.context_trained: int = lib.llama_model_n_ctx_train(self.pointer)
        """Context that the model was trained for, in tokens."""
        self.heads: int = lib.llama_model_n_head(self.pointer)
        """Attention heads of a layer."""
        self.window: int = lib.llama_model_n_swa(self.pointer)
        """Tokens that a sliding window of its sees; 0 for none."""
        self.is_cuttable: bool = not (
            lib.llama_model_is_recurrent(self.pointer) or lib.llama_model_is_hybrid(self.pointer)
        )
        """Whether its memory of a sequence can be cut at any place."""
        self.bytes: int = lib.llama_model_size(self.pointer)
        """Size of the weights."""
        self.bos: int = lib.llama_vocab_bos(self.vocab)
        """Token that begins a sequence; -1 for none."""
        self._adds_bos = bool(lib.llama_vocab_get_add_bos(self.vocab)) and self.bos >= 0
        self._pieces: dict[int, bytes | None] = {}

    def adapter(self, path: Path) -> Any:
        """Load a LoRA adapter; it lives as long as the model.

        Raises:
            LoadError: llama.cpp does not take it, for example because it belongs to another model.
        """
        pointer = lib.llama_adapter_lora_init(self.pointer, str(path).encode())
        if not pointer:
            raise LoadError(f"llama.cpp cannot load the adapter {path.name}")
        return pointer

    def meta(self, key: str) -> str | None:
        """Return one value of the file's metadata as text; None where there is none."""
        buffer = ctypes.create_string_buffer(_META_BYTES_MAX)
        length = lib.llama_model_meta_val_str(self.pointer, key.encode(), buffer, _META_BYTES_MAX)
        return buffer.value.decode(errors="replace") if length >= 0 else None

    def chat_template(self) -> str:
        """Return the file's chat template; empty where there is none."""
        source = lib.llama_model_chat_template(self.pointer, None)
        return source.decode(errors="replace") if source else ""

    def token_text(self, token: int) -> str:
        """Return a token's text in the vocabulary; empty for no token (-1)."""
        if token < 0:
            return ""
        text: bytes = lib.llama_vocab_get_text(self.vocab, token)
        return text.decode(errors="replace")

    def control_texts(self) -> list[str]:
        """Return the texts of the tokens that steer the model, for example the one that ends a turn."""
        return [
            self.token_text(token)
            for token in range(self.tokens_n)
            if lib.llama_vocab_get_attr(self.vocab, token) & _ATTRIBUTES_CONTROL
        ]

    def tokenize(self, text: str, *, is_control: bool) -> list[int]:
        """Return a text's tokens.

        Args:
            text: the text.
            is_control: read the texts of control tokens as those tokens.
        """
        data = text.encode()
        length = len(data) + 8
        while True:
            buffer = (ctypes.c_int32 * length)()
            n = lib.llama_tokenize(self.vocab, data, len(data), buffer, length, False, is_control)  # noqa: FBT003
            if n >= 0:
                return buffer[:n]
            length = -n

    def tokenize_input(self, text: str) -> list[int]:
        """Return the tokens of a text that stands alone, with those that the model has around one."""
        data = text.encode()
        length = len(data) + 8
        while True:
            buffer = (ctypes.c_int32 * length)()
            n = lib.llama_tokenize(self.vocab, data, len(data), buffer, length, True, False)  # noqa: FBT003
            if n >= 0:
                return buffer[:n]
            length = -n

    def with_bos(self, tokens: list[int]) -> list[int]:
        """Return the tokens with the one that begins a sequence, where the model wants it, exactly once."""
        return [self.bos, *tokens] if self._adds_bos and tokens[:1] != [self.bos] else tokens

    def piece(self, token: int) -> bytes | None:
        """Return a token's bytes, part of a character perhaps; None for a token that ends the generation."""
        try:
            return self._pieces[token]
        except KeyError:
            piece = None if lib.llama_vocab_is_eog(self.vocab, token) else self._piece(token)
            self._pieces[token] = piece
            return piece

    def _piece(self, token: int) -> bytes:
        buffer = ctypes.create_string_buffer(_PIECE_BYTES_MAX)
        n = lib.llama_token_to_piece(self.vocab, token, buffer, _PIECE_BYTES_MAX, 0, False)  # noqa: FBT003
        assert n >= 0, "a token's text is longer than any known"
        return buffer.raw[:n]


class LlamaContext:
    """Working memory for many sequences in one cache, and the batch that is decoded in it."""

    def __init__(
        self,
        model: LlamaModel,
        settings: LoadSettings,
        *,
        threads: int,
        tied_bytes: int = 0,
        adapters: Mapping[str, Any] = _NO_ADAPTERS,
    ) -> None:
        """Allocate it.

        Args:
            model: the model.
            settings: how large, and how it is kept; the numbers of its sequences are 0 to ``settings.sequences``.
            threads: compute threads.
            tied_bytes: size of the embeddings, where they are the output's matrix too.
            adapters: LoRA adapters by name, from `LlamaModel.adapter`.

        Raises:
            OutOfMemory: llama.cpp does not get the memory.
            LoadError: the cache's type needs flash attention, or the model is none that makes one embedding of a text.
        """
        if settings.value_type.startswith("q") and not settings.uses_flash(model.heads):
            kind = settings.value_type
            raise LoadError(f"a cache of type {kind} needs flash attention; turn it on or leave it to the engine")
        parameters = context_parameters(settings, heads=model.heads, threads=threads)
        self.pointer = lib.llama_init_from_model(model.pointer, parameters)
        if not self.pointer:
            raise OutOfMemory("llama.cpp cannot allocate a context of this size")
        if settings.embeddings and lib.llama_pooling_type(self.pointer) not in _POOLED:
            raise LoadError("the model does not say how it makes one embedding of a text: mean, cls or last token")
        buffers = memory_breakdown(self.pointer)
        results = results_bytes(model.pointer, settings)
        self.uses = device_uses(buffers, model.bytes, results, tied_bytes) if buffers else ()
        """What it and the model take of each device, by llama.cpp's account; empty where the library does not tell."""
        self._adapters = adapters
        self._adapter = ""
        self._memory = lib.llama_get_memory(self.pointer)
        self._compute = lib.llama_decode if self._memory else lib.llama_encode
        self.is_pool = settings.is_pool
        """Whether all sequences share one pool of cells; else each has cells of its own."""
        self._model = model
        self._outputs_max = settings.outputs
        self.dimensions: int = lib.llama_model_n_embd_out(model.pointer)
        """Length of an embedding."""
        self._vocabulary = model.tokens_n
        batch_tokens = settings.batch_tokens
        self.batch_tokens = batch_tokens
        """Most tokens in one call of `decode`."""
        self._tokens = np.zeros(batch_tokens, np.int32)
        self._positions = np.zeros(batch_tokens, np.int32)
        self._counts = np.ones(batch_tokens, np.int32)
        self._owners = np.zeros(batch_tokens, np.int32)
        self._owner_pointers = self._owners.ctypes.data + 4 * np.arange(batch_tokens, dtype=np.uintp)
        self._outputs = np.zeros(batch_tokens, np.int8)
        self._batch = lib.llama_batch(
            n_tokens=0,
            token=self._tokens.ctypes.data_as(ctypes.POINTER(lib.llama_token)),
            embd=None,
            pos=self._positions.ctypes.data_as(ctypes.POINTER(lib.llama_pos)),
            n_seq_id=self._counts.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            seq_id=self._owner_pointers.ctypes.data_as(ctypes.POINTER(ctypes.POINTER(lib.llama_seq_id))),
            logits=self._outputs.ctypes.data_as(ctypes.POINTER(ctypes.c_int8)),
        )
        self._logits_at = 0
        self._logits = np.zeros((0, model.tokens_n), np.float32)

    def decode(
        self, tokens: Sequence[int], positions: Sequence[int], owners: Sequence[int], outputs: Sequence[int]
    ) -> int:
        """Compute one batch; four sequences of the same length, one entry a token.

        Args:
            tokens: the tokens.
            positions: each one's place in its sequence, from 0.
            owners: each one's sequence.
            outputs: 1 where the distribution of the next token is wanted, else 0.

        Returns:
            0; 1 where the cache has no room, which admission prevents; another number for a failure.
        """
        n = len(tokens)
        assert 0 < n <= self.batch_tokens
        assert sum(outputs) <= self._outputs_max
        self._tokens[:n] = tokens
        self._positions[:n] = positions
        self._owners[:n] = owners
        self._outputs[:n] = outputs
        self._batch.n_tokens = n
        result: int = self._compute(self.pointer, self._batch)
        return result

    def use(self, adapter: str) -> None:
        """Decode what follows with a LoRA adapter; empty for none."""
        if adapter == self._adapter:
            return
        pointers = [self._adapters[adapter]] if adapter else []
        array = (lib.llama_adapter_lora_p_ctypes * 1)(*pointers)
        result = lib.llama_set_adapters_lora(self.pointer, array, len(pointers), (ctypes.c_float * 1)(1.0))
        assert result == 0
        self._adapter = adapter

    def logits(self, rows: int) -> NDArray[np.float32]:
        """Return the last batch's outputs in its order, shape (rows, vocabulary); valid until the next `decode`."""
        pointer = lib.llama_get_logits(self.pointer)
        address = ctypes.cast(pointer, ctypes.c_void_p).value
        assert address
        if address != self._logits_at:
            memory = (ctypes.c_float * (self._outputs_max * self._vocabulary)).from_address(address)
            self._logits = np.ctypeslib.as_array(memory).reshape(self._outputs_max, self._vocabulary)
            self._logits_at = address
        return self._logits[:rows]

    def pooled(self, owner: int) -> NDArray[np.float32]:
        """Return the embedding of a sequence of the last batch, shape (dimensions,); not of length 1."""
        pointer = lib.llama_get_embeddings_seq(self.pointer, owner)
        assert pointer
        return np.ctypeslib.as_array(pointer, (self.dimensions,)).copy()

    # ── what the cache holds ─────────────────────────────────────────────────────────────────────────────────────

    @property
    def is_cuttable(self) -> bool:
        """Whether a sequence can be cut at any place: recurrent layers know only its end."""
        return self._model.is_cuttable

    @property
    def window(self) -> int:
        """Tokens that a sliding window sees; 0 for none."""
        return self._model.window

    def copy(self, owner: int, to: int, tokens: int) -> None:
        """Let a sequence that is not there yet begin with the first tokens of another.

        In a pool they share the cells; where each sequence has cells of its own, they are copied.
        """
        if self.is_pool:
            lib.llama_memory_seq_cp(self._memory, owner, to, 0, tokens)
            return
        is_copied = self.restore(to, self.save(owner))
        assert is_copied, "an empty sequence takes the state of another"
        self.cut(to, tokens)

    def cut(self, owner: int, tokens: int) -> None:
        """Keep only the first tokens of a sequence."""
        is_cut = lib.llama_memory_seq_rm(self._memory, owner, tokens, -1)
        assert is_cut, "only what can be cut is"

    def remove(self, owner: int) -> None:
        """Take a whole sequence out of the cache, where there is one."""
        if not self._memory:
            return
        lib.llama_memory_seq_rm(self._memory, owner, -1, -1)

    def first(self, owner: int) -> int:
        """Return the first position of a sequence that is still there in all layers; -1 for an empty one."""
        first: int = lib.llama_memory_seq_pos_min(self._memory, owner)
        return first

    def save(self, owner: int) -> NDArray[np.uint8]:
        """Copy a sequence's state out."""
        state = np.empty(lib.llama_state_seq_get_size(self.pointer, owner), np.uint8)
        pointer = state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
        return state[: lib.llama_state_seq_get_data(self.pointer, pointer, len(state), owner)]

    def restore(self, owner: int, state: NDArray[np.uint8]) -> bool:
        """Copy a state into a sequence that is not there yet; return whether that went well."""
        pointer = state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
        return bool(lib.llama_state_seq_set_data(self.pointer, pointer, len(state), owner))
