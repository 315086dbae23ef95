"""A site and what is outside of it, in two namespaces with one wire between them; the outside counts what arrives.

```
 site: 10.86.0.2, fd86::2 ──site0══outside0── 10.86.0.1, fd86::1   whose lo has every address of ADDRESSES
       default route ─────────────────────────▶ nftables counts at the wire's end, dumpcap writes down
```
All addresses are documentation's (RFC 5737, RFC 3849), private, or the metadata services' (link-local), and none exists
beyond the two namespaces. Neighbours are written down and multicast is off, so that the site's kernel has
nothing to say by itself: a frame on the wire is somebody's doing.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from containment.namespaces import Namespace, checked, until

PROVIDER4 = "192.0.2.10"
"""The provider that a drop-in may open."""
PROVIDER_PORT = 443
DISCARD_PORT = 9
"""Where strangers take datagrams (RFC 863)."""
STRANGER4 = "198.51.100.7"
"""Somebody else, to whom nothing may go."""
STRANGER6 = "2001:db8::7"
RESOLVER4 = "203.0.113.53"
METADATA4 = "169.254.169.254"
METADATA6 = "fd00:ec2::254"
ADDRESSES = (PROVIDER4, STRANGER4, RESOLVER4, METADATA4, STRANGER6, METADATA6)

SITE4 = "10.86.0.2"
"""The site's own address."""

_SITE_MAC, _OUTSIDE_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
_QUIET = (
    "net.ipv6.conf.default.accept_ra=0",
    "net.ipv6.conf.default.router_solicitations=0",
    "net.ipv6.conf.default.addr_gen_mode=1",
    "net.ipv4.conf.all.rp_filter=0",
    "net.ipv4.conf.default.rp_filter=0",
    "net.ipv4.ping_group_range=0 2147483647",  # the control must be able to do what the confined must not
)

_COUNTERS = f"""
table netdev watch {{
  counter allowed {{ }}
  counter escaped {{ }}
  chain arrivals {{
    type filter hook ingress device "outside0" priority 0; policy accept;
    ip daddr {PROVIDER4} tcp dport {PROVIDER_PORT} counter name allowed accept
    counter name escaped
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What reached the outside in some stretch of time."""

    allowed: int
    """Packets to the provider's address and port, as nftables counted."""
    escaped: int
    """Every other frame, of whatever protocol, as nftables counted."""
    captured_allowed: int
    """The first, as the capture has it."""
    captured_escaped: int
    """The second, as the capture has it."""
    frames: tuple[str, ...] = field(default=(), repr=False)
    """A line for each escaped frame of the capture, for people."""

    def nothing(self) -> None:
        """Not one frame, by either way of counting."""
        assert (self.allowed, self.escaped, self.captured_allowed, self.captured_escaped) == (0, 0, 0, 0), self.frames

    def nothing_escaped(self) -> None:
        """Not one frame that was not for the provider, by either way of counting."""
        assert (self.escaped, self.captured_escaped) == (0, 0), self.frames


