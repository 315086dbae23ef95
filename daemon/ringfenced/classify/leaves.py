"""Every string leaf of a request: nothing that is sent anywhere escapes the scan (DESIGN.md, invariant 8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ringfenced.classify.json_leaves import is_json, json_leaves
from ringfenced.model import File, Json, Message, Prompt, Text, Tool


@dataclass(frozen=True, slots=True)
class Leaf:
    """One text to scan."""

    path: str
    """Where it stands; the `path` of a finding in it."""
    text: str
    """What stands there."""
    context: str = ""
    """What a reader knows before reading it, as the key above a JSON value; scanned before it, not part of it."""
    counted: bool = True
    """Whether its characters count for the prompt's length; views of text that is counted elsewhere do not."""


def string_leaves(prompt: Prompt, metadata: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Path and text of every string leaf of `prompt` and `metadata`, empty ones left out.

    A JSON document gives its raw text and, unescaped, each key and value; a message with several text parts gives these
    and, as ``messages[i].text``, what they say joined. Images and files without text give only their names.
    """
    for leaf in leaves(prompt, metadata):
        yield leaf.path, leaf.text


def leaves(prompt: Prompt, metadata: Mapping[str, str]) -> Iterator[Leaf]:
    """The same as `string_leaves`, with context."""
    for index, message in enumerate(prompt.messages):
        yield from message_leaves(f"messages[{index}]", message)
    for index, tool in enumerate(prompt.tools):
        yield from _tool_leaves(f"tools[{index}]", tool)
    if prompt.tool_name:
        yield Leaf("tool_name", prompt.tool_name)
    if prompt.json_schema:
        yield from document_leaves("json_schema", prompt.json_schema, is_schema=True)
    if prompt.schema_name:
        yield Leaf("schema_name", prompt.schema_name)
    for index, stop in enumerate(prompt.sampling.stop):
        if stop:
            yield Leaf(f"sampling.stop[{index}]", stop)
    for index, (key, value) in enumerate(metadata.items()):
        if key:
            yield Leaf(f"metadata[{index}].key", key)
        if value:
            yield Leaf(f"metadata[{index}].value", value, context=key)


def message_leaves(path: str, message: Message) -> Iterator[Leaf]:
    """The leaves of one message."""
    texts: list[str] = []
    for index, part in enumerate(message.parts):
        if isinstance(part, Text):
            if part.text:
                texts.append(part.text)
                yield Leaf(f"{path}.parts[{index}].text", part.text)
        elif isinstance(part, Json):
            yield from document_leaves(f"{path}.parts[{index}].json", part.text)
        elif isinstance(part, File):
            if part.name:
                yield Leaf(f"{path}.parts[{index}].file.name", part.name)
            if part.text:
                yield Leaf(f"{path}.parts[{index}].file.text", part.text)
    if len(texts) > 1:
        yield Leaf(f"{path}.text", "".join(texts), counted=False)
    if message.name:
        yield Leaf(f"{path}.name", message.name, context="name")
    if message.tool_call_id:
        yield Leaf(f"{path}.tool_call_id", message.tool_call_id)
    for index, call in enumerate(message.tool_calls):
        if call.id:
            yield Leaf(f"{path}.tool_calls[{index}].id", call.id)
        if call.name:
            yield Leaf(f"{path}.tool_calls[{index}].name", call.name)
        if call.arguments_json:
            yield from document_leaves(f"{path}.tool_calls[{index}].arguments_json", call.arguments_json)


def _tool_leaves(path: str, tool: Tool) -> Iterator[Leaf]:
    if tool.name:
        yield Leaf(f"{path}.name", tool.name)
    if tool.description:
        yield Leaf(f"{path}.description", tool.description)
    if tool.parameters_json_schema:
        yield from document_leaves(f"{path}.parameters_json_schema", tool.parameters_json_schema, is_schema=True)


def document_leaves(path: str, raw: str, *, is_schema: bool = False) -> Iterator[Leaf]:
    """The raw text of a JSON document, and each of its leaves; only the raw text where it does not parse.

    The key above a value is its context, but for a schema, whose keys (``title``, ``name``) speak of the schema.
    """
    if not raw:
        return
    yield Leaf(path, raw)
    if is_json(raw):
        for leaf in json_leaves(raw):
            if leaf.text:
                yield Leaf(f"{path}{leaf.path}", leaf.text, context="" if is_schema else leaf.key, counted=False)
