"""Which addresses are the internet's. Pure.

A name of a provider's that leads anywhere else, by mistake or because somebody rebound it, is not followed. What an
IPv6 address carries inside counts too: a gateway takes it out again and goes there.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

_NAT64: Final = IPv6Network("64:ff9b::/96")
"""The well-known prefix: an IPv4 address in the last 32 bits (RFC 6052, section 2.1)."""
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""All that IANA allots as global unicast (IPv6 address space registry, RFC 4291, section 2.5.4). What lies outside is
local, site-local (RFC 3879), IPv4-compatible (RFC 4291, section 2.5.5.1), or a translation prefix of a network's own
(RFC 8215)."""
_REFUSED: Final = (
    IPv6Network("2001::/23"),  # IETF protocol assignments, Teredo among them (RFC 2928, RFC 4380)
    IPv6Network("2001:db8::/32"),  # documentation (RFC 3849)
    IPv6Network("3fff::/20"),  # documentation (RFC 9637)
    IPv4Network("192.0.0.0/24"),  # IETF protocol assignments (RFC 6890, section 2.1)
    IPv4Network("192.88.99.0/24"),  # relays of 6to4, gone (RFC 7526)
)
"""What some versions of Python's tables call global and nobody's service is at."""
_ISATAP: Final = (0x0000_5EFE, 0x0200_5EFE)
"""Upper half of an interface identifier that holds an IPv4 address (RFC 5214, section 6.1)."""


def is_global(address: str) -> bool:
    """Whether an address is one of the internet's, whatever it carries inside too.

    Args:
        address: IPv4 or IPv6, as getaddrinfo(3) writes it; one with a scope (``%eth0``) is none of the internet's.
    """
    ip = ip_address(address)
    if isinstance(ip, IPv4Address):
        return _is_global(ip)
    if ip.scope_id is not None:
        return False
    carried = tuple(_carried(ip))
    own = ip in _NAT64 or ip.ipv4_mapped is not None or (ip in _GLOBAL_UNICAST and _is_global(ip))
    return own and all(_is_global(inner) for inner in carried)


def _is_global(ip: IPv4Address | IPv6Address) -> bool:
    """One address, taken as it stands (RFC 6890 as Python has it, and what is missing there)."""
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _REFUSED)


def _carried(ip: IPv6Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that an IPv6 address carries: mapped, NAT64, 6to4 (RFC 3056), ISATAP."""
    if ip.ipv4_mapped:
        yield ip.ipv4_mapped
    if ip.sixtofour:
        yield ip.sixtofour
    low = int(ip) & 0xFFFF_FFFF
    if ip in _NAT64 or (int(ip) >> 32) & 0xFFFF_FFFF in _ISATAP:
        yield IPv4Address(low)
