"""Providers, and what they are cleared for: the sections ``[[providers]]`` of the daemon's file."""

from __future__ import annotations

from pydantic import Field

from ringfence.configfile import Section
from ringfence.labels import Level
from ringfenced.config.types import LabelSetting, Name, Price, Share, Speed


class ProviderModel(Section):
    """One model of a provider."""

    name: Name
    """The name that callers use, unique within the site; the agent's configuration maps it to the wire."""
    context_tokens: int = Field(default=128_000, ge=64)
    """Prompt and answer together."""
    quality: Share = 0.9
    """Expected quality, 0 to 1, until learned."""
    price: Price = Price()
    """What it costs."""
    speed: Speed = Speed(first_token_ms=500.0, token_ms=20.0)
    """What it takes."""
    tools: bool = True
    """It can call tools."""
    json_schema: bool = True
    """It keeps to a JSON schema."""
    images: bool = False
    """It reads pictures; only approved ones reach it (``classification.approved_pictures``)."""
    embeddings: bool = False
    """It embeds texts and answers nothing."""
    evaluators: tuple[Name, ...] = ()
    """Who judges its answers: names of [[evaluators]], or of built-in ones (docs/evaluators.md)."""


class Provider(Section):
    """One provider, and what it is cleared for; the agent's own configuration must agree."""

    name: Name
    """As in the agent's configuration."""
    region: str = ""
    """Where it runs, for example ``eu``."""
    contract: str = ""
    """What was signed with it, for policies to ask for, for example ``BAA`` or ``DPA``; empty for nothing."""
    clearance: LabelSetting = LabelSetting(level=Level.PUBLIC)
    """Highest label that may go there. RESTRICTED content never leaves, whatever stands here."""
    models: tuple[ProviderModel, ...] = Field(min_length=1)
    """Its models."""