class Network:
    """The two namespaces."""

    def __init__(self, folder: Path) -> None:
        """Make both and the wire; captures are kept in `folder`."""
        self._folder = folder
        self._captures = 0
        self.outside = Namespace()
        self.site = Namespace()
        try:
            self._wire()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def watching(self) -> Watch:
        """Count from now on."""
        self._captures += 1
        return Watch(self.outside, self._folder / f"{self._captures}.pcapng")

    def settle(self, quiet_s: float = 1.5) -> None:
        """Wait until the kernels have said what they say when an interface comes up."""
        seen, since = counted(self.outside), time.monotonic()
        while time.monotonic() - since < quiet_s:
            time.sleep(0.1)
            if counted(self.outside) != seen:
                seen, since = counted(self.outside), time.monotonic()

    def close(self) -> None:
        """End both."""
        self.site.close()
        self.outside.close()

    def _wire(self) -> None:
        site, outside = self.site, self.outside
        for namespace in (site, outside):
            namespace.run("sysctl", "-qw", *_QUIET)
            namespace.run("ip", "link", "set", "lo", "up")
        peer = ("peer", "name", "outside0", "address", _OUTSIDE_MAC, "netns", str(outside.pid))
        site.run("ip", "link", "add", "site0", "address", _SITE_MAC, "type", "veth", *peer)
        for namespace, device, host in ((site, "site0", 2), (outside, "outside0", 1)):
            namespace.run("ip", "link", "set", device, "multicast", "off")
            namespace.run("ip", "address", "add", f"10.86.0.{host}/24", "dev", device)
            namespace.run("ip", "address", "add", f"fd86::{host}/64", "dev", device, "nodad")
            namespace.run("ip", "link", "set", device, "up")
        for namespace, device, host, mac in ((site, "site0", 1, _OUTSIDE_MAC), (outside, "outside0", 2, _SITE_MAC)):
            for address in (f"10.86.0.{host}", f"fd86::{host}"):
                namespace.run("ip", "neighbour", "replace", address, "lladdr", mac, "dev", device, "nud", "permanent")
        for address in ADDRESSES:
            version6 = ":" in address
            options = ("128", "nodad") if version6 else ("32",)
            outside.run("ip", "address", "add", f"{address}/{options[0]}", "dev", "lo", *options[1:])
        site.run("ip", "route", "add", "default", "via", "10.86.0.1")
        site.run("ip", "-6", "route", "add", "default", "via", "fd86::1")
        outside.run("nft", "-f", "-", stdin=_COUNTERS)


class Watch:
    """Counts between its beginning and `stop`."""

    def __init__(self, outside: Namespace, file: Path) -> None:
        """Begin: the capture first, so that it sees no less than the counters."""
        self._outside = outside
        self._file = file
        said = file.with_suffix(".stderr")
        with said.open("wb") as stderr:
            command = ("dumpcap", "-q", "-i", "outside0", "-w", str(file))
            self._capture = outside.start(*command, stdout=subprocess.DEVNULL, stderr=stderr)
        until(lambda: b"File:" in said.read_bytes(), "the capture")
        outside.run("nft", "reset", "counters")

    def stop(self) -> Arrivals:
        """What arrived since the beginning; late packets are waited for a moment."""
        time.sleep(0.3)
        counts = counted(self._outside)
        self._capture.send_signal(signal.SIGINT)
        assert self._capture.wait(30) == 0, self._file.with_suffix(".stderr").read_text()
        allowed, escaped = read(self._file)
        return Arrivals(counts["allowed"], counts["escaped"], allowed, len(escaped), tuple(escaped))


def counted(outside: Namespace) -> dict[str, int]:
    """The counters of nftables: packets by name."""
    listed = json.loads(outside.run("nft", "--json", "list", "counters"))["nftables"]
    return {each["counter"]["name"]: each["counter"]["packets"] for each in listed if "counter" in each}


def read(file: Path) -> tuple[int, list[str]]:
    """How many frames of a capture went to the provider, and a line for each other that came from the site."""
    allowed, escaped = 0, []
    for source, to4, to6, tcp, udp, protocols in _frames(file):
        if source != _SITE_MAC:
            continue
        if (to4, tcp) == (PROVIDER4, str(PROVIDER_PORT)):
            allowed += 1
        else:
            escaped.append(f"{protocols} to {to4 or to6} {tcp or udp}".strip())
    return allowed, escaped


def _frames(file: Path) -> list[list[str]]:
    fields = ("eth.src", "ip.dst", "ipv6.dst", "tcp.dstport", "udp.dstport", "frame.protocols")
    asked = [word for name in fields for word in ("-e", name)]
    listed = checked(["tshark", "-n", "-r", str(file), "-T", "fields", "-E", "occurrence=f", *asked])
    return [line.split("\t") for line in listed.splitlines()]
