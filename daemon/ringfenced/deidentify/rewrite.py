"""A prompt with every string leaf rewritten: the mirror image of `ringfenced.classify.leaves`.

`Rewrite` is asked for each leaf and answers what stands there instead; the paths are those of the leaves.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from ringfenced.classify.json_leaves import is_json, json_leaves
from ringfenced.classify.leaves import Leaf
from ringfenced.model import File, Json, Message, Part, Prompt, Text, Tool, ToolCall

Rewrite = Callable[[Leaf], str]
"""What stands in a leaf's place."""
RewriteJoined = Callable[[str, tuple[str, ...]], tuple[str, ...]]
"""What stands in place of a message's text parts, given the message's path and all of them together."""


def rewrite_prompt(prompt: Prompt, rewrite: Rewrite, rewrite_joined: RewriteJoined) -> Prompt:
    """`prompt` with every string leaf replaced; images and files without text stay as they are."""
    sampling = prompt.sampling
    return replace(
        prompt,
        messages=tuple(
            _message(f"messages[{index}]", message, rewrite, rewrite_joined)
            for index, message in enumerate(prompt.messages)
        ),
        tools=tuple(_tool(f"tools[{index}]", tool, rewrite) for index, tool in enumerate(prompt.tools)),
        tool_name=_plain("tool_name", prompt.tool_name, rewrite),
        json_schema=_document("json_schema", prompt.json_schema, rewrite, is_schema=True),
        schema_name=_plain("schema_name", prompt.schema_name, rewrite),
        grammar=_plain("grammar", prompt.grammar, rewrite),
        sampling=replace(
            sampling,
            stop=tuple(_plain(f"sampling.stop[{index}]", stop, rewrite) for index, stop in enumerate(sampling.stop)),
        ),
    )


def _plain(path: str, text: str, rewrite: Rewrite, context: str = "") -> str:
    return rewrite(Leaf(path, text, context)) if text else text


def _message(path: str, message: Message, rewrite: Rewrite, rewrite_joined: RewriteJoined) -> Message:
    parts = [_part(f"{path}.parts[{index}]", part, rewrite) for index, part in enumerate(message.parts)]
    places = [index for index, part in enumerate(message.parts) if isinstance(part, Text) and part.text]
    texts = tuple(part.text for part in message.parts if isinstance(part, Text) and part.text)
    if len(texts) == 1:
        parts[places[0]] = Text(rewrite(Leaf(f"{path}.parts[{places[0]}].text", texts[0])))
    elif texts:
        for place, text in zip(places, rewrite_joined(path, texts), strict=True):
            parts[place] = Text(text)
    return replace(
        message,
        parts=tuple(parts),
        name=_plain(f"{path}.name", message.name, rewrite, "name"),
        tool_call_id=_plain(f"{path}.tool_call_id", message.tool_call_id, rewrite),
        tool_calls=tuple(
            _call(f"{path}.tool_calls[{index}]", call, rewrite) for index, call in enumerate(message.tool_calls)
        ),
    )


def _part(path: str, part: Part, rewrite: Rewrite) -> Part:
    if isinstance(part, Json):
        return Json(_document(f"{path}.json", part.text, rewrite))
    if isinstance(part, File):
        name = _plain(f"{path}.file.name", part.name, rewrite)
        if part.text is None:
            return replace(part, name=name)
        text = _plain(f"{path}.file.text", part.text, rewrite)
        return replace(part, name=name, text=text, data=text.encode("utf-8", "surrogatepass"))
    return part


def _call(path: str, call: ToolCall, rewrite: Rewrite) -> ToolCall:
    return ToolCall(
        id=_plain(f"{path}.id", call.id, rewrite),
        name=_plain(f"{path}.name", call.name, rewrite),
        arguments_json=_document(f"{path}.arguments_json", call.arguments_json, rewrite),
    )


def _tool(path: str, tool: Tool, rewrite: Rewrite) -> Tool:
    return Tool(
        name=_plain(f"{path}.name", tool.name, rewrite),
        description=_plain(f"{path}.description", tool.description, rewrite),
        parameters_json_schema=_document(
            f"{path}.parameters_json_schema", tool.parameters_json_schema, rewrite, is_schema=True
        ),
    )


def _document(path: str, raw: str, rewrite: Rewrite, *, is_schema: bool = False) -> str:
    """A JSON document with its leaves rewritten in place; a text that is none is rewritten as text."""
    if not raw:
        return raw
    if not is_json(raw):
        return rewrite(Leaf(path, raw))
    written: list[str] = []
    at = 0
    for leaf in json_leaves(raw):
        new = (
            rewrite(Leaf(f"{path}{leaf.path}", leaf.text, context="" if is_schema else leaf.key))
            if leaf.text
            else leaf.text
        )
        if new != leaf.text:
            quoted = leaf.is_string or not is_json(new)
            written += [raw[at : leaf.start], _quoted(new) if quoted else new]
            at = leaf.end
    return "".join(written) + raw[at:]


def _quoted(text: str) -> str:
    """A JSON string, written plainly: who scans the document without undoing escapes sees the surrogates too.

    Lone surrogate code points, which no UTF-8 can carry, are escaped.
    """
    is_lone = any("\ud800" <= char <= "\udfff" for char in text)
    return json.dumps(text, ensure_ascii=is_lone)
