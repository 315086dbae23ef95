"""From the model's values to the bytes that a permit is signed for, and to what it says. Pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, assert_never

from ringfence import permit
from ringfence.labels import join
from ringfence.v1 import egress_pb2, types_pb2
from ringfenced.model import File, Image, Json, Message, Part, Prompt, Role, Sampling, Terms, Text, Tool, ToolMode

if TYPE_CHECKING:
    from ringfenced.deidentify import Deidentified

_ROLE: Final = {role: types_pb2.Role.Value(f"ROLE_{role.name}") for role in Role}
_MODE: Final = {mode: types_pb2.ToolChoice.Mode.Value(f"MODE_{mode.name}") for mode in ToolMode}


def payload(prompt: Prompt) -> bytes:
    """The serialised EgressPayload of a prompt; the same prompt gives the same bytes.

    It checks nothing: that the prompt is de-identified is the type's word (``Deidentified``), and the agent's scan's.
    """
    if prompt.embeds:
        inputs = [part.text for message in prompt.messages for part in message.parts if isinstance(part, Text)]
        return egress_pb2.EgressPayload(embedding_inputs=inputs).SerializeToString(deterministic=True)
    message = egress_pb2.EgressPayload(
        messages=[_message(message) for message in prompt.messages],
        tools=[_tool(tool) for tool in prompt.tools],
        sampling=_sampling(prompt.sampling),
    )
    if prompt.tools or prompt.tool_name:
        message.tool_choice.CopyFrom(types_pb2.ToolChoice(mode=_MODE[prompt.tool_mode], name=prompt.tool_name))
    if prompt.json_schema:
        message.response_format.CopyFrom(
            types_pb2.ResponseFormat(json_schema=prompt.json_schema, name=prompt.schema_name)
        )
    return message.SerializeToString(deterministic=True)


def statement(
    payload: Deidentified, terms: Terms, data: bytes, *, now_unix_ms: int, nonce: bytes, key_id: str
) -> permit.Statement:
    """What the daemon signs.

    Args:
        payload: what only `ringfenced.deidentify` can make.
        terms: what the permit says besides.
        data: the payload's bytes.
        now_unix_ms: the wall clock.
        nonce: `permit.NONCE_BYTES` random bytes.
        key_id: name of the key that will sign.
    """
    return permit.Statement(
        payload_sha256=hashlib.sha256(data).digest(),
        payload_bytes=len(data),
        provider=terms.provider,
        model=terms.model,
        label=payload.label,
        label_before=join((payload.label_before, terms.label_before)),
        caller_pseudonym=terms.caller_pseudonym,
        department=terms.department,
        request_id=terms.request_id,
        issued_at_unix_ms=now_unix_ms,
        expires_at_unix_ms=now_unix_ms + permit.LIFETIME_MS,
        nonce=nonce,
        key_id=key_id,
        findings_by_type=terms.findings_by_type,
        decision_reason=terms.decision_reason,
        cost_microcredits_max=terms.cost_microcredits_max,
    )


def _message(message: Message) -> types_pb2.Message:
    return types_pb2.Message(
        role=_ROLE[message.role],
        parts=[_part(part) for part in message.parts],
        name=message.name,
        tool_calls=[
            types_pb2.ToolCall(id=call.id, name=call.name, arguments_json=call.arguments_json)
            for call in message.tool_calls
        ],
        tool_call_id=message.tool_call_id,
    )


def _part(part: Part) -> types_pb2.Part:
    """A part; a file that was decoded travels as its (de-identified) text, never as the bytes it came as."""
    match part:
        case Text():
            return types_pb2.Part(text=part.text)
        case Json():
            return types_pb2.Part(json=part.text)
        case Image():
            return types_pb2.Part(image=types_pb2.Image(data=part.data, media_type=part.media_type))
        case File():
            data = part.data if part.text is None else part.text.encode()
            return types_pb2.Part(file=types_pb2.File(data=data, media_type=part.media_type, name=part.name))
    assert_never(part)


def _tool(tool: Tool) -> types_pb2.Tool:
    return types_pb2.Tool(
        name=tool.name, description=tool.description, parameters_json_schema=tool.parameters_json_schema
    )


def _sampling(sampling: Sampling) -> types_pb2.Sampling:
    """None stays unset."""
    return types_pb2.Sampling(
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        min_p=sampling.min_p,
        presence_penalty=sampling.presence_penalty,
        frequency_penalty=sampling.frequency_penalty,
        repeat_penalty=sampling.repeat_penalty,
        seed=sampling.seed,
        tokens_max=sampling.tokens_max,
        stop=sampling.stop,
        logit_bias=dict(sampling.logit_bias),
    )
