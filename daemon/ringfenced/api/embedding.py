"""Texts to embed: an `EmbedRequest` becomes a valid `Request`, and what came of it an `EmbedResponse`."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ringfence.v1 import inference_pb2 as pb
from ringfenced.api.decode import Limits, decode_asked, wrong
from ringfenced.api.encode import receipt_to_pb, usage_to_pb
from ringfenced.errors import InvalidRequest
from ringfenced.model import Event, Finish, Message, Prompt, Receipt, Request, Role, Text, Vectors


def decode_embedding(
    request: pb.EmbedRequest, request_id: str, now_s: float, time_left_s: float | None, limits: Limits
) -> Request:
    """The request as a value; the arguments are those of `ringfenced.api.decode.decode`.

    Raises:
        InvalidRequest: with the path of the input that is wrong.
    """
    inputs = request.inputs
    if not inputs:
        raise wrong("inputs", "the request has no inputs; send at least one text.", "inputs_empty")
    if len(inputs) > limits.inputs_max:
        raise wrong(
            "inputs", f"{len(inputs)} inputs, at most {limits.inputs_max} are taken; send fewer.", "too_many_inputs"
        )
    for place, text in enumerate(inputs):
        if not text:
            raise wrong(f"inputs[{place}]", "an empty text; leave it out.", "input_empty")
    length = sum(map(len, inputs))
    if length > limits.text_chars_max:
        raise InvalidRequest(
            f"inputs: {length} characters, at most {limits.text_chars_max} are taken; send less.",
            reason="inputs_too_long",
            input_path="inputs",
            numbers={"characters": length, "characters_max": limits.text_chars_max},
        )
    prompt = Prompt(tuple(Message(Role.USER, (Text(text),)) for text in inputs), embeds=True)
    asked = pb.GenerateRequest(
        model=request.model,
        permission=request.permission if request.HasField("permission") else None,
        label=request.label if request.HasField("label") else None,
        priority=request.priority,
        deadline_ms=request.deadline_ms,
        source=request.source,
    )
    return decode_asked(asked, prompt, request_id=request_id, now_s=now_s, time_left_s=time_left_s, limits=limits)


async def encode_embedding(events: AsyncIterator[Event]) -> pb.EmbedResponse:
    """All that came of a request, in one message."""
    response = pb.EmbedResponse()
    async for event in events:
        if isinstance(event, Vectors):
            response.embeddings.extend(pb.Embedding(values=values) for values in event.values)
        elif isinstance(event, Finish):
            response.usage.CopyFrom(usage_to_pb(event.usage))
        elif isinstance(event, Receipt):
            response.receipt.CopyFrom(receipt_to_pb(event))
    return response
