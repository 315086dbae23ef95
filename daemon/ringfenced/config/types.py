"""Types that several sections of the daemon's file share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from ringfence.configfile import Section
from ringfence.labels import Category, Label, Level


def _level(value: object) -> object:
    return Level[value.upper()] if isinstance(value, str) and value.upper() in Level.__members__ else value


def _beside(path: Path, info: ValidationInfo) -> Path:
    folder = info.context if isinstance(info.context, Path) else Path.cwd()
    return folder / path


Levels = Annotated[Level, BeforeValidator(_level), Field(description="PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED")]
FilePath = Annotated[Path, AfterValidator(_beside)]
Identity = Annotated[str, Field(pattern=r"^spiffe://[A-Za-z0-9.\-_]+/[A-Za-z0-9.\-_/]+$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]*$", max_length=128)]
Share = Annotated[float, Field(ge=0, le=1)]


class Price(Section):
    """What tokens cost, in microcredits (millionths of a credit) for a thousand."""

    prompt_microcredits_per_1k: int = Field(default=0, ge=0)
    """For a thousand tokens of the prompt."""
    completion_microcredits_per_1k: int = Field(default=0, ge=0)
    """For a thousand tokens of the answer."""
    cached_prompt_microcredits_per_1k: int | None = Field(default=None, ge=0)
    """For a thousand tokens of the prompt that the target's cache answers; as much as the others where this is missing.
    Amounts that are held never count on it."""


class Speed(Section):
    """What a target is expected to take until it is measured, in milliseconds."""

    first_token_ms: float = Field(default=50.0, ge=0)
    """To the first token."""
    token_ms: float = Field(default=5.0, ge=0)
    """For each further token."""


class Tls(Section):
    """A certificate and what it is checked against."""

    ca: FilePath
    """CA certificates that peers must chain to, PEM."""
    cert: FilePath
    """Our certificate chain, PEM."""
    key: FilePath
    """Its private key, PEM, mode 0600 or stricter."""


class LabelSetting(Section):
    """A label."""

    level: Levels = Level.PUBLIC
    """PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED."""
    categories: frozenset[Category] = frozenset()
    """Any of PHI, PII, PCI, FINANCIAL, SECRET, CUSTOM."""

    def label(self) -> Label:
        """As a value."""
        return Label(self.level, self.categories)
