"""The words of ``[classification]``: levels, entity types, locales; a wrong one is answered with the right one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from ringfence.labels import Level
from ringfence.recognize.entities import ENTITIES
from ringfence.recognize.policy import LOCALES


def _level(value: object) -> object:
    if isinstance(value, str) and value.upper() in Level.__members__:
        return Level[value.upper()]
    raise ValueError(f"write one of {', '.join(Level.__members__)}")


def _entity(name: str) -> str:
    if name not in ENTITIES:
        raise ValueError(f"there is no such entity type; write {near(name.upper(), ENTITIES)}")
    return name


def _locale(name: str) -> str:
    if name not in LOCALES:
        raise ValueError(f"there is no such locale; write {near(name.lower(), sorted(LOCALES))}")
    return name


def near(name: str, names: Iterable[str]) -> str:
    """What to write instead of a name that nobody knows."""
    near = difflib.get_close_matches(name, tuple(names), n=1)
    return near[0] if near else f"one of {', '.join(names)}"


SiteLevel = Annotated[Level, BeforeValidator(_level)]
EntityType = Annotated[str, AfterValidator(_entity)]
Locale = Annotated[str, AfterValidator(_locale)]
