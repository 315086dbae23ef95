"""Every bad input gets a typed status that says what was wrong and what to do, over the wire, and loses nothing."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from ringfence.client import RingfenceCallError
from ringfence.v1 import admin_pb2 as admin
from ringfence.v1 import inference_pb2 as pb
from ringfence.v1 import types_pb2 as types

pytestmark = [pytest.mark.journey, pytest.mark.asyncio(loop_scope="session")]


def ask(*parts, **fields):
    return pb.GenerateRequest(messages=[types.Message(role=types.ROLE_USER, parts=parts)], **fields)


async def refused(site, request, name="caller-ward"):
    with pytest.raises(RingfenceCallError) as caught:
        await site.client(name).generate_text(request)
    return caught.value


async def held(site):
    return (await site.client().wallet()).held_microcredits


@pytest.mark.parametrize(
    ("request_", "code", "reason", "told"),
    [
        (pb.GenerateRequest(), "INVALID_ARGUMENT", "messages_empty", "send at least one"),
        (
            ask(types.Part(file=types.File(data=b"caf\xe9", media_type="text/plain"))),
            "INVALID_ARGUMENT",
            "invalid_utf8",
            "convert it",
        ),
        (ask(types.Part(text="x" * 4_000_001)), "INVALID_ARGUMENT", "messages_too_long", "4000000"),
        (
            ask(types.Part(text="x"), response_format=types.ResponseFormat(json_schema='{"type": 1}')),
            "INVALID_ARGUMENT",
            "json_schema_invalid",
            "draft 2020-12",
        ),
        (ask(types.Part(text="x"), model="huose"), "NOT_FOUND", "model_unknown", "house"),
        (ask(types.Part(text="x " * 5000), model="house"), "INVALID_ARGUMENT", "context_exceeded", "4096"),
        (ask(types.Part(text="x"), deadline_ms=1), "DEADLINE_EXCEEDED", "", ""),
    ],
)
async def test_bad_input_is_told(site, request_, code, reason, told):
    error = await refused(site, request_)
    assert error.code.name == code
    assert told in error.message
    assert not reason or error.detail.reason == reason
    assert await held(site) == 0


async def test_a_prompt_longer_than_the_context_tells_both_lengths(site):
    error = await refused(site, ask(types.Part(text="x " * 5000), model="house"))
    assert error.detail.numbers["context_tokens_max"] == 4096
    assert error.detail.numbers["prompt_tokens"] > 4096


async def test_an_empty_wallet_tells_the_numbers(site):
    error = await refused(site, ask(types.Part(text="x")), "caller-billing")
    assert error.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error.detail.numbers["available_microcredits"] == 0
    assert error.detail.numbers["needed_microcredits"] > 0


async def test_a_refusal_carries_the_whole_decision(site):
    error = await refused(site, ask(types.Part(text="Patient: Joanna Whitfield"), model="gpt"))
    assert error.code is grpc.StatusCode.FAILED_PRECONDITION
    assert [(c.target.model, c.rule) for c in error.detail.decision.candidates] == [
        ("house", "model"),
        ("gpt", "label"),
    ]


async def test_a_picture_stays_on_site(site):
    image = types.Part(image=types.Image(data=b"\x89PNG", media_type="image/png"))
    error = await refused(
        site, ask(types.Part(text="x"), image, model="gpt", permission=types.Permission(deidentified_egress=True))
    )
    assert error.detail.decision.label.level == types.LEVEL_RESTRICTED


async def test_roles_are_kept_apart(site):
    for name, call in (
        ("caller-ward", lambda client: client.devices()),
        ("caller-ward", lambda client: client.checkpoint()),
        ("operator", lambda client: client.checkpoint()),
        ("auditor", lambda client: client.wallets()),
    ):
        with pytest.raises(RingfenceCallError) as caught:
            await call(site.client(name))
        assert caught.value.code is grpc.StatusCode.PERMISSION_DENIED


async def test_what_is_in_the_contract_and_not_built_says_so(site):
    operator = site.client("operator")
    with pytest.raises(RingfenceCallError) as caught:
        await operator._call(operator._wallets.GetForecast, admin.GetForecastRequest())
    assert caught.value.code is grpc.StatusCode.UNIMPLEMENTED


async def test_no_content_in_the_daemons_log(site):
    await refused(site, ask(types.Part(file=types.File(data=b"Zebrafinch\xe9", media_type="text/plain"))))
    await site.client().generate_text("/echo Patient: Zebra Finchley")
    await asyncio.sleep(0.3)  # lines are written together
    assert not [line for line in site.lines() if "inchl" in line or "Zebra" in line]
    assert [line for line in site.lines() if '"findings":{"PERSON":1}' in line]
