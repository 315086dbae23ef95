"""DESIGN.md's invariants, one test each, over real processes; each fails if its invariant is broken."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import secrets
import time

import psutil
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from typer.testing import CliRunner

from fakes.agent import ORIGIN
from fakes.agent import client as agent_client
from ringfence import permit
from ringfence.client import RingfenceCallError
from ringfence.labels import Label, Level
from ringfence.sealed import unseal
from ringfence.sealkeys import load_private
from ringfence.v1 import egress_pb2
from ringfence.v1 import inference_pb2 as pb
from ringfence.v1 import types_pb2 as types
from ringfenced.classify import classify
from ringfenced.cli.app import app
from ringfenced.cli.archivefiles import records_of
from ringfenced.model import Caller, Message, Prompt, Request, Role, Text
from ringfenced.store.decisions import FLUSH_S

pytestmark = [pytest.mark.journey, pytest.mark.asyncio(loop_scope="session")]

NAME = "Quillon Abernethy"
NOTE = f"Patient: {NAME}, MRN: 77120093"


def message(*parts, **fields):
    return types.Message(role=types.ROLE_USER, parts=parts, **fields)


def text(value):
    return types.Part(text=value)


async def refused(site, request):
    with pytest.raises(RingfenceCallError) as caught:
        await site.client().generate_text(request)
    return caught.value


async def test_invariant_1_no_content_on_any_disk_or_in_any_log(site):
    """Answered, refused, failed, cancelled, de-identified: no file of daemon and agent holds a word of it.

    The sealed archive is on, and holds what left: de-identified, and readable with the auditors' key alone.
    """
    client = site.client()
    await client.generate_text(f"/echo {NOTE}")
    await client.generate_text("/echo Well.", task="Quillon.Abernethy")
    assert "Quillon.Abernethy" not in str(await site.client("operator").routing())
    await client.generate_text(NOTE, quality_min=0.9, permission=types.Permission(deidentified_egress=True))
    await refused(site, pb.GenerateRequest(messages=[message(text(NOTE))], model="gpt"))
    stream = client.generate(f"/echo {NOTE} " * 50)
    await anext(stream)
    await stream.aclose()
    with contextlib.suppress(RingfenceCallError):
        await client.generate_text(NOTE + " x" * 9000)
    await asyncio.sleep(FLUSH_S + 0.3)
    words = [word.encode() for word in ("Quillon", "Abernethy", "77120093")]
    searched = [path for path in site.folder.rglob("*") if path.is_file()]
    assert {"daemon.log", "agent.log", "ledger.sqlite3", "outcomes.sqlite3", "0.jsonl"} <= {
        path.name for path in searched
    }
    found = [(path.name, word) for path in searched for word in words if word in path.read_bytes()]
    assert not found
    surrogate = site.provider.bodies[-1]
    records = [path.read_bytes() for path in searched if path.name.startswith("sealed-")]
    assert records
    pieces = [surrogate[start : start + 16] for start in range(0, len(surrogate) - 16, 4)]
    assert not any(piece in record for record in records for piece in pieces)
    opened = [one.body for one in opened_records(site)]
    assert opened == site.provider.bodies
    assert not [word for word in words for body in opened if word in body]
    # The search finds what is there.
    (site.folder / "planted").write_text(NOTE)
    assert words[0] in (site.folder / "planted").read_bytes()
    (site.folder / "planted").unlink()


def opened_records(site):
    """What the archive holds, as the auditors read it."""
    key = load_private((site.folder / "auditors.key").read_bytes())
    for entry in site.entries():
        for head, sealed in records_of(site.folder / "archive", entry["seq"]):
            yield unseal(head, sealed, ORIGIN, key)


async def test_invariant_2_the_daemon_and_its_engines_connect_nowhere(site):
    """Every internet socket of the daemon's processes listens, or was accepted on its own port."""
    await site.client().generate_text("Which organ?", label=Label(Level.PUBLIC), quality_min=0.9)
    daemon = psutil.Process(site.daemon.pid)
    ports = {site.port, site.health_port}
    for process in (daemon, *daemon.children(recursive=True)):
        for connection in process.net_connections(kind="inet"):
            assert connection.laddr.port in ports, connection
    agent = psutil.Process(site.agent.pid).net_connections(kind="inet")
    assert all(connection.raddr == () or connection.raddr.port == site.provider.port for connection in agent)


