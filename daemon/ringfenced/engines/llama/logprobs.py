"""Log-probabilities of an answer's tokens in the model's own distribution: before temperature, penalties, grammar."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ringfence.v1 import types_pb2
from ringfenced.engines.llama.binding import LlamaModel

LIKELIEST_MAX = 20
"""Most tokens that are told beside the one drawn; OpenAI's bound."""


class Logprobs:
    """What one answer asks for."""

    __slots__ = ("_likeliest", "_model")

    def __init__(self, model: LlamaModel, likeliest: int) -> None:
        """Begin.

        Args:
            model: names the tokens.
            likeliest: how many of the likeliest tokens to tell beside each.
        """
        self._model = model
        self._likeliest = min(likeliest, model.tokens_n)

    def of(self, token: int, logprob: float, row: NDArray[np.float32], normaliser: float) -> types_pb2.TokenLogprob:
        """Tell of one token.

        Args:
            token: the token drawn.
            logprob: its log-probability.
            row: the logits that it was drawn from, shape (vocabulary,).
            normaliser: logarithm of the sum of their exponentials.
        """
        told = self._name(token, logprob)
        if self._likeliest:
            some = np.argpartition(row, -self._likeliest)[-self._likeliest :]
            for other in some[np.argsort(-row[some], kind="stable")].tolist():
                told.likeliest.append(self._name(other, float(row[other]) - normaliser))
        return told

    def _name(self, token: int, logprob: float) -> types_pb2.TokenLogprob:
        data = self._model.piece(token) or b""
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = ""
        return types_pb2.TokenLogprob(text=text, data=data, logprob=logprob)
