"""A relay from plain HTTP/2 on loopback to a server behind mTLS: h2load has no client certificate to show."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import ssl
from pathlib import Path

import uvloop

CHUNK_BYTES = 256 * 1024
"""Most that is passed on at once."""


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    writer.close()


async def _serve(listen: str, address: str, certs: Path) -> None:
    context = ssl.create_default_context(cafile=str(certs / "ca.pem"))
    context.load_cert_chain(certs / "caller-ward.pem", certs / "caller-ward.key")
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["h2"])
    host, _, port = address.rpartition(":")

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(host, int(port), ssl=context)
        async with asyncio.TaskGroup() as group:
            group.create_task(_pump(reader, inner_writer))
            group.create_task(_pump(inner_reader, writer))

    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    own_host, _, own_port = listen.rpartition(":")
    async with await asyncio.start_server(relay, own_host, int(own_port)):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])  # noqa: TID251 - sd_notify(3)
        await stopping.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="Plain HTTP/2 in, mTLS out.")
    parser.add_argument("--listen", required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--certs", type=Path, required=True)
    arguments = parser.parse_args()
    with contextlib.suppress(asyncio.CancelledError):
        uvloop.run(_serve(arguments.listen, arguments.address, arguments.certs))


if __name__ == "__main__":
    main()
