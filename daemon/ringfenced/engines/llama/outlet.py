"""From the tokens of one answer to what its caller gets: text, pieces of tool calls, log-probabilities."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from random import SystemRandom
from string import ascii_letters, digits

from ringfence.v1 import engine_pb2, types_pb2
from ringfenced.engines.llama.calls import Arguments, Begin, CallParser, Piece
from ringfenced.engines.server import Connection
from ringfenced.engines.text import TextAssembler

_ID_CHARACTERS = ascii_letters + digits
_ID_LENGTH = 9
"""As Mistral's chat templates demand it."""

_RANDOM = SystemRandom()


def call_id() -> str:
    """Return a name for a call that no other has."""
    return "".join(_RANDOM.choices(_ID_CHARACTERS, k=_ID_LENGTH))


class Outlet:
    """Sends one answer's tokens on as they may be shown."""

    __slots__ = (
        "_calls",
        "_connection",
        "_decoded",
        "_index",
        "_marks",
        "_new_id",
        "_sequence",
        "_text",
        "_told",
        "_unsent",
    )

    def __init__(
        self,
        connection: Connection,
        sequence: int,
        stops: Sequence[str] = (),
        *,
        calls: CallParser | None = None,
        marks: Mapping[int, bytes] | None = None,
        new_id: Callable[[], str] = call_id,
    ) -> None:
        """Begin an answer.

        Args:
            connection: where it goes.
            sequence: its number there.
            stops: the answer ends before the first of these.
            calls: reads tool calls; None where no tools are shown.
            marks: bytes of the control tokens that stand around calls; None for none.
            new_id: names a call.
        """
        self._connection = connection
        self._sequence = sequence
        self._text = TextAssembler(stops)
        self._calls = calls
        self._marks = marks or {}
        self._new_id = new_id
        self._index = -1
        self._unsent = 0
        self._decoded = 0
        self._told: deque[tuple[int, types_pb2.TokenLogprob]] = deque()
        """Log-probabilities that were not sent yet, with the place in the text up to which each belongs."""

    @property
    def reason(self) -> types_pb2.FinishReason.ValueType:
        """Why an answer ends that the model ends by itself."""
        is_call = self._calls is not None and self._calls.called
        return types_pb2.FINISH_REASON_TOOL_CALLS if is_call else types_pb2.FINISH_REASON_STOP

    def push(self, token: int, piece: bytes, logprob: types_pb2.TokenLogprob | None = None) -> bool:
        """Take a token; send what may be shown; return whether a stop string has ended the answer.

        Args:
            token: the token.
            piece: its bytes.
            logprob: its log-probability, where that is asked for.
        """
        self._unsent += 1
        text, is_stopped = self._text.push(piece or self._marks.get(token, b""))
        self._decoded += len(text)
        if logprob is not None:
            self._told.append((self._decoded + self._text.held, logprob))
        if self._calls is None:
            if text:
                self._send(text, self._decoded)
        elif text:
            self._pass_on(self._calls.push(text), self._calls)
        if is_stopped and self._calls is not None:
            self._end(self._calls)
        return is_stopped

    def finish(self) -> None:
        """Send what was held back."""
        text = self._text.finish()
        self._decoded += len(text)
        if self._calls is not None:
            self._pass_on(self._calls.push(text), self._calls)
            self._end(self._calls)
        elif text:
            self._send(text, self._decoded)

    def _end(self, calls: CallParser) -> None:
        for rest in calls.finish():
            self._send(str(rest), self._decoded)

    def _pass_on(self, pieces: Sequence[Piece], calls: CallParser) -> None:
        shown = self._decoded - calls.held
        for piece in pieces:
            if isinstance(piece, Begin):
                self._index += 1
                self._told.clear()
                self._call(id=self._new_id(), name=piece.name)
            elif isinstance(piece, Arguments):
                self._told.clear()
                self._call(arguments_json=piece.text)
            else:
                self._send(piece, shown)

    def _call(self, **fields: str) -> None:
        self._connection.call(
            engine_pb2.EngineToolCallDelta(sequence=self._sequence, index=self._index, tokens=self._unsent, **fields)
        )
        self._unsent = 0

    def _send(self, text: str, shown: int) -> None:
        """Send text, and of the log-probabilities those of tokens that are shown whole."""
        told = []
        while self._told and self._told[0][0] <= shown:
            told.append(self._told.popleft()[1])
        self._connection.delta(self._sequence, text, self._unsent, told)
        self._unsent = 0
