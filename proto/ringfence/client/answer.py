"""A whole answer, folded from the events of its stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import grpc

from ringfence.client.error import RingfenceCallError
from ringfence.v1.inference_pb2 import Finish, GenerateResponse
from ringfence.v1.types_pb2 import Decision, Receipt, ToolCall


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request came to."""

    text: str = field(repr=False)
    """The answer; empty where the model only called tools."""
    tool_calls: tuple[ToolCall, ...] = field(repr=False)
    """Calls that the model asks the caller to make."""
    decision: Decision
    """Where it ran, and why not elsewhere."""
    finish: Finish
    """How it ended, and what it used."""
    receipt: Receipt
    """What it cost, and the proof of what left."""


class Collector:
    """Folds events into an `Answer`; an escalation voids what came before it. Not for several tasks at once."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._calls: dict[int, ToolCall] = {}
        self._decision = Decision()
        self._finish: Finish | None = None
        self._receipt: Receipt | None = None

    def add(self, event: GenerateResponse) -> Self:
        """Take the next event."""
        match event.WhichOneof("event"):
            case "decision":
                self._decision = event.decision
            case "text":
                self._text.append(event.text.text)
            case "tool_call":
                delta = event.tool_call
                call = self._calls.setdefault(delta.index, ToolCall())
                call.id += delta.id
                call.name += delta.name
                call.arguments_json += delta.arguments_json
            case "escalation":
                self._text.clear()
                self._calls.clear()
            case "finish":
                self._finish = event.finish
            case "receipt":
                self._receipt = event.receipt
            case _:
                pass  # an error is repeated by the status; what a later version adds is not for us
        return self

    def answer(self) -> Answer:
        """The whole answer.

        Raises:
            RingfenceCallError: the stream ended well but without its finish or its receipt.
        """
        if self._finish is None or self._receipt is None:
            raise RingfenceCallError(
                grpc.StatusCode.INTERNAL,
                "the stream ended without a finish and a receipt: do not rely on this answer, and report the defect",
            )
        calls = tuple(self._calls[index] for index in sorted(self._calls))
        return Answer("".join(self._text), calls, self._decision, self._finish, self._receipt)
