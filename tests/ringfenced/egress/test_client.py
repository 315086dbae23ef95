"""An agent that lies: genuine certificate and log key, false answers. The client believes nothing but proofs."""

import asyncio
import hashlib
import json
from contextlib import asynccontextmanager

import grpc.aio
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fakes.agent import ORIGIN, client, folder, gather, terms
from ringfence import tls
from ringfence.labels import Label, Level
from ringfence.translog import Checkpoint, Tree, leaf_hash, sign_checkpoint
from ringfence.v1 import egress_pb2, egress_pb2_grpc, types_pb2
from ringfenced.deidentify import deidentify
from ringfenced.egress import client as client_module
from ringfenced.errors import DeadlineExceeded, Overloaded, Refused, RingfenceError, Unavailable
from ringfenced.model import Message, Prompt, Role, Sent, Text

STATUSES = {"exhausted": grpc.StatusCode.RESOURCE_EXHAUSTED, "away": grpc.StatusCode.UNAVAILABLE}


class LyingAgent(egress_pb2_grpc.EgressServicer):
    """Answers with whatever entries it likes, each honestly proven unless told otherwise."""

    def __init__(self, certs, lie=""):
        self.key = load_pem_private_key((certs / "log.key").read_bytes(), None)
        self.tree = Tree()
        self.lie = lie
        self.deadline_ms = None
        self.sends = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    def note(self):
        return sign_checkpoint(Checkpoint(ORIGIN, self.tree.size, self.tree.root()), self.key)

    def proof(self, record):
        return self.proof_of(json.dumps(record).encode())

    def proof_of(self, entry):
        self.tree.append(leaf_hash(entry))
        index = self.tree.size - 1
        told = entry if self.lie != "another entry" else entry + b" "
        note = self.note() if self.lie != "no checkpoint" else "trust me"
        path = self.tree.inclusion(index, self.tree.size)
        return types_pb2.EntryProof(entry=told, index=index, inclusion_path=path, checkpoint=note)

    async def ReadCheckpoint(self, _request, context):  # noqa: N802 - gRPC's name
        secured = str(tls.peer_of(context.auth_context()))
        await context.send_initial_metadata(((tls.CONNECTION_KEY, secured),))
        note = self.note()
        await self.may_answer.wait()
        return egress_pb2.ReadCheckpointResponse(checkpoint=note)

    async def ListProviders(self, _request, context):  # noqa: N802 - gRPC's name
        secured = str(tls.peer_of(context.auth_context()))
        await context.send_initial_metadata(((tls.CONNECTION_KEY, secured),))
        model = egress_pb2.ProviderModel(provider="cloud", model="gpt", clearance=types_pb2.Label(level=99))
        return egress_pb2.ListProvidersResponse(models=[model])

    async def ReadConsistency(self, request, _context):  # noqa: N802 - gRPC's name
        return egress_pb2.ReadConsistencyResponse(path=self.tree.consistency(request.old_size, request.new_size))

    async def Send(self, request, context):  # noqa: N802 - gRPC's name
        self.deadline_ms = request.deadline_ms
        self.sends += 1
        digest = hashlib.sha256(request.permit.statement).hexdigest()
        about = {"permit_sha256": "0" * 64 if "another permit" in self.lie else digest}
        intent, outcome, refusal = ({"kind": kind, **about} for kind in ("intent", "outcome", "refusal"))
        if self.lie.startswith("admitted, then"):
            yield egress_pb2.SendResponse(admitted=egress_pb2.Admitted())
        lie = self.lie.removeprefix("admitted, then ").removesuffix(" of another permit")
        if lie in STATUSES:
            await context.abort(STATUSES[lie], "so it is")
        if lie == "late":
            await asyncio.sleep(60)
        failures = {"failure": outcome, "failure that is an intent": intent}
        refusals = {
            "refusal": refusal,
            "refusal that is an intent": intent,
            "refusal that is an outcome": outcome,
            "withdrawal": {**outcome, "outcome": "cancelled", "reasons": ["before_sending"]},
            "no room": refusal,
            "no object": [],
        }
        if lie in failures:
            failed = egress_pb2.ProviderFailed(reason="x", entry=self.proof(failures[lie]))
            yield egress_pb2.SendResponse(failed=failed)
        elif lie in refusals:
            rules = {"rules": ["quota.department"], "retry_after_ms": 1500} if lie == "no room" else {}
            yield egress_pb2.SendResponse(refused=egress_pb2.Refused(entry=self.proof(refusals[lie]), **rules))
        elif lie == "no JSON":
            yield egress_pb2.SendResponse(refused=egress_pb2.Refused(entry=self.proof_of(b"\xff")))
        elif lie != "nothing":
            second = intent if lie == "two intents" else outcome
            sent = egress_pb2.Sent(intent=self.proof(intent), outcome=self.proof(second))
            yield egress_pb2.SendResponse(sent=sent)


@asynccontextmanager
async def lying(tmp_path, lie="", **changes):
    """The agent, and the client that it lies to."""
    folder(tmp_path, "https://localhost:1/v1")
    server = grpc.aio.server()
    agent = LyingAgent(tmp_path, lie)
    egress_pb2_grpc.add_EgressServicer_to_server(agent, server)
    identity = tls.Identity(tmp_path / "agent.pem", tmp_path / "agent.key", tmp_path / "ca.pem")
    server.add_secure_port(f"unix:{tmp_path}/agent.sock", tls.server_credentials(tls.Certificates(identity)))
    await server.start()
    try:
        async with client(tmp_path, **changes) as egress:
            yield agent, egress
    finally:
        await server.stop(0)


