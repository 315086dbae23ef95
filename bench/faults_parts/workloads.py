"""What is asked of an agent while it fails: a few short scripts, each through a real daemon's certificate and permits.

A script goes on after a failure: what follows must be refused. It ends early where the agent has.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import grpc
import grpc.aio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fakes.provider import BREAK, HANG, answer, failure, head
from faults_parts.nursery import Running
from faults_parts.rig import Rig
from ringfence import permit, tls
from ringfence.labels import Label, Level
from ringfence.v1 import egress_pb2, egress_pb2_grpc, types_pb2

CALL_S_MAX = 10.0
"""A call that takes longer hangs."""
THINGS = ("paper", "chairs", "lamps", "doors", "windows", "tables", "stairs", "curtains", "clocks", "plants")
"""Three of them make each body another one, so that the judge can tell which intent it belongs to."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one call came to."""

    what: str
    began_s: float
    ended_s: float
    end: str
    """``sent``, ``refused``, ``failed``, ``done``, ``cancelled``, or gRPC's name of an error."""
    detail: str = ""


@dataclass
class Record:
    """All that the daemon's side of one run knows."""

    told: list[Told] = field(default_factory=list)
    admitted: list[tuple[float, int]] = field(default_factory=list)
    """When, and the intent's index."""
    proven: list[tuple[float, int, bytes, str]] = field(default_factory=list)
    """When, index, entry and checkpoint of each proof."""
    lockdown: bool | None = None
    """As acknowledged last; None where nothing was, or where a later change may have come through."""


