"""Drawing tokens: one sampler per sequence, a chain of llama.cpp's, and a grammar beside it where one is asked for.

With a grammar the chain draws first and only the drawn token is checked; the grammar is laid over the whole
vocabulary only when that token is not allowed, which is rare and costs milliseconds.
"""

from __future__ import annotations

import ctypes
import math
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as lib
from numpy.typing import NDArray

from ringfence.v1 import types_pb2
from ringfenced.engines.llama.binding import LlamaContext, LlamaModel
from ringfenced.engines.llama.matcher import CANDIDATE, Matcher, candidates_of

_SEED_RANDOM = 0xFFFF_FFFF  # LLAMA_DEFAULT_SEED
_TOP_K_MAX = 2**31 - 1  # int32_t
_META_DEFAULTS = {"temperature": "temp", "top_p": "top_p", "top_k": "top_k", "min_p": "min_p"}


class BadSampling(ValueError):
    """Sampling that llama.cpp would not survive."""


class DeadEnd(RuntimeError):
    """The grammar allows no token at all."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to draw; the values that change nothing are the defaults."""

    temperature: float = 0.0
    """0 takes the likeliest token."""
    top_p: float = 1.0
    """Smallest set of tokens that has this probability together."""
    top_k: int = 0
    """This many likeliest tokens; 0 for all."""
    min_p: float = 0.0
    """Tokens with at least this share of the likeliest one's probability."""
    presence_penalty: float = 0.0
    """Off the logit of each token that the answer holds."""
    frequency_penalty: float = 0.0
    """Off it for each time."""
    repeat_penalty: float = 1.0
    """Divides or multiplies it."""
    seed: int = _SEED_RANDOM
    """Of the draw; this default takes a random one."""
    logit_bias: tuple[tuple[int, float], ...] = ()
    """Token and what is added to its logit."""

    @property
    def is_plain(self) -> bool:
        """Whether the likeliest token is taken as it stands, which needs no sampler."""
        return (
            self.temperature <= 0
            and not self.presence_penalty
            and not self.frequency_penalty
            and self.repeat_penalty == 1.0
            and not self.logit_bias
        )


def settings_from_wire(wire: types_pb2.Sampling, defaults: Mapping[str, float]) -> Settings:
    """Read a request's sampling.

    Args:
        wire: what the request asks.
        defaults: the model's own, from `defaults_of`.

    Raises:
        BadSampling: a value is not finite or out of its range.
    """
    names = ("temperature", "top_p", "top_k", "min_p", "presence_penalty", "frequency_penalty", "repeat_penalty")
    values: dict[str, Any] = {name: getattr(wire, name) for name in names if wire.HasField(name)}  # type: ignore[arg-type]  # names of fields
    if wire.HasField("seed"):
        values["seed"] = wire.seed % _SEED_RANDOM
    settings = Settings(**{**defaults, **values}, logit_bias=tuple(sorted(wire.logit_bias.items())))
    numbers = [*(getattr(settings, name) for name in names), *(bias for _, bias in settings.logit_bias)]
    if not all(map(math.isfinite, numbers)) or settings.repeat_penalty <= 0 or settings.top_k > _TOP_K_MAX:
        raise BadSampling("sampling out of range")
    return settings


def defaults_of(model: LlamaModel) -> dict[str, float]:
    """Return the sampling that the model's file recommends (GGUF keys ``general.sampling.*``); it may say nothing."""
    defaults: dict[str, float] = {}
    for name, key in _META_DEFAULTS.items():
        value = model.meta(f"general.sampling.{key}")
        if value is not None:
            defaults[name] = int(value) if name == "top_k" else float(value)
    return defaults


class Sampler:
    """Draws the tokens of one sequence; freed with the object."""

    def __init__(
        self, model: LlamaModel, context: LlamaContext, settings: Settings, grammar: Matcher | None, last: int
    ) -> None:
        """Build the chain.

        Args:
            model: the model.
            context: where it is decoded.
            settings: how to draw.
            grammar: binds the answer; None for none.
            last: how many of the answer's tokens the penalties look back at.
        """
        self._context = context
        self._grammar = grammar
        self._ids = np.arange(model.tokens_n, dtype=np.int32)
        self._candidates = np.zeros(model.tokens_n if grammar else 0, CANDIDATE)
        self.full_applications = 0
        """How often the grammar was laid over the whole vocabulary."""
        self._chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        weakref.finalize(self, lib.llama_sampler_free, self._chain)
        for link in _links(model, settings, last):
            lib.llama_sampler_chain_add(self._chain, link)

    def bind(self, grammar: Matcher) -> None:
        """Bind what follows to a grammar."""
        self._grammar = grammar
        self._candidates = np.zeros(len(self._ids), CANDIDATE)

    def draw(self, output: int, row: NDArray[np.float32]) -> int:
        """Draw the next token.

        Args:
            output: place in the last batch whose distribution is meant.
            row: that distribution's logits, shape (vocabulary,).

        Raises:
            DeadEnd: the grammar allows none.
        """
        if self._grammar is None:
            token: int = lib.llama_sampler_sample(self._chain, self._context.pointer, output)
            return token
        token = self._pick(row, None)
        if not self._grammar.allows(token):
            self.full_applications += 1
            token = self._pick(row, self._grammar)
        self._grammar.accept(token)
        lib.llama_sampler_accept(self._chain, token)
        return token

    def _pick(self, row: NDArray[np.float32], grammar: Matcher | None) -> int:
        candidates = self._candidates
        candidates["id"] = self._ids
        candidates["logit"] = row
        array = candidates_of(candidates)
        if grammar is not None:
            grammar.restrict(array)
            if not np.isfinite(candidates["logit"]).any():
                raise DeadEnd("the grammar allows no token")
        lib.llama_sampler_apply(self._chain, ctypes.byref(array))
        assert 0 <= array.selected < array.size
        token: int = array.data[array.selected].id
        return token


def _links(model: LlamaModel, settings: Settings, last: int) -> Iterator[Any]:
    """Yield the chain's samplers in llama.cpp's own order: bias, penalties, cuts, temperature, draw."""
    bias = [(token, value) for token, value in settings.logit_bias if token < model.tokens_n]
    if bias:
        array = (lib.llama_logit_bias * len(bias))(*(lib.llama_logit_bias(*pair) for pair in bias))
        yield lib.llama_sampler_init_logit_bias(model.tokens_n, len(bias), array)
    if settings.presence_penalty or settings.frequency_penalty or settings.repeat_penalty != 1.0:
        yield lib.llama_sampler_init_penalties(
            model.tokens_n, last, settings.repeat_penalty, settings.frequency_penalty, settings.presence_penalty
        )
    if settings.temperature <= 0:
        yield lib.llama_sampler_init_greedy()
        return
    if settings.top_k > 0:
        yield lib.llama_sampler_init_top_k(settings.top_k)
    if settings.top_p < 1:
        yield lib.llama_sampler_init_top_p(settings.top_p, 1)
    if settings.min_p > 0:
        yield lib.llama_sampler_init_min_p(settings.min_p, 1)
    yield lib.llama_sampler_init_temp(settings.temperature)
    yield lib.llama_sampler_init_dist(settings.seed)
