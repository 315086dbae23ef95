"""Everybody who would answer outside of the site: ``python outside.py CERTS SEEN``, run in the outside's namespace.

The provider answers at its address with its certificate, and what it is asked is written to SEEN, a line each.
Strangers, a resolver and a metadata service answer whoever comes: an attempt fails because of what stops it, never for
want of somebody at the other end.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import sys
from pathlib import Path

from containment.network import (
    DISCARD_PORT,
    METADATA4,
    METADATA6,
    PROVIDER4,
    PROVIDER_PORT,
    RESOLVER4,
    STRANGER4,
    STRANGER6,
)
from fakes.provider import StandInProvider, answer

TCP_PORTS = (53, 80, PROVIDER_PORT)
UDP_PORTS = (53, DISCARD_PORT)
_ANSWER = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + ipaddress.ip_address(STRANGER4).packed  # RFC 1035, 4.1.3: a name's address


async def main(certs: Path, seen: Path) -> None:
    """Answer until somebody ends it."""
    loop = asyncio.get_running_loop()
    for address in (STRANGER4, STRANGER6, RESOLVER4, METADATA4, METADATA6):
        for port in TCP_PORTS:
            await asyncio.start_server(_welcome, address, port)
        for port in UDP_PORTS:
            await loop.create_datagram_endpoint(lambda port=port: _Reply(port), local_addr=(address, port))

    def keep(body: bytes) -> None:
        with seen.open("ab") as file:
            file.write(json.dumps(json.loads(body)).encode() + b"\n")

    script = [answer("It ", "pumps ", "blood.")]
    provider = StandInProvider(certs, certificate="example", host=PROVIDER4, port=PROVIDER_PORT, script=script)
    provider.on_request = keep
    async with provider:
        print("ready", flush=True)  # noqa: T201 - for the test that waits
        await asyncio.Event().wait()


async def _welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say something to whoever connects, as a metadata service or a server that was waiting would."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nwelcome\n")
    await reader.read(1024)
    writer.close()


class _Reply(asyncio.DatagramProtocol):
    """Answers a datagram: a name's address where it asks for one, and itself otherwise."""

    def __init__(self, port: int) -> None:
        self._port = port

    def connection_made(self, transport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address) -> None:
        if self._port == 53 and len(data) > 12:
            question = data[12:].partition(b"\0")
            head = data[:2] + b"\x81\x80\0\1\0\1\0\0\0\0"  # RFC 1035, 4.1.1: an answer without an error
            data = head + question[0] + b"\0" + question[2][:4] + _ANSWER
        self._transport.sendto(data, address)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
