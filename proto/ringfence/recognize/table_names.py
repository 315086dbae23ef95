"""Triggers for persons' names: labels, titles, salutations, closings, introductions."""

from __future__ import annotations

from ringfence.recognize import looks_names as names
from ringfence.recognize.trigger import ANYCASE, MULTILINE, SOM, Trigger, label
from ringfence.recognize.vocabulary import MARKED_PERSON_LABELS, PERSON_LABELS, SHORT_TITLES, TITLES


def triggers() -> tuple[Trigger, ...]:
    """Everything that a name stands beside."""
    return (
        Trigger("person", label(PERSON_LABELS), ANYCASE | SOM, names.labelled),
        Trigger(
            "person-marked",
            rf"\b(?:{MARKED_PERSON_LABELS})\b['\"]?\s{{0,4}}['\"]?\s{{0,4}}[:|=>-]|^(?:to|from) [A-Z]",
            ANYCASE | SOM | MULTILINE,
            names.marked,
        ),
        Trigger("title", rf"\b(?:(?:{TITLES}) |(?:{SHORT_TITLES})\.)", ANYCASE | SOM, names.titled),
        Trigger(
            "greeting",
            label("dear|hello|hi|liebe|lieber|geehrte|geehrter|estimado|estimada|cher|chere|bonjour|hola|hallo"),
            ANYCASE,
            names.greeted,
        ),
        Trigger(
            "closing",
            r"\b(?:regards|sincerely|faithfully|yours|truly|best|thanks|thank you|cordially|"
            r"cordialement|salutations|grussen|grusse|saludos|atentamente)[ ,.!]{0,3}\r?\n",
            ANYCASE,
            names.closed,
        ),
        Trigger(
            "introduction",
            r"\b(?:my name is|i am|this is|it is|me llamo|mi nombre es|je m'appelle|ich heisse|mein name ist) ",
            ANYCASE,
            names.introduced,
        ),
        Trigger("speaking", r"\b(?:here,|speaking\b)", ANYCASE | SOM, names.speaking),
    )
