"""Stands in for the llama engine's Outlet until that is there."""

from __future__ import annotations

from collections.abc import Sequence

from ringfence.v1 import types_pb2
from ringfenced.engines.server import Connection
from ringfenced.engines.text import TextAssembler


class Outlet:
    """Sends one answer's tokens on as they may be shown."""

    def __init__(self, connection: Connection, sequence: int, stops: Sequence[str] = ()) -> None:
        self._connection = connection
        self._sequence = sequence
        self._text = TextAssembler(stops)
        self._unsent = 0
        self._told: list[types_pb2.TokenLogprob] = []

    @property
    def reason(self) -> types_pb2.FinishReason.ValueType:
        """Why an answer ends that the model ends by itself."""
        return types_pb2.FINISH_REASON_STOP

    def push(self, token: int, piece: bytes, logprob: types_pb2.TokenLogprob | None = None) -> bool:  # noqa: ARG002
        """Take a token; send what may be shown; return whether a stop string has ended the answer."""
        self._unsent += 1
        if logprob is not None:
            self._told.append(logprob)
        text, is_stopped = self._text.push(piece)
        if text:
            self._send(text)
        return is_stopped

    def finish(self) -> None:
        """Send what was held back."""
        text = self._text.finish()
        if text:
            self._send(text)

    def _send(self, text: str) -> None:
        self._connection.delta(self._sequence, text, self._unsent)
        self._unsent = 0
