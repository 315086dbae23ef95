"""An agent that lies: genuine certificate and log key, false answers. The client believes nothing but proofs."""

import hashlib
import json

import grpc.aio
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fakes.agent import ORIGIN, client, folder, gather, terms
from ringfence import tls
from ringfence.labels import Label, Level
from ringfence.translog import Checkpoint, Tree, leaf_hash, sign_checkpoint
from ringfence.v1 import egress_pb2, egress_pb2_grpc, types_pb2
from ringfenced.deidentify import deidentify
from ringfenced.errors import DeadlineExceeded, Unavailable
from ringfenced.model import Message, Prompt, Role, Sent, Text


class LyingAgent(egress_pb2_grpc.EgressServicer):
    """Answers with whatever entries it likes, each honestly proven unless told otherwise."""

    def __init__(self, certs, lie=""):
        self.key = load_pem_private_key((certs / "log.key").read_bytes(), None)
        self.tree = Tree()
        self.lie = lie
        self.deadline_ms = None

    def note(self):
        return sign_checkpoint(Checkpoint(ORIGIN, self.tree.size, self.tree.root()), self.key)

    def proof(self, record):
        entry = json.dumps(record).encode()
        self.tree.append(leaf_hash(entry))
        index = self.tree.size - 1
        told = entry if self.lie != "another entry" else entry + b" "
        note = self.note() if self.lie != "no checkpoint" else "trust me"
        path = self.tree.inclusion(index, self.tree.size)
        return types_pb2.EntryProof(entry=told, index=index, inclusion_path=path, checkpoint=note)

    async def ReadCheckpoint(self, _request, _context):  # noqa: N802 - gRPC's name
        return egress_pb2.ReadCheckpointResponse(checkpoint=self.note())

    async def ReadConsistency(self, request, _context):  # noqa: N802 - gRPC's name
        return egress_pb2.ReadConsistencyResponse(path=self.tree.consistency(request.old_size, request.new_size))

    async def Send(self, request, _context):  # noqa: N802 - gRPC's name
        self.deadline_ms = request.deadline_ms
        digest = hashlib.sha256(request.permit.statement).hexdigest()
        record = {"permit_sha256": "0" * 64 if self.lie == "another permit" else digest}
        if self.lie == "nothing":
            return
        if self.lie == "failure of another permit":
            record = {"permit_sha256": "0" * 64}
            yield egress_pb2.SendResponse(failed=egress_pb2.ProviderFailed(reason="x", entry=self.proof(record)))
            return
        intent, outcome = self.proof(record), self.proof(record)
        yield egress_pb2.SendResponse(sent=egress_pb2.Sent(intent=intent, outcome=outcome))


async def ask(tmp_path, lie="", deadline_ms=5000):
    folder(tmp_path, "https://localhost:1/v1")
    server = grpc.aio.server()
    agent = LyingAgent(tmp_path, lie)
    egress_pb2_grpc.add_EgressServicer_to_server(agent, server)
    identity = tls.Identity(tmp_path / "agent.pem", tmp_path / "agent.key", tmp_path / "ca.pem")
    server.add_secure_port(f"unix:{tmp_path}/agent.sock", tls.server_credentials(identity))
    await server.start()
    try:
        async with client(tmp_path) as egress:
            prompt = Prompt((Message(Role.USER, (Text("What?"),)),))
            payload, _ = deidentify(prompt, (), Label(Level.PUBLIC), seed=bytes(32), scan=lambda _text: ())
            return agent, await gather(egress.send(payload, terms(), deadline_ms))
    finally:
        await server.stop(0)


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
