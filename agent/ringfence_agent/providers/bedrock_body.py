"""The bodies of AWS Bedrock, from a payload: Converse for chats, and each embedding model's own. Pure.

Sources: Amazon Bedrock API reference, "ConverseStream"; user guide, "Amazon Titan Text Embeddings" and "Cohere Embed".
Converse has no names of speakers, no seed, no penalties and no bias of single tokens: these are left out. What the
system says stands in one place, before the turns. A body holds no name of a model; the path does.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from ringfence_agent.payload import Message, Payload, PayloadError, Picture, Tool
from ringfence_agent.providers.bodies import Json, an_object, dump, set_only, system_texts, turns

TITAN: Final = "amazon.titan-embed-text"
COHERE: Final = "cohere.embed"
"""What the name of an embedding model holds, with or without a region before it."""


def embeds(wire_model: str) -> bool:
    """Whether a model's embeddings can be asked for."""
    return TITAN in wire_model or COHERE in wire_model


def encode(payload: Payload, wire_model: str) -> bytes:
    """The exact body.

    Args:
        payload: what to say.
        wire_model: the model's id; tells how its embeddings are asked for.

    Raises:
        PayloadError: Bedrock has no words for it.
    """
    return dump(_embeddings(payload, wire_model) if payload.embedding_inputs else _chat(payload))


def inputs(body: bytes) -> int:
    """How many texts a body asks to embed."""
    return len(json.loads(body).get("texts", ("one",)))


def _embeddings(payload: Payload, wire_model: str) -> Json:
    """Texts to embed."""
    texts, dimensions = list(payload.embedding_inputs), payload.embedding_dimensions or None
    if COHERE in wire_model:
        said = {"texts": texts, "input_type": "search_document", "embedding_types": ["float"]}
        return {**said, **set_only({"output_dimension": dimensions})}
    if len(texts) > 1:
        raise PayloadError("Amazon Titan embeds one text a request; send them in several requests")
    return {"inputText": texts[0], **set_only({"dimensions": dimensions})}


def _chat(payload: Payload) -> Json:
    """A conversation."""
    body: Json = {
        "messages": [{"role": role, "content": said} for role, said in turns(payload.messages, _role, _blocks)]
    }
    if system := system_texts(payload):
        body["system"] = [{"text": text} for text in system]
    sampling = set_only(
        {
            "maxTokens": payload.sampling.tokens_max,
            "temperature": payload.sampling.temperature,
            "topP": payload.sampling.top_p,
            "stopSequences": list(payload.sampling.stop) or None,
        }
    )
    if sampling:
        body["inferenceConfig"] = sampling
    if tools := _tools(payload):
        body["toolConfig"] = tools
    if payload.json_schema:
        schema = {"schema": payload.json_schema, **set_only({"name": payload.schema_name or None})}
        body["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}
    return body


def _role(role: str) -> str:
    """A tool's results are the user's to tell."""
    return "assistant" if role == "assistant" else "user"


def _blocks(message: Message) -> list[Json]:
    """What a message says; empty texts are refused by the API, and say nothing."""
    said = [_part(part) for part in message.parts if part]
    if message.role == "tool":
        return [{"toolResult": {"toolUseId": message.tool_call_id, "content": said}}]
    calls = [
        {"toolUse": {"toolUseId": call.id, "name": call.name, "input": an_object(call.arguments_json, "arguments")}}
        for call in message.tool_calls
    ]
    return [*said, *calls]


def _part(part: str | Picture) -> Json:
    """A part."""
    if isinstance(part, Picture):
        return {"image": {"format": part.media_type.removeprefix("image/"), "source": {"bytes": part.base64()}}}
    return {"text": part}


def _tools(payload: Payload) -> Json:
    """The tools; Converse cannot be told to call none of them, so that they are left out where none may be called."""
    if not payload.tools:
        return {}
    if payload.tool_mode == "none":
        if any(message.tool_calls or message.role == "tool" for message in payload.messages):
            raise PayloadError("Bedrock cannot be told to call no tool where tools were called; allow calls")
        return {}
    return {"tools": [_tool(tool) for tool in payload.tools], "toolChoice": _tool_choice(payload)}


def _tool(tool: Tool) -> Json:
    """A tool."""
    schema = an_object(tool.parameters_json_schema, "a tool's schema") or {"type": "object"}
    described = set_only({"description": tool.description or None})
    return {"toolSpec": {"name": tool.name, **described, "inputSchema": {"json": schema}}}


def _tool_choice(payload: Payload) -> Json:
    """Whether and which tool must be called."""
    if payload.tool_mode == "required":
        return {"tool": {"name": payload.tool_name}} if payload.tool_name else {"any": {}}
    return {"auto": {}}


def vectors_of(answer: Any) -> tuple[Sequence[Sequence[Any]], object]:
    """The vectors in an answer to either kind of model, and the tokens that it counted."""
    if "embedding" in answer:
        return [answer["embedding"]], answer.get("inputTextTokenCount")
    said = answer["embeddings"]
    return (said["float"] if isinstance(said, dict) else said), None