async def test_invariant_3_nothing_leaves_before_its_entry_is_durable(site):
    """When the provider gets the first byte, the intent stands in the file already."""
    seen = []
    usual = site.provider.on_request

    def look(body):
        seen.append(site.entries()[-1])
        usual(body)

    site.provider.on_request = look
    try:
        one_rung = types.Permission(deidentified_egress=True)
        await site.client().generate_text(NOTE, quality_min=0.9, permission=one_rung)
    finally:
        site.provider.on_request = usual
    (entry,) = seen
    assert (entry["kind"], entry["department"], entry["provider"]) == ("intent", "ward", "cloud")
    assert entry["label"]["level"] == "INTERNAL"
    assert entry["label_before"]["categories"] == ["PHI", "PII"]
    assert entry["bytes_out"] > 0


def submission(site, words, issued_ms_ago=0):
    """What a daemon that lies would send: genuine key and certificate, a label that says INTERNAL."""
    payload = egress_pb2.EgressPayload(messages=[message(text(words))]).SerializeToString()
    issued_at = time.time_ns() // 1_000_000 - issued_ms_ago
    statement = permit.Statement(
        payload_sha256=hashlib.sha256(payload).digest(),
        provider="cloud",
        model="gpt",
        label=Label(Level.INTERNAL),
        label_before=Label(Level.INTERNAL),
        caller_pseudonym="0" * 32,
        department="ward",
        request_id=secrets.token_hex(12),
        payload_bytes=len(payload),
        issued_at_unix_ms=issued_at,
        expires_at_unix_ms=issued_at + 20_000,
        nonce=secrets.token_bytes(16),
        findings_by_type={},
        decision_reason="a lie",
        cost_microcredits_max=1,
        key_id="permit",
    )
    signed = permit.sign(statement, load_pem_private_key((site.folder / "permit.key").read_bytes(), None))
    wire = egress_pb2.Permit(statement=signed.statement, signature=signed.signature)
    return egress_pb2.SendRequest(permit=wire, payload=payload, deadline_ms=5000)


async def kinds(site, request):
    """The events that the agent answers with."""
    async with agent_client(site.folder, site.folder / f"rogue-{secrets.token_hex(4)}") as rogue:
        return [event async for event in rogue._stub.Send(request)]


async def test_invariant_4_the_agent_finds_what_the_daemon_did_not(site):
    before = len(site.provider.bodies)
    events = await kinds(site, submission(site, NOTE))
    assert [event.WhichOneof("event") for event in events] == ["refused"]
    assert dict(events[0].refused.findings_by_type)["PERSON"] >= 1
    assert len(site.provider.bodies) == before


async def test_invariant_5_a_permit_works_once_and_in_time(site):
    before = len(site.provider.bodies)
    request = submission(site, "Which organ?")
    assert (await kinds(site, request))[-1].WhichOneof("event") == "sent"
    assert [event.WhichOneof("event") for event in await kinds(site, request)] == ["refused"]
    late = submission(site, "Which organ?", issued_ms_ago=60_000)
    assert [event.WhichOneof("event") for event in await kinds(site, late)] == ["refused"]
    assert len(site.provider.bodies) == before + 1


async def test_invariant_6_a_label_goes_down_only_through_deidentification(site):
    """A caller cannot lower what was found, nor what an earlier turn said."""
    client = site.client()
    plan = await client.plan(NOTE, label=Label(Level.PUBLIC))
    assert plan.label.level == types.LEVEL_CONFIDENTIAL
    await client.generate_text("hello", label=Label(Level.RESTRICTED), conversation_id="six")
    later = await client.plan("hello", label=Label(Level.PUBLIC), conversation_id="six")
    assert later.label.level == types.LEVEL_RESTRICTED


async def test_invariant_7_no_hold_outlives_its_request(site):
    client = site.client()

    async def one(number):
        words = ("hello", "/crash 1", f"/echo {NOTE}", "/hang 1")[number % 4]
        with contextlib.suppress(RingfenceCallError, asyncio.CancelledError):
            await client.generate_text(words, deadline_s=0.6)

    await asyncio.gather(*(one(number) for number in range(40)))
    for _ in range(200):
        wallet = await client.wallet()
        if wallet.held_microcredits == 0:
            break
        await asyncio.sleep(0.05)
    assert wallet.held_microcredits == 0
    assert wallet.spent_microcredits <= wallet.granted_microcredits
    await settled(site)


