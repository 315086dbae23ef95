"""FHIR resources in JSON (R4 and R5): identifying elements by data type and, where that does not say it, by resource.

A data type is known by its own elements (only HumanName has ``family`` or ``given``, ...), so extensions, contained
resources, profiles and future resources are read too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ringfence.recognize.payload import fhir_tables as tables
from ringfence.recognize.payload import names
from ringfence.recognize.payload.hl7_tables import ID_TYPES
from ringfence.recognize.payload.json_tree import Node, unquoted
from ringfence.recognize.payload.sink import FREE_TEXT, Sink, is_iso_date

_TYPE = re.compile(r'"resourceType"\s{0,16}:\s{0,16}"([A-Za-z]{1,64})"')
_URN = ("urn:uuid:", "urn:oid:")
_NAME_KEYS = frozenset({"family", "given"})
_ADDRESS_KEYS = frozenset({"line", "city", "postalCode", "district"})
_ADDRESS_HINTS = frozenset({"address", "valueAddress", "locationAddress"})


class _Place:
    """Where in a resource a value stands."""

    __slots__ = ("key", "resource")

    def __init__(self, resource: str, key: str) -> None:
        self.resource = resource
        self.key = key

    def below(self, key: str) -> _Place:
        """One element further down."""
        return _Place(self.resource, key)


def is_fhir(raw: str) -> bool:
    """Whether a JSON document is a FHIR resource, or begins with one: the first ``resourceType`` in it is FHIR's."""
    kind = _TYPE.search(raw)
    return kind is not None and is_known(kind.group(1))


def is_known(resource: str) -> bool:
    """Whether `resource` is a resource type of the tables."""
    return resource in tables.KNOWN or resource in tables.DEFINITIONS


def read_resource(sink: Sink, root: Node) -> None:
    """Note the identifying elements of the resource `root`, and of all that it contains."""
    stack = [(root, _Place("", ""))]
    while stack:
        node, place = stack.pop()
        if node.kind == "array":
            stack += [(item, place) for item in node.items]
        elif node.kind == "object":
            kind = _string(sink.text, node, "resourceType")
            if kind:
                place = _Place(kind, place.key)
            _read_object(sink, node, place)
            stack += [(value, place.below(key)) for key, value in node.members]


def _read_object(sink: Sink, node: Node, place: _Place) -> None:
    keys = {key for key, _ in node.members}
    key = place.key
    if keys & _NAME_KEYS or (key == "name" and place.resource in tables.PEOPLE) or key.endswith("HumanName"):
        _fields(sink, node, place, dict.fromkeys(("family", "given", "text"), "PERSON"))
    elif (keys & _ADDRESS_KEYS and (key in _ADDRESS_HINTS or len(keys & _ADDRESS_KEYS) > 1)) or key in _ADDRESS_HINTS:
        _fields(sink, node, place, tables.ADDRESS)
    elif key in ("telecom", "valueContactPoint"):
        system = _string(sink.text, node, "system")
        _fields(sink, node, place, {"value": tables.TELECOM.get(system, "PHONE")})
    elif key == "identifier" or key.endswith("Identifier"):
        _fields(sink, node, place, {"value": _identifier_type(sink.text, node, place)})
    elif keys & {"reference", "display"} and "code" not in keys and not (keys & {"system"}):
        _read_reference(sink, node, place)
    elif key == "position" and place.resource == "Location":
        _fields(sink, node, place, dict.fromkeys(("longitude", "latitude"), "COORDINATES"))
    _read_strings(sink, node, place)


def _read_strings(sink: Sink, node: Node, place: _Place) -> None:
    """Elements that their own name or form gives away."""
    text = sink.text
    is_root = node.get("resourceType") is not None
    for key, value in node.members:
        here = place.below(key)
        for leaf in _leaves(value):
            if leaf.kind != "string":
                continue
            if key == "div":
                _read_narrative(sink, leaf, here)
            elif key in ("fullUrl", "reference"):
                _read_link(sink, leaf, here)
            elif is_iso_date(text, leaf.start, leaf.end):
                _note(sink, leaf, "DATE", here)
            else:
                entity_type = _by_key(key, place, is_root=is_root)
                if entity_type is None and key == "valueString" and "maiden" in _string(text, node, "url").lower():
                    entity_type = "PERSON"
                if entity_type is not None:
                    _note(sink, leaf, entity_type, here)


