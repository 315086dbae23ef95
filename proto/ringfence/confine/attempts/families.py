"""Sockets of other families: each is a way around rules that are written for TCP and UDP."""

from __future__ import annotations

import os
import socket
import struct
from typing import Final

from ringfence.confine.attempts.outcome import Given, NotHere

# <linux/socket.h>; the standard library does not name them all.
_FAMILIES: Final = {
    "AX25": 3, "IPX": 4, "APPLETALK": 5, "X25": 9, "LLC": 26, "PHONET": 35, "IEEE802154": 36, "KCM": 41,
    "NFC": 39, "CAIF": 37, "MCTP": 45,
}  # fmt: skip
_AF_KEY: Final = 15
_AF_BLUETOOTH: Final = 31
_AF_RDS: Final = 21
_AF_TIPC: Final = 30
_AF_RXRPC: Final = 33
_AF_QIPCRTR: Final = 42
_AF_SMC: Final = 43
_AF_XDP: Final = 44
_NETLINK_NETFILTER: Final = 12  # <linux/netlink.h>
_NETLINK_KOBJECT_UEVENT: Final = 15
_NETLINK_GENERIC: Final = 16
_RTM_GETLINK: Final = 18  # <linux/rtnetlink.h>
_GENL_ID_CTRL: Final = 16  # <linux/genetlink.h>
_CTRL_CMD_GETFAMILY: Final = 3
_NLM_F_DUMP: Final = 0x301  # NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
_ETH_P_ALL: Final = 3  # <linux/if_ether.h>
_BTPROTO_HCI: Final = 1


def packet_raw(given: Given) -> str:
    """Frames as they stand on the wire, read and written below every rule for IP."""
    return _made(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))


def packet_datagram(given: Given) -> str:
    """The same without the frame's header."""
    return _made(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))


def vsock(given: Given) -> str:
    """A socket to the hypervisor under this machine; it is made and not connected."""
    return _made(socket.AF_VSOCK, socket.SOCK_STREAM)


def route(given: Given) -> str:
    """The kernel's table of interfaces, by netlink."""
    return _netlink(socket.NETLINK_ROUTE, _RTM_GETLINK, bytes(16))


def generic(given: Given) -> str:
    """The kernel's list of further interfaces to it, by generic netlink."""
    return _netlink(_NETLINK_GENERIC, _GENL_ID_CTRL, struct.pack("<BBH", _CTRL_CMD_GETFAMILY, 1, 0))


def netfilter(given: Given) -> str:
    """The kernel's packet filter, by netlink: its rules could be changed."""
    return _made(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)


def uevent(given: Given) -> str:
    """The kernel's messages about devices."""
    return _made(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_KOBJECT_UEVENT)


def crypto(given: Given) -> str:
    """The kernel's ciphers (AF_ALG), whose parsers have been a way up more than once."""
    with socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET) as sock:
        sock.bind(("hash", "sha256"))
        return "got a hash of the kernel's"


def bluetooth(given: Given) -> str:
    """A radio."""
    return _made(_AF_BLUETOOTH, socket.SOCK_RAW, _BTPROTO_HCI)


def can(given: Given) -> str:
    """A vehicle's or a device's bus."""
    return _made(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)


def smc(given: Given) -> str:
    """AF_SMC: falls back to TCP inside the kernel, past what looks at TCP sockets."""
    return _made(_AF_SMC, socket.SOCK_STREAM)


def rds(given: Given) -> str:
    """Reliable datagrams over TCP or InfiniBand."""
    return _made(_AF_RDS, socket.SOCK_SEQPACKET)


def tipc(given: Given) -> str:
    """TIPC, between the nodes of a cluster."""
    return _made(_AF_TIPC, socket.SOCK_RDM)


def xdp(given: Given) -> str:
    """A network card's queues, below the kernel's own rules."""
    return _made(_AF_XDP, socket.SOCK_RAW)


def key(given: Given) -> str:
    """The kernel's IPsec keys."""
    return _made(_AF_KEY, socket.SOCK_RAW, 2)


def rxrpc(given: Given) -> str:
    """Remote calls of AFS, over UDP inside the kernel."""
    return _made(_AF_RXRPC, socket.SOCK_DGRAM, socket.AF_INET)


def modem(given: Given) -> str:
    """Processors beside this one, a modem's for example (AF_QIPCRTR)."""
    return _made(_AF_QIPCRTR, socket.SOCK_DGRAM)


def rare(given: Given) -> str:
    """Families that hardly any machine has use for."""
    refused: OSError | None = None
    for family in _FAMILIES.values():
        for kind in (socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_STREAM, socket.SOCK_RAW):
            try:
                return _made(family, kind)
            except OSError as error:
                refused = error
    if refused is None:
        raise NotHere("no family is known")
    raise refused


def _made(family: int, kind: int, protocol: int = 0) -> str:
    with socket.socket(family, kind, protocol) as made:
        return f"got a socket of family {int(made.family)}"


def _netlink(protocol: int, message: int, body: bytes) -> str:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as asking:
        asking.settimeout(1)
        asking.bind((0, 0))
        asking.send(struct.pack("<IHHII", 16 + len(body), message, _NLM_F_DUMP, 1, os.getpid()) + body)
        return f"the kernel answered with {len(asking.recv(65536))} bytes"
