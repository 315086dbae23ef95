"""`make bench-proxy`: what NoDelay=yes on the door to the network is worth.

The real systemd-socket-proxyd between a client on loopback TCP and a gRPC server on a unix socket that answers with
256 KB over mutual TLS, as callers see the daemon under its units. The listening socket is made here as PID 1 makes it
for ringfenced-proxy.socket, once with TCP_NODELAY and once without; connections inherit it. Both run beside each other,
calls taking turns, so that what the machine does meanwhile strikes both alike.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import grpc
import grpc.aio

from fakes.certs import write_fresh
from flow_parts import machine

RESULTS = Path(__file__).resolve().parent / "results"
PROXY = Path("/usr/lib/systemd/systemd-socket-proxyd")
REPLY_BYTES = 256 * 1024
START_S = 10.0

_HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.execve(sys.argv[2], sys.argv[2:], {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())})
"""

Figures = dict[str, dict[str, float]]
"""Milliseconds by name of a quantile, by way."""


@asynccontextmanager
async def _server(folder: Path) -> AsyncIterator[Path]:
    """Answers every call with as many bytes; gives its socket."""
    reply, place = os.urandom(REPLY_BYTES), folder / "s"

    async def answer(_request: bytes, _context: object) -> bytes:
        return reply

    handlers = {"Reply": grpc.unary_unary_rpc_method_handler(answer)}
    credentials = grpc.ssl_server_credentials(
        [((folder / "daemon.key").read_bytes(), (folder / "daemon.pem").read_bytes())],
        (folder / "ca.pem").read_bytes(),
        require_client_auth=True,
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench", handlers),))
    server.add_secure_port(f"unix:{place}", credentials)
    await server.start()
    try:
        yield place
    finally:
        await server.stop(0)


@asynccontextmanager
async def _proxy(upstream: Path, *, no_delay: bool) -> AsyncIterator[int]:
    """systemd-socket-proxyd with a socket as PID 1 hands it over (sd_listen_fds(3)); gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(no_delay))
        words = (sys.executable, "-c", _HAND_OVER, str(listener.fileno()), str(PROXY), str(upstream))
        process = await asyncio.create_subprocess_exec(*words, pass_fds=[listener.fileno()])
        try:
            yield int(listener.getsockname()[1])
        finally:
            process.terminate()
            await process.wait()


@asynccontextmanager
async def _channel(folder: Path, target: str) -> AsyncIterator[grpc.aio.Channel]:
    credentials = grpc.ssl_channel_credentials(
        *((folder / name).read_bytes() for name in ("ca.pem", "caller-ward.key", "caller-ward.pem"))
    )
    options = [("grpc.ssl_target_name_override", "localhost"), ("grpc.max_receive_message_length", -1)]
    async with grpc.aio.secure_channel(target, credentials, options) as channel:
        await asyncio.wait_for(channel.channel_ready(), START_S)
        yield channel


async def measure(calls: int, folder: Path) -> Figures:
    """Time calls, the ways taking turns.

    Args:
        calls: how many each way has.
        folder: an empty one with a short path.
    """
    write_fresh(folder)
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(_server(folder))
        ports = [await stack.enter_async_context(_proxy(upstream, no_delay=each)) for each in (True, False)]
        targets = {
            "NoDelay=yes": f"127.0.0.1:{ports[0]}",
            "NoDelay=no": f"127.0.0.1:{ports[1]}",
            "no proxy": f"unix:{upstream}",
        }
        channels = {way: await stack.enter_async_context(_channel(folder, target)) for way, target in targets.items()}
        took: dict[str, list[float]] = {way: [] for way in channels}
        for _ in range(calls):
            for way, channel in channels.items():
                began_s = time.perf_counter()
                got = await channel.unary_unary("/bench/Reply")(b"?")
                took[way].append((time.perf_counter() - began_s) * 1000)
                assert len(got) == REPLY_BYTES
    return {way: _quantiles(each) for way, each in took.items()}


def _quantiles(took_ms: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(took_ms, n=100, method="inclusive")
    return {"p50": cuts[49], "p90": cuts[89], "p99": cuts[98], "max": max(took_ms)}


def ratio(figures: Figures) -> float:
    """How many times longer the slowest hundredth takes without it."""
    return figures["NoDelay=no"]["p99"] / figures["NoDelay=yes"]["p99"]


def markdown(facts: dict[str, object], figures: Figures) -> str:
    """A page."""
    rows = "\n".join(
        f"| {way} | {' | '.join(f'{each[name]:.1f}' for name in ('p50', 'p90', 'p99', 'max'))} |"
        for way, each in figures.items()
    )
    where = f"{facts['cpu']}, {facts['cores']} cores, load {facts['load_average_before']}, commit {facts['commit']}"
    told = f"p99 without NoDelay=yes is {ratio(figures):.1f} times that with it."
    return f"""# Replies of 256 KB through systemd-socket-proxyd

`{facts["command"]}`, {facts["date"]}, {where}

Milliseconds a call, gRPC with mutual TLS on loopback, one call at a time. {told}

| way | p50 | p90 | p99 | max |
|---|---:|---:|---:|---:|
{rows}
"""


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=500, help="how many each way has")
    parser.add_argument("--write", action="store_true", help="write bench/results/proxy-<date>")
    options = parser.parse_args()
    if not PROXY.exists():
        print(f"{PROXY} is not here (Debian: apt install systemd)", file=sys.stderr)
        return 1
    today = datetime.now(UTC)  # noqa: TID251 - a benchmark dates its own result
    facts = {**machine.describe(), "date": today.isoformat(timespec="seconds")}
    facts["command"] = f"bench/proxy.py --calls {options.calls}"
    with tempfile.TemporaryDirectory(prefix="rp-") as folder:
        figures = asyncio.run(measure(options.calls, Path(folder)))
    text = markdown(facts, figures)
    print(text)
    if options.write:
        stem = RESULTS / f"proxy-{today:%Y-%m-%d}"
        stem.with_suffix(".md").write_text(text)
        said = {"facts": facts, "ms": figures, "ratio_p99": ratio(figures)}
        stem.with_suffix(".json").write_text(json.dumps(said, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
