"""Triggers for numbers and addresses that speak for themselves."""

from __future__ import annotations

from ringfence.recognize import looks_cards as cards
from ringfence.recognize import looks_fields as fields
from ringfence.recognize import looks_network as network
from ringfence.recognize import looks_numbers as numbers
from ringfence.recognize import looks_phones as phones
from ringfence.recognize.span import Spans
from ringfence.recognize.trigger import ANYCASE, SOM, Trigger, label

_MBI = r"[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d-?[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d-?[AC-HJKMNP-RT-Y]{2}\d\d"


def triggers() -> tuple[Trigger, ...]:
    """Addresses of networks, cards and accounts, phones, devices, long numbers."""
    return (
        Trigger("email", r"[a-z0-9_%+\-\xc0\xe0]@[a-z0-9\xc0\xe0]", ANYCASE, network.email),
        Trigger("handle", r"(?:^|[\s(\[,;:\"'])@[a-z_]", ANYCASE, network.handle),
        Trigger("url", r"\b(?:https?|ftps?|sftp|wss?|s3)://[^\s]", ANYCASE | SOM, network.url),
        Trigger("url-www", r"\bwww\.[a-z0-9]", ANYCASE | SOM, network.url),
        Trigger("ipv4", r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", SOM, network.ipv4),
        Trigger("ipv6", r":[0-9a-f]{0,4}:", ANYCASE, network.ipv6),
        Trigger(
            "mac",
            r"\b(?:[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2})\b",
            ANYCASE | SOM,
            network.mac,
        ),
        Trigger("ssn", r"\b\d{3}[- ]\d{2}[- ]\d{4}\b", SOM, numbers.ssn),
        Trigger("pan", r"\b\d{4}[ .-]?\d{4}[ .-]?\d{4}[ .-]?\d{1,4}(?:[ .-]?\d{3})?\b", SOM, cards.pan),
        Trigger("pan-short", r"\b3\d{3}[ .-]?\d{6}[ .-]?\d{4,5}\b", SOM, cards.pan),
        Trigger("pan-pairs", r"\b\d{2}(?:[ .-]\d{2}){6,8}\b", SOM, cards.pan),
        Trigger("card-track", r"%B\d{12,19}\^[^\^\n]{2,40}\^\d{4,7}|;\d{12,19}=\d{4,30}", SOM, cards.track),
        Trigger(
            "card-code",
            label(
                r"cvv2?|cvc2?|csc|card (?:security|verification) (?:code|value|number)|security code|pin|pin[ "
                r"-]?code|"
                r"codigo de seguridad|cryptogramme(?: visuel)?|prufziffer|kartenprufnummer"
            ),
            ANYCASE,
            cards.code,
        ),
        Trigger("iban", r"\b[a-z]{2}\d{2} ?[a-z0-9]{4} ?[a-z0-9]{3}", ANYCASE | SOM, cards.iban),
        Trigger("bic", label(r"bic|swift(?:[ /-]?bic)?"), ANYCASE, cards.bic),
        Trigger("phone-us", r"(?:\(\d{3}\)[ ]?|\b\d{3}[-. ])\d{3}[-. ]\d{4}(?:\b|x)", SOM, _with_x),
        Trigger("phone-us-long", r"\b1[-. ]\(?\d{3}\)?[-. ]\d{3}[-. ]\d{4}\b", SOM, phones.plain),
        Trigger("phone-short", r"\b[2-9]\d{2}-\d{4}\b", SOM, phones.plain),
        Trigger("phone-national", r"\b0\d{1,4}[ /-]\d{5,8}\b", SOM, phones.plain),
        Trigger("phone-grouped", r"\b0\d{1,4} \d{3,4} \d{3,4}\b", SOM, phones.plain),
        Trigger(
            "phone-bracketed", r"\((?:0?\d{1,5}\)[ -]?\d{3,4}[ -]\d{3,6}|0\d{1,5}\)[ -]?\d{4,9})\b", SOM, phones.plain
        ),
        Trigger("phone-pairs", r"\b0\d{1,3}(?:[ .]\d{2,3}|-\d{2,3}){3,4}\b", SOM, phones.plain),
        Trigger(
            "phone-international",
            r"\+ ?\d{1,3}[ .()-]{0,2}\d[ )]{0,2}\d|\b00[1-9]\d{0,2}[ -]?\d{2,4}[ -]?\d{3,8}\b",
            SOM,
            _international,
        ),
        Trigger(
            "phone-called",
            r"\b(?:call|calling|reach|ring|dial|text|phone|whatsapp|sms|contact|registered|answering)"
            r"(?: (?:me|him|her|us|them|back|on|at|to|number|mobile|is))*[:]? [+(]?\d[\d() .-]{5,18}\d\b",
            ANYCASE | SOM,
            phones.called,
        ),
        Trigger(
            "phone-before",
            r"[+(\d][\d() .-]{5,18}\d[ -]{1,2}\(?(?:office|fax|mobile|cell|desk|home|work|movil|fijo|portable|"
            r"handy)\b",
            ANYCASE | SOM,
            _before,
        ),
        Trigger(
            "phone",
            label(
                r"(?:home |work |cell |mobile |contact )?phones?(?: number)?|tel|tels|telephone|telephones|"
                r"mobile(?: number)?|cell|fax|"
                r"pager|desk|office|"
                r"telefonos?|tfnos?|tlfnos?|tlfs?|tfs?|telf|tlfn|movil(?: de (?:su|la|el) [a-z]{2,10})?|"
                r"telefon|handy|portable|mobil|rufnummer|telefax"
            ),
            ANYCASE,
            phones.labelled,
        ),
        Trigger("dea", r"\b[A-HJ-NPRSTUX][A-Z9]\d{7}\b", SOM, fields.dea),
        Trigger("mbi", rf"\b{_MBI}\b", SOM, fields.mbi),
        Trigger("vin", r"\b[A-HJ-NPR-Z0-9]{17}\b", SOM, fields.vin),
        Trigger("imei", r"\b\d{2}[- ]?\d{6}[- ]?\d{6}[- ]?\d\b", SOM, fields.imei),
        Trigger("udi", r"\(01\)\d{14}", SOM, fields.udi),
        Trigger("ssn-label", label(r"ssn|social security|soc sec|ss#|social"), ANYCASE | SOM, fields.social),
        Trigger(
            "last-four",
            r"\b(?:ending|ends|last four|last 4)(?: digits?)?(?: in| with| are| is|:)? \d{4}\b",
            ANYCASE,
            fields.ending,
        ),
        Trigger("npi", label("npi"), ANYCASE | SOM, fields.npi),
        Trigger(
            "card",
            label(r"(?:credit |debit )?card|pan|cc|visa|mastercard|amex|tarjeta|carte|kartennummer|kreditkarte"),
            ANYCASE | SOM,
            fields.card,
        ),
        Trigger("long-number", r"\b\d{7,20}\b", SOM, numbers.long_number, is_last_resort=True),
        Trigger(
            "long-number-groups",
            r"\b[A-Z]{0,4}-?\d{2,9}(?:-\d{1,9}){1,4}\b",
            SOM,
            numbers.long_number,
            is_last_resort=True,
        ),
        Trigger(
            "long-number-letters", r"\b[A-Z]{1,5}-?\d{6,14}[A-Z]{0,2}\b", SOM, numbers.long_number, is_last_resort=True
        ),
        Trigger(
            "long-number-mixed",
            r"\b(?:[A-Z]{3,4}\d{5}|\d{1,2}[A-Z]{1,3}\d{5,9}|\d{2}-\d{2}-\d{2})\b",
            SOM,
            numbers.mixed,
            is_last_resort=True,
        ),
        Trigger("hash-number", r"#[A-Z]{0,5}-?\d{3,14}\b", SOM, fields.hashed, is_last_resort=True),
    )


def _with_x(buf: bytes, start: int, end: int) -> Spans:
    """A number directly followed by ``x`` and its extension."""
    return phones.plain(buf, start, end - (buf[end - 1 : end] == b"x"))


def _international(buf: bytes, start: int, end: int) -> Spans:
    """With ``+``, or with ``00`` in its place."""
    return phones.plain(buf, start, end) if buf[start : start + 1] == b"0" else phones.international(buf, start, end)


def _before(buf: bytes, start: int, end: int) -> Spans:
    """The number before ``office``: without the word."""
    stop = end
    while stop > start and not 48 <= buf[stop - 1] <= 57:  # noqa: PLR2004 - ASCII digits
        stop -= 1
    return phones.called(buf, start, stop)
