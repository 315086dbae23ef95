"""Triggers for the numbers and phones of the countries that a site deals with."""

from __future__ import annotations

from ringfence.recognize import looks_fields as fields
from ringfence.recognize import looks_phones as phones
from ringfence.recognize.national import NATIONALS
from ringfence.recognize.span import Span, Spans
from ringfence.recognize.trigger import ANYCASE, SOM, Trigger


def triggers() -> tuple[Trigger, ...]:
    """One for each kind of number, one for each country whose phones have a grouping of their own."""
    return (
        *(
            Trigger(
                kind.name,
                kind.expression,
                SOM,
                fields.checked(kind.entity_type, kind.is_valid, f"national:{kind.name}"),
                locales=frozenset({kind.country}),
            )
            for kind in NATIONALS
        ),
        Trigger(
            "phone-es",
            r"\b(?:[6-9]\d{2} \d{3} \d{3}|[6-9]\d{2}(?: \d{2}){3}|9\d \d{3} \d{2} \d{2}|9\d \d{7}|[6-9]\d{2}[ "
            r"-]\d{6}|[6-9]\d{2}\.\d{2,3}\.\d{2,3}(?:\.\d{2})?)\b",
            SOM,
            phones.national("ES"),
            locales=frozenset({"es"}),
        ),
        Trigger(
            "phone-gb",
            r"\b0\d{2,5}[ -]\d{3,4}[ -]?\d{3,4}\b|\(0\d{2,5}\)[ ]?\d{3,4}[ -]?\d{3,4}\b",
            SOM,
            phones.national("GB"),
            locales=frozenset({"gb"}),
        ),
        Trigger(
            "phone-de",
            r"\b0\d{2,5} ?[/-] ?\d{3,4}(?:[ -]?\d{2,5}){0,2}\b",
            SOM,
            phones.national("DE"),
            locales=frozenset({"de"}),
        ),
        Trigger(
            "plate-fr-labelled",
            r"\b(?:vehicule|voiture|immatriculee?|plaque)[ :]{1,3}[A-HJ-NP-TV-Z]{2}[ -]\d{3}[ -][A-HJ-NP-TV-Z]{2}\b",
            ANYCASE,
            _plate_behind,
            locales=frozenset({"fr"}),
        ),
        Trigger("plate-fr", r"\b[A-HJ-NP-TV-Z]{2}-\d{3}-[A-HJ-NP-TV-Z]{2}\b", SOM, _plate, locales=frozenset({"fr"})),
    )


def _plate_behind(_buf: bytes, _start: int, end: int) -> Spans:
    """The nine bytes that end the match."""
    return (Span(end - 9, end, "VEHICLE_ID", 0.8, "label:fr-plate"),)


_plate = fields.checked("VEHICLE_ID", lambda text: "SS" not in (text[:2], text[-2:]), "national:fr-plate", 0.7)
"""France's since 2009: no I, O, U, and no SS (arrete du 9 fevrier 2009)."""