def payload(text="What?"):
    prompt = Prompt((Message(Role.USER, (Text(text),)),))
    return deidentify(prompt, (), Label(Level.PUBLIC), seed=bytes(32), scan=lambda _text: ())[0]


async def ask(tmp_path, lie="", deadline_ms=5000):
    async with lying(tmp_path, lie) as (agent, egress):
        return agent, await gather(egress.send(payload(), terms(), deadline_ms))


async def test_an_agent_that_tells_the_truth_is_believed(tmp_path):
    _, (sent,) = await ask(tmp_path)
    assert isinstance(sent, Sent)


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        ("another entry", "egress_unproven"),
        ("another permit", "egress_unproven"),
        ("no checkpoint", "egress_unproven"),
        ("failure of another permit", "egress_unproven"),
        ("failure that is an intent", "egress_unproven"),
        ("refusal of another permit", "egress_unproven"),
        ("refusal that is an intent", "egress_unproven"),
        ("refusal that is an outcome", "egress_unproven"),
        ("two intents", "egress_unproven"),
        ("no JSON", "egress_unproven"),
        ("no object", "egress_unproven"),
        ("nothing", "agent_failed"),
    ],
)
async def test_what_is_not_proven_is_not_believed(tmp_path, lie, reason):
    with pytest.raises(Unavailable) as caught:
        await ask(tmp_path, lie)
    assert caught.value.reason == reason


async def test_no_deadline_is_zero_and_a_passed_one_asks_nobody(tmp_path):
    agent, _ = await ask(tmp_path, deadline_ms=0)
    assert agent.deadline_ms == 0
    with pytest.raises(DeadlineExceeded):
        await ask(tmp_path, deadline_ms=-1)


@pytest.mark.parametrize(
    ("lie", "kind", "reason", "left"),
    [
        ("refusal", Refused, "agent_refused", 0),
        ("withdrawal", Refused, "agent_refused", 0),
        ("no room", Overloaded, "agent_quota", 0),
        ("nothing", Unavailable, "agent_failed", 0),
        ("admitted, then nothing", Unavailable, "agent_failed", 1),
        ("exhausted", Overloaded, "agent_overloaded", 0),
        ("admitted, then exhausted", Overloaded, "agent_overloaded", 1),
        ("away", Unavailable, "agent_unavailable", 0),
        ("admitted, then away", Unavailable, "agent_unavailable", 1),
        ("late", DeadlineExceeded, "deadline_exceeded", 0),
        ("admitted, then late", DeadlineExceeded, "deadline_exceeded", 1),
        ("failure", Unavailable, "provider_x", 1),
        ("two intents", Unavailable, "egress_unproven", 1),
    ],
)
async def test_every_error_tells_whether_anything_may_have_left(tmp_path, lie, kind, reason, left):
    with pytest.raises(kind) as caught:
        await ask(tmp_path, lie, deadline_ms=200 if "late" in lie else 20_000)
    assert (caught.value.reason, caught.value.numbers["left"]) == (reason, left)
    assert (caught.value.retry_after_ms is not None) == (
        reason in {"agent_overloaded", "agent_quota", "agent_unavailable"}
    )


async def test_what_cannot_be_asked_for_does_not_reach_the_agent(tmp_path):
    """Too long a payload, a permit that cannot be, no time."""
    async with lying(tmp_path, message_bytes_max=2000) as (agent, egress):
        for asked, said, deadline_ms, reason in (
            (payload("long " * 500), terms(), 5000, "payload_too_long"),
            (payload(), terms(department=""), 5000, "internal"),
            (payload(), terms(), -1, "deadline_exceeded"),
        ):
            with pytest.raises(RingfenceError) as caught:
                await gather(egress.send(asked, said, deadline_ms))
            assert (caught.value.reason, caught.value.numbers["left"]) == (reason, 0)
        assert agent.sends == 0
        await gather(egress.send(payload("long " * 300), terms(), 5000))


async def test_a_label_that_cannot_be_makes_the_agent_unavailable(tmp_path):
    async with lying(tmp_path) as (_, egress):
        with pytest.raises(Unavailable) as caught:
            await egress.offers()
    assert caught.value.reason == "agent_failed"


async def test_a_late_answer_about_the_log_is_compared_with_what_was_kept_when_it_was_asked_for(tmp_path):
    """A send's proofs meanwhile let the kept checkpoint grow past it."""
    async with lying(tmp_path) as (agent, egress), asyncio.TaskGroup() as group:
        await gather(egress.send(payload(), terms(), 5000))
        agent.may_answer.clear()
        late = group.create_task(egress.log.checkpoint())
        await asyncio.sleep(0.1)
        await gather(egress.send(payload(), terms(), 5000))
        agent.may_answer.set()
        assert await late != egress.log.witnessed()
        await gather(egress.send(payload(), terms(), 5000))


async def test_nothing_that_fails_ends_the_looking(tmp_path, monkeypatch):
    """Not even what no one thought of; each time the log is in doubt again."""
    monkeypatch.setattr(client_module, "_WITNESS_EVERY_S", 0.001)
    looks = []

    async def fail():
        looks.append(egress._witnessed_s)
        raise ZeroDivisionError

    async with lying(tmp_path) as (_, egress):
        await egress._look()
        egress.log.checkpoint = fail
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await egress.run()
    assert looks[0] > 0
    assert set(looks[1:]) == {float("-inf")}
