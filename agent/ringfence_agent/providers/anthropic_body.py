"""The body of Anthropic's Messages API, from a payload. Pure.

Source: Anthropic API reference, "Create a Message", and its guide "Structured outputs". It has no names of speakers, no
seed, no penalties, no bias of single tokens and no name of a schema: these are left out. What the system says stands in
one place, before the turns.
"""

from __future__ import annotations

import json
from typing import Any

from ringfence_agent.payload import Message, Payload, PayloadError, Picture, Tool
from ringfence_agent.providers.bodies import Json, an_object, dump, set_only, system_texts, turns


def encode(payload: Payload, wire_model: str, tokens_max: int) -> bytes:
    """The exact body.

    Args:
        payload: what to say; a conversation.
        wire_model: the provider's name of the model.
        tokens_max: upper bound on generated tokens where the payload names none; this API demands one.

    Raises:
        PayloadError: arguments or a tool's schema are no object.
    """
    if payload.embedding_inputs:
        raise PayloadError("Anthropic has no embeddings")
    sampling = payload.sampling
    body: Json = {
        "model": wire_model,
        "max_tokens": tokens_max if sampling.tokens_max is None else sampling.tokens_max,
        "messages": [{"role": role, "content": said} for role, said in turns(payload.messages, _role, _blocks)],
        "stream": True,
        **set_only(
            {
                "system": [_text(text) for text in system_texts(payload)] or None,
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "stop_sequences": list(sampling.stop) or None,
            }
        ),
    }
    if payload.tools:
        body["tools"] = [_tool(tool) for tool in payload.tools]
        body["tool_choice"] = _tool_choice(payload)
    if payload.json_schema:
        body["output_config"] = {"format": {"type": "json_schema", "schema": json.loads(payload.json_schema)}}
    return dump(body)


def _role(role: str) -> str:
    """A tool's results are the user's to tell."""
    return "assistant" if role == "assistant" else "user"


def _blocks(message: Message) -> list[Json]:
    """What a message says; empty texts are refused by the API, and say nothing."""
    said = [_part(part) for part in message.parts if part]
    if message.role == "tool":
        return [{"type": "tool_result", "tool_use_id": message.tool_call_id, "content": said}]
    calls = [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": an_object(call.arguments_json, "arguments")}
        for call in message.tool_calls
    ]
    return [*said, *calls]


def _part(part: str | Picture) -> Json:
    """A part."""
    if isinstance(part, Picture):
        source = {"type": "base64", "media_type": part.media_type, "data": part.base64()}
        return {"type": "image", "source": source}
    return _text(part)


def _text(text: str) -> Json:
    """A text."""
    return {"type": "text", "text": text}


def _tool(tool: Tool) -> Json:
    """A tool."""
    schema = an_object(tool.parameters_json_schema, "a tool's schema") or {"type": "object"}
    described = {"description": tool.description} if tool.description else {}
    return {"name": tool.name, **described, "input_schema": schema}


def _tool_choice(payload: Payload) -> dict[str, Any]:
    """Whether and which tool must be called."""
    if payload.tool_mode == "required":
        return {"type": "tool", "name": payload.tool_name} if payload.tool_name else {"type": "any"}
    return {"type": payload.tool_mode}
