"""The way out as a whole: daemon's client, real agent, real provider over TLS; what arrives, and what the log says."""

import asyncio
import dataclasses
import errno
import hashlib
import hmac
import json
import os
import secrets
import socket
import ssl
import time

import grpc.aio
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from fakes.agent import agent, agent_process, client, folder, gather, terms, until
from fakes.provider import BREAK, HANG, StandInProvider, answer, chunk, failure, head
from ringfence import lift, permit, tls
from ringfence.commitment import commitment
from ringfence.labels import Category, Label, Level
from ringfence.v1 import egress_pb2, egress_pb2_grpc
from ringfenced.deidentify import deidentify
from ringfenced.errors import DeadlineExceeded, NotFound, PermissionDenied, Refused, Unavailable
from ringfenced.model import (
    EntryQuery,
    FinishReason,
    Message,
    OperatorWord,
    Prompt,
    Role,
    Sampling,
    Sent,
    Text,
    TextDelta,
    Tool,
    ToolCallDelta,
    ToolMode,
)

PUBLIC = Label(Level.PUBLIC)


def payload(text="What does a ward clerk do?", label=PUBLIC, **prompt):
    """A de-identified prompt of a daemon that finds nothing, even where something is."""
    asked = Prompt(messages=(Message(Role.USER, (Text(text),)),), **prompt)
    return deidentify(asked, (), label, seed=bytes(32), scan=lambda _text: ())[0]


@pytest.fixture
async def provider(tmp_path):
    folder(tmp_path, "https://localhost:1/v1")
    async with StandInProvider(tmp_path) as provider:
        folder(tmp_path, provider.base_url)
        yield provider


def entries(tmp_path):
    lines = b"".join(path.read_bytes() for path in sorted((tmp_path / "log").glob("entries-*"))).splitlines()
    return [json.loads(line) for line in lines]


def kinds(tmp_path):
    return [entry["kind"] for entry in entries(tmp_path)]


async def test_an_answer_streams_and_intent_and_outcome_are_proven(provider, tmp_path):
    """Deltas, finish with usage, and two entries that verify against the log's key and say what left."""
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        asked = terms()
        *deltas, sent = await gather(egress.send(payload(), asked, 5000))
        assert deltas == [TextDelta("Hello", 0), TextDelta(" there", 0)]
        assert isinstance(sent, Sent)
        assert (sent.finish.reason, sent.finish.usage.prompt_tokens, sent.finish.usage.completion_tokens) == (
            FinishReason.STOP,
            7,
            3,
        )
        intent, outcome = (json.loads(proof.entry) for proof in sent.proofs)
    (body,) = provider.bodies
    assert (intent["kind"], outcome["kind"], outcome["intent"]) == ("intent", "outcome", intent["seq"])
    assert intent["bytes_out"] == len(body)
    assert intent["request_id"] == asked.request_id
    assert (intent["department"], intent["caller"], intent["region"]) == ("ward", "c-1", "eu")
    assert intent["label"] == {"level": "PUBLIC", "categories": []}
    assert (outcome["outcome"], outcome["usage"]) == ("answered", {"prompt_tokens": 7, "completion_tokens": 3})
    assert outcome["bytes_in"] > 0
    assert kinds(tmp_path) == ["start", "intent", "outcome"]


