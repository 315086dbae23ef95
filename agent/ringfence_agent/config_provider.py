"""One provider in the agent's file: where it is, what it may see, what it costs, and how it is spoken to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ringfence.configfile import Section
from ringfence.labels import Category, Label, Level
from ringfence_agent.config_types import (
    MIB,
    Name,
    Pin,
    Resolved,
    WireModel,
    https,
    level_named,
    proxy_url,
    resolved_or_none,
)
from ringfence_agent.price import Price

_IN_A_PATH: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Names of models that stand in a path as a segment of it."""
_TITAN_OR_COHERE: Final = re.compile(r".*(?:amazon\.titan-embed-text|cohere\.embed).*")
"""Bedrock's embedding models whose requests are known here."""


class Clearance(Section):
    """What a provider may see."""

    level: Annotated[Level, BeforeValidator(level_named)]
    """Highest level; RESTRICTED never leaves, whatever stands here."""
    categories: frozenset[Category] = frozenset()
    """Categories that may be among it."""

    def label(self) -> Label:
        """The same as a label."""
        return Label(self.level, self.categories)


class PriceConfig(Section):
    """What a model costs, in millionths of a credit."""

    prompt_microcredits_per_1k_tokens: int = Field(ge=0, le=10**12)
    """For 1,000 tokens of what is sent."""
    completion_microcredits_per_1k_tokens: int = Field(ge=0, le=10**12)
    """For 1,000 tokens of what is generated."""
    completion_tokens_max: int = Field(default=8192, ge=1, le=10**7)
    """The longest answer to a request that names no limit, in tokens."""

    def price(self) -> Price:
        """The same as a value."""
        return Price(
            self.prompt_microcredits_per_1k_tokens,
            self.completion_microcredits_per_1k_tokens,
            self.completion_tokens_max,
        )


class TokenKey(Section):
    """Where an API key lies in a PKCS#11 token: a private data object; docs/deploy.md says how to put it there."""

    module: Resolved
    """The token's library, for example ``/usr/lib/softhsm/libsofthsm2.so``; it is loaded into the agent."""
    token: str = Field(min_length=1, max_length=32)
    """The token's label."""
    label: str = Field(min_length=1, max_length=128)
    """The object's label; one object has it."""
    pin_file: Resolved
    """File that holds the token's user PIN, mode 0400 or 0600."""