def _by_key(key: str, place: _Place, *, is_root: bool) -> str | None:
    """What a plain string is by its key and the resource that it stands in."""
    if key == "id":
        return "ID" if is_root and place.resource not in tables.DEFINITIONS else None
    if key in ("name", "alias"):
        if place.key in ("agent", "contact", "member", "participant"):
            return "PERSON"
        return tables.NAMES.get(place.resource)
    if key == "value" and place.key == "class" and place.resource == "Coverage":
        return "INSURANCE_ID"
    return tables.STRINGS.get(key) or _foreign(key)


def _foreign(key: str) -> str | None:
    """What a key says that is none of FHIR's: ``ssn``, ``mrn``, ``iban``. Common words are FHIR's and say nothing."""
    entity_type = names.role(key)
    return None if entity_type in names.WEAK or entity_type == "PERSON" else entity_type


def _read_reference(sink: Sink, node: Node, place: _Place) -> None:
    """``display`` names somebody where the reference goes to somebody; the id of it is noted with the link."""
    target = _target(sink.text, node)
    entity_type = tables.DISPLAYS.get(target) if target else tables.REFERENCES.get(place.key)
    if entity_type is not None:
        _fields(sink, node, place, {"display": entity_type})


def _target(text: str, node: Node) -> str:
    """The type of resource that a reference goes to; empty where it does not say."""
    named = _string(text, node, "type")
    if named:
        return named
    steps = _string(text, node, "reference").split("/")
    return next((step for step in reversed(steps[:-1]) if step[:1].isupper() and step.isalpha()), "")


def _read_link(sink: Sink, leaf: Node, place: _Place) -> None:
    """A reference's or an entry's last step: the id of a resource on its server (R4, 2.3.0.1); versions stay."""
    text = sink.text
    link = text[leaf.start : leaf.end]
    for urn in _URN:
        if link.startswith(urn):
            sink.wall(leaf.start, leaf.start + len(urn))
            sink.field(leaf.start + len(urn), leaf.end, "ID", _name(place))
            return
    head, _, _version = link.partition("/_history/")
    kind, slash, identifier = head.rpartition("/")
    if slash and not identifier.startswith("#") and kind.rpartition("/")[2] not in tables.DEFINITIONS:
        end = leaf.start + len(head)
        if is_known(kind):  # the type of what is referred to: a word of FHIR's
            sink.wall(leaf.start, leaf.start + len(kind) + 1)
        sink.field(end - len(identifier), end, "ID", _name(place))


def _read_narrative(sink: Sink, leaf: Node, place: _Place) -> None:
    """All that the narrative says between its outer tags, as one: it repeats what the elements say (R4, 2.4)."""
    start = sink.text.find(">", leaf.start, leaf.end) + 1
    end = sink.text.rfind("<", leaf.start, leaf.end)
    if 0 < start < end:
        sink.field(start, end, FREE_TEXT, _name(place))
    else:
        sink.field(leaf.start, leaf.end, FREE_TEXT, _name(place))


def _identifier_type(text: str, node: Node, place: _Place) -> str:
    system = _string(text, node, "system")
    if system in tables.SYSTEMS:
        return tables.SYSTEMS[system]
    kind = node.get("type")
    coding = kind.get("coding") if kind is not None else None
    for item in coding.items if coding is not None else ():
        code = _string(text, item, "code")
        if code.startswith("NN"):
            return "DOCUMENT_ID"
        if code in ID_TYPES:
            return ID_TYPES[code]
    return tables.IDENTIFIERS.get(place.resource, "CASE_ID")


def _string(text: str, node: Node, key: str) -> str:
    found = node.get(key) if node.kind == "object" else None
    return unquoted(text, found.start, found.end) if found is not None and found.kind == "string" else ""


def _fields(sink: Sink, node: Node, place: _Place, types: Mapping[str, str]) -> None:
    for key, value in node.members:
        entity_type = types.get(key)
        if entity_type is not None:
            for leaf in _leaves(value):
                _note(sink, leaf, entity_type, place)


def _leaves(value: Node) -> Iterator[Node]:
    if value.kind == "array":
        yield from (item for item in value.items if item.kind in ("string", "scalar"))
    elif value.kind != "object":
        yield value


def _note(sink: Sink, leaf: Node, entity_type: str, place: _Place) -> None:
    sink.field(leaf.start, leaf.end, entity_type, _name(place))


def _name(place: _Place) -> str:
    """A recogniser's name; only words of FHIR's own, as keys and types of a text may hold anything."""
    resource = place.resource if place.resource in tables.KNOWN else "Resource"
    return f"fhir:{resource}.{place.key}" if place.key in tables.ELEMENTS else f"fhir:{resource}"
