"""Triggers for dates and for ages over 89."""

from __future__ import annotations

from ringfence.recognize import looks_dates as dates
from ringfence.recognize.span import Spans
from ringfence.recognize.trigger import ANYCASE, SOM, Trigger, label
from ringfence.recognize.vocabulary import MONTHS

_OLD = r"(?:9\d|1[0-3]\d)"


def triggers() -> tuple[Trigger, ...]:
    """Numbers, month names, labels, and what stands before a date without a year."""
    months = "|".join(sorted(MONTHS))
    alone = "|".join(sorted(word for word in MONTHS if word not in ("set", "ago", "ene")))
    return (
        Trigger(
            "date-numeric",
            r"\b(?:\d{1,4}-\d{1,2}-\d{1,4}|\d{1,4}/\d{1,2}/\d{1,4}|\d{1,4}\.\d{1,2}\.\d{1,4})(?:T\d\d:|\b)",
            SOM,
            dates.numeric,
        ),
        Trigger(
            "date-month-year",
            r"\b(?:(?:0?[1-9]|1[0-2])/|(?:0[1-9]|1[0-2])-)(?:19\d|20[0-3]|2[12]\d)\d\b",
            SOM,
            dates.month_year,
        ),
        Trigger("date-roman", r"\b\d{1,2}[-/](?:I{1,3}|IV|VI{0,3}|IX|XI{0,2})[-/](?:19|20)?\d{2}\b", SOM, dates.roman),
        Trigger("date-name", rf"\b(?:{months})\b", ANYCASE, dates.month_name),
        Trigger(
            "date-month-alone",
            rf"\b(?:last|this past|since|until|till|in|during|early|late|mid|next|by|of|mes de|desde|hasta|en|entre|"
            rf"pasado|finales de|principios de|en|depuis|jusqu'en|debut|fin|mois de|mois d'|im|seit|bis|ende|"
            rf"anfang|mitte)"
            rf"[ -](?:{alone})\b",
            ANYCASE | SOM,
            dates.month_alone,
        ),
        Trigger(
            "date-day-month",
            r"(?:\b(?:on|from|seen|visit|admitted|discharged|since|until|dated?|dob|am|vom|seit|bis|el|dia|le|"
            r"du)[: ] ?|from \d{1,2}/\d{1,2} (?:to|through|until) )"
            r"\d{1,2}(?:/\d{1,2}|\.\d{1,2}\.)(?:\b|[\s,;:).]|$)",
            ANYCASE,
            _without_mark,
        ),
        Trigger(
            "date-day-month-de",
            r"\b(?:0[1-9]|[12]\d|3[01])\.(?:0[1-9]|1[0-2])\.(?:[\s,;:).]|$)",
            0,
            _without_mark,
            locales=frozenset({"de"}),
        ),
        Trigger(
            "date-label",
            label(
                r"d\.?o\.?b\.?|date of (?:birth|death|admission|discharge|service|visit)|birth ?date|born(?: on| "
                r"in)?|"
                r"(?:admission|discharge|visit|service|appointment) date|fecha(?: de [a-z]{3,12})?|f\. ?nac\.?|"
                r"f/n|nacid[oa](?: el)?|"
                r"date de (?:naissance|deces|sortie|consultation)|nee? (?:le|en)|"
                r"geb(?:\.|oren(?: am)?|urtsdatum)|aufnahmedatum|entlassdatum"
            ),
            ANYCASE,
            dates.labelled,
        ),
        Trigger(
            "age",
            rf"\b{_OLD}[ -]?(?:years?|yrs?|y/?o|jahre|jahrige?r?|anos|ans)\b(?:[ -]old\b| de edad\b| "
            rf"alte?[rn]?\b| d'age\b| of age\b)?|\b{_OLD}a\b",
            ANYCASE | SOM,
            dates.age,
        ),
        Trigger(
            "age-label",
            rf"\b(?:aged?(?: of)?|edad|alter|turn(?:ed|s|ing)?)[\"']?[ ]?[:=]?[ ]?{_OLD}\b",
            ANYCASE | SOM,
            dates.age,
        ),
    )


def _without_mark(buf: bytes, _start: int, end: int) -> Spans:
    """`day_month`, without the mark that ended the match."""
    last = buf[end - 1]
    return dates.day_month(buf, max(0, end - 24), end if 48 <= last <= 57 or last == 46 else end - 1)  # noqa: PLR2004
