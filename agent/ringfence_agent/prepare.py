"""What can be made of a configuration without opening the log or listening: keys, providers, rules, recognisers.

`--check-config` ends here: what passes can be used.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import SystemRandom
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey

from ringfence import recognize
from ringfence.configfile import ConfigError
from ringfence.recognize.custom import CustomError
from ringfence.recognize.plugins import PluginUnavailable
from ringfence.recognize.site import load_site
from ringfence.renewal import CertificateError, Certificates, Identity
from ringfence_agent import keyfiles, keys, keytoken
from ringfence_agent.config import Config, ProviderConfig
from ringfence_agent.gate import Destination, Rules
from ringfence_agent.keys import Key, KeyUnreadable
from ringfence_agent.payload import Payload
from ringfence_agent.policy import EVERYTHING, Policy, PolicyError, Resource
from ringfence_agent.providers import Provider
from ringfence_agent.providers.breaker import Breaker, BreakerSettings
from ringfence_agent.providers.caps import Caps
from ringfence_agent.providers.door import DoorSettings
from ringfence_agent.providers.make import fitting, make
from ringfence_agent.providers.padding import padded
from ringfence_agent.providers.proxy import Proxy
from ringfence_agent.providers.retry import Resilient, RetrySettings
from ringfence_agent.providers.trust import Trust, TrustError


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that can be made without opening the log or listening."""

    signing_key: Ed25519PrivateKey
    """Signs checkpoints."""
    second_key: MLDSA44PrivateKey | None
    """Signs those on disk and for witnesses too; None where none is configured."""
    providers: Mapping[str, Resilient]
    """By name."""
    keys: Mapping[str, Key]
    """The providers' API keys, by name."""
    rules: Rules
    """What the gate judges by."""
    operator_keys: Mapping[str, Ed25519PublicKey]
    """Whose signatures lift a lockdown, by operator; none where none is asked for."""
    recogniser_version: str
    """Names the patterns that the agent scans with."""
    policy_digest: str
    """SHA-256 of what findings mean to the agent, own files included, hex."""
    recipient: MLKEM768X25519PublicKey | None
    """Whom the archive is sealed to; None without one."""
    rules_digest: str
    """SHA-256 of the agent's Cedar policy and its schema, hex."""


def prepare(config: Config, credentials: Path | None = None) -> Parts:
    """Read every key and certificate; compile the recogniser.

    Args:
        config: the whole file.
        credentials: folder of the credentials that systemd hands over; None where it hands none.

    Raises:
        ConfigError: one of them is not what it should be.
    """
    signing_key = keyfiles.private_key(config.log.signing_key)
    permit_keys = {key_id: keyfiles.public_key(path) for key_id, path in config.daemon.permit_keys.items()}
    certificates(config.listen.identity(), lambda _why: None)
    api_keys = {provider.name: _key(provider, credentials) for provider in config.providers}
    providers = {provider.name: _provider(provider, api_keys[provider.name]) for provider in config.providers}
    site = config.classification
    try:
        recogniser = load_site(config.cache_directory, site.policy(), site.custom(), site.others())
    except (CustomError, PluginUnavailable) as error:
        raise ConfigError(str(error)) from error
    policy = _policy(config)
    return Parts(
        signing_key=signing_key,
        second_key=keyfiles.second_key(config.log.signing_key_mldsa),
        providers=providers,
        keys=api_keys,
        rules=Rules(
            permit_keys=permit_keys,
            destinations=_destinations(config, providers),
            residual=partial(recognize.residual, recogniser.scan),
            label_of=recogniser.policy.label_of,
            policy=policy.ruling,
            pictures=recogniser.policy.pictures,
        ),
        operator_keys={name: keyfiles.public_key(path) for name, path in config.lockdown.operators.items()},
        recogniser_version=recogniser.version,
        recipient=keyfiles.recipient(config.archive.recipient) if config.archive else None,
        policy_digest=config.classification.digest(),
        rules_digest=policy.digest,
    )


