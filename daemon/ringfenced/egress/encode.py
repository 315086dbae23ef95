"""From the model's values to the bytes that a permit is signed for."""

from __future__ import annotations

from typing import Final, assert_never

from ringfence.v1 import egress_pb2, types_pb2
from ringfenced.model import File, Image, Json, Message, Part, Prompt, Role, Sampling, Text, Tool, ToolMode

_ROLE: Final = {role: types_pb2.Role.Value(f"ROLE_{role.name}") for role in Role}
_MODE: Final = {mode: types_pb2.ToolChoice.Mode.Value(f"MODE_{mode.name}") for mode in ToolMode}


def payload(prompt: Prompt) -> bytes:
    """The serialised EgressPayload of a prompt; the same prompt gives the same bytes.

    It checks nothing: that the prompt is de-identified is the type's word (``Deidentified``), and the agent's scan's.
    """
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
