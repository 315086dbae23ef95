"""Every string leaf of a request: nothing that is sent anywhere escapes the scan (DESIGN.md, invariant 8)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from ringfence.recognize.joined import Piece
from ringfence.recognize.joined import texts as joined_texts
from ringfence.recognize.joined import values as joined_values
from ringfence.recognize.payload import is_fhir
from ringfence.recognize.place import Place
from ringfenced.classify.documents import Document
from ringfenced.classify.json_leaves import JsonLeaf, is_json, json_leaves
from ringfenced.model import File, Json, Message, Part, Prompt, Text, Tool

TASK: Final = "task.name"
"""The path of the caller's name for this kind of work."""


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
    places: tuple[Place, ...] = ()
    """For a view: where its characters stand in leaves that are counted."""
    document: Document | None = field(default=None, repr=False, compare=False)
    """For a JSON document and each leaf of it: what a scan of the whole knows of its parts."""
    is_joined: bool = False
    """Whether it is made of several leaves that no rewriting puts together; such leaves come last."""


def string_leaves(prompt: Prompt, metadata: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Path and text of every string leaf of `prompt` and `metadata`, empty ones left out.

    A JSON document gives its raw text and, unescaped, each key and value; a message with several text parts gives these
    and, as ``messages[i].text``, what they say joined. Images and files without text give only their names.
    """
    for leaf in leaves(prompt, metadata):
        yield leaf.path, leaf.text


def leaves(prompt: Prompt, metadata: Mapping[str, str], task: str = "") -> Iterator[Leaf]:
    """The same as `string_leaves`, with context; at the end what leaves say together (see `joined`).

    Args:
        prompt: what a target would be given.
        metadata: the caller's own tags.
        task: the caller's name for this kind of work, which is no part of the prompt and is kept with outcomes.
    """
    said: list[tuple[str, Piece]] = []
    values = _Values()
    for index, message in enumerate(prompt.messages):
        for leaf in message_leaves(f"messages[{index}]", message):
            yield leaf
            values.see(leaf)
            if leaf.counted and leaf.path.endswith(".text"):
                said.append((message.role, Piece(leaf.path, leaf.text, "", Place(leaf.path, 0, len(leaf.text), 0))))
    for index, tool in enumerate(prompt.tools):
        yield from _tool_leaves(f"tools[{index}]", tool)
    yield from _field("tool_name", prompt.tool_name)
    yield from document_leaves("json_schema", prompt.json_schema, is_schema=True)
    yield from _field("schema_name", prompt.schema_name)
    yield from _field("grammar", prompt.grammar)
    for index, stop in enumerate(prompt.sampling.stop):
        yield from _field(f"sampling.stop[{index}]", stop)
    yield from _aside(TASK, task)
    for index, (key, value) in enumerate(metadata.items()):
        yield from _field(f"metadata[{index}].key", key)
        for leaf in _field(f"metadata[{index}].value", value, context=key):
            yield leaf
            values.add(leaf, "metadata", is_number=False)
    if len(said) > 1 or len(values.pieces) > 1:
        spoken = sorted((piece._replace(container=role) for role, piece in said), key=lambda piece: piece.container)
        for whole in (*joined_texts(said), *joined_values(values.pieces), *joined_values(spoken)):
            yield Leaf(
                whole.path, whole.text, context=whole.context, counted=False, places=whole.places, is_joined=True
            )


_CALL = re.compile(r"tool_calls\[\d+\]")
_LAST_STEP = re.compile(r"(?:\.[^.\[\]]*|\[\d+\])$")


class _Values:
    """Collects the values of documents."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self._document = Leaf("", "")

    def see(self, leaf: Leaf) -> None:
        """Keep `leaf` if it is a document's value."""
        if leaf.counted:
            self._document = leaf
        elif len(leaf.places) == 1 and not leaf.path.endswith("~") and leaf.places[0].path == self._document.path:
            is_number = self._document.text[leaf.places[0].at - 1 : leaf.places[0].at] != '"'
            # Arguments of several calls are read on from one to the next.
            container = _CALL.sub("tool_calls", _LAST_STEP.sub("", leaf.path))
            self.add(leaf, container, is_number=is_number)

    def add(self, leaf: Leaf, container: str, *, is_number: bool) -> None:
        """Keep `leaf`, which stands in `container`."""
        place = leaf.places[0] if leaf.places else Place(leaf.path, 0, len(leaf.text), 0)
        self.pieces.append(Piece(leaf.path, leaf.text, leaf.context, place, container, is_number))


def _field(path: str, text: str, context: str = "") -> tuple[Leaf, ...]:
    return (Leaf(path, text, context),) if text else ()


def _aside(path: str, text: str) -> tuple[Leaf, ...]:
    """A string that is no part of what a target is given."""
    return (Leaf(path, text, counted=False),) if text else ()


def message_leaves(path: str, message: Message) -> Iterator[Leaf]:
    """The leaves of one message."""
    for index, part in enumerate(message.parts):
        yield from _part_leaves(f"{path}.parts[{index}]", part)
    texts = {
        f"{path}.parts[{index}].text": part.text
        for index, part in enumerate(message.parts)
        if isinstance(part, Text) and part.text
    }
    if len(texts) > 1:
        yield Leaf(f"{path}.text", "".join(texts.values()), counted=False, places=tuple(_joined(texts)))
    yield from _field(f"{path}.name", message.name, context="name")
    yield from _field(f"{path}.tool_call_id", message.tool_call_id)
    for index, call in enumerate(message.tool_calls):
        yield from _field(f"{path}.tool_calls[{index}].id", call.id)
        yield from _field(f"{path}.tool_calls[{index}].name", call.name)
        yield from document_leaves(f"{path}.tool_calls[{index}].arguments_json", call.arguments_json)


def _part_leaves(path: str, part: Part) -> Iterator[Leaf]:
    if isinstance(part, Text):
        yield from _field(f"{path}.text", part.text)
    elif isinstance(part, Json):
        yield from document_leaves(f"{path}.json", part.text)
    elif isinstance(part, File):
        yield from _field(f"{path}.file.name", part.name)
        yield from _field(f"{path}.file.text", part.text or "")


def _tool_leaves(path: str, tool: Tool) -> Iterator[Leaf]:
    yield from _field(f"{path}.name", tool.name)
    yield from _field(f"{path}.description", tool.description)
    yield from document_leaves(f"{path}.parameters_json_schema", tool.parameters_json_schema, is_schema=True)


def document_leaves(path: str, raw: str, *, is_schema: bool = False) -> Iterator[Leaf]:
    """The raw text of a JSON document, and each of its leaves; only the raw text where it does not parse.

    The key above a value is its context, but for a schema, whose keys (``title``, ``name``) speak of the schema, and
    for a FHIR resource, whose keys are elements (``reference``, ``code``): there the resource's own schema says more.
    """
    if not raw:
        return
    if not is_json(raw):
        yield Leaf(path, raw)
        return
    document = Document()
    has_labels = not is_schema and not is_fhir(raw)
    yield Leaf(path, raw, document=document)
    for leaf in json_leaves(raw):
        if leaf.text:
            places = (_place(path, raw, leaf),)
            context = leaf.key if has_labels else ""
            yield Leaf(f"{path}{leaf.path}", leaf.text, context, counted=False, places=places, document=document)


def _joined(texts: Mapping[str, str]) -> Iterator[Place]:
    """Where texts stand that are joined, by path."""
    start = 0
    for path, text in texts.items():
        yield Place(path, start, start + len(text), 0)
        start += len(text)


def _place(path: str, raw: str, leaf: JsonLeaf) -> Place:
    """Where a leaf stands in its document: inside its quotation marks, as it is escaped there."""
    start, end = (leaf.start + 1, leaf.end - 1) if leaf.is_string else (leaf.start, leaf.end)
    is_escaped = end - start != len(leaf.text)
    return Place(path, 0, len(leaf.text), start, raw[start:end] if is_escaped else "")
