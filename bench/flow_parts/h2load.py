"""h2load (nghttp2) as a second generator for the unary case: written in C, it leaves the machine to the server."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from pathlib import Path

from flow_parts.process import CpuMark, Server
from flow_parts.scenarios import SCENARIOS
from flow_parts.stage import free_address, python


def is_there() -> bool:
    """Whether h2load is installed (Debian: nghttp2-client)."""
    return shutil.which("h2load") is not None


def frame(payload: bytes) -> bytes:
    """A request's body: gRPC's length-prefixed message, uncompressed (gRPC over HTTP/2, Length-Prefixed-Message)."""
    return struct.pack(">BI", 0, len(payload)) + payload


def succeeded(output: str) -> int:
    """Requests that h2load saw answered with a 2xx status."""
    match = re.search(r"(\d+) succeeded", output)
    return int(match.group(1)) if match else 0


def body_octets(output: str) -> int:
    """Bytes of all answers' bodies: gRPC says failures with 200 and an empty body, so that this tells them apart."""
    match = re.search(r"\((\d+)\) data$", output, re.MULTILINE)
    return int(match.group(1)) if match else 0


class H2load:
    """Loads servers through a relay each."""

    def __init__(self, folder: Path, certs: Path) -> None:
        """Write the request's body down."""
        self._folder = folder
        self._certs = certs
        self._body = folder / "unary.body"
        self._body.write_bytes(frame(SCENARIOS["unary"].payload()))

    def cpu_us(self, server: Server, address: str, requests: int) -> float:
        """The server's microseconds of CPU per request; NaN where not all came back whole."""
        listen = free_address()
        argv = python("flow_parts.relay", "--listen", listen, "--address", address, "--certs", str(self._certs))
        with Server(argv, self._folder, self._folder / "relay.log"):
            self._run(listen, max(50, requests // 10))  # a warm-up
            mark = CpuMark.take(server.parts())
            output = self._run(listen, requests)
            spent = sum(mark.since_us().values())
        whole = succeeded(output) == requests and body_octets(output) > 300 * requests
        return spent / requests if whole else float("nan")

    def _run(self, listen: str, requests: int) -> str:
        return subprocess.run(
            [
                *("h2load", "--requests", str(requests), "--clients", "4", "--max-concurrent-streams", "2"),
                *("--no-tls-proto", "h2c", "--data", str(self._body)),
                *("--header", "content-type: application/grpc", "--header", "te: trailers"),
                f"http://{listen}/ringfence.v1.Inference/Generate",
            ],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout
