"""Grammars as llama.cpp runs them: compiled once, copied for each answer, and asked about tokens."""

from __future__ import annotations

import ctypes
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as lib
from numpy.typing import NDArray

from ringfenced.engines.llama.binding import LlamaModel
from ringfenced.engines.llama.gbnf import BadGrammar, check_grammar

COMPILED_MAX = 32
"""Compiled grammars that are kept."""

COMPILED_CHARS_MAX = 64 * 1024
"""Longest source of one that is kept."""

CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""llama.cpp's llama_token_data."""


class Matcher:
    """How far one answer has come in a grammar; freed with the object."""

    def __init__(self, pointer: Any) -> None:
        """Take over a grammar sampler."""
        self._pointer = pointer
        self._one = np.zeros(1, CANDIDATE)
        self._one_array = candidates_of(self._one)
        weakref.finalize(self, lib.llama_sampler_free, pointer)

    def copy(self) -> Matcher:
        """Return another that is as far."""
        return Matcher(lib.llama_sampler_clone(self._pointer))

    def allows(self, token: int) -> bool:
        """Whether the answer may go on with a token."""
        one = self._one
        one[0] = (token, 1.0, 0.0)
        lib.llama_sampler_apply(self._pointer, ctypes.byref(self._one_array))
        return bool(np.isfinite(one["logit"][0]))

    def restrict(self, candidates: Any) -> None:
        """Take the probability of every token that is not allowed; costs milliseconds for a whole vocabulary."""
        lib.llama_sampler_apply(self._pointer, ctypes.byref(candidates))

    def accept(self, token: int) -> None:
        """Go on with a token. It must be allowed: llama.cpp ends the process otherwise."""
        lib.llama_sampler_accept(self._pointer, token)

    def accept_all(self, tokens: Sequence[int]) -> bool:
        """Go on with each token as long as it is allowed; return whether all were."""
        for token in tokens:
            if not self.allows(token):
                return False
            self.accept(token)
        return True


class Grammars:
    """The grammars of one model that were used last."""

    def __init__(self, model: LlamaModel) -> None:
        """Begin with none."""
        self._model = model
        self._kept: OrderedDict[tuple[bytes, str], Matcher] = OrderedDict()

    def matcher(self, salt: bytes, key: str, source: Callable[[], str], *, keep: bool) -> Matcher:
        """Return a matcher at the beginning of an answer.

        Args:
            salt: what is kept is shared only within one salt: how fast an answer begins tells nothing of others'.
            key: tells the grammar from all others.
            source: makes its GBNF; called where it is not kept.
            keep: whether it may be kept; what is confidential may not.

        Raises:
            BadGrammar: it cannot be read or is over a bound.
        """
        kept = self._kept.get((salt, key))
        if kept is not None:
            self._kept.move_to_end((salt, key))
            return kept.copy()
        matcher = self._compile(source())
        if keep and len(key) <= COMPILED_CHARS_MAX:
            self._kept[salt, key] = matcher.copy()
            if len(self._kept) > COMPILED_MAX:
                self._kept.popitem(last=False)
        return matcher

    def _compile(self, source: str) -> Matcher:
        check_grammar(source)
        pointer = lib.llama_sampler_init_grammar(self._model.vocab, source.encode(), b"root")
        if not pointer:
            raise BadGrammar("a grammar that llama.cpp does not take")
        return Matcher(pointer)


def candidates_of(candidates: NDArray[Any]) -> Any:
    """The array as llama.cpp's samplers take it; it must outlive what is returned."""
    data = candidates.ctypes.data_as(ctypes.POINTER(lib.llama_token_data))
    return lib.llama_token_data_array(data=data, size=len(candidates), selected=-1, sorted=False)