async def settled(site):
    """Wait until the engine is back; an operator loads it again, for five deaths within a minute quarantine it."""
    async with site.client("operator") as operator:
        async for _ in operator.load_model("house"):
            pass
    for _ in range(400):
        with contextlib.suppress(RingfenceCallError):
            if (await site.client().generate_text("hello", model="house")).text:
                return
        await asyncio.sleep(0.05)
    raise AssertionError("the engine did not come back")


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [types.Tool(name="t", description=NOTE)]},
        {"tools": [types.Tool(name="t", parameters_json_schema=json.dumps({"description": NOTE}))]},
        {"response_format": types.ResponseFormat(json_schema=json.dumps({"description": NOTE}))},
        {"messages": [message(text("hello"), name=NOTE)]},
        {"messages": [message(types.Part(json=json.dumps({"a": {"b": [NOTE]}})))]},
        {"messages": [message(types.Part(file=types.File(data=NOTE.encode(), media_type="text/plain")))]},
        {"messages": [message(types.Part(file=types.File(data=b"\x00\x01", media_type="application/pdf")))]},
        {"messages": [message(types.Part(image=types.Image(data=b"\x89PNG", media_type="image/png")))]},
        {"messages": [message(text("Patient: Quillon"), text(" Abernethy, MRN: 77120093"))]},
        {"metadata": {"ticket": NOTE}},
        {"sampling": types.Sampling(stop=[NOTE])},
    ],
    ids=lambda fields: next(iter(fields)),
)
async def test_invariant_8_every_string_is_scanned_and_nothing_widens_where_it_may_go(site, fields):
    """The escapes that known gateways fall to: 0 bytes at the provider, though it is the only target asked for."""
    before = len(site.provider.bodies)
    request = pb.GenerateRequest(**{"messages": [message(text("hello"))], "model": "gpt", **fields})
    error = await refused(site, request)
    assert error.detail.decision.label.level >= types.LEVEL_CONFIDENTIAL
    assert len(site.provider.bodies) == before


async def test_invariant_9_when_in_doubt_nothing_leaves():
    """A recogniser that fails makes its text RESTRICTED."""

    def broken(_text):
        raise RuntimeError

    caller = Caller("spiffe://site/a", "site", "ward", frozenset(), Label())
    request = Request("r", Prompt((Message(Role.USER, (Text("hello"),)),)))
    assert classify(request, caller, broken).label.level is Level.RESTRICTED
    assert classify(request, caller, broken).label_asserted.level is Level.RESTRICTED


async def test_invariant_10_the_log_can_only_grow(site, tmp_path):
    """`ringfence audit verify` sees an edit and a truncation, with the public key and an older checkpoint alone."""
    await site.client().generate_text("Which organ?", label=Label(Level.PUBLIC), quality_min=0.9)
    await asyncio.sleep(1.3)
    older = tmp_path / "older"
    older.write_text((site.folder / "log" / "checkpoint").read_text())
    key = str(site.folder / "log.pub")

    def verify(change):
        copy = tmp_path / secrets.token_hex(4)
        copy.mkdir()
        for path in (site.folder / "log").iterdir():
            if path.is_file():
                (copy / path.name).write_bytes(path.read_bytes())
        change(copy)
        arguments = ["audit", "verify", "--log", str(copy), "--key", key, "--checkpoint", str(older)]
        return CliRunner().invoke(app, arguments).exit_code

    def edit(copy):
        path = next(copy.glob("entries-*"))
        path.write_bytes(path.read_bytes().replace(b'"ward"', b'"wars"', 1))

    def truncate(copy):
        path = next(copy.glob("entries-*"))
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))

    assert verify(lambda copy: None) == 0
    assert verify(edit) == 1
    assert verify(truncate) == 1
    assert ORIGIN in older.read_text()


async def test_invariant_11_an_engines_death_ends_its_own_requests_and_never_the_daemon(site):
    pid = site.daemon.pid
    results = await asyncio.gather(
        *(site.client().generate_text("/crash 3") for _ in range(3)),
        site.client().plan("hello"),
        return_exceptions=True,
    )
    ended = [result for result in results[:3] if isinstance(result, RingfenceCallError)]
    assert ended
    assert all((error.code.name, error.reason) == ("UNAVAILABLE", "engine_died") for error in ended)
    for answer in results[:3]:
        if answer not in ended:  # of which nothing was told yet when the engine died: a retry elsewhere
            assert [target.model for target in answer.receipt.ran] == ["house", "gpt"]
    assert results[3].label.level == types.LEVEL_INTERNAL
    assert psutil.pid_exists(pid)
    await settled(site)
