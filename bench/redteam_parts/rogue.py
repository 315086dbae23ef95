"""A daemon with genuine keys and certificates, and no scruples."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Self

import grpc
import grpc.aio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from redteam_parts.permits import BENDS, SignedWith
from redteam_parts.way import Attempt, Way
from ringfence import permit, tls
from ringfence.v1 import egress_pb2, egress_pb2_grpc, types_pb2

MESSAGE_BYTES_MAX = 64 * 1024 * 1024
ANSWER_S_MAX = 60.0
PARALLEL = 32


@dataclass(slots=True)
class Ended:
    """What became of a way."""

    way: Way
    """Which."""
    rules: list[list[str]] = field(default_factory=list)
    """For each attempt the rules that refused it; empty for one that was sent."""

    @property
    def sent(self) -> list[int]:
        """The attempts that were sent."""
        return [index for index, rules in enumerate(self.rules) if not rules]


class Rogue:
    """Asks the agent for whatever it is told to."""

    def __init__(self, certs: Path, seed: int) -> None:
        """Speak with the agent in `certs`; what is drawn follows from `seed`."""
        self._certs = certs
        loaded = load_pem_private_key((certs / "permit.key").read_bytes(), None)
        assert isinstance(loaded, Ed25519PrivateKey)
        self.key = loaded
        self._seed = seed
        self._busy = asyncio.Semaphore(PARALLEL)

    async def __aenter__(self) -> Self:
        identity = tls.Identity(self._certs / "daemon.pem", self._certs / "daemon.key", self._certs / "ca.pem")
        options = tls.channel_options(MESSAGE_BYTES_MAX, "localhost")
        self._channel = grpc.aio.secure_channel(
            f"unix:{self._certs}/agent.sock", tls.channel_credentials(identity), options=options
        )
        self.stub = egress_pb2_grpc.EgressStub(self._channel)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._channel.close()

    async def attempt(self, way: Way) -> Ended:
        """Everything that `way` asks for, in order."""
        ended, permits = Ended(way), []
        rng = Random(f"{self._seed}:{way.family}:{way.name}")
        for one in way.attempts:
            async with self._busy:  # signed when it is asked for: a permit that waits here would say nothing
                if one.permit_of is None:
                    statement, signature = self.signed(one)
                    if one.bend:
                        statement, signature = BENDS[one.bend](SignedWith(statement, signature, self.key), rng)
                    permits.append(egress_pb2.Permit(statement=statement, signature=signature))
                else:
                    permits.append(permits[one.permit_of])
                ended.rules.append(await self.ask(egress_pb2.SendRequest(permit=permits[-1], payload=one.payload)))
        return ended

    def signed(self, attempt: Attempt) -> tuple[bytes, bytes]:
        """A permit's statement and signature: honest but for what the attempt changes."""
        now = time.time_ns() // 1_000_000
        said = {
            "payload_sha256": hashlib.sha256(attempt.payload).digest(),
            "payload_bytes": len(attempt.payload),
            "provider": "cloud",
            "model": "embed" if attempt.payload[:1] == b"\x32" else "gpt",
            "label": types_pb2.Label(level=types_pb2.LEVEL_PUBLIC),
            "label_before": types_pb2.Label(level=types_pb2.LEVEL_PUBLIC),
            "caller_pseudonym": secrets.token_hex(16),
            "department": "ward",
            "request_id": secrets.token_hex(12),
            "issued_at_unix_ms": now,
            "expires_at_unix_ms": now + permit.LIFETIME_MS,
            "nonce": secrets.token_bytes(16),
            "findings_by_type": {},
            "decision_reason": "cheap to try; its answer is evaluated",
            "cost_microcredits_max": 10,
            "key_id": "permit",
        }
        changes = {
            name: said[name] + value if name.endswith("unix_ms") else value  # type: ignore[operator]
            for name, value in attempt.statement.items()
        }
        if attempt.unsigned:
            honest = egress_pb2.PermitStatement(**said).SerializeToString(deterministic=True)
            signature = self.key.sign(permit.DOMAIN + honest)
            return egress_pb2.PermitStatement(**(said | changes)).SerializeToString(deterministic=True), signature
        data = egress_pb2.PermitStatement(**(said | changes)).SerializeToString(deterministic=True)
        return data, self.key.sign(permit.DOMAIN + data)

    async def ask(self, request: egress_pb2.SendRequest) -> list[str]:
        """The rules by which a request is refused; a status counts as a rule; empty if it was sent."""
        try:
            async for response in self.stub.Send(request, timeout=ANSWER_S_MAX):
                match response.WhichOneof("event"):
                    case "refused":
                        return list(response.refused.rules)
                    case "sent":
                        return []
                    case "failed":
                        return [f"provider.{response.failed.reason}"] if response.failed.nothing_generated else []
        except grpc.aio.AioRpcError as error:
            return [f"status.{error.code().name}"]
        return ["status.ENDED"]
