"""llama.cpp's low-level API, wrapped once: a model, its tokenizer, and a context that decodes batches.

Bad use aborts the whole process, so what the library demands is asserted here: no empty batch, no token, position or
sequence out of range, no more outputs than sequences. One thread only.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as lib
from numpy.typing import NDArray

from ringfenced.engines.llama.breakdown import device_uses, memory_breakdown, results_bytes
from ringfenced.engines.llama.parameters import context_parameters
from ringfenced.weights.dryrun import LoadSettings

_LOG_LEVEL_ERROR = 4  # enum ggml_log_level
_ATTRIBUTES_CONTROL = 1 | 8  # enum llama_token_attr: UNKNOWN, CONTROL: what tokenizing reads only when asked to
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


_LOG_ERRORS = lib.llama_log_callback(_log_errors)  # kept for as long as the library may call it


class LlamaModel:
    """The weights and the tokenizer of one GGUF file."""

    def __init__(self, path: Path, *, gpu_layers: int, on_progress: Callable[[float], None] = lambda _: None) -> None:
        """Load it.

        Args:
            path: the GGUF file; verified by whoever put it there.
            gpu_layers: layers to hold on GPUs; negative for all.
            on_progress: told the share that is read, 0 to 1.

        Raises:
            LoadError: llama.cpp does not take it.
        """
        lib.llama_log_set(_LOG_ERRORS, ctypes.c_void_p(0))
        lib.llama_backend_init()
        parameters = lib.llama_model_default_params()
        parameters.n_gpu_layers = gpu_layers

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
        self.bytes: int = lib.llama_model_size(self.pointer)
        """Size of the weights."""
        self.bos: int = lib.llama_vocab_bos(self.vocab)
        """Token that begins a sequence; -1 for none."""
        self._adds_bos = bool(lib.llama_vocab_get_add_bos(self.vocab)) and self.bos >= 0
        self._pieces: dict[int, bytes | None] = {}

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
    """Working memory for many sequences in one unified cache, and the batch that is decoded in it."""

    def __init__(
        self,
        model: LlamaModel,
        *,
        cells: int,
        sequences: int,
        batch_tokens: int,
        threads: int,
        has_gpu: bool,
        tied_bytes: int = 0,
    ) -> None:
        """Allocate it.

        Args:
            model: the model.
            cells: tokens that all sequences together may hold.
            sequences: how many sequences; their numbers are 0 to this.
            batch_tokens: most tokens in one call of `decode`.
            threads: compute threads.
            has_gpu: whether layers of the model are on a GPU.
            tied_bytes: size of the embeddings, where they are the output's matrix too.

        Raises:
            OutOfMemory: llama.cpp does not get the memory.
        """
        settings = LoadSettings(cells, sequences, batch_tokens, gpu_layers=-1 if has_gpu else 0)
        parameters = context_parameters(settings, heads=model.heads, threads=threads)
        self.pointer = lib.llama_init_from_model(model.pointer, parameters)
        if not self.pointer:
            raise OutOfMemory("llama.cpp cannot allocate a context of this size")
        buffers = memory_breakdown(self.pointer)
        results = results_bytes(model.pointer, settings)
        self.uses = device_uses(buffers, model.bytes, results, tied_bytes) if buffers else ()
        """What it and the model take of each device, by llama.cpp's account; empty where the library does not tell."""
        self._memory = lib.llama_get_memory(self.pointer)
        self._sequences = sequences
        self._vocabulary = model.tokens_n
        self._batch_tokens = batch_tokens
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
        assert 0 < n <= self._batch_tokens
        assert sum(outputs) <= self._sequences
        self._tokens[:n] = tokens
        self._positions[:n] = positions
        self._owners[:n] = owners
        self._outputs[:n] = outputs
        self._batch.n_tokens = n
        result: int = lib.llama_decode(self.pointer, self._batch)
        return result

    def logits(self, rows: int) -> NDArray[np.float32]:
        """Return the last batch's outputs in its order, shape (rows, vocabulary); valid until the next `decode`."""
        pointer = lib.llama_get_logits(self.pointer)
        address = ctypes.cast(pointer, ctypes.c_void_p).value
        assert address
        if address != self._logits_at:
            size = self._sequences * self._vocabulary  # llama.cpp holds a row for each sequence at least
            memory = (ctypes.c_float * size).from_address(address)
            self._logits = np.ctypeslib.as_array(memory).reshape(self._sequences, self._vocabulary)
            self._logits_at = address
        return self._logits[:rows]

    def remove(self, owner: int) -> None:
        """Take a whole sequence out of the cache."""
        lib.llama_memory_seq_rm(self._memory, owner, -1, -1)
