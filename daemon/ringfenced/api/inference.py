"""`ringfence.v1.Inference`: what applications call."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from contextlib import aclosing, nullcontext

from ringfence.v1 import inference_pb2 as pb
from ringfence.v1 import inference_pb2_grpc as pb_grpc
from ringfence.wire import label_to
from ringfenced.api.call import Context, Door, answering, refuse
from ringfenced.api.decode import Limits, decode, decode_prompt
from ringfenced.api.embedding import decode_embedding, encode_embedding
from ringfenced.api.encode import Encoder, contributions_to_pb, decision_to_pb, findings_to_pb
from ringfenced.api.routing import Teaching, take_feedback
from ringfenced.decide import label_deidentified
from ringfenced.errors import DeadlineExceeded
from ringfenced.flow import Flow
from ringfenced.model import CallerRole, Request
from ringfenced.nouns import Directory
from ringfenced.policy import Act


class InferenceService(pb_grpc.InferenceServicer):
    """Decodes, hands to the flow, encodes."""

    def __init__(self, flow: Flow, directory: Directory, door: Door, limits: Limits, teaching: Teaching) -> None:
        """Wire.

        Args:
            flow: the way of a request.
            directory: for counting tokens.
            door: who may call what.
            limits: bounds on a request.
            teaching: who learns from what callers say of answers.
        """
        self._teaching = teaching
        self._flow = flow
        self._directory = directory
        self._door = door
        self._limits = limits
        self._ids = secrets.token_hex(8)
        self._count = itertools.count(1)

    async def Generate(self, request: pb.GenerateRequest, context: Context) -> None:  # type: ignore[override]
        """Run one request and stream its events."""
        encode, write = Encoder().encode, context.write
        try:
            identity = self._door.asking(context).identity
            asked = self._decode(request, context)
            # gRPC's own deadline cancels this task, and a local engine keeps the request's; a timer is for what neither
            # sees: a tighter one that the caller wrote into the request.
            limit = asyncio.timeout(request.deadline_ms / 1000) if request.deadline_ms else nullcontext()
            async with limit, aclosing(self._flow.generate(asked, identity)) as events:
                async for event in events:
                    await write(encode(event))
        except TimeoutError:
            await refuse(context, DeadlineExceeded("The request's deadline_ms ran out. Give it more time."))
        except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the caller gets a status
            await refuse(context, error)

    @answering
    async def Plan(self, request: pb.PlanRequest, context: Context) -> pb.PlanResponse:
        """Classify, decide and price without running."""
        identity = self._door.admit(context, Act.PLAN, CallerRole.CALLER).identity
        asked = self._decode(request.request, context)
        classification, decision, wallet = await self._flow.plan(asked, identity)
        return pb.PlanResponse(
            label=label_to(classification.label),
            findings=findings_to_pb(classification.distinct),
            decision=decision_to_pb(decision),
            label_deidentified=label_to(label_deidentified(classification)),
            wallet_available_microcredits=wallet.available_microcredits,
            contributions=contributions_to_pb(classification.contributions),
        )

    @answering
    async def Embed(self, request: pb.EmbedRequest, context: Context) -> pb.EmbedResponse:
        """Embed texts."""
        caller = self._door.asking(context)
        asked = decode_embedding(request, self._new_id(), time.monotonic(), context.time_remaining(), self._limits)
        limit = asyncio.timeout(request.deadline_ms / 1000) if request.deadline_ms else nullcontext()
        try:
            async with limit, aclosing(self._flow.generate(asked, caller.identity)) as events:
                return await encode_embedding(events)
        except TimeoutError:
            raise DeadlineExceeded("The request's deadline_ms ran out. Give it more time.") from None

    @answering
    async def CountTokens(self, request: pb.CountTokensRequest, context: Context) -> pb.CountTokensResponse:
        """Count a prompt's tokens on a local model."""
        self._door.admit(context, Act.PLAN, CallerRole.CALLER)
        prompt = decode_prompt(request.messages, request.tools, self._limits)
        name = request.model or self._directory.default_model()
        self._directory.check_model(name)
        with self._directory.place(name, seconds_max=context.time_remaining(), salt=b"") as place:
            while await place.wait() is not None:
                pass
            tokens = await place.engine.count(prompt)
        return pb.CountTokensResponse(
            tokens=tokens, context_tokens_max=self._directory.context_tokens_max(name), model=name
        )

    @answering
    async def Feedback(self, request: pb.FeedbackRequest, context: Context) -> pb.FeedbackResponse:
        """Take what a caller says of an earlier answer of its department's."""
        await take_feedback(self._teaching, self._door.admit(context, Act.FEEDBACK, CallerRole.CALLER), request)
        return pb.FeedbackResponse()

    def _new_id(self) -> str:
        """An id that no other process makes: 64 random bits for this one and a count."""
        return f"{self._ids}{next(self._count):08x}"

    def _decode(self, request: pb.GenerateRequest, context: Context) -> Request:
        """The request. Whoever sent it was admitted before: the unknown make nobody work, and learn nothing."""
        return decode(request, self._new_id(), time.monotonic(), context.time_remaining(), self._limits)
