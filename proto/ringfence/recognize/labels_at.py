"""What stands between a label and its value: ``MRN: #``, ``Policy No. (US) =``, ``NHC`` and a blank."""

from __future__ import annotations

import re

QUALIFIER = (
    rb"(?:(?:[ -]{0,2}(?:policy|plan|member|record|account|card))?"
    rb"[ -]{0,2}(?:nos|no|number|num|numero|nummer|nr|ids|id|ref|reference|identifier|code|#)\b\.?[o\x80]?|"
    rb"[ ]?n\x80|[ ]?#|\.)?"
)
"""Words that may follow a label: ``number``, ``ID``, ``no.``"""
_STRONG = re.compile(
    QUALIFIER + rb"(?:[ ]?\([^)\n]{1,16}\))?[ \t]{0,4}['\"]?[ \t]{0,4}(?:[:|=>#]|-(?= )|\s-\s)[ \t]{0,4}"
    rb"(?:\r?\n[ \t]{0,4})?['\"*_]{0,2}(?:is |of )?#?",
    re.IGNORECASE,
)
_WEAK = re.compile(
    QUALIFIER + rb"[ ]{1,2}(?:is |was |of |with |es el |es |ist |est |el |on |#[ ]?is )?#?", re.IGNORECASE
)
_QUALIFIED = re.compile(
    rb"[ -]{0,2}(?:nos|no|number|num|numero|nummer|nr|id|identifier|#)(?![A-Za-z])|[ ](?:#|n\x80)", re.IGNORECASE
)


def strong_at(buf: bytes, end: int) -> int | None:
    """Where the value begins whose label ends at `end`, if a mark (``:``, ``|``, ``=``, ``#``, ...) stands between."""
    match = _STRONG.match(buf, end, end + 48)
    return None if match is None else match.end()


def value_at(buf: bytes, end: int) -> int | None:
    """Likewise, where a blank or ``is`` may do; None where no value can begin."""
    strong = strong_at(buf, end)
    if strong is not None:
        return strong
    match = _WEAK.match(buf, end, end + 24)
    return None if match is None else match.end()


def is_qualified(buf: bytes, end: int) -> bool:
    """Whether ``no.``, ``ID``, ``number`` or ``#`` follows the label."""
    return _QUALIFIED.match(buf, end, end + 14) is not None
