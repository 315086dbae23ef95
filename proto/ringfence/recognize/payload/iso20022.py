"""ISO 20022 messages in XML: payments, their status, statements of accounts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ringfence.recognize.payload import iso20022_tables as tables
from ringfence.recognize.payload.sink import FREE_TEXT, Sink, is_iso_date
from ringfence.recognize.payload.xml_text import Event, events

_MARK = re.compile(
    r"urn:iso:std:iso:20022:|<(?:[A-Za-z0-9_]{1,16}:)?(?:GrpHdr|PmtInf|CdtTrfTxInf|DrctDbtTxInf|BkToCstmr|FIToFI|Ntry|NtryDtls"
    r"|(?:Ultmt)?(?:Dbtr|Cdtr)(?:Acct|Agt)?|InitgPty|PstlAdr|RmtInf)\b"
)
_BEFORE_CHARS_MAX = 512
"""How far before its namespace a root's tag may begin."""
DEPTH_MAX = 64
"""How far up a closing tag is looked for; the deepest message definitions stay below 20."""
_CODE = re.compile(r"[A-Z]{4}")
_KINDS = {"PrvtId": "PERSON", "OrgId": "ORGANISATION"}
"""Two below a party, these say what it is."""
_PIECE = re.compile(r"(\w+)|\W+")
_XML_WORDS = frozenset(
    {"xmlns", "xsi", "schemaLocation", "Ccy", "ns", "ns0", "ns1", "ns2", "doc", "pain", "pacs", "camt"}
)
"""Attributes and the prefixes that most systems write."""
_WORDS = re.compile(r"[^\W\d_]+")


@dataclass(slots=True)
class _Element:
    """An element that is open."""

    name: str
    text: list[tuple[int, int]] = field(default_factory=list)
    named: list[tuple[int, int]] = field(default_factory=list)
    """Of a party: the places of its name."""
    kind: str = ""
    """Of a party: PERSON or ORGANISATION, where its identification says so."""
    ids: list[tuple[int, int]] = field(default_factory=list)
    """Of an identification: the places of its numbers, until its scheme is known."""
    scheme: str = ""
    has_children: bool = False


def read_iso20022(sink: Sink) -> None:
    """Note the identifying elements of every message in the sink's text."""
    text = sink.text
    if "<" not in text:
        return
    mark = _MARK.search(text)
    if mark is None:
        return
    begin = text.find("<", max(0, mark.start() - _BEFORE_CHARS_MAX))
    stack: list[_Element] = []
    for event in events(text, begin):
        _walls(sink, event)
        if event.kind == "open":
            if stack:
                stack[-1].has_children = True
            stack.append(_Element(event.name))
        elif event.kind == "close":
            _close(sink, stack, event.name)
        elif event.kind == "text" and stack and event.end > event.start:
            stack[-1].text.append((event.start, event.end))
    while stack:  # cut off
        _leave(sink, stack)


def _walls(sink: Sink, event: Event) -> None:
    """The marks of a tag, and of its names those that are the schema's; any other may hold anything."""
    if event.kind == "text":
        return
    at = event.start
    for attribute in event.attributes:
        _wall_off(sink, at, attribute.start)
        at = attribute.end
    _wall_off(sink, at, event.end)


def _wall_off(sink: Sink, start: int, end: int) -> None:
    for piece in _PIECE.finditer(sink.text, start, end):
        if piece.group(1) is None or piece.group(1) in tables.ELEMENTS or piece.group(1) in _XML_WORDS:
            sink.wall(*piece.span())


def _close(sink: Sink, stack: list[_Element], name: str) -> None:
    """Leave elements down to the one called `name`; a closing tag that nothing opened is passed over."""
    for depth, element in enumerate(reversed(stack[-DEPTH_MAX:]), 1):
        if element.name == name:
            for _ in range(depth):
                _leave(sink, stack)
            return


def _leave(sink: Sink, stack: list[_Element]) -> None:
    element = stack.pop()
    above = [stack[-1 - index].name if index < len(stack) else "" for index in range(3)]
    if not element.has_children:
        for place in element.text:
            _leaf(sink, element, above, stack, place)
    if element.name in _KINDS and len(stack) > 1:
        stack[-2].kind = _KINDS[element.name]
    if element.named:
        kind = element.kind or _kind(sink.text, element.named)
        for place in element.named:
            sink.field(*place, kind, f"iso20022:{element.name}/Nm")
    for place in element.ids:
        sink.field(*place, tables.PRIVATE_IDS.get(element.scheme, "DOCUMENT_ID"), "iso20022:PrvtId/Othr/Id")


def _leaf(sink: Sink, element: _Element, above: list[str], stack: list[_Element], place: tuple[int, int]) -> None:
    name, text = element.name, sink.text
    value = text[slice(*place)].strip()
    if not value:
        return
    if name in tables.FIELDS:
        sink.field(*place, tables.FIELDS[name], f"iso20022:{name}")
    elif name in tables.FREE:
        sink.field(*place, FREE_TEXT, f"iso20022:{name}")
    elif name == "Nm":
        _name(sink, above, stack, place)
    elif name == "Id":
        _id(sink, above, stack, place)
    elif name == "Cd" and above[0] == "SchmeNm" and len(stack) > 1 and _CODE.fullmatch(value):
        stack[-2].scheme = value
    elif name in ("Ref", "Nb") and above[0] in ("CdtrRefInf", "RfrdDocInf"):
        sink.field(*place, "CASE_ID", f"iso20022:{above[0]}/{name}")
    else:
        start = text.index(value, *place)
        if is_iso_date(text, start, start + len(value)):
            sink.field(*place, "DATE", "iso20022:date")


def _name(sink: Sink, above: list[str], stack: list[_Element], place: tuple[int, int]) -> None:
    """A party's name waits for its identification; a bank's does not."""
    if above[0] in tables.INSTITUTIONS:
        sink.field(*place, "ORGANISATION", f"iso20022:{above[0]}/Nm")
    elif above[0] in tables.PARTIES:
        stack[-1].named.append(place)
    elif above[0].endswith(tables.ACCOUNT_ENDS):
        sink.field(*place, "PERSON", "iso20022:Acct/Nm")


def _id(sink: Sink, above: list[str], stack: list[_Element], place: tuple[int, int]) -> None:
    if above[0] == "Othr" and above[1] == "PrvtId":
        stack[-1].ids.append(place)
    elif above[0] == "Othr" and above[1] == "OrgId":
        sink.field(*place, "ID", "iso20022:OrgId/Othr/Id")
    elif above[0] == "Othr" and above[2].endswith(tables.ACCOUNT_ENDS):
        sink.field(*place, "ACCOUNT", "iso20022:Acct/Id/Othr/Id")
    elif above[0] in ("Othr", "FinInstnId", "BrnchId"):
        sink.field(*place, "ID", "iso20022:Othr/Id")
    elif above[0] in ("Stmt", "Rpt", "Ntfctn", "Case"):
        sink.field(*place, "CASE_ID", f"iso20022:{above[0]}/Id")


def _kind(text: str, named: list[tuple[int, int]]) -> str:
    """What a party is that does not say so: a company by the words of its name, else a person."""
    words = {word.lower() for start, end in named for word in _WORDS.findall(text[start:end].replace(".", ""))}
    return "PERSON" if words.isdisjoint(tables.COMPANY_WORDS) else "ORGANISATION"
