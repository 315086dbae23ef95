"""Makes a provider from its configuration; the only place that knows all families.

A family's SDK is loaded when a provider of that family is made, so that a site starts no slower, and needs no more
packages, for families that it does not use.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING, Final

from ringfence.configfile import ConfigError
from ringfence_agent.keys import KeyUnreadable
from ringfence_agent.providers.door import Door, DoorSettings

if TYPE_CHECKING:
    from ringfence_agent.config_provider import ProviderConfig
    from ringfence_agent.keys import Read
    from ringfence_agent.providers import Provider

_EXTRAS: Final[Mapping[str, tuple[str, str]]] = {
    "anthropic": ("anthropic", "anthropic"),
    "gemini": ("google.genai", "gemini"),
    "bedrock": ("botocore", "bedrock"),
}
"""By kind: the package that must be there, and the extra of ours that brings it."""

_LOGGERS: Final = ("openai", "anthropic", "google_genai", "google", "botocore", "httpx2", "httpcore2")
"""Loggers of the SDKs; some write whole requests when a variable of the environment asks for it."""

_MODULES: Final = r"(openai|anthropic|google|botocore|httpx2|pydantic)(\.|$)"
"""Whose warnings may repeat what a provider said: a word that an SDK does not know, a value of the wrong type."""

_VARIABLES: Final = ("OPENAI_", "AZURE_", "ANTHROPIC_", "GOOGLE_", "GEMINI_", "AWS_", "BOTO", "OTEL_", "SSL_CERT_")
"""What the variables begin with that SDKs read."""
_PROXIES: Final = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"})
"""Read by many HTTP clients, in capitals and in small letters."""


def forget(environment: MutableMapping[str, str]) -> None:
    """Take everything out of an environment that an SDK could be steered by; for the process, before SDKs are loaded.

    The agent's transport heeds none of it anyway; this is so that nothing else in an SDK does.
    """
    for name in [name for name in environment if name.startswith(_VARIABLES) or name.upper() in _PROXIES]:
        del environment[name]


def make(config: ProviderConfig, settings: DoorSettings, key: Callable[[], str]) -> Provider:
    """One provider.

    Args:
        config: what it is.
        settings: its door.
        key: its API key, as it is now.

    Raises:
        ConfigError: its family's SDK is not installed, or the key is none of its family's.
        OSError: the authorities cannot be read.
        ssl.SSLError: they are no certificates.
    """
    if (needed := _EXTRAS.get(config.kind)) is not None:
        _demand(config, *needed)
    provider = _FAMILIES[config.kind](config, Door(settings, key), key)
    _silence()
    return provider


def fitting(config: ProviderConfig, read: Read) -> Read:
    """How to read a key that the family has a use for, at the start and whenever it is rotated.

    Raises:
        ConfigError: the family's SDK is not installed.
    """
    if config.kind != "bedrock":
        return read
    _demand(config, *_EXTRAS[config.kind])
    from ringfence_agent.providers import bedrock_wire  # noqa: PLC0415 - loaded when it is needed

    def read_fitting() -> str:
        key = read()
        try:
            bedrock_wire.credentials(key)
        except ValueError as error:
            raise KeyUnreadable(f"the API key is none of Bedrock's; {error}") from None
        return key

    return read_fitting


def _demand(config: ProviderConfig, package: str, extra: str) -> None:
    """Refuse a family whose SDK is not there."""
    try:
        import_module(package)
    except ImportError:
        text = f"providers.{config.name}: kind {config.kind} needs a package; run pip install 'ringfence[{extra}]'"
        raise ConfigError(text) from None


def _silence() -> None:
    """No SDK writes a log or a warning, whatever it was told: there is content in it."""
    warnings.filterwarnings("ignore", module=_MODULES)
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False


def _openai(config: ProviderConfig, door: Door, _key: Callable[[], str]) -> Provider:
    from ringfence_agent.providers import openai  # noqa: PLC0415 - loaded when it is needed

    dialect = openai.dialect(config.base_url)
    return openai.OpenAIProvider(door, dialect, tokens_field=config.tokens_field, embeds=config.embeds())


def _azure(config: ProviderConfig, door: Door, _key: Callable[[], str]) -> Provider:
    from ringfence_agent.providers import azure, openai  # noqa: PLC0415

    dialect = azure.dialect(config.base_url, config.api_version)
    return openai.OpenAIProvider(door, dialect, tokens_field=config.tokens_field, embeds=config.embeds())


def _anthropic(config: ProviderConfig, door: Door, _key: Callable[[], str]) -> Provider:
    from ringfence_agent.providers import anthropic  # noqa: PLC0415

    return anthropic.AnthropicProvider(door, config.base_url, tokens_max=config.tokens_max_default)


def _gemini(config: ProviderConfig, door: Door, _key: Callable[[], str]) -> Provider:
    from ringfence_agent.providers import gemini  # noqa: PLC0415

    return gemini.GeminiProvider(door, config.base_url, embeds=config.embeds())


def _bedrock(config: ProviderConfig, door: Door, key: Callable[[], str]) -> Provider:
    from ringfence_agent.providers import bedrock, bedrock_wire  # noqa: PLC0415

    try:
        bedrock_wire.credentials(key())
    except ValueError as error:
        raise ConfigError(f"providers.{config.name}: the API key is none of Bedrock's; {error}") from None
    return bedrock.BedrockProvider(door, config.base_url, region=config.aws_region, embeds=config.embeds())


_FAMILIES: Final = {
    "openai": _openai,
    "azure": _azure,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "bedrock": _bedrock,
}
