"""Packets to somewhere else: TCP, UDP, ICMP and their relatives, names, metadata services and proxies."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import select
import socket
import struct
from typing import Final

from ringfence.confine import places
from ringfence.confine.attempts.outcome import Given, NotHere
from ringfence.confine.libc import LIBC

_PROBE: Final = b"ringfence escape attempt\n"
_IPPROTO_MPTCP: Final = 262  # <linux/in.h>
_IPPROTO_DCCP: Final = 33  # <linux/in.h>
_SOCK_DCCP: Final = 6  # <linux/net.h>
_DNS_PORT: Final = 53
_NOWHERE: Final = struct.pack("=H14x", socket.AF_UNSPEC)
"""An address that undoes a connection: struct sockaddr of connect(2)."""
_PROXY_VARIABLES: Final = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "socks_proxy", "grpc_proxy")
_PROXY_FILES: Final = (
    "/etc/environment",
    "/etc/profile.d",
    "/etc/wgetrc",
    "/etc/curlrc",
    "/etc/apt/apt.conf.d",
    "/etc/pip.conf",
    "/etc/gitconfig",
    "~/.curlrc",
    "~/.wgetrc",
    "~/.config/pip/pip.conf",
    "~/.gitconfig",
    "~/.docker/config.json",
)
_PROXY: Final = re.compile(rb"(?:https?|socks[45]h?)://(?:[^@/\s\"']*@)?\[?([0-9A-Za-z.:-]+?)\]?:(\d{1,5})\b")
_PROXY_FILE_BYTES_MAX: Final = 65536


def tcp4(given: Given) -> str:
    """A TCP connection over IPv4."""
    return _connect(socket.AF_INET, given.address4, given.port, given)


def tcp6(given: Given) -> str:
    """A TCP connection over IPv6."""
    return _connect(socket.AF_INET6, given.address6, given.port, given)


def mapped(given: Given) -> str:
    """A TCP connection to an IPv4 address written as an IPv6 one (RFC 4291, 2.5.5.2)."""
    return _connect(socket.AF_INET6, f"::ffff:{given.address4}", given.port, given)


def mptcp(given: Given) -> str:
    """A connection by multipath TCP, which filters of TCP may overlook."""
    return _connect(socket.AF_INET, given.address4, given.port, given, protocol=_IPPROTO_MPTCP)


def sctp(given: Given) -> str:
    """An SCTP association."""
    return _connect(socket.AF_INET, given.address4, given.port, given, protocol=socket.IPPROTO_SCTP)


def dccp(given: Given) -> str:
    """A DCCP connection."""
    return _connect(socket.AF_INET, given.address4, given.port, given, kind=_SOCK_DCCP, protocol=_IPPROTO_DCCP)


def fast_open(given: Given) -> str:
    """Bytes in the first segment, without connect(2) (RFC 7413)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sender:
        sender.setblocking(False)  # noqa: FBT003 - the library's own signature
        try:
            sender.sendto(_PROBE, socket.MSG_FASTOPEN, (given.address4, given.port))
        except BlockingIOError:
            return _answer(sender, given.address4, given.port, given)
        return f"connected to {given.address4}:{given.port} by its first segment"


def reused_accepted(given: Given) -> str:
    """A TCP connection that came in, taken apart and made again to somewhere else (connect(2), AF_UNSPEC)."""
    if given.accepted >= 0:
        return _reuse(given.accepted, given)
    with (
        # On every address: a socket keeps the one that it was bound to, and nothing leaves from the loopback's.
        socket.create_server(("", 0)) as door,
        socket.create_connection(("127.0.0.1", door.getsockname()[1]), timeout=given.wait_s),
        door.accept()[0] as accepted,
    ):
        return _reuse(accepted.fileno(), given)


def reused_listener(given: Given) -> str:
    """A TCP socket that listens, made to connect instead (connect(2), AF_UNSPEC)."""
    if given.listening >= 0:
        return _reuse(given.listening, given)
    with socket.create_server(("", 0)) as door:
        return _reuse(door.fileno(), given)


