"""What lasts is no age: ``for 3 years``, ``hace 10 anos``, ``95 years of history``."""

from __future__ import annotations

import re

_LASTING_BEFORE = re.compile(
    rb"\b(?:(?:for|over|past|last|next|every|within|after|in|during|each|first|another|nearly|than|follow[ -]?up "
    rb"of|history of|"
    rb"hace|hacia|durante|cada|tras|en|lleva|plazo de|historia de|mas de|menos de|"
    rb"depuis|pendant|il y a|apres|dans|tous les|plus de|seit|vor|nach|alle|wahrend|mehr als)"
    rb"(?: (?:the|about|around|unos|ya|de|mas de|les|plus de|den|der|mehr als|last|past))?"
    rb"|(?:ultimos|primeros|proximos|siguientes|derniers|letzten|next|last|first|past)) $",
    re.IGNORECASE,
)
_LASTING_AFTER = re.compile(
    rb" ?(?:ago|later|earlier|before|after|of (?:follow|history|treatment|therapy|use|experience)|follow|history|"
    rb"survival|prior|"
    rb"de (?:evolucion|seguimiento|duracion|tratamiento|historia|residencia|postoperatorio|formacion|infecciones|"
    rb"experiencia|suivi|traitement)|despues|antes|atras|previos|libre|mas tarde|mas\b|y medio de evolucion|plus "
    rb"tard|d'evolution|"
    rb"spater|lang|zuvor|respectivamente)",
    re.IGNORECASE,
)


def is_duration(buf: bytes, start: int, end: int) -> bool:
    """Whether the words around a number of years, months or days at `start` to `end` make it a duration."""
    return _LASTING_BEFORE.search(buf, max(0, start - 28), start) is not None or goes_on(buf, end)


def goes_on(buf: bytes, end: int) -> bool:
    """Whether ``ago``, ``later``, ``de evolucion`` or the like follow at `end`."""
    return _LASTING_AFTER.match(buf, end, end + 24) is not None
