"""The site's policy as its files have it: read, its approvals counted, parsed. For the daemon and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from ringfence.configfile import ConfigError
from ringfenced.config import Config, LocalModel, Provider, ProviderModel
from ringfenced.model import Offer, Target, TargetKind
from ringfenced.policy import PEOPLE, PolicyError, Rulebook
from ringfenced.policy.approval import approvers
from ringfenced.policy.rules import REQUESTS
from ringfenced.policy.scopes import Uid
from ringfenced.policy.summary import doubts
from ringfenced.policy.text import Place, is_blank
from ringfenced.policy.vocabulary import SITE, everybody, name_of

POLICY_BYTES_MAX: Final = 16 * 1024 * 1024
"""A longer file is some other file."""
DOUBTS_MAX: Final = 100
"""Most doubts that are told: for each the nearest names are looked for among all that the site has."""
APPROVALS_SUFFIX: Final = ".approvals"
"""What the name of a file's approvals ends in."""

Stamp = tuple[tuple[int, int, int], ...]
"""What changes when a file does: time of its last change, size and inode, of each policy and of its approvals."""


def load(config: Config, now_unix_ms: int) -> Rulebook:
    """The policy that configuration and files describe, if it may take effect.

    Args:
        config: the daemon's file.
        now_unix_ms: the clock, for approvals.

    Raises:
        ConfigError: a file cannot be read, is no policy, or lacks approvals; the text has a line for each problem.
    """
    read = {path: _read(path) for path in _files(config)}
    if config.policy.approvals:
        for path, policy in read.items():
            _demand_approvals(config, path, policy, now_unix_ms)
    return _rulebook(config, read)


def load_unapproved(config: Config, path: Path | None, people: Path | None = None) -> Rulebook:
    """The policy that a configuration and a file of Cedar describe, whoever approved it; to look at.

    Args:
        config: the daemon's file.
        path: the policies to take for the configuration's own; None for its own.
        people: the policies about people to take for the configuration's own; None for its own.

    Raises:
        ConfigError: a file cannot be read, or is no policy.
    """
    files = {"file": path or config.policy.file, "people": people or config.policy.people}
    config = config.model_copy(update={"policy": config.policy.model_copy(update=files)})
    return _rulebook(config, {path: _read(path) for path in _files(config)})


def _files(config: Config) -> tuple[Path, ...]:
    """The files of Cedar that the configuration names."""
    return tuple(path for path in (config.policy.file, config.policy.people) if path is not None)


def _rulebook(config: Config, read: Mapping[Path, bytes]) -> Rulebook:
    file, people = (
        text_of(path, read[path], setting) if path else ""
        for setting, path in (("file", config.policy.file), ("people", config.policy.people))
    )
    try:
        return config.rulebook(file, people)
    except PolicyError as error:
        raise ConfigError(str(error)) from None


def text_of(path: Path, policy: bytes, setting: str = "") -> str:
    """A policy file's text, of which at least one policy stands in it.

    A full disk, a lost key of a config map or a failed redirection leave none, and Cedar takes nothing for a set of no
    policies: beside a template, whose permits hold, that would take away whatever the site forbids.

    Args:
        path: the file, for messages.
        policy: what was read from it.
        setting: what names it in ``[policy]``; empty where nothing does.

    Raises:
        ConfigError: it is not UTF-8, or holds no policy.
    """
    try:
        text = policy.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8; save it as UTF-8") from None
    if is_blank(text):
        instead = f", or take `{setting}` out of [policy]" if setting else ""
        raise ConfigError(f"{path}: holds no policy; write one{instead}")
    return text


def targets(config: Config) -> tuple[Offer, ...]:
    """Every target that the configuration names, as if all were there: what policies decide about."""
    local = [
        _offer(Target(TargetKind.LOCAL, name), model)
        for model in config.models
        for name in (model.name, *(adapter.name for adapter in model.adapters))
    ]
    exits = [
        _offer(Target(TargetKind.PROVIDER, model.name, provider=one.name, region=one.region), model, one)
        for one in config.providers
        for model in one.models
    ]
    return (*local, *exits)


def _offer(target: Target, model: LocalModel | ProviderModel, provider: Provider | None = None) -> Offer:
    return Offer(
        target=target,
        available=True,
        unavailable_reason="",
        quality=model.quality,
        context_tokens_max=model.context_tokens,
        prompt_microcredits_per_1k_tokens=model.price.prompt_microcredits_per_1k,
        completion_microcredits_per_1k_tokens=model.price.completion_microcredits_per_1k,
        first_token_ms=model.speed.first_token_ms,
        token_ms=model.speed.token_ms,
        clearance=None if provider is None else provider.clearance.label(),
        supports_tools=True,
        supports_images=True,
        supports_grammar=True,
        supports_logprobs=True,
        supports_embeddings=model.embeddings,
        supports_text=not model.embeddings,
    )


def doubts_of(config: Config, book: Rulebook) -> tuple[tuple[Place, str], ...]:
    """What about the policies is probably not meant, and where: above all names that nobody of the site has.

    The first `DOUBTS_MAX` of it.

    Args:
        config: the daemon's file, whose names are held to.
        book: the policies.
    """
    known = _known(config)
    sorts = [book.rules] if book.people is None else [book.rules, book.people.rules]
    return tuple(islice((doubt for rules in sorts for doubt in doubts(rules, known)), DOUBTS_MAX))


def _known(config: Config) -> frozenset[Uid]:
    """Everything of the site that policies can name."""
    people = {one.uid for one in everybody(config.callers_by_identity().values())}
    people |= {Uid("Department", one.name) for one in config.departments}
    places = {name_of(offer.target) for offer in targets(config)} | {SITE, Uid("Node", config.node)}
    return frozenset(people | places | {Uid("Provider", one.name) for one in config.providers})


def approvals_of(path: Path) -> Path:
    """Where the approvals of a policy file lie."""
    return path.with_name(path.name + APPROVALS_SUFFIX)


def stamp(config: Config) -> Stamp:
    """What `load` would read, as one value that is cheap to compare; links are followed (a config map swaps them)."""
    return tuple(_stamp(one) for path in _files(config) for one in (path, approvals_of(path)))


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return status.st_mtime_ns, status.st_size, status.st_ino


def _demand_approvals(config: Config, path: Path, policy: bytes, now_unix_ms: int) -> None:
    keys = {one.name: _public_key(one.public_key) for one in config.policy.approvers}
    file = approvals_of(path)
    lines = _read(file).decode(errors="replace").splitlines() if file.exists() else []
    schema = PEOPLE if path == config.policy.people else REQUESTS
    given = approvers(policy, lines, keys, now_unix_ms, schema)
    flag = " --people" if schema == PEOPLE else ""
    if len(given) < config.policy.approvals:
        raise ConfigError(
            f"{path}: approved by {', '.join(given) or 'nobody'}, and it takes {config.policy.approvals} of "
            f"{', '.join(sorted(keys))}; ringfence policy approve {path} --name NAME --key FILE{flag}"
        )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(POLICY_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; see docs/policy.md for what to write there") from None
    if len(data) > POLICY_BYTES_MAX:
        raise ConfigError(f"{path}: longer than {POLICY_BYTES_MAX} bytes; is it a policy?")
    return data


def _public_key(path: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(_read(path))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"{path}: no Ed25519 public key in PEM; openssl pkey -in KEY -pubout -out {path}")
    return key