def certificates(files: Identity, told: Callable[[str], None]) -> Certificates:
    """The server's certificates, renewed while it runs."""
    try:
        return Certificates.settled(files, told)
    except CertificateError as error:
        raise ConfigError(str(error)) from None
    except OSError as error:
        raise ConfigError(f"{error.filename}: {error.strerror}; the configuration names this file") from None


def _key(config: ProviderConfig, credentials: Path | None) -> Key:
    """A provider's API key, from the one place where its configuration says that it lies."""
    if config.api_key_pkcs11 is not None:
        read = keytoken.from_token(config.api_key_pkcs11)
    elif config.api_key_file is not None:
        read = keys.from_file(config.api_key_file)
    else:
        read = keys.from_credential(credentials, config.api_key_credential)
    try:
        return Key(fitting(config, read))
    except KeyUnreadable as error:
        raise ConfigError(f"provider {config.name}: {error}") from None


def _provider(config: ProviderConfig, key: Key) -> Resilient:
    """One provider."""
    try:
        settings = DoorSettings(
            url=config.base_url,
            trust=Trust(config.authority, config.pins, config.demand_post_quantum),
            caps=Caps(config.response_bytes_max),
            connect_seconds_max=config.connect_seconds_max,
            idle_seconds_max=config.response_idle_seconds_max,
            connections_max=config.connections_max,
            allow_private_addresses=config.allow_private_addresses,
            proxy=_proxy(config),
        )
        provider = make(config, settings, key)
    except TrustError as error:
        raise ConfigError(f"provider {config.name}: {error}") from None
    except (OSError, ssl.SSLError):
        raise ConfigError(f"{config.authority}: no PEM certificates; write those of the provider's authority") from None
    return Resilient(
        provider,
        RetrySettings(config.attempts_max, config.retry_wait_seconds_max),
        Breaker(BreakerSettings(config.breaker_failures_max, config.breaker_open_seconds)),
        clock=time.monotonic,
        random=SystemRandom().random,
    )


def _proxy(config: ProviderConfig) -> Proxy | None:
    """The site's own CONNECT proxy; None for none."""
    if not config.proxy:
        return None
    parts = urlsplit(config.proxy)
    assert parts.hostname is not None  # as the configuration demands
    assert parts.port is not None
    return Proxy(parts.hostname, parts.port, _proxy_credentials(config.proxy_credentials))


def _proxy_credentials(path: Path | None) -> str:
    """``user:password``; empty for none."""
    if path is None:
        return ""
    credentials = keyfiles.read(path).decode("utf-8", "replace").strip()
    if ":" not in credentials or not credentials.isprintable():
        raise ConfigError(f"{path}: no credentials for a proxy; write user:password and nothing else")
    return credentials


def _destinations(config: Config, providers: Mapping[str, Provider]) -> dict[tuple[str, str], Destination]:
    """Every model of every provider."""
    return {
        (provider.name, model): Destination(
            provider=provider.name,
            model=model,
            wire_model=wire_model,
            region=provider.region,
            contract=provider.contract,
            clearance=provider.clearance.label(),
            body_bytes_max=provider.request_bytes_max,
            seconds_max=provider.response_seconds_max,
            encode=_encode(provider, providers[provider.name], wire_model),
            price=provider.prices[model].price() if model in provider.prices else None,
            task=task,
        )
        for provider in config.providers
        for model, wire_model, task in provider.listed()
    }


def _encode(config: ProviderConfig, provider: Provider, wire_model: str) -> Callable[[Payload], bytes]:
    """How a payload becomes the exact body for a model."""
    encode = partial(provider.encode, wire_model=wire_model)
    return padded(encode) if config.padding == "buckets" else encode


def _policy(config: Config) -> Policy:
    """The agent's Cedar policy."""
    models = [
        Resource(one.name, model, task, one.region, one.contract, one.clearance.label())
        for one in config.providers
        for model, _, task in one.listed()
    ]
    if config.policy is None:
        return Policy(EVERYTHING, models)
    file = config.policy.file
    try:
        return Policy(keyfiles.read(file).decode(), models)
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: not UTF-8; save it as UTF-8") from None
    except PolicyError as error:
        raise ConfigError(f"{file}: {error}") from None
