"""Streams: deltas as they come, cancelled ones free their slot, dead engines end only their own requests."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from fakes.agent import ORIGIN
from ringfence.client import RingfenceCallError
from ringfence.labels import Label, Level
from ringfence.translog import open_checkpoint, verify_inclusion
from ringfence.v1 import types_pb2 as types

pytestmark = [pytest.mark.journey, pytest.mark.asyncio(loop_scope="session")]


async def running(site):
    async with site.client("operator") as client:
        health = await client.health()
        return health.requests_running, sum(model.requests_running for model in await client.models())


async def until(condition, seconds=15.0):
    for _ in range(int(seconds / 0.02)):
        if await condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("not in time")


async def answers(client, text, **options):
    try:
        return bool((await client.generate_text(text, **options)).text)
    except RingfenceCallError:
        return False


async def test_events_come_in_order(site):
    words = '/script {"tokens": 12, "interval_steps": 10}'
    kinds = [event.WhichOneof("event") async for event in site.client().generate(words)]
    assert kinds[0] == "decision"
    assert kinds[-2:] == ["finish", "receipt"]
    assert set(kinds[1:-2]) == {"text"}
    assert len(kinds) > 6


async def test_a_caller_that_hangs_up_frees_its_slot_and_its_hold(site):
    client = site.client()
    stream = client.generate('/script {"tokens": 4000, "interval_steps": 5}', sampling=types.Sampling(tokens_max=4000))
    seen = [await anext(stream) for _ in range(4)]
    assert seen[1].WhichOneof("event") == "text"
    await stream.aclose()

    async def free():
        return await running(site) == (0, 0) and (await client.wallet()).held_microcredits == 0

    await until(free, 2.0)


async def test_a_deadline_ends_the_run(site):
    with pytest.raises(RingfenceCallError) as caught:
        await site.client().generate_text("/hang 1", deadline_s=0.7, sampling=types.Sampling(tokens_max=8))
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED

    async def free():
        return await running(site) == (0, 0)

    await until(free)


async def test_a_dead_engine_ends_its_requests_with_a_retry_hint_and_comes_back(site):
    client = site.client()
    with pytest.raises(RingfenceCallError) as caught:
        await client.generate_text("/crash 2")
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert caught.value.retry_after_s is not None
    await until(lambda: answers(client, "hello", model="house"))


async def test_a_dead_engine_never_sends_a_note_to_the_provider(site):
    """Invariant 8: the on-prem target down is no reason to leave."""
    before = len(site.provider.bodies)
    with pytest.raises(RingfenceCallError):
        await site.client().generate_text("/crash 0\nPatient: Joanna Whitfield, MRN: 00482913")
    with contextlib.suppress(RingfenceCallError):  # answered, if the engine was back in time
        await site.client().generate_text("Patient: Joanna Whitfield, MRN: 00482913")
    await until(lambda: answers(site.client(), "hello", model="house"))
    assert len(site.provider.bodies) == before


async def test_slow_readers_do_not_hurt_others(site):
    slow = site.client().generate(
        '/script {"tokens": 2000, "interval_steps": 1}', sampling=types.Sampling(tokens_max=2000)
    )
    await anext(slow)
    others = await asyncio.gather(*(site.client().generate_text("hello") for _ in range(6)))
    assert all(answer.text for answer in others)
    await slow.aclose()


async def test_it_answers_on_the_unix_socket_too(site):
    client = site.client(target=f"unix:{site.folder}/daemon.sock")
    assert (await client.generate_text("hello")).text


async def test_plan_runs_nothing_and_says_the_same(site):
    client = site.client()
    plan = await client.plan(
        "Patient: Joanna Whitfield, MRN: 00482913",
        quality_min=0.9,
        permission=types.Permission(deidentified_egress=True),
    )
    assert plan.decision.target.model == "gpt"
    assert [finding.entity_type for finding in plan.findings] == ["PERSON", "MRN"]
    assert plan.label_deidentified.level == types.LEVEL_INTERNAL
    answer = await client.generate_text("Patient: Joanna Whitfield, MRN: 00482913")
    assert answer.receipt.decision.target.model == "house"


async def test_tokens_are_counted(site):
    counted = await site.client().count_tokens("one two three")
    assert (counted.model, counted.context_tokens_max) == ("house", 4096)
    assert counted.tokens >= 3


async def test_an_idempotency_key_runs_once(site):
    client = site.client()
    await client.generate_text("hello", idempotency_key="once")
    with pytest.raises(RingfenceCallError) as caught:
        await client.generate_text("hello", idempotency_key="once")
    assert caught.value.detail.reason == "duplicate_request"


async def test_without_the_agent_work_goes_on_locally_and_nothing_leaves(site):
    """Invariant 9: the agent away means local or refused, never out."""
    os.kill(site.agent.pid, signal.SIGKILL)
    await site.agent.wait()
    try:
        client = site.client()
        with pytest.raises(RingfenceCallError) as caught:
            await client.generate_text("Which organ makes insulin?", label=Label(Level.PUBLIC), quality_min=0.9)
        assert caught.value.code.name in ("UNAVAILABLE", "FAILED_PRECONDITION")
        assert (await client.generate_text("Which organ makes insulin?", label=Label(Level.PUBLIC))).text
    finally:
        await site.start_agent()
    await until(
        lambda: answers(site.client(), "Which organ makes insulin?", label=Label(Level.PUBLIC), quality_min=0.9)
    )


async def test_lockdown_stops_egress_and_local_work_goes_on(site):
    from ringfence.v1 import admin_pb2, admin_pb2_grpc  # noqa: PLC0415 - the client has no method for it yet

    stub = admin_pb2_grpc.LockdownStub(site.client("operator")._channel)
    await stub.SetLockdown(admin_pb2.SetLockdownRequest(on=True, reason="drill"))
    try:
        with pytest.raises(RingfenceCallError):
            await site.client().generate_text("Which organ?", label=Label(Level.PUBLIC), quality_min=0.9)
        assert (await site.client().generate_text("hello")).text
    finally:
        state = (await stub.SetLockdown(admin_pb2.SetLockdownRequest(on=False, reason="drill over"))).state
    assert not state.on
    await until(lambda: answers(site.client(), "Which organ?", label=Label(Level.PUBLIC), quality_min=0.9))


async def test_the_receipt_of_what_left_is_proven(site):
    public_key = load_pem_public_key((site.folder / "log.pub").read_bytes())

    answer = await site.client().generate_text("Which organ?", label=Label(Level.PUBLIC), quality_min=0.9)
    intent = answer.receipt.egress[0]
    checkpoint = open_checkpoint(intent.checkpoint, ORIGIN, public_key)
    verify_inclusion(intent.entry, intent.index, checkpoint.size, list(intent.inclusion_path), checkpoint.root)
    entry = json.loads(intent.entry)
    assert (entry["provider"], entry["model"], entry["department"]) == ("cloud", "gpt", "ward")


async def test_who_hangs_up_pays_for_what_came(site):
    client = site.client()
    before = (await client.wallet()).spent_microcredits
    stream = client.generate('/script {"tokens": 4000, "interval_steps": 1}', sampling=types.Sampling(tokens_max=4000))
    seen = [await anext(stream) for _ in range(60)]
    assert seen[-1].WhichOneof("event") == "text"
    await stream.aclose()

    async def booked():
        wallet = await client.wallet()
        return wallet.held_microcredits == 0 and wallet.spent_microcredits > before

    await until(booked, 3.0)


async def test_a_plan_without_a_target_is_an_answer_and_takes_no_key(site):
    client = site.client()
    plan = await client.plan("Patient: Joanna Whitfield", model="gpt", idempotency_key="planned")
    assert not plan.decision.HasField("target")
    assert {candidate.rule for candidate in plan.decision.candidates} == {"model", "label"}
    assert (await client.generate_text("hello", idempotency_key="planned")).text


async def test_an_error_names_its_request(site):
    with pytest.raises(RingfenceCallError) as caught:
        await site.client().generate_text("/crash 1")
    assert caught.value.detail.request_id
    await until(lambda: answers(site.client(), "hello", model="house"))


async def test_the_daemon_leaves_no_core(site):
    limits = await asyncio.to_thread(Path(f"/proc/{site.daemon.pid}/limits").read_text)
    assert [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core")] == [["0", "0"]]