async def test_the_provider_sees_a_fixed_header_table_and_the_judged_body_only(provider, tmp_path):
    """No version of the SDK, no operating system, no cookie, no request id: six headers and the length."""
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        await gather(egress.send(payload("Why?"), terms(), 5000))
    request, *headers = provider.heads[0].strip().split("\r\n")
    assert request == "POST /v1/chat/completions HTTP/1.1"
    assert sorted(header.split(":")[0].lower() for header in headers) == [
        "accept",
        "accept-encoding",
        "authorization",
        "content-length",
        "content-type",
        "host",
        "user-agent",
    ]
    assert "Authorization: Bearer sk-test-key" in headers
    assert "User-Agent: ringfence-agent" in headers
    assert json.loads(provider.bodies[0]) == {
        "model": "gpt-5-mini-2026-01-02",
        "messages": [{"role": "user", "content": "Why?"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_the_commitment_opens_with_the_salt_and_the_body_and_not_without(provider, tmp_path):
    """The body alone does not explain the entry; with the salt that only the agent can make, it does."""
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        *_, sent = await gather(egress.send(payload(), terms(), 5000))
    intent = json.loads(sent.proofs[0].entry)
    key = (tmp_path / "salt.key").read_bytes()
    salt = hmac.digest(key, b"ringfence payload salt v1\n" + bytes.fromhex(intent["nonce_sha256"]), "sha256")
    assert intent["commitment"] == commitment(salt, provider.bodies[0])
    assert hashlib.sha256(provider.bodies[0]).hexdigest() not in json.dumps(intent)


async def test_tools_schemas_and_sampling_reach_the_provider_and_tool_calls_come_back(provider, tmp_path):
    provider.script = [
        [
            head(200, "Content-Type: text/event-stream"),
            chunk({"tool_calls": [{"index": 0, "id": "call-1", "function": {"name": "find", "arguments": '{"a"'}}]}),
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]}),
            chunk(finish="tool_calls"),
            b"data: [DONE]\n\n",
        ]
    ]
    asked = payload(
        tools=(Tool("find", "finds", '{"type":"object"}'),),
        tool_mode=ToolMode.REQUIRED,
        tool_name="find",
        json_schema='{"type":"object"}',
        sampling=Sampling(temperature=0.7, seed=3, tokens_max=20, stop=("\n",)),
    )
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        *deltas, sent = await gather(egress.send(asked, terms(), 5000))
    assert deltas == [ToolCallDelta(0, "call-1", "find", '{"a"'), ToolCallDelta(0, "", "", ":1}")]
    assert sent.finish.reason == FinishReason.TOOL_CALLS
    body = json.loads(provider.bodies[0])
    assert (body["temperature"], body["seed"], body["max_tokens"], body["stop"]) == (0.7, 3, 20, ["\n"])
    assert body["tool_choice"] == {"type": "function", "function": {"name": "find"}}
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def refused(egress, asked, said, *rules):
    with pytest.raises(Refused) as caught:
        await gather(egress.send(asked, said, 5000))
    assert caught.value.suggestions == rules
    (proof,) = caught.value.proofs
    entry = json.loads(proof.entry)
    assert (entry["kind"], entry["reasons"], entry["bytes_out"]) == ("refusal", list(rules), 0)
    return caught.value


async def test_a_residual_finding_is_refused_by_the_agents_own_scan(provider, tmp_path):
    """A daemon that finds nothing in a note with a card number: nothing arrives, and the log says what was found."""
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        error = await refused(egress, payload("charge 4111 1111 1111 1111 please"), terms(), "residual")
    assert set(error.numbers) - {"left"}
    assert error.numbers["left"] == 0
    assert "4111" not in str(error)
    assert "4111" not in json.dumps(entries(tmp_path))
    assert provider.raw == b""


@pytest.mark.parametrize(
    "prompt",
    [
        {"tools": (Tool("t", "ask jane.doe@hospital.org", "{}"),)},
        {"tools": (Tool("t", "", '{"description":"\\u006aane.doe@hospital.org"}'),)},
        {"json_schema": '{"title":"jane.doe@hospital.org"}'},
        {"sampling": Sampling(stop=("jane.doe@hospital.org",))},
    ],
)
async def test_every_string_is_scanned_wherever_it_stands(provider, tmp_path, prompt):
    """Tool descriptions, escaped strings inside schemas, stop words."""
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        await refused(egress, payload(**prompt), terms(), "residual")
    assert provider.raw == b""


async def test_restricted_never_leaves_whatever_the_provider_is_cleared_for(provider, tmp_path):
    every = ", ".join(f'"{category}"' for category in Category)
    folder(tmp_path, provider.base_url, clearance=f'{{ level = "RESTRICTED", categories = [{every}] }}')
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        await refused(egress, payload(label=Label(Level.RESTRICTED)), terms(), "label")
        await refused(egress, payload(label=Label(Level.RESTRICTED, frozenset(Category))), terms(), "label")
    assert provider.raw == b""


async def test_a_label_above_the_clearance_and_an_unlisted_model_are_refused(provider, tmp_path):
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        await refused(egress, payload(label=Label(Level.CONFIDENTIAL)), terms(), "label")
        await refused(egress, payload(label=Label(Level.INTERNAL, frozenset({Category.PHI}))), terms(), "label")
        await refused(egress, payload(), terms(model="gpt-5-mini-2026-01-02"), "destination")
        await refused(egress, payload(), terms(provider="evil"), "destination")
    assert provider.raw == b""


async def test_a_body_over_the_providers_limit_is_refused(provider, tmp_path):
    folder(tmp_path, provider.base_url, request_bytes_max="200")
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        await refused(egress, payload("word " * 100), terms(), "size")
    assert provider.raw == b""


