"""The bodies of Google's Gemini API, from a payload. Pure.

Source: Gemini API reference, "models.streamGenerateContent" and "models.batchEmbedContents", and its guides "Function
calling" and "Thought signatures". It has no names of speakers, no bias of single tokens and no name of a schema: these
are left out. What the system says stands in one place, before the turns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Final

from ringfence_agent.payload import Message, Payload, PayloadError, Picture, Sampling, Tool, ToolCall
from ringfence_agent.providers.bodies import Json, an_object, dump, set_only, system_texts, turns

_MODES: Final[Mapping[str, str]] = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
_SEEDS: Final = 2**31
"""A seed is an int32 there; a larger one is brought into its range."""
_UNSIGNED: Final = "skip_thought_signature_validator"
"""Gemini 3 wants its own signature back with each call of a tool. The contract has no place for one, and this is what
Google's guide "Thought signatures" names for calls whose signature is not at hand."""
_SIGNS: Final = re.compile(r"gemini-(?:[3-9]|[1-9]\d)")
"""Models that want it."""


def encode(payload: Payload, wire_model: str) -> bytes:
    """The exact body.

    Args:
        payload: what to say.
        wire_model: the provider's name of the model; a chat's body does not hold it, its path does.

    Raises:
        PayloadError: arguments are no object, or a tool's result names no call of the conversation.
    """
    return dump(_embeddings(payload, wire_model) if payload.embedding_inputs else _chat(payload, wire_model))


def inputs(body: bytes) -> int:
    """How many texts a body asks to embed."""
    return len(json.loads(body)["requests"])


def _embeddings(payload: Payload, wire_model: str) -> Json:
    """Texts to embed, each a request of its own."""
    dimensions = set_only({"outputDimensionality": payload.embedding_dimensions or None})
    return {
        "requests": [
            {"model": f"models/{wire_model}", "content": {"parts": [{"text": text}]}, **dimensions}
            for text in payload.embedding_inputs
        ]
    }


def _chat(payload: Payload, wire_model: str) -> Json:
    """A conversation."""
    names = {call.id: call.name for message in payload.messages for call in message.tool_calls}
    signed = {"thoughtSignature": _UNSIGNED} if _SIGNS.match(wire_model) else {}
    said = turns(payload.messages, _role, partial(_parts, names=names, signed=signed))
    body: Json = {"contents": [{"role": role, "parts": parts} for role, parts in said]}
    if system := system_texts(payload):
        body["systemInstruction"] = {"parts": [{"text": text} for text in system]}
    if payload.tools:
        body["tools"] = [{"functionDeclarations": [_tool(tool) for tool in payload.tools]}]
        allowed = {"allowedFunctionNames": [payload.tool_name]} if _names_one(payload) else {}
        body["toolConfig"] = {"functionCallingConfig": {"mode": _MODES[payload.tool_mode], **allowed}}
    body["generationConfig"] = _sampling(payload.sampling)
    if payload.json_schema:
        schema = json.loads(payload.json_schema)
        body["generationConfig"] |= {"responseMimeType": "application/json", "responseJsonSchema": schema}
    return body


def _names_one(payload: Payload) -> bool:
    """Whether one tool must be called."""
    return payload.tool_mode == "required" and bool(payload.tool_name)


def _role(role: str) -> str:
    """A tool's results are the user's to tell."""
    return "model" if role == "assistant" else "user"


def _parts(message: Message, names: Mapping[str, str], signed: Mapping[str, str]) -> list[Json]:
    """What a message says."""
    if message.role == "tool":
        return [_result(message, names)]
    said = [_part(part) for part in message.parts if part]
    return [*said, *({**_call(call), **signed} for call in message.tool_calls)]


def _part(part: str | Picture) -> Json:
    """A part; bytes are written as the SDK writes them."""
    if isinstance(part, Picture):
        return {"inlineData": {"mimeType": part.media_type, "data": part.base64url()}}
    return {"text": part}


def _call(call: ToolCall) -> Json:
    """A call made earlier."""
    return {
        "functionCall": {
            **set_only({"id": call.id or None}),
            "name": call.name,
            "args": an_object(call.arguments_json, "arguments"),
        }
    }


def _result(message: Message, names: Mapping[str, str]) -> Json:
    """A tool's result, which bears the tool's name: the message's own, or that of the call that it answers."""
    name = message.name or names.get(message.tool_call_id, "")
    if not name:
        raise PayloadError("a tool's result names a call that does not stand in the conversation")
    output = message.texts[0] if len(message.texts) == 1 else list(message.texts)
    response = {**set_only({"id": message.tool_call_id or None}), "name": name, "response": {"output": output}}
    return {"functionResponse": response}


def _tool(tool: Tool) -> Json:
    """A tool."""
    schema = json.loads(tool.parameters_json_schema) if tool.parameters_json_schema else None
    return {
        "name": tool.name,
        **set_only({"description": tool.description or None, "parametersJsonSchema": schema}),
    }


def _sampling(sampling: Sampling) -> Json:
    """What is set."""
    return set_only(
        {
            "temperature": sampling.temperature,
            "topP": sampling.top_p,
            "presencePenalty": sampling.presence_penalty,
            "frequencyPenalty": sampling.frequency_penalty,
            "seed": None if sampling.seed is None else sampling.seed % _SEEDS,
            "maxOutputTokens": sampling.tokens_max,
            "stopSequences": list(sampling.stop) or None,
        }
    )
