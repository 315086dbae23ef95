"""The door: a `GenerateRequest` becomes a valid `Request`, or a typed error says what is wrong and what to do.

Later stages never doubt what passed here: there is at least one message, every role and part is known, JSON parses,
text files are UTF-8, the schema is a schema, numbers are in range. Error texts name the place and never quote a value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from ringfence.labels import Category, Label
from ringfence.v1 import inference_pb2 as pb
from ringfence.v1 import types_pb2 as types
from ringfence.wire import WireError, label_from
from ringfenced.api.media import TEXT, media_type_of
from ringfenced.api.names import PRIORITIES, ROLES, TOOL_MODES
from ringfenced.errors import InvalidRequest
from ringfenced.model import (
    File,
    Image,
    Json,
    Message,
    Part,
    Permission,
    Priority,
    Prompt,
    Request,
    Role,
    Sampling,
    Text,
    Tool,
    ToolCall,
)

SAMPLING_RANGES: Final = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "min_p": (0, 1),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
    "repeat_penalty": (0.1, 10),
}
"""Least and greatest value of each; OpenAI's ranges where its API has the field, llama.cpp's sense elsewhere."""


LOGPROBS_MAX: Final = 20
"""Most tokens that are told beside each; OpenAI's bound."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one request, so that nothing unbounded is scanned, priced or held."""

    messages_max: int = 1024
    """Turns of a conversation."""
    text_chars_max: int = 4_000_000
    """Code points of all text parts together."""
    tools_max: int = 128
    tokens_max: int = 131_072
    """Largest `tokens_max` that may be asked for."""
    name_chars_max: int = 256
    """Code points of an id, a name, a model, a provider or a region."""
    schema_chars_max: int = 64 * 1024
    """Code points of a JSON Schema: checking a large one takes seconds."""
    grammar_chars_max: int = 64 * 1024
    """Code points of a grammar."""
    inputs_max: int = 2048
    """Texts to embed at once; OpenAI's bound."""
    seconds_max: float = 600.0
    """How long a request may take that asks for no deadline, or for a later one."""


def decode(
    request: pb.GenerateRequest, request_id: str, now_s: float, time_left_s: float | None, limits: Limits
) -> Request:
    """The request as a value.

    Args:
        request: as it came.
        request_id: the daemon's own id for it.
        now_s: monotonic seconds.
        time_left_s: what gRPC's deadline leaves, in seconds; None for none.
        limits: bounds on its parts.

    Raises:
        InvalidRequest: with the path of the input that is wrong.
    """
    return decode_asked(
        request,
        _prompt(request, limits),
        request_id=request_id,
        now_s=now_s,
        time_left_s=time_left_s,
        limits=limits,
    )


def decode_asked(
    request: pb.GenerateRequest,
    prompt: Prompt,
    *,
    request_id: str,
    now_s: float,
    time_left_s: float | None,
    limits: Limits,
) -> Request:
    """The same with the prompt read already: all that is asked besides."""
    _check_names(request, limits)
    seconds = limits.seconds_max
    if time_left_s is not None:
        seconds = min(seconds, time_left_s)
    if request.deadline_ms:
        seconds = min(seconds, request.deadline_ms / 1000)
    label, categories = _label(request.label)
    return Request(
        id=request_id,
        prompt=prompt,
        model=request.model,
        label=label,
        categories=categories,
        permission=_permission(request.permission) if request.HasField("permission") else Permission(),
        task=request.task.name,
        quality_min=_unit(request.task.quality_min, "task.quality_min"),
        conversation_id=request.conversation_id,
        run_id=request.run_id,
        idempotency_key=request.idempotency_key,
        deadline_s=now_s + seconds,
        metadata=dict(request.metadata),
        source=request.source,
        priority=PRIORITIES.get(request.priority, Priority.INTERACTIVE),
        evaluators=tuple(request.task.evaluators),
    )


_TASK: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")


def _check_names(request: pb.GenerateRequest, limits: Limits) -> None:
    """Bound what is kept, compared or passed on besides the text."""
    permission = request.permission
    named = (
        ("model", request.model),
        ("task.name", request.task.name),
        ("conversation_id", request.conversation_id),
        ("run_id", request.run_id),
        ("idempotency_key", request.idempotency_key),
        ("source", request.source),
        *(("permission.providers", name) for name in permission.providers),
        *(("permission.regions", name) for name in permission.regions),
        *(("task.evaluators", name) for name in request.task.evaluators),
    )
    for path, name in named:
        if len(name) > limits.name_chars_max:
            raise wrong(path, f"{len(name)} characters, at most {limits.name_chars_max} are taken.", "name_too_long")
    if request.task.name and not _TASK.fullmatch(request.task.name):
        raise wrong(
            "task.name",
            'no name of a kind of work; use a stable one like "extract-note": letters, digits and ._:/-, at most 64 '
            "characters. It is kept with outcomes, so never put content into it.",
            "task_name_invalid",
        )