async def test_lockdown_stops_egress_at_once_and_across_a_restart(provider, tmp_path):
    async with client(tmp_path) as egress:
        async with agent(tmp_path / "agent.toml"):
            assert (await egress.apply_lockdown(on=True, reason="drill", by="o-1")).on
            await refused(egress, payload(), terms(), "lockdown")
            assert [offer.available for offer in await egress.offers()] == [False]
        async with agent(tmp_path / "agent.toml"):
            await until_back(egress)
            assert (await egress.lockdown()).by == ("o-1",)
            await refused(egress, payload(), terms(), "lockdown")
            assert provider.raw == b""
            assert not (await egress.apply_lockdown(on=False, reason="drill over", by="o-1")).on
            assert isinstance((await gather(egress.send(payload(), terms(), 5000)))[-1], Sent)
    assert kinds(tmp_path).count("lockdown") == 2


async def stopped(egress, deadline_ms=20_000):
    """A send that an operator's stop broke off, and what the log says of it."""
    with pytest.raises(Unavailable) as caught:
        await gather(egress.send(payload(), terms(), deadline_ms))
    assert (caught.value.reason, caught.value.numbers["left"]) == ("lockdown", 1)
    (proof,) = caught.value.proofs
    entry = json.loads(proof.entry)
    assert (entry["kind"], entry["outcome"], entry["reasons"]) == ("outcome", "cancelled", ["lockdown"])
    return caught.value.numbers["nothing_generated"]


@pytest.mark.parametrize("by", ["order", "hand"])
@pytest.mark.parametrize("answered", [0, 2], ids=["before the answer", "in the middle of it"])
async def test_a_stop_breaks_off_within_a_second_what_is_on_its_way(provider, tmp_path, by, answered):
    """Many at once, wherever each stands; the provider's connections are closed, and no byte comes after."""
    provider.script = [[*answer("Hel", "lo")[: answered + 1 if answered else 0], HANG]]
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        async with asyncio.TaskGroup() as group:
            sends = [group.create_task(stopped(egress)) for _ in range(8)]
            await until(lambda: len(provider.bodies) == 8)
            began = time.monotonic()
            if by == "order":
                assert (await egress.apply_lockdown(on=True, reason="drill", by="o-1")).on
            else:
                (tmp_path / "log" / "lockdown").touch()
        assert time.monotonic() - began < 1.0
        await until(provider.hung_up.is_set, 1.0)
        assert {send.result() for send in sends} <= {0, 1}
        await refused(egress, payload(), terms(), "lockdown")
        assert [offer.available for offer in await egress.offers()] == [False]


async def test_a_lift_takes_two_operators_where_the_agents_file_says_so(provider, tmp_path):
    """Across a restart too; what each did stands in the log."""
    file = tmp_path / "agent.toml"
    file.write_text(f"{file.read_text()}\n[lockdown]\noperators_to_lift = 2\n")
    async with client(tmp_path) as egress:
        async with agent(file):
            assert (await egress.apply_lockdown(on=True, reason="drill", by="o-1")).on
            for _ in range(2):
                waits = await egress.apply_lockdown(on=False, reason="over", by="o-1")
                assert (waits.on, waits.missing, waits.waiting_by) == (True, 1, ("o-1",))
        async with agent(file):
            await until_back(egress)
            assert (await egress.lockdown()).missing == 1
            lifted = await egress.apply_lockdown(on=False, reason="over", by="o-2")
            assert (lifted.on, lifted.missing, lifted.by) == (False, 0, ("o-1", "o-2"))
            assert isinstance((await gather(egress.send(payload(), terms(), 5000)))[-1], Sent)
    told = [entry for entry in entries(tmp_path) if entry["kind"] == "lockdown"]
    assert [entry.get("confirmed") for entry in told] == [["o-1"], None, None, ["o-1", "o-2"]]
    assert [entry.get("missing") for entry in told] == [None, 1, 1, None]
    assert [entry["lockdown"] for entry in entries(tmp_path) if entry["kind"] == "start"] == [0, 1]


