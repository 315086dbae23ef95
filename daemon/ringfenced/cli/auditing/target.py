"""Where records go, as a command line or a rules file names it. Pure.

-                       standard output, a line each
FILE                    a file, a line each
tcp+tls://host:port     a syslog server over TLS (RFC 5425); 6514 where no port is given
tcp://host:port         the same without TLS (RFC 6587)
udp://host:port         datagrams (RFC 5426); 514 where no port is given; nothing tells whether they arrive
unix:/path              a socket of this machine: datagrams, or a stream where the socket is one
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

_PORTS: Final = {"tcp+tls": 6514, "tcp": 601, "udp": 514}
"""By RFC 5425, RFC 3195 and RFC 5426."""
_PORT_MAX: Final = 65_535


class Way(StrEnum):
    """How records travel."""

    STDOUT = "-"
    FILE = "file"
    TLS = "tcp+tls"
    TCP = "tcp"
    UDP = "udp"
    UNIX = "unix"


@dataclass(frozen=True, slots=True)
class Target:
    """A place for records."""

    way: Way
    """How to get there."""
    host: str = ""
    """A name or an address, without brackets."""
    port: int = 0
    """Of `host`."""
    path: Path = Path()
    """Of a file or socket."""

    @property
    def syslog(self) -> bool:
        """Whether a syslog server listens there."""
        return self.way not in {Way.STDOUT, Way.FILE}

    def __str__(self) -> str:
        """Print as it was written."""
        match self.way:
            case Way.STDOUT:
                return "standard output"
            case Way.FILE:
                return str(self.path)
            case Way.UNIX:
                return f"unix:{self.path}"
        return f"{self.way}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def target(text: str) -> Target:
    """Read a target.

    Raises:
        ValueError: it makes no sense; the text says what to write.
    """
    if text == "-":
        return Target(Way.STDOUT)
    if text.startswith("unix:"):
        path = text.removeprefix("unix:").removeprefix("//")
        if not path.startswith("/"):
            raise ValueError("write a socket as unix:/path/of/socket")
        return Target(Way.UNIX, path=Path(path))
    scheme, separator, rest = text.partition("://")
    if not separator:
        if not text or ":" in text.partition("/")[0]:
            raise ValueError(f"write tcp+tls://host:port, unix:/path, a file's name, or -; not {text!r}")
        return Target(Way.FILE, path=Path(text))
    if scheme not in _PORTS:
        raise ValueError(f"{scheme}:// is not known; write tcp+tls://host:port")
    host, port = _host_port(rest, _PORTS[scheme])
    return Target(Way(scheme), host=host, port=port)


def _host_port(text: str, port_default: int) -> tuple[str, int]:
    """``host``, ``host:port``, ``[v6]`` or ``[v6]:port``."""
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        host = host if closed else ""
    else:
        host, colon, digits = text.partition(":")
        rest = colon + digits
    port = rest.removeprefix(":")
    known = host and not any(each in host for each in "/@[] ") and (not rest or rest.startswith(":"))
    if not known or (rest and not (port.isascii() and port.isdecimal() and 0 < int(port) <= _PORT_MAX)):
        raise ValueError("write host:port after the scheme, and nothing else")
    return host, int(port) if rest else port_default
