"""`ringfence audit verify` over a log's folder: the one place that knows how the verifier is called."""

from __future__ import annotations

import time
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from log_parts.children import python
from log_parts.growing import KEY


def verified_s(log: Path, folder: Path) -> float:
    """How long it takes from the command to its end; RuntimeError where it does not find the log whole."""
    key = folder / "log.pub"
    key.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    command = "from ringfenced.cli import main; main()"
    began = time.perf_counter()
    python("-c", command, "audit", "verify", "--log", str(log), "--key", str(key))
    return time.perf_counter() - began
