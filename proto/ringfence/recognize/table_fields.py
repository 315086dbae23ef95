"""Triggers for labelled identifiers."""

from __future__ import annotations

from ringfence.recognize import looks_fields as fields
from ringfence.recognize import looks_network as network
from ringfence.recognize.span import Spans
from ringfence.recognize.trigger import ANYCASE, SOM, Trigger, label
from ringfence.recognize.vocabulary import ID_LABELS


def triggers() -> tuple[Trigger, ...]:
    """One trigger for the labels of each type, user names, and numbers of courts."""
    return (
        *(
            Trigger(f"id-{entity_type.lower()}", label(labels), ANYCASE | SOM, fields.identifier(entity_type))
            for entity_type, labels in ID_LABELS.items()
        ),
        Trigger(
            "username",
            label(
                r"user[ _-]?name|user[ _-]?id|login(?: name| id)?|screen ?name|nickname|handle|usuario|benutzername|"
                r"benutzerkennung|identifiant|nom d'utilisateur|twitter|instagram|telegram|skype|discord"
            ),
            ANYCASE | SOM,
            network.username,
        ),
        Trigger("id-glued", r"[a-z]N[o\x80]\.? ?Col(?:egiad[oa])?\b", SOM, fields.identifier("DOCUMENT_ID")),
        Trigger("numbered", r"\bn(?:\x80|o\.?|r\.)[ :]{0,2}[A-Z]{0,3}\d", ANYCASE | SOM, fields.numbered),
        Trigger(
            "username-bracketed",
            r"\b(?:user|nutzer|benutzer|usuario|utilisateur|reporter|caller|employee)[ ]?: "
            r"?[^\n(]{3,48}\([a-z0-9._-]{3,32}\)",
            ANYCASE,
            network.bracketed,
        ),
        Trigger("username-logged", r"\b[a-z][a-z0-9._-]{2,32} logged (?:in|on|out)\b", SOM, network.logged),
        Trigger("docket", r"\bno[s\x80]?\.? \d{1,6} ?/ ?\d", ANYCASE | SOM, _docket),
        Trigger("docket-next", r"\d ?/ ?\d{2,4} (?:and|y|et|und) \d{3,6} ?/ ?\d", SOM, _docket),
    )


def _docket(buf: bytes, start: int, end: int) -> Spans:
    """The number itself: the last one that the match begins or holds."""
    at = end
    while at > start and buf[at - 1] in b"0123456789 /":
        at -= 1
    while buf[at : at + 1] == b" ":
        at += 1
    return fields.docket(buf, at, at + 1)
