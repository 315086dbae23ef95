"""All triggers of the one hyperscan database, each with its second look.

A trigger is cheap and a little too wide; its look decides. ``SOM`` asks hyperscan for the start of the match, which
costs more than the end alone; a trigger without it is looked at from its end.
"""

from __future__ import annotations

from typing import NamedTuple

import hyperscan

from ringfence.recognize import looks_dates, looks_fields, looks_names, looks_numbers
from ringfence.recognize.span import Look, Spans
from ringfence.recognize.vocabulary import ID_LABELS, MONTHS, PERSON_LABELS, SHORT_TITLES, TITLES

_SOM = hyperscan.HS_FLAG_SOM_LEFTMOST
_ANYCASE = hyperscan.HS_FLAG_CASELESS


class Trigger(NamedTuple):
    """One expression and what looks at its matches."""

    name: str
    """Says what it is for; unique."""
    expression: str
    """Hyperscan's syntax, over folded bytes."""
    flags: int
    """Hyperscan's flags."""
    look: Look
    """The second look."""
    is_last_resort: bool = False
    """Looked at only where nothing else was found."""


def _label(alternatives: str) -> str:
    return rf"\b(?:{alternatives})\b"


def triggers() -> tuple[Trigger, ...]:
    """Every trigger, in the order of their hyperscan ids."""
    numbers, fields, names, dates = looks_numbers, looks_fields, looks_names, looks_dates
    caps = r"[A-Z\xc0][A-Za-z\xc0\xe0'-]{1,24}"
    kinds = (
        "Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Place|Pl|Way|Terrace|Square|Highway|Hwy|"
        "Close|Crescent|Parkway|Pkwy"
    )
    months = "|".join(sorted(MONTHS))
    return (
        Trigger("email", r"[a-z0-9_%+\-\xc0\xe0]@[a-z0-9\xc0\xe0]", _ANYCASE, numbers.email),
        Trigger("url", r"\b(?:https?|ftps?|sftp|wss?|s3)://[^\s]", _ANYCASE | _SOM, numbers.url),
        Trigger("url-www", r"\bwww\.[a-z0-9]", _ANYCASE | _SOM, numbers.url),
        Trigger("ipv4", r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", _SOM, numbers.ipv4),
        Trigger("ipv6", r":[0-9a-f]{0,4}:", _ANYCASE, numbers.ipv6),
        Trigger("mac", r"\b[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}\b", _ANYCASE | _SOM, numbers.mac),
        Trigger("ssn", r"\b\d{3}[- ]\d{2}[- ]\d{4}\b", _SOM, numbers.ssn),
        Trigger("pan", r"\b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,7}\b", _SOM, numbers.pan),
        Trigger("pan-short", r"\b\d{4}[ -]?\d{6}[ -]?\d{4,5}\b", _SOM, numbers.pan),
        Trigger("iban", r"\b[a-z]{2}\d{2} ?[a-z0-9]{4} ?[a-z0-9]{3}", _ANYCASE | _SOM, numbers.iban),
        Trigger("phone-us", r"(?:\(\d{3}\)[ ]?|\b\d{3}[-. ])\d{3}[-. ]\d{4}\b", _SOM, numbers.phone),
        Trigger("phone-us-long", r"\b1[-. ]\(?\d{3}\)?[-. ]\d{3}[-. ]\d{4}\b", _SOM, numbers.phone),
        Trigger("phone-short", r"\b[2-9]\d{2}-\d{4}\b", _SOM, numbers.phone),
        Trigger("phone-national", r"\b0\d{1,4}[ /-]\d{5,8}\b", _SOM, numbers.phone),
        Trigger("phone-grouped", r"\b0\d{1,4} \d{3,4} \d{3,4}\b", _SOM, numbers.phone),
        Trigger("phone-pairs", r"\b0\d(?:[ .]\d{2}){4}\b", _SOM, numbers.phone),
        Trigger("phone-international", r"\+\d{1,3}[ .()-]{0,2}\d{2}", _SOM, numbers.phone_international),
        Trigger(
            "date-numeric",
            r"\b(?:\d{1,4}-\d{1,2}-\d{1,4}|\d{1,4}/\d{1,2}/\d{1,4}|\d{1,4}\.\d{1,2}\.\d{1,4})(?:T\d\d:|\b)",
            _SOM,
            _iso,
        ),
        Trigger("date-month-year", r"\b(?:0?[1-9]|1[0-2])/(?:19|2[0-3])\d{2}\b", _SOM, dates.month_year),
        Trigger("date-name", rf"\b(?:{months})\b", _ANYCASE, dates.month_name),
        Trigger(
            "age",
            r"\b(?:9\d|1[0-3]\d)[ -]?(?:years?|yrs?|y/?o|jahre|jahrige?r?|anos|ans)\b(?:[ -]old\b)?",
            _ANYCASE | _SOM,
            dates.age,
        ),
        Trigger(
            "age-label", r"\b(?:aged?|edad|alter)[\"']?[ ]?[:=]?[ ]?(?:9\d|1[0-3]\d)\b", _ANYCASE | _SOM, dates.age
        ),
        Trigger("long-number", r"\b\d{7,20}\b", _SOM, numbers.long_number, is_last_resort=True),
        Trigger(
            "long-number-groups",
            r"\b[A-Z]{0,4}-?\d{2,6}(?:-\d{2,6}){1,4}\b",
            _SOM,
            numbers.long_number,
            is_last_resort=True,
        ),
        Trigger("long-number-letters", r"\b[A-Z]{1,4}-?\d{7,14}\b", _SOM, numbers.long_number, is_last_resort=True),
        Trigger(
            "street",
            rf"\b\d{{1,5}}[a-zA-Z]? (?:[NSEW]\.? )?(?:{caps} ){{1,3}}(?:{kinds}|{kinds.upper()})\b",
            _SOM,
            fields.street,
        ),
        Trigger(
            "street-de",
            r"\b[A-Z\xc0][A-Za-z\xc0\xe0-]{2,24}(?:strasse|str\.|weg|platz|gasse|allee|"
            r"STRASSE|STR\.|WEG|PLATZ|GASSE|ALLEE) \d{1,4}[a-z]?\b",
            _SOM,
            fields.street,
        ),
        Trigger(
            "street-romance",
            r"\b(?:\d{1,4}(?: bis| ter)?,? (?:rue|avenue|boulevard|place|chemin|impasse) [^\n,;]{3,40}|"
            r"(?:Calle|C/|Avenida|Avda\.?|Plaza|Paseo) [^\n,;]{3,40},? \d{1,4})\b",
            _SOM,
            fields.street,
        ),
        Trigger("zip-line", r"\b[A-Z]{2} \d{5}(?:-\d{4})?\b", _SOM, fields.zip_line),
        Trigger(
            "zip",
            _label(r"zip(?: ?code)?|postal code|postcode|plz|codigo postal|code postal"),
            _ANYCASE,
            fields.zip_code,
        ),
        Trigger(
            "address",
            _label("(?:home |street |mailing |postal |billing )?address|direccion|domicilio|adresse|anschrift"),
            _ANYCASE,
            fields.address,
        ),
        Trigger(
            "phone",
            _label(
                r"(?:home |work |cell )?phone|tel|telephone|mobile|cell|fax|pager|telefono|movil|telefon|handy|"
                r"portable|mobil|rufnummer"
            ),
            _ANYCASE,
            fields.phone,
        ),
        Trigger("ssn-label", _label(r"ssn|social security|soc sec|ss#"), _ANYCASE, fields.ssn),
        Trigger("npi", _label("npi"), _ANYCASE, fields.npi),
        Trigger(
            "card", _label(r"(?:credit |debit )?card|pan|tarjeta|carte|kartennummer|kreditkarte"), _ANYCASE, fields.card
        ),
        *(
            Trigger(f"id-{entity_type.lower()}", _label(labels), _ANYCASE | _SOM, fields.identifier(entity_type))
            for entity_type, labels in ID_LABELS.items()
        ),
        Trigger("person", _label(PERSON_LABELS), _ANYCASE | _SOM, names.labelled),
        Trigger("title", rf"\b(?:(?:{TITLES}) |(?:{SHORT_TITLES})\.)", _ANYCASE | _SOM, names.titled),
        Trigger(
            "greeting",
            _label("dear|hello|hi|liebe|lieber|geehrte|geehrter|estimado|estimada|cher|chere|bonjour|hola|hallo"),
            _ANYCASE,
            names.greeted,
        ),
        Trigger(
            "closing",
            r"\b(?:regards|sincerely|faithfully|yours|truly|best|thanks|thank you|cordially|"
            r"cordialement|salutations|grussen|grusse|saludos|atentamente)[ ,.!]{0,3}\r?\n",
            _ANYCASE,
            names.closed,
        ),
        Trigger(
            "introduction",
            r"\b(?:my name is|i am|this is|it is|me llamo|mi nombre es|je m'appelle|ich heisse|mein name ist) ",
            _ANYCASE,
            names.introduced,
        ),
        Trigger("speaking", r"\b(?:here,|speaking\b)", _ANYCASE | _SOM, names.speaking),
        Trigger(
            "secret",
            _label(
                r"password|passwd|pwd|passphrase|passwort|contrasena|mot de passe|secret|client[_-]secret|"
                r"api[_ -]?key|apikey|"
                r"access[_-]?key|secret[_-]?key|access[_-]?token|auth[_-]?token|token|private[_-]?key|pin code|cvv|cvc"
            ),
            _ANYCASE | _SOM,
            fields.secret,
        ),
        Trigger(
            "key",
            r"\b(?:AKIA|ASIA|gh[pousr]_|github_pat_|xox[abprs]-|sk-|[sr]k_live_|"
            r"sk_test_|AIza|glpat-|hf_|npm_|eyJ|[Bb]earer )[A-Za-z0-9_-]{4}",
            _SOM,
            fields.key,
        ),
        Trigger("private-key", r"-----BEGIN [A-Z ]{0,32}PRIVATE KEY", _SOM, fields.private_key),
    )


def _iso(buf: bytes, start: int, end: int) -> Spans:
    """A numeric date, without the ``T`` and hour that may follow it (RFC 3339)."""
    return looks_dates.numeric(buf, start, end - 4 if buf[end - 1 : end] == b":" else end)