class ProviderConfig(Section):
    """One provider."""

    name: Name
    """Its name in permits, decisions and the log."""
    kind: Literal["openai", "azure", "anthropic", "gemini", "bedrock"]
    """Its family: ``openai`` for OpenAI and everything compatible with it (vLLM, OpenRouter), ``azure`` for Azure
    OpenAI, ``anthropic``, ``gemini`` for Google's Gemini API, ``bedrock`` for AWS. The last three need an extra of the
    same name: ``pip install 'ringfence[bedrock]'``."""
    base_url: Annotated[str, AfterValidator(https)]
    """Where its API begins: ``https://api.openai.com/v1``, ``https://RESOURCE.openai.azure.com``,
    ``https://api.anthropic.com``, ``https://generativelanguage.googleapis.com``, or
    ``https://bedrock-runtime.REGION.amazonaws.com``."""
    api_version: str = Field(default="", pattern=r"^$|^v1$|^\d{4}-\d{2}-\d{2}(-preview)?$")
    """With ``azure``: the version of its API, for example ``2024-10-21``, or ``v1``."""
    aws_region: str = Field(default="", pattern=r"^$|^[a-z]{2}(-[a-z]+)+-\d$")
    """With ``bedrock``: the region that requests are signed for, for example ``eu-central-1``."""
    authority: Annotated[Path | None, AfterValidator(resolved_or_none)] = None
    """PEM file of the authorities that its certificate may come from; nothing else is trusted. May be left out where
    `pins` name the certificate's own key."""
    pins: frozenset[Pin] = Field(default=frozenset(), max_length=16)
    """Keys that it may show: base64 of SHA-256 of SubjectPublicKeyInfo, as RFC 7469 has it. With an authority, one
    certificate of the verified chain must have such a key; without, its own certificate must. Pin the next one too."""
    demand_post_quantum: bool = False
    """Shake hands with X25519MLKEM768 only; needs Python 3.15. OpenSSL 3.5 and later prefer it by themselves."""
    proxy: Annotated[str, AfterValidator(proxy_url)] = ""
    """The site's own CONNECT proxy, for example ``http://proxy.site.example:3128``; empty for none. It looks up the
    provider's name, so that `allow_private_addresses` says nothing then. Variables such as HTTPS_PROXY are not read."""
    proxy_credentials: Annotated[Path | None, AfterValidator(resolved_or_none)] = None
    """File that holds ``user:password`` for the proxy, mode 0400 or 0600."""
    api_key_file: Annotated[Path | None, AfterValidator(resolved_or_none)] = None
    """File that holds its API key, mode 0400 or 0600; one of the three places is given. With ``bedrock`` the key is
    ``ACCESS_KEY_ID:SECRET``, ``ACCESS_KEY_ID:SECRET:SESSION_TOKEN``, or a Bedrock API key."""
    api_key_credential: str = Field(default="", max_length=255, pattern=r"^$|^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """Name of the systemd credential that holds it (``LoadCredential=`` or ``LoadCredentialEncrypted=``)."""
    api_key_pkcs11: TokenKey | None = None
    """The PKCS#11 token that holds it; needs the extra ``pkcs11``."""
    region: str = Field(default="", max_length=64)
    """Where it runs, for example ``eu``."""
    contract: str = Field(default="", max_length=256)
    """What was agreed with it, for example ``BAA 2026-01, DPA 2026-02``."""
    clearance: Clearance
    """What it may see."""
    models: dict[Name, WireModel] = Field(default_factory=dict)
    """Models that chat: name in permits to name on the wire, for example ``assistant = "gpt-5-mini"``; with ``azure``
    the latter is the deployment."""
    embedding_models: dict[Name, WireModel] = Field(default_factory=dict)
    """Models that embed, likewise; ``anthropic`` has none."""
    tokens_max_default: int = Field(default=4096, ge=1, le=1_000_000)
    """Upper bound on generated tokens where a request names none and the provider demands one (``anthropic``)."""
    tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What the provider calls the upper bound on generated tokens."""
    prices: dict[Name, PriceConfig] = Field(default_factory=dict)
    """What models cost, by their name in permits; without it the daemon's estimate is what quotas count."""
    request_bytes_max: int = Field(default=4 * MIB, ge=1, le=256 * MIB)
    """Longest request body, in bytes."""
    response_bytes_max: int = Field(default=16 * MIB, ge=1, le=1024 * MIB)
    """Longest answer, in bytes as they come from the wire."""
    response_seconds_max: float = Field(default=300.0, gt=0, le=3600)
    """Longest answer, in seconds from the first byte sent."""
    response_idle_seconds_max: float = Field(default=120.0, gt=0, le=3600)
    """How long nothing may come while an answer is awaited, in seconds."""
    connect_seconds_max: float = Field(default=10.0, gt=0, le=60)
    """How long connecting may take, looking its name up included."""
    connections_max: int = Field(default=64, ge=1, le=1000)
    """Most connections at the same time."""
    allow_private_addresses: bool = False
    """Allow addresses that are not global (RFC 6890), for a provider on the site, or for a demonstration."""
    padding: Literal["none", "buckets"] = "none"
    """``buckets`` fills request bodies up with white space to 1 KiB, and above that to the next eighth of a power of
    two, so that their length says less; counts towards `request_bytes_max` and quotas."""
    attempts_max: int = Field(default=2, ge=1, le=5)
    """How often a request may be tried while nothing was generated and the reason may pass; 1 for once."""
    retry_wait_seconds_max: float = Field(default=5.0, ge=0, le=60)
    """Longest wait before another try; a provider that asks for more is not tried again."""
    breaker_failures_max: int = Field(default=5, ge=1, le=1000)
    """So many failures in a row, two callers' where a request was sent, and the provider is left alone for a while."""
    breaker_open_seconds: float = Field(default=30.0, gt=0, le=3600)
    """For how long; then one request tries it."""

    @model_validator(mode="after")
    def _is_trusted_and_known(self) -> Self:
        if self.authority is None and not self.pins:
            raise ValueError("nothing says whom to trust; write authority, pins, or both")
        given = (self.api_key_file is not None, bool(self.api_key_credential), self.api_key_pkcs11 is not None)
        if sum(given) != 1:
            raise ValueError("write one of api_key_file, api_key_credential and api_key_pkcs11")
        if self.proxy_credentials is not None and not self.proxy:
            raise ValueError("proxy_credentials are for a proxy; write proxy too, or remove them")
        return self

    def secrets(self) -> tuple[Path, ...]:
        """Files that nobody else may read."""
        pin_file = self.api_key_pkcs11.pin_file if self.api_key_pkcs11 else None
        return tuple(path for path in (self.api_key_file, self.proxy_credentials, pin_file) if path is not None)

    def listed(self) -> Iterator[tuple[str, str, str]]:
        """Every model: its name, its name on the wire, and its task, ``chat`` or ``embeddings``."""
        for task, models in (("chat", self.models), ("embeddings", self.embedding_models)):
            for model, wire_model in models.items():
                yield model, wire_model, task

    def embeds(self) -> frozenset[str]:
        """Names on the wire of the models that embed."""
        return frozenset(self.embedding_models.values())

    @model_validator(mode="after")
    def _models_fit(self) -> ProviderConfig:
        if not self.models and not self.embedding_models:
            raise ValueError("list a model under models, or under embedding_models")
        for what, chats, embeds in (
            ("name", self.models.keys(), self.embedding_models.keys()),
            ("name on the wire", frozenset(self.models.values()), self.embeds()),
        ):
            if both := sorted(chats & embeds):
                raise ValueError(f"a model chats or embeds, never both; the {what} {both[0]} stands under both")
        counted = min((price.completion_tokens_max for price in self.prices.values()), default=self.tokens_max_default)
        if self.kind == "anthropic" and counted < self.tokens_max_default:
            raise ValueError(
                "answers may have tokens_max_default tokens, more than a price's completion_tokens_max counts; "
                "raise the latter"
            )
        if self.kind == "anthropic" and self.embedding_models:
            raise ValueError("Anthropic has no embeddings; remove embedding_models, or ask another provider for them")
        if self.kind == "bedrock" and not all(map(_TITAN_OR_COHERE.fullmatch, self.embeds())):
            raise ValueError("Bedrock embeds here with amazon.titan-embed-text or cohere.embed models alone")
        if self.kind in {"azure", "gemini"}:
            for name in (*self.models.values(), *self.embedding_models.values()):
                if not _IN_A_PATH.fullmatch(name):
                    raise ValueError(f"a name on the wire stands in a path with {self.kind}; write it without : / @")
        return self

    @model_validator(mode="after")
    def _complete(self) -> ProviderConfig:
        if bool(self.api_version) != (self.kind == "azure"):
            raise ValueError("azure needs api_version, for example 2024-10-21 or v1, and no other kind has one")
        if bool(self.aws_region) != (self.kind == "bedrock"):
            raise ValueError("bedrock needs aws_region, for example eu-central-1, and no other kind has one")
        return self