def udp4(given: Given) -> str:
    """A UDP datagram over IPv4."""
    return _send(socket.AF_INET, given.address4, given.udp_port)


def udp6(given: Given) -> str:
    """A UDP datagram over IPv6."""
    return _send(socket.AF_INET6, given.address6, given.udp_port)


def udplite(given: Given) -> str:
    """A UDP-Lite datagram (RFC 3828)."""
    return _send(socket.AF_INET, given.address4, given.udp_port, protocol=socket.IPPROTO_UDPLITE)


def icmp4(given: Given) -> str:
    """An ICMP echo by a raw socket."""
    return _send(socket.AF_INET, given.address4, 0, socket.SOCK_RAW, socket.IPPROTO_ICMP, _echo(8))


def ping4(given: Given) -> str:
    """An ICMP echo by a datagram socket, which needs no privilege where ping_group_range allows it."""
    return _send(socket.AF_INET, given.address4, 0, socket.SOCK_DGRAM, socket.IPPROTO_ICMP, _echo(8))


def icmp6(given: Given) -> str:
    """An ICMPv6 echo by a raw socket."""
    return _send(socket.AF_INET6, given.address6, 0, socket.SOCK_RAW, socket.IPPROTO_ICMPV6, _echo(128))


def raw4(given: Given) -> str:
    """An IP packet whose header is our own, of a protocol that is for experiments (253, RFC 3692)."""
    header = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(_PROBE), 0, 0, 64, 253, 0, bytes(4), socket.inet_aton(given.address4)
    )
    return _send(socket.AF_INET, given.address4, 0, socket.SOCK_RAW, socket.IPPROTO_RAW, header + _PROBE)


def dns_by_hand(given: Given) -> str:
    """A DNS query to a server of our choice, whatever the machine's resolver is."""
    return _send(socket.AF_INET, given.address4, _DNS_PORT, payload=_query(given.name))


def dns_over_tcp(given: Given) -> str:
    """A DNS server of our choice over TCP."""
    return _connect(socket.AF_INET, given.address4, _DNS_PORT, given)


def dns(given: Given) -> str:
    """The machine's own resolver: it carries whatever stands in a name."""
    try:
        found = socket.getaddrinfo(given.name, given.port, proto=socket.IPPROTO_TCP)
    except socket.gaierror as error:
        if error.errno in {socket.EAI_NONAME, socket.EAI_NODATA}:
            return f"a resolver answered that there is no {given.name}"
        raise OSError(errno.EHOSTUNREACH, f"no resolver answers ({error.strerror})") from error
    return f"a resolver answered that {given.name} is {found[0][4][0]}"


def metadata(given: Given) -> str:
    """The address at which a cloud hands out credentials."""
    refused: OSError | None = None
    for address in given.metadata:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            return _connect(family, address, 80, given)
        except OSError as error:
            refused = error
    if refused is None:
        raise NotHere("no metadata address was given")
    raise refused


def environment_proxy(given: Given) -> str:
    """A proxy that stands in the environment."""
    texts = [value for name, value in given.environment.items() if name.lower() in _PROXY_VARIABLES]
    return _proxy(" ".join(texts).encode(), given, "the environment")


def file_proxy(given: Given) -> str:
    """A proxy that stands in one of the files where tools look for theirs."""
    texts = []
    for name in _PROXY_FILES:
        path = places.at_home(name)
        try:
            files = sorted(path.iterdir()) if path.is_dir() else [path]
            texts += [file.read_bytes()[:_PROXY_FILE_BYTES_MAX] for file in files]
        except OSError:
            continue
    return _proxy(
        b"\n".join(line for line in b"\n".join(texts).splitlines() if b"prox" in line.lower()), given, "files"
    )