def decode_prompt(
    messages: Iterable[types.Message], tools: Iterable[types.Tool], limits: Limits | None = None
) -> Prompt:
    """Messages and tools alone, as counting takes them."""
    return _prompt(pb.GenerateRequest(messages=messages, tools=tools), limits or Limits())


def wrong(path: str, message: str, reason: str = "invalid_request") -> InvalidRequest:
    """An error about the input at `path`."""
    return InvalidRequest(f"{path}: {message}", reason=reason, input_path=path)


def _prompt(request: pb.GenerateRequest, limits: Limits) -> Prompt:
    count = len(request.messages)
    if count == 0:
        raise wrong("messages", "the request has no messages; send at least one with a text part.", "messages_empty")
    if count > limits.messages_max:
        raise wrong(
            "messages",
            f"{count} messages, at most {limits.messages_max} are taken; drop the oldest turns.",
            "too_many_messages",
        )
    messages = tuple(_message(message, f"messages[{place}]") for place, message in enumerate(request.messages))
    length = sum(_length(part) for message in messages for part in message.parts)
    if length == 0 and not any(_has_substance(message) for message in messages):
        raise wrong("messages", "every message is empty; send at least one with a text part.", "messages_empty")
    if length > limits.text_chars_max:
        raise InvalidRequest(
            f"messages: {length} characters, at most {limits.text_chars_max} are taken; send less.",
            reason="messages_too_long",
            input_path="messages",
            numbers={"characters": length, "characters_max": limits.text_chars_max},
        )
    if len(request.tools) > limits.tools_max:
        raise wrong("tools", f"{len(request.tools)} tools, at most {limits.tools_max} are taken.", "too_many_tools")
    form = request.response_format
    if form.json_schema:
        check_schema(form.json_schema, "response_format.json_schema", limits)
    _check_grammar(form, limits)
    _check_choice(request)
    return Prompt(
        messages=messages,
        tools=tuple(_tool(tool, f"tools[{place}]", limits) for place, tool in enumerate(request.tools)),
        tool_mode=TOOL_MODES[request.tool_choice.mode],
        tool_name=request.tool_choice.name,
        json_schema=form.json_schema,
        schema_name=form.name,
        grammar=form.grammar,
        sampling=_sampling(request.sampling, limits) if request.HasField("sampling") else Sampling(),
    )


def _check_grammar(form: types.ResponseFormat, limits: Limits) -> None:
    """Whether it is a grammar is seen by the engine, which reads it."""
    path, chars = "response_format.grammar", len(form.grammar)
    if chars > limits.grammar_chars_max:
        raise wrong(path, f"{chars} characters, at most {limits.grammar_chars_max} are taken.", "bad_grammar")
    if form.grammar and form.json_schema:
        raise wrong(path, "an answer follows a grammar or a JSON Schema, not both; leave one out.")


def _check_choice(request: pb.GenerateRequest) -> None:
    choice = request.tool_choice
    if choice.mode == types.ToolChoice.MODE_REQUIRED and not request.tools:
        raise wrong("tool_choice", "a tool must be called and there is none; send tools.", "tool_unknown")
    if choice.name and not any(tool.name == choice.name for tool in request.tools):
        raise wrong("tool_choice.name", "no tool has this name; use one of tools[].name.", "tool_unknown")


def check_schema(text: str, path: str, limits: Limits) -> None:
    """Pass if `text` is a JSON Schema (draft 2020-12).

    Raises:
        InvalidRequest: it is no JSON, or no schema; the message names the place in it, never its content.
    """
    # Imported when first needed: it takes 15 MB, and most requests have no schema.
    import jsonschema  # noqa: PLC0415

    if len(text) > limits.schema_chars_max:
        raise wrong(
            path, f"{len(text)} characters, at most {limits.schema_chars_max} are taken.", "json_schema_invalid"
        )
    document = _json(text, path, "json_schema_invalid")
    if not isinstance(document, dict | bool):
        raise wrong(path, "a JSON Schema is an object or a boolean.", "json_schema_invalid")
    try:
        jsonschema.Draft202012Validator.check_schema(document)
    except jsonschema.SchemaError as error:
        # Where it fails is named by the property names on the way, and those are the caller's.
        raise wrong(
            path,
            f"not a JSON Schema (draft 2020-12): {error.validator!r} fails, {len(error.absolute_path)} levels deep.",
            "json_schema_invalid",
        ) from None
    except RecursionError:
        raise wrong(path, "nested too deeply.", "json_schema_invalid") from None


def _message(message: types.Message, path: str) -> Message:
    role = ROLES.get(message.role)
    if role is None:
        raise wrong(f"{path}.role", "unset or unknown; use ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT or ROLE_TOOL.")
    if role is Role.TOOL and not message.tool_call_id:
        raise wrong(f"{path}.tool_call_id", "a tool's message names the call that it answers.")
    return Message(
        role=role,
        parts=tuple(_part(part, f"{path}.parts[{place}]") for place, part in enumerate(message.parts)),
        name=message.name,
        tool_calls=tuple(
            _tool_call(call, f"{path}.tool_calls[{place}]") for place, call in enumerate(message.tool_calls)
        ),
        tool_call_id=message.tool_call_id,
    )


def _part(part: types.Part, path: str) -> Part:
    kind = part.WhichOneof("content")
    if kind == "text":
        return Text(part.text)
    if kind == "json":
        _json(part.json, f"{path}.json", "json_invalid")
        return Json(part.json)
    if kind == "image":
        return Image(part.image.data, media_type_of(part.image.media_type))
    if kind == "file":
        return _file(part.file, f"{path}.file")
    raise wrong(path, "an empty part; set text, json, image or file.")


def _file(file: types.File, path: str) -> File:
    text: str | None = None
    media_type = media_type_of(file.media_type)
    if media_type.startswith(TEXT):
        try:
            text = file.data.decode()
        except UnicodeDecodeError as error:
            # The original error holds the bytes: it must not travel on.
            raise InvalidRequest(
                f"{path}: {media_type} that is not UTF-8 (byte {error.start} of {len(file.data)}); convert it, or "
                "send it as application/octet-stream.",
                reason="invalid_utf8",
                input_path=path,
                numbers={"byte": error.start, "bytes": len(file.data)},
            ) from None
    return File(file.data, media_type, file.name, text)


def _tool(tool: types.Tool, path: str, limits: Limits) -> Tool:
    if not tool.name:
        raise wrong(f"{path}.name", "a tool needs a name.")
    if tool.parameters_json_schema:
        check_schema(tool.parameters_json_schema, f"{path}.parameters_json_schema", limits)
    return Tool(tool.name, tool.description, tool.parameters_json_schema)


def _tool_call(call: types.ToolCall, path: str) -> ToolCall:
    if call.arguments_json:
        _json(call.arguments_json, f"{path}.arguments_json", "json_invalid")
    return ToolCall(call.id, call.name, call.arguments_json)


def _json(text: str, path: str, reason: str) -> object:
    try:
        document: object = json.loads(text)
    except ValueError as error:
        # json.JSONDecodeError holds the document: only its place travels on.
        place = f"line {error.lineno} column {error.colno}" if isinstance(error, json.JSONDecodeError) else "a number"
        raise wrong(path, f"not JSON ({place}).", reason) from None
    except RecursionError:
        raise wrong(path, "nested too deeply.", reason) from None
    return document


def _label(label: types.Label) -> tuple[Label | None, frozenset[Category]]:
    """What the caller says: a label, or, where it says no level, categories alone.

    A label without a level is not one of PUBLIC: that would take the place of the caller's default, and lower it.
    """
    is_said = label.level != types.LEVEL_UNSPECIFIED
    try:
        read = label_from(label if is_said else types.Label(level=types.LEVEL_PUBLIC, categories=label.categories))
    except WireError as error:
        raise wrong("label", f"{error}.") from None
    return (read, frozenset()) if is_said else (None, read.categories)


def _permission(permission: types.Permission) -> Permission:
    ceiling = permission.cost_microcredits_max if permission.HasField("cost_microcredits_max") else None
    if ceiling is not None and ceiling < 0:
        raise wrong("permission.cost_microcredits_max", "negative; use 0 or more millionths of a credit.")
    return Permission(
        deidentified_egress=permission.deidentified_egress,
        providers=frozenset(permission.providers),
        regions=frozenset(permission.regions),
        cost_microcredits_max=ceiling,
        ladder_length_max=permission.ladder_length_max or 1,
        local_only=permission.local_only,
    )


def _sampling(sampling: types.Sampling, limits: Limits) -> Sampling:
    """How tokens are drawn; asks only for the fields that are set, most requests set one or two."""
    given: dict[str, Any] = {field.name: value for field, value in sampling.ListFields()}
    for name, (low, high) in SAMPLING_RANGES.items():
        if name in given and not low <= given[name] <= high:
            raise wrong(f"sampling.{name}", f"out of range; use {low:g} to {high:g}.")
    tokens_max = given.get("tokens_max")
    if tokens_max is not None and not 1 <= tokens_max <= limits.tokens_max:
        raise wrong("sampling.tokens_max", f"out of range; use 1 to {limits.tokens_max}.")
    if given.get("logprobs", 0) > LOGPROBS_MAX:
        raise wrong("sampling.logprobs", f"out of range; use 0 to {LOGPROBS_MAX}.")
    if "stop" in given:
        given["stop"] = tuple(stop for stop in given["stop"] if stop)
    if "logit_bias" in given:
        given["logit_bias"] = tuple(given["logit_bias"].items())
    return Sampling(**given)


def _unit(value: float, path: str) -> float:
    if not 0 <= value <= 1:
        raise wrong(path, "out of range; use 0 to 1.")
    return value


def _length(part: Part) -> int:
    if isinstance(part, Text | Json):
        return len(part.text)
    return len(part.text or "") if isinstance(part, File) else 0


def _has_substance(message: Message) -> bool:
    return bool(message.tool_calls) or any(isinstance(part, Image | File) for part in message.parts)