async def test_a_lift_takes_operators_own_signatures_where_the_agent_holds_their_keys(provider, tmp_path):
    """A daemon that makes up two operators lifts nothing; two operators' own words do."""
    keys = {name: Ed25519PrivateKey.generate() for name in ("anna", "ben")}
    for name, key in keys.items():
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (tmp_path / f"{name}.pub").write_bytes(pem)
    file = tmp_path / "agent.toml"
    operators = "[lockdown.operators]\nanna = 'anna.pub'\nben = 'ben.pub'\n"
    file.write_text(f"{file.read_text()}\n[lockdown]\noperators_to_lift = 2\n{operators}")
    async with agent(file), client(tmp_path) as egress:
        stopped = await egress.apply_lockdown(on=True, reason="drill", by="o-1")
        assert (stopped.on, stopped.signatures_needed) == (True, True)
        for by in ("o-1", "o-2"):
            with pytest.raises(PermissionDenied, match=r"lockdown\.operators") as caught:
                await egress.apply_lockdown(on=False, reason="over", by=by)
            assert caught.value.reason == "lift_unsigned"
        for name, on in (("anna", True), ("ben", False)):
            said = lift.Lift(stopped.log_origin, stopped.since_unix_ms, name, time.time_ns() // 1_000_000 + 60_000)
            word = OperatorWord(name, lift.sign(said, keys[name]), said.expires_at_unix_ms)
            assert (await egress.apply_lockdown(on=False, reason="over", by="o-1", word=word)).on == on
        assert isinstance((await gather(egress.send(payload(), terms(), 5000)))[-1], Sent)


async def until_back(egress):
    """gRPC reconnects by itself, after a moment."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await egress.offers()
            except Unavailable:
                await asyncio.sleep(0.05)


# ── a daemon that lies, at the wire ──────────────────────────────────────────────────────────────────────────────────


class Rogue:
    """A daemon with genuine keys and certificates, and no scruples."""

    def __init__(self, certs):
        self.certs = certs

    async def __aenter__(self):
        identity = tls.Identity(self.certs / "daemon.pem", self.certs / "daemon.key", self.certs / "ca.pem")
        options = tls.channel_options(2**24, "localhost")
        self.channel = grpc.aio.secure_channel(
            f"unix:{self.certs}/agent.sock", tls.channel_credentials(identity), options=options
        )
        self.stub = egress_pb2_grpc.EgressStub(self.channel)
        return self

    async def __aexit__(self, *_error):
        await self.channel.close()

    def request(self, text="What?", data=None, **changes):
        message = egress_pb2.EgressPayload()
        message.messages.add(role=2).parts.add(text=text)
        data = message.SerializeToString() if data is None else data
        now = changes.pop("now", None) or time.time_ns() // 1_000_000
        plain = permit.Statement(
            payload_sha256=hashlib.sha256(data).digest(),
            payload_bytes=len(data),
            provider="cloud",
            model="gpt",
            label=PUBLIC,
            label_before=PUBLIC,
            caller_pseudonym="c-1",
            department="ward",
            request_id="r-1",
            issued_at_unix_ms=now,
            expires_at_unix_ms=now + permit.LIFETIME_MS,
            nonce=secrets.token_bytes(16),
            key_id="permit",
        )
        key = load_pem_private_key((self.certs / "permit.key").read_bytes(), None)
        signed = permit.sign(dataclasses.replace(plain, **changes), key)
        wire = egress_pb2.Permit(statement=signed.statement, signature=signed.signature)
        return egress_pb2.SendRequest(permit=wire, payload=data)

    async def rules(self, request):
        """The rules by which a request is refused; empty if it was sent."""
        async for response in self.stub.Send(request, timeout=5):
            if response.WhichOneof("event") == "refused":
                return list(response.refused.rules)
            if response.WhichOneof("event") in {"sent", "failed"}:
                return []
        raise AssertionError("no last event")


@pytest.fixture
async def rogue(provider, tmp_path):
    async with agent(tmp_path / "agent.toml"), Rogue(tmp_path) as rogue:
        yield rogue


async def test_a_permit_works_once(provider, rogue):
    """The same request twice, then ten times at once: one arrives."""
    request = rogue.request()
    assert await rogue.rules(request) == []
    assert await rogue.rules(request) == ["permit.replayed"]
    again = rogue.request()
    answers = await asyncio.gather(*(rogue.rules(again) for _ in range(10)))
    assert sorted(answers) == [[], *[["permit.replayed"]] * 9]
    assert len(provider.bodies) == 2


async def test_a_permit_is_not_used_again_after_a_restart(provider, tmp_path):
    """Its nonce comes back from the log, also where the first use was refused."""
    async with Rogue(tmp_path) as rogue:
        sent, withheld = rogue.request(), rogue.request(text="mail jane.doe@hospital.org")
        async with agent(tmp_path / "agent.toml"):
            assert await rogue.rules(sent) == []
            assert await rogue.rules(withheld) == ["residual"]
        async with agent(tmp_path / "agent.toml"), Rogue(tmp_path) as later:
            assert await later.rules(sent) == ["permit.replayed"]
            assert await later.rules(withheld) == ["permit.replayed"]
    assert len(provider.bodies) == 1


async def test_altered_expired_and_foreign_permits_send_nothing(provider, rogue):
    """Each is refused by its rule, logged, and not a byte reaches the provider, not even a connection."""
    good = rogue.request()
    swapped = egress_pb2.SendRequest(permit=good.permit, payload=rogue.request(text="other").payload)
    altered = rogue.request()
    altered.permit.statement = altered.permit.statement.replace(b"ward", b"bank")
    forged = rogue.request()
    forged.permit.signature = bytes(64)
    old = rogue.request(now=time.time_ns() // 1_000_000 - 40_000)
    foreign = rogue.request(key_id="another")
    for request, rule in (
        (swapped, "permit.payload"),
        (altered, "permit.signature"),
        (forged, "permit.signature"),
        (old, "permit.freshness"),
        (foreign, "permit.key"),
    ):
        assert await rogue.rules(request) == [rule]
    assert (provider.raw, provider.connections) == (b"", 0)


async def test_unknown_fields_are_refused_wherever_they_stand(provider, rogue):
    """In the payload, deep inside it, and around it: a field that nobody scans is a way out."""
    message = egress_pb2.EgressPayload()
    message.messages.add(role=2).parts.add(text="What?")
    inner = message.messages[0].SerializeToString() + b"\xfa\x07\x05" + b"smugg"
    deep = b"\x0a" + bytes([len(inner)]) + inner
    for data in (message.SerializeToString() + b"\xfa\x07\x05smugg", deep):
        assert await rogue.rules(rogue.request(data=data)) == ["payload"]
    outer = egress_pb2.SendRequest.FromString(rogue.request().SerializeToString() + b"\xfa\x07\x05smugg")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await rogue.rules(outer)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert provider.raw == b""


async def test_pictures_are_refused_because_nothing_can_read_them(provider, rogue):
    message = egress_pb2.EgressPayload()
    message.messages.add(role=2).parts.add().image.data = b"\x89PNG"
    assert await rogue.rules(rogue.request(data=message.SerializeToString())) == ["payload"]
    assert provider.raw == b""


async def test_only_the_daemons_certificate_may_call(provider, tmp_path):
    """A caller of the same authority is told so, and a client without a certificate does not get that far."""
    async with agent(tmp_path / "agent.toml"):
        identity = tls.Identity(tmp_path / "caller-ward.pem", tmp_path / "caller-ward.key", tmp_path / "ca.pem")
        async with client(tmp_path, identity=identity) as egress:
            with pytest.raises(Unavailable, match=r"daemon\.identities") as caught:
                await egress.offers()
            assert caught.value.reason == "agent_rejects_daemon"
        bare = grpc.ssl_channel_credentials((tmp_path / "ca.pem").read_bytes())
        options = tls.channel_options(2**20, "localhost")
        async with grpc.aio.secure_channel(f"unix:{tmp_path}/agent.sock", bare, options=options) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await egress_pb2_grpc.EgressStub(channel).ReadCheckpoint(egress_pb2.ReadCheckpointRequest(), timeout=3)
            assert refused.value.code() == grpc.StatusCode.UNAVAILABLE


async def test_either_side_refuses_a_handshake_that_settled_on_too_little(provider, tmp_path):
    """gRPC settles on the hybrid; a side that allows only something else shows what happens to lesser ones."""
    file = tmp_path / "agent.toml"
    async with agent(file), client(tmp_path, key_exchange_groups=frozenset({"X25519"})) as egress:
        for ask in (egress.offers(), gather(egress.send(payload(), terms(), 5000))):
            with pytest.raises(Unavailable, match=r"settled on TLS 1\.3, X25519MLKEM768") as caught:
                await ask
            assert caught.value.reason == "agent_key_exchange"
    file.write_text(file.read_text().replace("[listen]", '[listen]\nkey_exchange_groups = ["X25519"]'))
    async with agent(file), client(tmp_path) as egress:
        with pytest.raises(Unavailable, match=r"add X25519MLKEM768 to listen\.key_exchange_groups") as caught:
            await egress.offers()
        assert caught.value.reason == "agent_rejects_daemon"
    assert provider.connections == 0


async def test_the_client_tells_how_the_connection_is_secured(provider, tmp_path):
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        assert egress.connection == ""
        await egress.offers()
        assert egress.connection == "TLS 1.3, X25519MLKEM768"


# ── providers that fail ──────────────────────────────────────────────────────────────────────────────────────────────


async def failed(egress, tmp_path, reason, kind=Unavailable, deadline_ms=5000):
    """The error of a send that fails, whose outcome stands in the log."""
    with pytest.raises(kind) as caught:
        await gather(egress.send(payload(), terms(), deadline_ms))
    assert caught.value.reason == f"provider_{reason}"
    assert "secret" not in str(caught.value)
    entry = json.loads(caught.value.proofs[0].entry)
    assert (entry["kind"], entry["outcome"], entry["reasons"]) == ("outcome", "failed", [reason])
    return caught.value


@pytest.mark.parametrize(
    ("script", "reason", "nothing_generated"),
    [
        (failure(429, "Retry-After: 7"), "rate_limited", 1),
        (failure(401), "credentials", 1),
        (failure(400), "rejected", 1),
        (failure(500), "overloaded", 1),
        (failure(302, "Location: https://localhost/elsewhere"), "bad_answer", 1),
        ([BREAK], "bad_answer", 1),
        ([head(200, "Content-Type: text/event-stream"), chunk({"content": "Hel"}), BREAK], "bad_answer", 0),
        ([head(200, "Content-Type: text/event-stream"), chunk({"content": "Hel"})], "bad_answer", 0),
        ([head(200, "Content-Type: text/event-stream"), b"data: no json secret\n\n"], "bad_answer", 1),
        ([head(200, "Content-Type: text/event-stream", "Content-Encoding: gzip"), b"\x1f\x8b"], "bad_answer", 1),
        ([head(200, "Content-Type: text/event-stream"), b"data: " + b"x" * 5000 + b"\n\n"], "too_long", 1),
    ],
)
async def test_a_providers_failure_is_typed_and_logged(provider, tmp_path, script, reason, nothing_generated):
    folder(tmp_path, provider.base_url, response_bytes_max="4096")
    provider.script = [script]
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        error = await failed(egress, tmp_path, reason)
    assert error.numbers == {"nothing_generated": nothing_generated, "left": 1}
    assert error.retry_after_ms == (7000 if reason == "rate_limited" else None)
    assert provider.connections == (2 if reason == "overloaded" else 1)


async def test_a_provider_that_is_down_is_unreachable(tmp_path):
    folder(tmp_path, "https://localhost:9/v1")
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        await failed(egress, tmp_path, "unreachable")


async def test_a_provider_that_takes_too_long_meets_the_deadline(provider, tmp_path):
    provider.script = [[head(200, "Content-Type: text/event-stream"), chunk({"content": "Hel"}), HANG]]
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        await failed(egress, tmp_path, "deadline", DeadlineExceeded, deadline_ms=200)
        await until(provider.hung_up.is_set)


@pytest.mark.parametrize(
    "changes",
    [{"tls_max": ssl.TLSVersion.TLSv1_2}, {"certificate": "agent"}],
    ids=["TLS 1.2", "another authority"],
)
async def test_a_provider_with_old_tls_or_a_foreign_certificate_gets_nothing(tmp_path, changes):
    """Not a byte of the request, though its intent stands in the log."""
    folder(tmp_path, "https://localhost:1/v1")
    async with StandInProvider(tmp_path, **changes) as provider:
        folder(tmp_path, provider.base_url)
        async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
            await failed(egress, tmp_path, "unreachable")
        assert provider.raw == b""


async def test_a_private_address_is_refused_unless_allowed(provider, tmp_path):
    folder(tmp_path, provider.base_url, allow_private_addresses="false")
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        error = await failed(egress, tmp_path, "unreachable")
    assert "not global" in str(error)
    assert provider.connections == 0


async def test_proxy_variables_and_foreign_authorities_in_the_environment_change_nothing(
    provider, tmp_path, monkeypatch
):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "http://localhost:9")
    monkeypatch.setenv("OPENAI_ORG_ID", "leaked-org")
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        assert isinstance((await gather(egress.send(payload(), terms(), 5000)))[-1], Sent)
    assert b"leaked-org" not in provider.raw


async def test_a_daemon_that_hangs_up_leaves_an_outcome_and_frees_the_provider(provider, tmp_path):
    provider.script = [[head(200, "Content-Type: text/event-stream"), chunk({"content": "Hel"}), HANG]]
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        stream = egress.send(payload(), terms(), 60_000)
        assert await anext(stream) == TextDelta("Hel", 0)
        await stream.aclose()
        await until(provider.hung_up.is_set)
        await until(lambda: "outcome" in kinds(tmp_path))
    last = entries(tmp_path)[-1]
    assert (last["outcome"], last["reasons"], last["bytes_in"] > 0) == ("cancelled", ["hung_up"], True)


async def test_the_agent_away_is_unavailable_with_a_hint(tmp_path):
    folder(tmp_path, "https://localhost:1/v1")
    async with client(tmp_path) as egress:
        with pytest.raises(Unavailable) as caught:
            await gather(egress.send(payload(), terms(), 5000))
    assert (caught.value.reason, caught.value.retry_after_ms) == ("agent_unavailable", 1000)
    assert caught.value.numbers == {"left": 0}


async def test_the_intent_is_durable_before_the_provider_hears_of_it(provider, tmp_path):
    """When the body arrives, its intent already stands in the file."""
    seen = []
    provider.on_request = lambda _body: seen.append(kinds(tmp_path)[-1])
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        await gather(egress.send(payload(), terms(), 5000))
    assert seen == ["intent"]


async def test_a_disk_that_fails_stops_egress_with_a_typed_error_and_nothing_is_sent(provider, tmp_path, monkeypatch):
    def fail(_file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        await egress.offers()
        monkeypatch.setattr(os, "fdatasync", fail)
        for _ in range(2):
            with pytest.raises(Unavailable, match="No space left") as caught:
                await gather(egress.send(payload(), terms(), 5000))
            assert (caught.value.reason, caught.value.numbers) == ("agent_log_failed", {"left": 0})
        assert [offer.available for offer in await egress.offers()] == [False]
        monkeypatch.undo()
    assert provider.raw == b""


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_log_is_read_searched_followed_and_proven(provider, tmp_path):
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        first, second = terms(), terms(department="bank")
        for one in (first, second):
            await gather(egress.send(payload(), one, 5000))
        log = egress.log
        found = await gather(log.entries(EntryQuery(request_id=first.request_id)))
        assert [index for index, _ in found] == [1, 2]
        assert len(await gather(log.entries(EntryQuery(department="bank", entries_max=1)))) == 1
        assert [index for index, _ in await gather(log.entries(EntryQuery(from_index=1, until_index=3)))] == [1, 2]
        by_kind = await gather(log.entries(EntryQuery(kind="intent", caller_pseudonym="c-1", model="gpt")))
        assert [index for index, _ in by_kind] == [1, 3]
        for nothing in ({"caller_pseudonym": "c-2"}, {"model": "other"}, {"level_min": Level.RESTRICTED}):
            assert await gather(log.entries(EntryQuery(**nothing))) == []
        labelled = await gather(log.entries(EntryQuery(level_min=Level.PUBLIC, department="bank")))
        assert [json.loads(entry)["kind"] for _, entry in labelled] == ["intent"]
        times = EntryQuery(from_unix_ms=1, until_unix_ms=2)
        assert await gather(log.entries(times)) == []
        proof = await log.entry(1)
        assert (proof.index, proof.entry) == found[0]
        path, checkpoint = await log.consistency(2, 0)
        assert path
        assert checkpoint == await log.checkpoint() == log.witnessed()
        with pytest.raises(NotFound, match="5 entries"):
            await log.entry(99)
        follower = log.entries(EntryQuery(from_index=4), follow=True)
        assert json.loads((await anext(follower))[1])["kind"] == "outcome"
        await gather(egress.send(payload(), first, 5000))
        assert json.loads((await anext(follower))[1])["kind"] == "intent"
        await follower.aclose()


async def test_whoever_follows_the_log_does_not_hold_up_the_agents_stop(provider, tmp_path):
    """Its stream ends, and it asks again when the agent is back; a payload on its way has the whole time to end."""
    file = tmp_path / "agent.toml"
    file.write_text(file.read_text().replace("drain_seconds_max = 1.0", "drain_seconds_max = 60"))
    async with client(tmp_path) as egress, asyncio.timeout(30):
        async with agent(file):
            follower = egress.log.entries(EntryQuery(), follow=True)
            assert json.loads((await anext(follower))[1])["kind"] == "start"
            rest = asyncio.create_task(gather(follower))
            await asyncio.sleep(0.05)
            assert not rest.done()
        assert await rest == []


async def test_offers_say_what_the_configuration_says(provider, tmp_path):
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        (offer,) = await egress.offers()
    assert (offer.provider, offer.model, offer.region, offer.contract) == ("cloud", "gpt", "eu", "DPA 2026-02")
    assert (offer.clearance, offer.available) == (Label(Level.INTERNAL), True)


# ── the witness ──────────────────────────────────────────────────────────────────────────────────────────────────────


def keep(tmp_path):
    """A copy of the log, to go back to."""
    return {path.name: path.read_bytes() for path in (tmp_path / "log").iterdir()}


def go_back(tmp_path, files):
    for path in (tmp_path / "log").iterdir():
        path.unlink()
    for name, data in files.items():
        (tmp_path / "log" / name).write_bytes(data)


async def test_an_agent_whose_log_went_backwards_gets_no_more_payloads(provider, tmp_path):
    """Rolled back while it was down: refused before anything is sent, also by the next daemon, until someone acts."""
    async with client(tmp_path) as egress, agent(tmp_path / "agent.toml"):
        await gather(egress.send(payload(), terms(), 5000))
        earlier = keep(tmp_path)
        await gather(egress.send(payload(), terms(), 5000))
    go_back(tmp_path, earlier)
    arrived = len(provider.bodies)
    async with agent(tmp_path / "agent.toml"):
        for _daemon in range(2):
            async with client(tmp_path) as egress:
                with pytest.raises(Unavailable) as caught:
                    await gather(egress.send(payload(), terms(), 5000))
                assert caught.value.reason == "egress_log_condemned"
                assert [offer.available for offer in await egress.offers()] == [False]
    assert len(provider.bodies) == arrived
    evidence = json.loads((tmp_path / "state" / "checkpoint.condemned").read_text())
    assert set(evidence) == {"why", "kept", "seen"}


async def test_an_agent_whose_log_was_rewritten_is_caught(provider, tmp_path):
    """Rolled back and grown past the old size, so that only a consistency proof can tell."""
    async with client(tmp_path) as egress, agent(tmp_path / "agent.toml"):
        earlier = keep(tmp_path)
        await gather(egress.send(payload(), terms(), 5000))
    go_back(tmp_path, {name: data for name, data in earlier.items() if name == "lock"})
    async with agent(tmp_path / "agent.toml"), client(tmp_path, tmp_path / "elsewhere") as other:
        for _ in range(3):
            await gather(other.send(payload(), terms(), 5000))
    async with agent(tmp_path / "agent.toml"), client(tmp_path) as egress:
        with pytest.raises(Unavailable) as caught:
            await gather(egress.send(payload(), terms(), 5000))
        assert caught.value.reason == "egress_log_condemned"


# ── a process of its own ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_nothing_acknowledged_is_lost_to_sigkill(provider, tmp_path):
    """Killed in the middle of many sends: every entry that a daemon saw stands in the log after the restart."""
    file = folder(tmp_path, provider.base_url)
    provider.script = [answer("a")]
    proven = []

    async def send_until_it_dies(egress):
        try:
            while True:
                *_, sent = await gather(egress.send(payload(), terms(), 5000))
                proven.extend(sent.proofs)
        except Unavailable:
            return

    with agent_process(file) as running:
        async with client(tmp_path) as egress, asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(send_until_it_dies(egress))
            await until(lambda: len(proven) >= 40, 20)
            running.process.kill()
    with agent_process(file) as running:
        async with client(tmp_path) as egress:
            assert isinstance((await gather(egress.send(payload(), terms(), 5000)))[-1], Sent)
            for proof in proven:
                assert (await egress.log.entry(proof.index)).entry == proof.entry
        said = entries(tmp_path)
        closed = {entry["intent"] for entry in said if entry["kind"] == "outcome"}
        assert closed == {entry["seq"] for entry in said if entry["kind"] == "intent"}
        running.process.terminate()
        await until(lambda: running.process.poll() is not None)
        assert running.process.returncode == 0


async def test_the_agents_process_speaks_tls_13_only(provider, tmp_path):
    """A TLS 1.2 client with the daemon's own certificate does not get through the handshake; a 1.3 one does."""
    file = folder(tmp_path, provider.base_url)
    file.write_text(file.read_text().replace(f"unix:{tmp_path}/agent.sock", "127.0.0.1:0"))

    def handshake(port, version):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(tmp_path / "ca.pem")
        context.load_cert_chain(tmp_path / "daemon.pem", tmp_path / "daemon.key")
        context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols(["h2"])
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            return secure.version(), secure.recv(9)

    with agent_process(file) as running:
        port = running.line("listening")["port"]
        version, settings = await asyncio.to_thread(handshake, port, ssl.TLSVersion.TLSv1_3)
        assert version == "TLSv1.3"
        assert settings
        with pytest.raises(OSError):
            await asyncio.to_thread(handshake, port, ssl.TLSVersion.TLSv1_2)


async def test_the_agents_process_tells_no_secret_and_no_content_on_stderr(provider, tmp_path):
    file = folder(tmp_path, provider.base_url)
    with agent_process(file) as running:
        async with client(tmp_path) as egress:
            await gather(egress.send(payload("the patient sleeps"), terms(), 5000))
            with pytest.raises(Refused):
                await gather(egress.send(payload("mail jane.doe@hospital.org"), terms(), 5000))
        status = (tmp_path / "log").stat()
        assert status.st_mode & 0o077 == 0
        running.process.terminate()
        await until(lambda: running.process.poll() is not None)
        said = running.said.read_text()
    assert '"sent"' in said
    assert '"refused"' in said
    for secret in ("patient", "jane", "sk-test-key", "Hello"):
        assert secret not in said