@dataclass
class Caller:
    """A daemon that is used to trouble."""

    stub: egress_pb2_grpc.EgressAsyncStub
    key: Ed25519PrivateKey
    running: Running
    rig: Rig
    record: Record = field(default_factory=Record)
    last: egress_pb2.SendRequest | None = None
    number: int = 0

    async def send(self, level: Level = Level.PUBLIC, *, request: egress_pb2.SendRequest | None = None) -> None:
        """One send, to its end."""
        if self.running.ended.done():
            return
        began_s = time.time()
        self.last = request or self._request(level)
        end, rules = "nothing", ""
        try:
            async with asyncio.timeout(CALL_S_MAX):
                async for event in self.stub.Send(self.last):
                    end, rules = event.WhichOneof("event"), ",".join(event.refused.rules)
                    self._note(event)
        except grpc.aio.AioRpcError as error:
            self._tell("send", began_s, error.code().name, error.details() or "")
        except TimeoutError:
            self._tell("send", began_s, "HANGS")
        else:
            self._tell("send", began_s, end, rules)

    async def hang_up(self) -> None:
        """A send that is cancelled once the provider has it, or once it has failed."""
        if self.running.ended.done():
            return
        began_s = time.time()
        call = self.stub.Send(self._request(Level.PUBLIC))
        try:
            async with asyncio.timeout(CALL_S_MAX):
                async for event in call:
                    self._note(event)
                    if event.WhichOneof("event") == "admitted":
                        await asyncio.sleep(0.03)
                        call.cancel()
        except (grpc.aio.AioRpcError, asyncio.CancelledError):
            pass
        except TimeoutError:
            self._tell("hang_up", began_s, "HANGS")
            return
        self._tell("hang_up", began_s, "cancelled")

    async def lockdown(self, *, on: bool) -> None:
        """Stop egress, or allow it again."""
        if self.running.ended.done():
            return
        began_s = time.time()
        self.record.lockdown = True if on and self.record.lockdown else None
        try:
            request = egress_pb2.ApplyLockdownRequest(on=on, reason="drill", by_pseudonym="o-1")
            response = await self.stub.ApplyLockdown(request, timeout=CALL_S_MAX)
        except grpc.aio.AioRpcError as error:
            self._tell("lockdown", began_s, error.code().name, error.details() or "")
        else:
            self.record.lockdown = response.on
            self._tell("lockdown", began_s, "done")

    async def locked(self) -> bool:
        """Whether the agent says that egress is stopped."""
        response = await self.stub.ListProviders(egress_pb2.ListProvidersRequest(), timeout=CALL_S_MAX)
        return response.lockdown

    def _note(self, event: egress_pb2.SendResponse) -> None:
        """Keep what was acknowledged."""
        now_s = time.time()
        match event.WhichOneof("event"):
            case "admitted":
                self.record.admitted.append((now_s, event.admitted.intent_index))
            case "refused":
                self._prove(now_s, event.refused.entry)
            case "failed":
                self._prove(now_s, event.failed.entry)
            case "sent":
                self._prove(now_s, event.sent.intent)
                self._prove(now_s, event.sent.outcome)
            case _:
                pass

    def _prove(self, now_s: float, proof: types_pb2.EntryProof) -> None:
        self.record.proven.append((now_s, proof.index, proof.entry, proof.checkpoint))

    def _tell(self, what: str, began_s: float, end: str, detail: str = "") -> None:
        self.record.told.append(Told(what, began_s, time.time(), end, detail))

    def _request(self, level: Level) -> egress_pb2.SendRequest:
        """A genuine request."""
        things = [THINGS[self.number // 10**place % 10] for place in range(3)]
        self.number += 1
        text = f"What does a ward clerk do with {things[0]}, {things[1]} and {things[2]}?"
        message = types_pb2.Message(role=types_pb2.ROLE_USER, parts=[types_pb2.Part(text=text)])
        payload = egress_pb2.EgressPayload(messages=[message]).SerializeToString()
        issued_ms = time.time_ns() // 1_000_000
        statement = permit.Statement(
            payload_sha256=hashlib.sha256(payload).digest(),
            provider="cloud",
            model="gpt",
            label=Label(level),
            label_before=Label(level),
            caller_pseudonym="0" * 32,
            department="ward",
            request_id=secrets.token_hex(16),
            payload_bytes=len(payload),
            issued_at_unix_ms=issued_ms,
            expires_at_unix_ms=issued_ms + 20_000,
            nonce=secrets.token_bytes(16),
            findings_by_type={},
            decision_reason="cheapest",
            cost_microcredits_max=1,
            key_id="permit",
        )
        signed = permit.sign(statement, self.key)
        wire = egress_pb2.Permit(statement=signed.statement, signature=signed.signature)
        return egress_pb2.SendRequest(permit=wire, payload=payload, deadline_ms=2000)


class connected:  # noqa: N801 - reads like a function
    """A caller of a running agent."""

    def __init__(self, rig: Rig, running: Running) -> None:
        """Take where."""
        self._rig = rig
        self._running = running

    async def __aenter__(self) -> Caller:
        """Connect."""
        folder = self._rig.folder
        files = tls.Identity(folder / "daemon.pem", folder / "daemon.key", folder / "ca.pem")
        self._channel = grpc.aio.secure_channel(
            f"unix:{folder}/agent.sock",
            tls.channel_credentials(files),
            options=[
                *tls.channel_options(1 << 20, "localhost"),
                ("grpc.use_local_subchannel_pool", 1),
                ("grpc.initial_reconnect_backoff_ms", 50),
            ],
        )
        key = load_pem_private_key((folder / "permit.key").read_bytes(), None)
        assert isinstance(key, Ed25519PrivateKey)
        return Caller(egress_pb2_grpc.EgressStub(self._channel), key, self._running, self._rig)

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        await self._channel.close(None)


@dataclass(frozen=True, slots=True)
class Workload:
    """A script."""

    name: str
    steps: Callable[[Caller], Awaitable[None]]
    archive: bool = False
    hooks: tuple[str, ...] = ()
    earlier: bool = False
    """It goes on with a log that a killed agent left, an intent open and the end torn."""


async def sends(caller: Caller) -> None:
    """Sends one by one and at once, and time for checkpoints."""
    await caller.send()
    await asyncio.sleep(0.07)
    await asyncio.gather(*(caller.send() for _ in range(3)))
    await caller.send()
    await asyncio.sleep(0.07)
    await caller.send()


async def mixed(caller: Caller) -> None:
    """Refusals, a replay, and a lockdown between sends."""
    await caller.send()
    await caller.send(Level.RESTRICTED)
    if caller.last is not None:
        await caller.send(request=caller.last)
    await caller.lockdown(on=True)
    await caller.send()
    await asyncio.sleep(0.07)
    await caller.lockdown(on=False)
    await caller.send()
    await caller.send(Level.RESTRICTED)


async def locked(caller: Caller) -> None:
    """A lockdown that stays."""
    await caller.send()
    await caller.lockdown(on=True)
    await asyncio.sleep(0.07)
    await caller.send()
    await caller.lockdown(on=True)


async def failing(caller: Caller) -> None:
    """A provider that fails, breaks off and hangs."""
    caller.rig.provider.script[:0] = [failure(503), [head(), BREAK], [head(), HANG]]
    await caller.send()
    await caller.send()
    await caller.hang_up()
    caller.rig.provider.script[:] = [answer("Hello")]
    await caller.send()


async def again(caller: Caller) -> None:
    """After an earlier crash."""
    await caller.send()
    await caller.send(Level.RESTRICTED)
    await asyncio.sleep(0.07)
    await caller.send()


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("sends", sends),
        Workload("mixed", mixed),
        Workload("locked", locked),
        Workload("failing", failing),
        Workload("again", again, earlier=True),
        Workload("archive", sends, archive=True),
        Workload("archive, mixed", mixed, archive=True),
        Workload("segments", sends, hooks=("small_segments",)),
    )
}
