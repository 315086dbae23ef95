"""JSON in a text: whole documents, fenced blocks, objects in the middle of a sentence."""

from __future__ import annotations

import re

from ringfence.recognize.payload import names
from ringfence.recognize.payload.fhir import is_known, read_resource
from ringfence.recognize.payload.json_tree import Node, read_tree
from ringfence.recognize.payload.sink import Sink

_OBJECT = re.compile(r'\{\s{0,256}+"(?:[^"\\\n]|\\.){1,128}+"\s{0,16}:')
"""Where an object with a key begins; in an array of objects the first."""
_ARRAY = re.compile(r"\[\s{0,256}\Z")


def read_json(sink: Sink) -> None:
    """Note the identifying fields of every JSON object in the sink's text."""
    text = sink.text
    if "{" not in text:
        return
    at = 0
    while (match := _OBJECT.search(text, at)) is not None:
        start = match.start()
        before = _ARRAY.search(text, max(at, start - 256), start)
        tree = read_tree(text, start if before is None else before.start())
        sink.walls += tree.walls
        _read(sink, tree.root)
        at = max(tree.end, start + 1)


def _read(sink: Sink, root: Node) -> None:
    """Walk down: FHIR resources by their schema, all else by the names of fields."""
    stack: list[tuple[Node, str, str | None]] = [(root, "", None)]
    while stack:
        node, key, above = stack.pop()
        if node.kind == "array":
            stack += [(item, key, above) for item in node.items]
        elif node.kind == "object":
            resource = _resource(sink.text, node)
            if resource:
                read_resource(sink, node)
            if not is_known(resource):
                stack += _members(sink, node, key, above)


def _resource(text: str, node: Node) -> str:
    """The type of a FHIR resource (R4, 2.1: JSON names it in ``resourceType``); empty where an object is none."""
    kind = node.get("resourceType")
    return text[kind.start : kind.end] if kind is not None and kind.kind == "string" else ""


def _members(sink: Sink, node: Node, key: str, above: str | None) -> list[tuple[Node, str, str | None]]:
    roles = {name: names.role(name) for name, _ in node.members}
    is_person = names.is_person_field(key) or any(names.is_personal(name) for name in roles)
    below: list[tuple[Node, str, str | None]] = []
    for name, value in node.members:
        found = roles[name] or names.part_role(above, name)
        if found is None and is_person:
            found = names.role_in_company(name)
        if value.kind == "object":
            below.append((value, name, found or ("PERSON" if names.is_person_field(name) else None)))
        elif value.kind == "array":
            leaves = [item for item in value.items if item.kind in ("string", "scalar")]
            below += [(item, name, found) for item in value.items if item.kind in ("object", "array")]
            _note(sink, leaves, found)
        else:
            _note(sink, [value], found)
    return below


def _note(sink: Sink, leaves: list[Node], entity_type: str | None) -> None:
    if entity_type is None:
        return
    for leaf in leaves:
        text = sink.text[leaf.start : leaf.end]
        if entity_type == "AGE":
            sink.field(leaf.start, leaf.end, names.age_role(text), "json:field")
        elif entity_type != "DATE" or any(char.isdigit() for char in text):
            sink.field(leaf.start, leaf.end, entity_type, "json:field")
