"""The bodies of OpenAI's chat completions and embeddings, from a payload. Pure.

Source: OpenAI API reference, "Create chat completion" and "Create embeddings". ``top_k``, ``min_p`` and
``repeat_penalty`` are not in it.
"""

from __future__ import annotations

import json
from typing import Any

from ringfence_agent.payload import Message, Payload, Picture, Sampling, Tool
from ringfence_agent.providers.bodies import dump


def encode(payload: Payload, wire_model: str, tokens_field: str) -> bytes:
    """The exact body.

    Args:
        payload: what to say.
        wire_model: the provider's name of the model.
        tokens_field: what the provider calls the upper bound on generated tokens.
    """
    return dump(
        _embeddings(payload, wire_model) if payload.embedding_inputs else _chat(payload, wire_model, tokens_field)
    )


def inputs(body: bytes) -> list[str]:
    """The texts that a body asks to embed."""
    return list(json.loads(body)["input"])


def _embeddings(payload: Payload, wire_model: str) -> dict[str, Any]:
    """Texts to embed; as numbers, because the SDK asks for Base64 otherwise."""
    body: dict[str, Any] = {
        "model": wire_model,
        "input": list(payload.embedding_inputs),
        "encoding_format": "float",
    }
    if payload.embedding_dimensions:
        body["dimensions"] = payload.embedding_dimensions
    return body


def _chat(payload: Payload, wire_model: str, tokens_field: str) -> dict[str, Any]:
    """A conversation."""
    body: dict[str, Any] = {
        "model": wire_model,
        "messages": [_message(message) for message in payload.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        **_sampling(payload.sampling, tokens_field),
    }
    if payload.tools:
        body["tools"] = [{"type": "function", "function": _function(tool)} for tool in payload.tools]
        body["tool_choice"] = _tool_choice(payload)
    if payload.json_schema:
        schema = {"name": payload.schema_name or "answer", "schema": json.loads(payload.json_schema), "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def _message(message: Message) -> dict[str, Any]:
    """One turn; a single text as it is, several as parts."""
    said: dict[str, Any] = {"role": message.role}
    if len(message.parts) == 1 and message.texts:
        said["content"] = message.texts[0]
    elif message.parts:
        said["content"] = [_part(part) for part in message.parts]
    else:
        said["content"] = None if message.tool_calls else ""
    if message.name:
        said["name"] = message.name
    if message.tool_calls:
        said["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments_json}}
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        said["tool_call_id"] = message.tool_call_id
    return said


def _part(part: str | Picture) -> dict[str, Any]:
    """A part."""
    if isinstance(part, Picture):
        return {"type": "image_url", "image_url": {"url": part.data_url()}}
    return {"type": "text", "text": part}


def _function(tool: Tool) -> dict[str, Any]:
    """A tool."""
    function: dict[str, Any] = {"name": tool.name, "description": tool.description}
    if tool.parameters_json_schema:
        function["parameters"] = json.loads(tool.parameters_json_schema)
    return function


def _tool_choice(payload: Payload) -> str | dict[str, Any]:
    """Whether and which tool must be called."""
    if payload.tool_mode == "required" and payload.tool_name:
        return {"type": "function", "function": {"name": payload.tool_name}}
    return payload.tool_mode


def _sampling(sampling: Sampling, tokens_field: str) -> dict[str, Any]:
    """What is set."""
    said: dict[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "seed": sampling.seed,
        tokens_field: sampling.tokens_max,
        "stop": list(sampling.stop) or None,
        "logit_bias": {str(token): bias for token, bias in sampling.logit_bias} or None,
    }
    return {name: value for name, value in said.items() if value is not None}
