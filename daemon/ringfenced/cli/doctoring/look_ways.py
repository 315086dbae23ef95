"""What the ways to the agent's providers look like from this host."""

from __future__ import annotations

import pwd
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ringfenced.cli.doctoring import as_agent
from ringfenced.cli.doctoring.look_files import AgentFile
from ringfenced.cli.doctoring.look_systemd import CGROUPS
from ringfenced.cli.doctoring.units import UnitFacts
from ringfenced.cli.doctoring.ways import WayFacts

USER: Final = "ringfence-agent"
ETC: Final = Path("/etc")
_HTTPS: Final = 443


def ways(agent: AgentFile, unit: UnitFacts | None, *, reach: bool) -> tuple[WayFacts, ...]:
    """Look at the way to each provider that the agent's file names.

    Args:
        agent: the file.
        unit: the agent's unit, where it runs here.
        reach: open a connection to each as the agent would; it takes root, and the agent's unit running.
    """
    found = (_named(name, host, port) for name, host, port in _targets(agent))
    return tuple(_reached(each, unit) if reach else each for each in found)


def _targets(agent: AgentFile) -> Iterator[tuple[str, str, int]]:
    """Provider, host and port; what is no address the agent itself tells of (`ringfence-agent --check-config`)."""
    listed = agent.document.get("providers")
    for each in listed if isinstance(listed, list) else ():
        url = each.get("proxy") or each.get("base_url") if isinstance(each, dict) else None
        with suppress(ValueError):
            split = urlsplit(url if isinstance(url, str) else "")
            if split.hostname:
                yield str(each.get("name", "")), split.hostname, split.port or _HTTPS


def _named(provider: str, host: str, port: int, etc: Path = ETC) -> WayFacts:
    facts = WayFacts(provider, host, port)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        return replace(facts, problem=error.strerror or str(error))
    addresses = tuple(dict.fromkeys(str(each[4][0]) for each in found))
    return replace(facts, addresses=addresses, resolvers=() if is_known(host, etc) else resolvers(etc))


def is_known(host: str, etc: Path = ETC) -> bool:
    """Whether nobody need be asked over the network: an address, or a name in hosts(5)."""
    try:
        ip_address(host)
    except ValueError:
        lines = (line.partition("#")[0].split() for line in _lines(etc / "hosts"))
        return any(host in words[1:] for words in lines)
    return True


def resolvers(etc: Path = ETC) -> tuple[str, ...]:
    """Who is asked for names (resolv.conf(5))."""
    words = (line.split() for line in _lines(etc / "resolv.conf"))
    return tuple(each[1] for each in words if len(each) > 1 and each[0] == "nameserver" and _is_address(each[1]))


def _reached(facts: WayFacts, unit: UnitFacts | None) -> WayFacts:
    group = unit.values.get("ControlGroup", "").strip("/") if unit is not None else ""
    if not facts.addresses:
        return facts
    if not group:
        return replace(facts, reached="not tried: the agent's unit does not run here")
    try:
        user = pwd.getpwnam(USER)
    except KeyError:
        return replace(facts, reached=f"not tried: there is no user {USER}")
    given = (str(CGROUPS / group), str(user.pw_uid), str(user.pw_gid), str(facts.port), *facts.addresses)
    return replace(facts, reached=_said(given, len(facts.addresses)))


def _said(given: tuple[str, ...], tries: int) -> str:
    """What `as_agent` says; empty where a connection stood."""
    command = [sys.executable, "-I", as_agent.__file__, *given]
    seconds_max = (tries + 1) * as_agent.SECONDS_MAX + 5
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds_max, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return "no answer"
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        return f"not tried: {last}"
    return done.stdout.strip()


def _is_address(word: str) -> bool:
    try:
        ip_address(word.partition("%")[0])
    except ValueError:
        return False
    return True


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except (OSError, ValueError):
        return []
