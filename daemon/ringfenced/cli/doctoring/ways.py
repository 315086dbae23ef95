"""Whether the agent gets to its providers: names, the filter of addresses on its unit, and a connection. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ringfenced.cli.doctoring.finding import Finding, ok, unseen, warning

DROP_IN = "name them in a drop-in (/usr/share/ringfence/drop-ins/providers.conf), then restart ringfence-agent"


@dataclass(frozen=True, slots=True)
class WayFacts:
    """The way to one provider, from the agent's host."""

    provider: str
    """The provider's name in the agent's file."""
    host: str
    """What is connected to: the provider, or the proxy in front of it."""
    port: int
    """On which TCP port."""
    addresses: tuple[str, ...] = ()
    """What the name means on this host."""
    problem: str = ""
    """Why it means nothing; empty where it does."""
    reached: str | None = None
    """What came of a connection as the agent makes it: empty for one that stood; None where none was tried."""
    resolvers: tuple[str, ...] = ()
    """Who is asked over the network for the name; none for a name that this host knows by itself."""


def judge(facts: Iterable[WayFacts], allowed: Collection[str] | None) -> tuple[Finding, ...]:
    """A finding for each provider; nothing here is an error, for local work goes on.

    Args:
        facts: what was looked at.
        allowed: networks that the agent's unit lets packets pass to; None where no unit says.
    """
    return tuple(_judge(each, allowed) for each in facts)


def _judge(each: WayFacts, allowed: Collection[str] | None) -> Finding:
    check, where = f"way to {each.provider}", f"{each.host}:{each.port}"
    if each.problem:
        return warning(check, f"{each.host} has no address here: {each.problem}", "see this host's resolver")
    if shut := _shut(each.resolvers, allowed):
        told = f"the resolver {', '.join(shut)} is not among IPAddressAllow= of the agent's unit"
        return warning(check, told, DROP_IN)
    if shut := _shut(each.addresses, allowed):
        told = f"{where} is {', '.join(shut)}, not among IPAddressAllow= of the agent's unit"
        return warning(check, told, DROP_IN)
    if each.reached:
        return warning(check, f"{where}: {each.reached}", "see routes and firewalls between this host and the provider")
    if allowed is None and each.reached is None:
        return unseen(check, f"{where} has an address; no unit says what is open", "--reach opens a connection")
    told = "open by the agent's unit" if each.reached is None else "a connection as the agent makes it stands"
    return ok(check, f"{where}: {told}{' (--reach opens a connection)' if each.reached is None else ''}")


def _shut(addresses: Iterable[str], allowed: Collection[str] | None) -> tuple[str, ...]:
    """Those of the addresses that the filter lets nothing pass to."""
    networks = (
        None if allowed is None else [ipaddress.ip_network(one, strict=False) for one in allowed if _is_network(one)]
    )
    return tuple(
        one
        for one in addresses
        if networks is not None and not any(ipaddress.ip_address(one) in network for network in networks)
    )


def _is_network(word: str) -> bool:
    try:
        ipaddress.ip_network(word, strict=False)
    except ValueError:
        return False
    return True