def listen(given: Given) -> str:
    """A TCP port on every address, for somebody outside to connect to."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as door:
        door.bind(("", 0))
        door.listen()
        return f"listens on port {door.getsockname()[1]} of every address"


def listen_udp(given: Given) -> str:
    """A UDP port on every address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("", 0))
        return f"receives on port {door.getsockname()[1]} of every address"


def answer(connecting: socket.socket, address: str, port: int, given: Given) -> str:
    """What came of a connection that is under way; `ring` has one too."""
    return _answer(connecting, address, port, given)


def _connect(
    family: int, address: str, port: int, given: Given, *, kind: int = socket.SOCK_STREAM, protocol: int = 0
) -> str:
    with socket.socket(family, kind, protocol) as connecting:
        connecting.setblocking(False)  # noqa: FBT003 - the library's own signature
        code = connecting.connect_ex((address, port))
        if code not in {0, errno.EINPROGRESS}:
            return _judge(code, address, port)
        return _answer(connecting, address, port, given)


def _reuse(descriptor: int, given: Given) -> str:
    """Undo what a socket is connected to, or listens on, and connect it somewhere else: no socket is made."""
    if LIBC.connect(descriptor, _NOWHERE, len(_NOWHERE)):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    with socket.socket(fileno=os.dup(descriptor)) as connecting:
        connecting.setblocking(False)  # noqa: FBT003 - the library's own signature
        code = connecting.connect_ex((given.address4, given.port))
        if code not in {0, errno.EINPROGRESS}:
            return _judge(code, given.address4, given.port)
        return _answer(connecting, given.address4, given.port, given)


def _answer(connecting: socket.socket, address: str, port: int, given: Given) -> str:
    poller = select.poll()
    poller.register(connecting, select.POLLOUT | select.POLLERR | select.POLLHUP)
    if poller.poll(given.wait_s * 1000):
        return _judge(connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), address, port)
    # A filter that drops packets on their way out lets connect(2) wait for ever, and says EPERM to a datagram.
    _send(connecting.family, address, port)
    if given.is_answered:
        raise TimeoutError(errno.ETIMEDOUT, f"nothing came back from {address}:{port} in {given.wait_s} s")
    return f"the kernel sent a segment to {address}:{port}; nobody is there to answer"


def _judge(code: int, address: str, port: int) -> str:
    """A connection that was made or refused by the other side has left; everything else was stopped here."""
    if code == 0:
        return f"connected to {address}:{port}"
    if code == errno.ECONNREFUSED:
        return f"reached {address}, where nobody listens on {port}"
    raise OSError(code, os.strerror(code))


def _send(  # noqa: PLR0917 - socket(2)'s arguments
    family: int,
    address: str,
    port: int,
    kind: int = socket.SOCK_DGRAM,
    protocol: int = 0,
    payload: bytes = _PROBE,
) -> str:
    with socket.socket(family, kind, protocol) as sender:
        sent = sender.sendto(payload, (address, port))
        return f"sent {sent} bytes to {address}"


def _echo(kind: int) -> bytes:
    """An echo request with its checksum (RFC 792; RFC 1071). For ICMPv6 the kernel writes the checksum."""
    body = struct.pack("!BBHHH", kind, 0, 0, 0x5246, 1)
    total = sum(struct.unpack("!4H", body))
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!BBHHH", kind, 0, ~total & 0xFFFF, 0x5246, 1)


def _query(name: str) -> bytes:
    """A query for an address (RFC 1035, 4.1)."""
    labels = b"".join(bytes([len(part)]) + part.encode("ascii") for part in name.split("."))
    return struct.pack("!6H", 0x5246, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1)


def _proxy(text: bytes, given: Given, where: str) -> str:
    found = _PROXY.search(text)
    if found is None:
        raise NotHere(f"no proxy stands in {where}")
    host, port = found[1].decode(), int(found[2])
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)[0]
    except socket.gaierror as error:
        raise OSError(errno.EHOSTUNREACH, f"{host} has no address here ({error.strerror})") from error
    return _connect(family, str(address[0]), port, given)
