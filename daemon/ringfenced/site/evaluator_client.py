"""A caller's own evaluator: a process of this site that serves ringfence.v1.Evaluator.

It is reached over a unix socket, whose folder's permissions say who may listen there, or over TCP with mTLS. What it is
shown is bounded by a label of its own (`evaluating.Judge.label_max`). Protobuf stops here.
"""

from __future__ import annotations

import re
from typing import Final

import grpc
import grpc.aio

from ringfence import tls
from ringfence.renewal import AsyncChannel, Certificates
from ringfence.v1 import evaluator_pb2 as pb
from ringfence.v1 import types_pb2 as types
from ringfence.v1.evaluator_pb2_grpc import EvaluatorStub
from ringfence.wire import label_to
from ringfenced.api.encode import target_to_pb
from ringfenced.engines.wire import message_to_wire
from ringfenced.evaluate import Case, Opinion
from ringfenced.learn.segment import DIGITS
from ringfenced.model import Candidate
from ringfenced.way import Way

MESSAGE_BYTES_MAX: Final = 256 * 1024 * 1024
"""Longest request to it, in bytes: the largest that the daemon itself can be configured to take."""

_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""What a reason may be: it stands in logs and receipts, so that it must not carry content."""


class EvaluatorClient:
    """Implements `evaluating.Asking`; belongs to one loop."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """Ask over `channel`; whoever opened it closes it."""
        self._evaluate = EvaluatorStub(channel).Evaluate

    def cost_microcredits_max(self, way: Way, rung: Candidate) -> int:  # noqa: ARG002 - whatever it judges
        """Nothing: it is the site's own."""
        return 0

    async def judge(self, case: Case, way: Way, rung: Candidate, seconds_max: float) -> Opinion | None:
        """What the process says; None where it has nothing to say.

        Raises:
            grpc.aio.AioRpcError: it is away, late or failed.
        """
        said = await self._evaluate(_request(case, way, rung), timeout=seconds_max)
        if not said.HasField("score"):
            return None
        return Opinion(said.score, said.reason if _is_word(said.reason) else "")


def _is_word(reason: str) -> bool:
    """Whether a reason is a program's word; what has four digits in a row may be the number of a person's."""
    return _WORD.fullmatch(reason) is not None and DIGITS.search(reason) is None


def open_channel(target: str, certificates: Certificates | None, server_name: str) -> grpc.aio.Channel:
    """A channel to an evaluator; nothing is connected before the first call.

    Args:
        target: ``unix:/path``, or ``host:port``.
        certificates: ours; None over a unix socket.
        server_name: the DNS name in its certificate; empty for the target's own.
    """
    options = tls.channel_options(MESSAGE_BYTES_MAX, server_name)
    if certificates is None:
        return grpc.aio.insecure_channel(target, options=options)
    return AsyncChannel(certificates, lambda credentials: grpc.aio.secure_channel(target, credentials, options=options))


def _request(case: Case, way: Way, rung: Candidate) -> pb.EvaluateRequest:
    assert way.classification is not None
    return pb.EvaluateRequest(
        task=way.request.task,
        messages=map(message_to_wire, case.prompt.messages),
        answer=case.answer.text,
        tool_calls=[
            types.ToolCall(id=call.id, name=call.name, arguments_json=call.arguments_json)
            for call in case.answer.tool_calls
        ],
        json_schema=case.prompt.json_schema,
        label=label_to(way.classification.label),
        target=target_to_pb(rung.target),
    )
