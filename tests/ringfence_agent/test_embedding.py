"""Texts to embed, from the daemon's bytes to vectors and two log entries; the daemon itself asks for none yet."""

import hashlib
import json
import secrets
import time

import grpc
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fakes.agent import agent, folder
from fakes.families import openai_embedded, whole
from fakes.provider import StandInProvider
from ringfence import permit, tls
from ringfence.labels import Label
from ringfence.permit import Statement
from ringfence.v1 import egress_pb2, egress_pb2_grpc


def request(certs, *texts):
    """What a daemon would send."""
    data = egress_pb2.EgressPayload(embedding_inputs=texts).SerializeToString()
    now = time.time_ns() // 1_000_000
    statement = Statement(
        payload_sha256=hashlib.sha256(data).digest(),
        payload_bytes=len(data),
        provider="cloud",
        model="vectors",
        label=Label(),
        label_before=Label(),
        caller_pseudonym="c",
        department="d",
        request_id="r",
        issued_at_unix_ms=now,
        expires_at_unix_ms=now + permit.LIFETIME_MS,
        nonce=secrets.token_bytes(permit.NONCE_BYTES),
        key_id="permit",
    )
    signed = permit.sign(statement, load_pem_private_key((certs / "permit.key").read_bytes(), None))
    sent = egress_pb2.Permit(statement=signed.statement, signature=signed.signature)
    return egress_pb2.SendRequest(permit=sent, payload=data, deadline_ms=20_000)


@pytest.fixture
async def asked(tmp_path):
    """A function from texts to the agent's events, and the stand-in that is asked."""
    folder(tmp_path, "https://localhost:1/v1")
    async with StandInProvider(tmp_path) as provider:
        file = folder(tmp_path, provider.base_url, embedding_models='{ vectors = "text-embedding-3-small" }')
        identity = tls.Identity(tmp_path / "daemon.pem", tmp_path / "daemon.key", tmp_path / "ca.pem")
        credentials = tls.channel_credentials(identity)
        options = [("grpc.ssl_target_name_override", "localhost")]
        async with (
            agent(file),
            grpc.aio.secure_channel(f"unix:{tmp_path}/agent.sock", credentials, options=options) as channel,
        ):

            async def ask(*texts):
                stub = egress_pb2_grpc.EgressStub(channel)
                return [event async for event in stub.Send(request(tmp_path, *texts))]

            yield ask, provider


async def test_texts_become_vectors_and_two_entries(asked):
    ask, provider = asked
    provider.script = [openai_embedded((0.5, -1.0), (2.0, 3.25))]
    admitted, vectors, sent = await ask("one", "two")
    assert admitted.WhichOneof("event") == "admitted"
    assert [list(one.values) for one in vectors.embeddings.embeddings] == [[0.5, -1.0], [2.0, 3.25]]
    assert json.loads(sent.sent.outcome.entry)["usage"]["prompt_tokens"] == 5
    assert json.loads(provider.bodies[0])["input"] == ["one", "two"]


async def test_a_failure_before_the_vectors_says_that_nothing_was_generated(asked):
    ask, provider = asked
    provider.script = [whole({}, 429)]
    *_, failed = await ask("one")
    assert (failed.failed.reason, failed.failed.nothing_generated) == ("rate_limited", True)


async def test_an_identifier_in_a_text_stays(asked):
    ask, provider = asked
    (refused,) = await ask("SSN 524-71-", "6038")
    assert list(refused.refused.rules) == ["residual"]
    assert provider.bodies == []
