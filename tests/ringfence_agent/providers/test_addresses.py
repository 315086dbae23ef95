"""Which addresses are the internet's."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence_agent.providers.addresses import is_global

INSIDE = (
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "192.0.0.8",
    "192.88.99.1",
    "198.18.0.1",
    "203.0.113.7",
)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "2a00:1450:4001::1"])
def test_the_internets_addresses_are_global(address):
    assert is_global(address)


@pytest.mark.parametrize(
    "address",
    [
        *INSIDE,
        "::",
        "::1",
        "::8.8.8.8",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1111%eth0",
        "fec0::1",
        "fd00::1",
        "ff0e::1",
        "2001::1",
        "2001:db8::1",
        "3fff::1",
        "5f00::1",
        "64:ff9b:1::808:808",
    ],
)
def test_all_others_are_not(address):
    assert not is_global(address)


def carrying(inner: str) -> list[str]:
    """IPv6 addresses that lead to an IPv4 address."""
    number = int(ipaddress.IPv4Address(inner))
    return [
        f"::ffff:{inner}",
        f"64:ff9b::{inner}",
        str(ipaddress.IPv6Address((0x2002 << 112) | (number << 80) | 1)),
        str(ipaddress.IPv6Address((0x2606_4700 << 96) | (0x5EFE << 32) | number)),
    ]


@pytest.mark.parametrize("inner", INSIDE)
def test_what_an_address_carries_inside_counts(inner):
    """Mapped, NAT64, 6to4 and ISATAP addresses lead to the IPv4 address in them."""
    assert not any(is_global(address) for address in carrying(inner))


def test_an_address_that_carries_one_of_the_internets_is_global():
    assert all(is_global(address) for address in carrying("8.8.8.8"))


def test_teredo_is_never_global():
    """It tunnels to wherever its server and its client say."""
    assert not is_global("2001:0:4136:e378:8000:63bf:3fff:fdd2")


@given(st.ip_addresses())
def test_nothing_that_python_calls_private_is_global(ip):
    assert not (is_global(str(ip)) and ip.is_private and not (ip.version == 6 and ip.ipv4_mapped))
