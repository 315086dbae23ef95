"""What is left to the agent once it is shut in, as its configuration needs it. Looks at paths only."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ringfence.confine import places
from ringfence.confine.begin import Report, begin
from ringfence.confine.settings import named
from ringfence.confine.walls import Walls, joined
from ringfence.recognize.plugins import Kind
from ringfence_agent.config import Config

CAP_NET_BIND_SERVICE: Final = 10
"""<linux/capability.h>: kept where the agent listens on a port below 1024."""
_PRIVILEGED: Final = 1024
_HTTPS: Final = 443
_DNS: Final = 53
"""Answers that are too long for a datagram come over TCP (RFC 7766)."""


def shut_in(config: Config, path: Path, credentials: Path | None, notify_socket: str) -> Report:
    """Shut this process in as its configuration has it, and try to get out.

    Args:
        config: the agent's.
        path: its file.
        credentials: the folder in which systemd hands keys over; None for none.
        notify_socket: where the service manager listens (sd_notify(3)); empty for nowhere.

    Raises:
        NotConfined: it must not serve.
        OSError: the kernel refused what every kernel has.
    """
    settings = config.confine
    for folder in _folders(config):  # Landlock knows what is there; whoever needs it says what is wrong with it
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return begin(
        walls(config, path, credentials, notify_socket),
        apply=settings.apply,
        required=settings.required,
        self_test=settings.self_test,
        writable=(str(config.log.directory),),
        unreachable=settings.unreachable,
        locks_memory=True,
    )


def walls(config: Config, path: Path, credentials: Path | None = None, notify_socket: str = "") -> Walls:
    """What is left to the agent: its log, its providers' ports, a resolver. It starts no program."""
    more = config.confine
    listens = frozenset(_listens(config))
    has_token = any(provider.api_key_pkcs11 is not None for provider in config.providers)
    compiles = any(plugin.kind is Kind.GLINER for plugin in config.classification.plugins)
    return Walls(
        families=frozenset({socket.AF_INET, socket.AF_INET6}),
        has_datagrams=True,
        connects=frozenset({_DNS, *_connects(config), *more.connect}),
        listens=listens,
        reads=joined(
            *(places.SYSTEM, places.python(), named(config), places.resolved(path.parent, *more.read)),
            *(("/proc", "/sys/devices/system/cpu", "/sys/fs/cgroup"), places.RESOLVING),
            places.resolved(*([credentials] if credentials is not None else [])),
        ),
        writes=places.resolved(*_folders(config), *more.write),
        runs=places.resolved(*more.run),
        devices=places.HARMLESS_DEVICES,
        starts_programs=has_token or bool(more.run),
        writes_code=compiles,
        reaches_abstract=notify_socket.startswith("@"),
        capabilities=frozenset({CAP_NET_BIND_SERVICE} if any(0 < port < _PRIVILEGED for port in listens) else ()),
    )


def _folders(config: Config) -> Iterator[Path]:
    """Where it writes."""
    yield config.log.directory
    if not config.log.salt_key.exists():  # it is made at the first start
        yield config.log.salt_key.parent
    if config.archive is not None:
        yield config.archive.directory
    if config.cache_directory is not None:
        yield config.cache_directory
    if config.listen.address.startswith("unix:"):
        yield Path(config.listen.address.removeprefix("unix:")).parent


def _listens(config: Config) -> Iterator[int]:
    for address in (config.listen.address, config.listen.health):
        if address and not address.startswith("unix:"):
            yield int(address.rpartition(":")[2])


def _connects(config: Config) -> Iterator[int]:
    """Ports of providers, or of the proxies in front of them."""
    for provider in config.providers:
        url = urlsplit(provider.proxy or provider.base_url)
        yield url.port or _HTTPS
