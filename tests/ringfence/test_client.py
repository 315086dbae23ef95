"""Both clients against a real server with mTLS: what they send, what they make of answers, and of errors."""

import asyncio
import contextlib

import grpc
import pytest

from fakes.daemon import HANG, Fail, FakeDaemon
from ringfence.client import AsyncClient, Client, RingfenceCallError, embed_request, generate_request
from ringfence.labels import Category, Label, Level
from ringfence.v1 import admin_pb2 as admin
from ringfence.v1 import audit_pb2 as audit
from ringfence.v1 import inference_pb2 as inference
from ringfence.v1 import types_pb2 as types

DECISION = types.Decision(target=types.Target(kind=types.TARGET_KIND_LOCAL, model="tiny"))
FINISH = inference.Finish(reason=types.FINISH_REASON_STOP, usage=types.Usage(completion_tokens=2))
RECEIPT = types.Receipt(request_id="r1", cost_microcredits=7)


def event(**fields):
    return inference.GenerateResponse(**fields)


def text(piece):
    return event(text=inference.TextDelta(text=piece))


def call(index, id_, name, arguments):
    delta = inference.ToolCallDelta(index=index, id=id_, name=name, arguments_json=arguments)
    return event(tool_call=delta)


ANSWER = [event(decision=DECISION), text("Hel"), text("lo"), event(finish=FINISH), event(receipt=RECEIPT)]


@pytest.fixture
def client(daemon):
    with Client(daemon.target, daemon.identity("caller-ward")) as made:
        yield made


@pytest.fixture
async def async_client(daemon):
    async with AsyncClient(daemon.target, daemon.identity("caller-ward")) as made:
        yield made


def test_events_come_as_they_were_sent(daemon, client):
    daemon.script["Generate"] = ANSWER
    assert list(client.generate("Hi")) == ANSWER
    assert daemon.identities == ["spiffe://ringfence.local/caller/ward"]


async def test_the_async_client_yields_the_same_events(daemon, async_client):
    daemon.script["Generate"] = ANSWER
    assert [each async for each in async_client.generate("Hi")] == ANSWER


def test_a_whole_answer_is_folded(daemon, client):
    daemon.script["Generate"] = ANSWER
    answer = client.generate_text("Hi")
    assert (answer.text, answer.decision, answer.finish, answer.receipt) == ("Hello", DECISION, FINISH, RECEIPT)
    assert "Hello" not in repr(answer)


async def test_the_async_client_folds_the_same(daemon, async_client):
    daemon.script["Generate"] = ANSWER
    assert (await async_client.generate_text("Hi")).text == "Hello"


def test_an_escalation_voids_what_came_before(daemon, client):
    escalation = event(escalation=inference.Escalation(reason="quality"))
    daemon.script["Generate"] = [*ANSWER[:2], call(0, "a", "f", "{"), escalation, text("Good"), *ANSWER[3:]]
    answer = client.generate_text("Hi")
    assert answer.text == "Good"
    assert answer.tool_calls == ()


def test_tool_calls_are_put_together_by_index(daemon, client):
    pieces = [call(1, "b", "second", "{}"), call(0, "a", "first", '{"x"'), call(0, "", "", ":1}")]
    daemon.script["Generate"] = [*ANSWER[:1], *pieces, *ANSWER[3:]]
    assert client.generate_text("Hi").tool_calls == (
        types.ToolCall(id="a", name="first", arguments_json='{"x":1}'),
        types.ToolCall(id="b", name="second", arguments_json="{}"),
    )


def test_a_stream_without_a_receipt_is_no_answer(daemon, client):
    daemon.script["Generate"] = ANSWER[:-1]
    with pytest.raises(RingfenceCallError, match="without a finish and a receipt"):
        client.generate_text("Hi")


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, None),
        ({"categories": []}, None),
        ({"categories": [Category.PII]}, types.Label(categories=[types.CATEGORY_PII])),
        ({"label": Label()}, types.Label(level=types.LEVEL_PUBLIC)),
        (
            {"label": Label(Level.INTERNAL, frozenset({Category.PHI})), "categories": [Category.PII, Category.PHI]},
            types.Label(level=types.LEVEL_INTERNAL, categories=[types.CATEGORY_PHI, types.CATEGORY_PII]),
        ),
    ],
)
def test_categories_alone_say_no_level(options, sent):
    """So the daemon joins them with the caller's default; a label has a level always."""
    for request in (generate_request("Hi", **options), embed_request(["Hi"], **options)):
        assert (request.label if request.HasField("label") else None) == sent


def test_every_option_reaches_the_wire(daemon, client):
    daemon.script["Generate"] = ANSWER
    list(
        client.generate(
            "Hi",
            model="tiny",
            label=Label(Level.CONFIDENTIAL, frozenset({Category.PII, Category.PHI})),
            permission=types.Permission(deidentified_egress=True),
            task="note",
            quality_min=0.5,
            evaluators=["arithmetic"],
            json_schema="{}",
            sampling=types.Sampling(temperature=0.0),
            conversation_id="c",
            run_id="r",
            idempotency_key="k",
            deadline_s=1.5,
            metadata={"a": "b"},
        )
    )
    assert daemon.requests[0][1] == inference.GenerateRequest(
        model="tiny",
        messages=[types.Message(role=types.ROLE_USER, parts=[types.Part(text="Hi")])],
        label=types.Label(level=types.LEVEL_CONFIDENTIAL, categories=[types.CATEGORY_PHI, types.CATEGORY_PII]),
        permission=types.Permission(deidentified_egress=True),
        task=types.Task(name="note", quality_min=0.5, evaluators=["arithmetic"]),
        response_format=types.ResponseFormat(json_schema="{}"),
        sampling=types.Sampling(temperature=0.0),
        conversation_id="c",
        run_id="r",
        idempotency_key="k",
        deadline_ms=1500,
        metadata={"a": "b"},
    )


def test_a_bare_prompt_leaves_everything_unset(daemon, client):
    daemon.script["Generate"] = ANSWER
    list(client.generate("Hi"))
    fields = {field.name for field, _ in daemon.requests[0][1].ListFields()}
    assert fields == {"messages"}


def test_a_whole_request_takes_no_options(client):
    with pytest.raises(TypeError, match="model"):
        client.generate(inference.GenerateRequest(), model="tiny")


@pytest.mark.parametrize("deadline_s", [0, -1, float("inf"), float("nan"), 2**32])
def test_a_deadline_that_makes_no_sense_is_refused(client, deadline_s):
    with pytest.raises(ValueError, match="deadline_s"):
        client.generate("Hi", deadline_s=deadline_s)


DETAIL = types.ErrorDetail(
    reason="wallet_empty", step=4, numbers={"needed": 12, "available": 8}, suggestions=["ask"], retry_after_ms=1500
)
FAILURE = Fail(grpc.StatusCode.RESOURCE_EXHAUSTED, "12 needed, 8 left", DETAIL)


def test_a_failed_call_carries_the_detail(daemon, client):
    daemon.script["Plan"] = [FAILURE]
    with pytest.raises(RingfenceCallError, match="12 needed") as caught:
        client.plan("Hi")
    assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (caught.value.detail, caught.value.reason, caught.value.retry_after_s) == (DETAIL, "wallet_empty", 1.5)


def test_a_stream_that_fails_midway_carries_the_detail(daemon, client):
    daemon.script["Generate"] = [*ANSWER[:2], FAILURE]
    events = client.generate("Hi")
    assert [next(events), next(events)] == ANSWER[:2]
    with pytest.raises(RingfenceCallError) as caught:
        next(events)
    assert caught.value.detail == DETAIL


async def test_the_async_client_raises_the_same(daemon, async_client):
    daemon.script |= {"Plan": [FAILURE], "Generate": [FAILURE]}
    with pytest.raises(RingfenceCallError) as caught:
        await async_client.plan("Hi")
    assert caught.value.detail == DETAIL
    with pytest.raises(RingfenceCallError) as caught:
        await async_client.generate_text("Hi")
    assert caught.value.detail == DETAIL


def test_an_unreadable_trailer_leaves_the_status(daemon, client):
    daemon.script["Plan"] = [Fail(grpc.StatusCode.INTERNAL, "oh", trailer=b"\xff\xff\xff")]
    with pytest.raises(RingfenceCallError, match="oh") as caught:
        client.plan("Hi")
    assert (caught.value.detail, caught.value.reason, caught.value.retry_after_s) == (None, "internal", None)


def test_whoever_stops_reading_cancels_the_request(daemon, client):
    daemon.script["Generate"] = [*ANSWER[:2], HANG]
    with contextlib.closing(client.generate("Hi")) as events:
        next(events)
    assert daemon.cancelled.wait(5)


def test_a_reader_that_fails_cancels_the_request_while_its_traceback_lives(daemon, client):
    daemon.script["Generate"] = [*ANSWER[:2], HANG]
    events = client.generate("Hi")
    next(events)
    with pytest.raises(RuntimeError) as kept:
        events.throw(RuntimeError("the reader failed"))
    assert daemon.cancelled.wait(5)
    assert kept.traceback


async def test_an_async_reader_that_fails_does_so_too(daemon, async_client):
    daemon.script["Generate"] = [*ANSWER[:2], HANG]
    events = async_client.generate("Hi")
    await anext(events)
    with pytest.raises(RuntimeError) as kept:
        await events.athrow(RuntimeError("the reader failed"))
    assert await asyncio.to_thread(daemon.cancelled.wait, 5)
    assert kept.traceback


async def test_whoever_stops_awaiting_cancels_the_request(daemon, async_client):
    daemon.script["Generate"] = [*ANSWER[:2], HANG]
    async with contextlib.aclosing(async_client.generate("Hi")) as events:
        await anext(events)
    assert await asyncio.to_thread(daemon.cancelled.wait, 5)


def test_a_silent_daemon_meets_the_deadline(daemon, client, monkeypatch):
    monkeypatch.setattr("ringfence.client.channel.DEADLINE_GRACE_S", 0.05)
    daemon.script["Generate"] = [HANG]
    with pytest.raises(RingfenceCallError) as caught:
        list(client.generate("Hi", deadline_s=0.05))
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_unix_socket_works_under_the_daemons_own_name(certs, tmp_path):
    with FakeDaemon(certs, socket=tmp_path / "d.sock", script={"GetWallet": [admin.GetWalletResponse()]}) as daemon:
        with Client(daemon.target, daemon.identity("caller-ward")) as client:
            client.wallet()
        with Client(daemon.target, daemon.identity("caller-ward"), server_name="other") as client:
            with pytest.raises(RingfenceCallError) as caught:
                client.wallet()
            assert caught.value.code is grpc.StatusCode.UNAVAILABLE


def test_a_daemon_under_another_authority_is_not_spoken_to(daemon):
    identity = daemon.identity("caller-ward")
    wrong = type(identity)(identity.certificate, identity.key, daemon.certs / "provider-ca.pem")
    with Client(daemon.target, wrong) as client, pytest.raises(RingfenceCallError) as caught:
        client.wallet()
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert daemon.requests == []


PROOF = types.EntryProof(entry=b"{}", index=3)
WALLET = admin.Wallet(department="ward", available_microcredits=5)
READS = [
    ("ListModels", admin.ListModelsResponse(models=[admin.Model(name="t")]), "models", (), [admin.Model(name="t")]),
    ("ListDevices", admin.ListDevicesResponse(devices=[admin.Device(id="0")]), "devices", (), [admin.Device(id="0")]),
    ("GetHealth", admin.GetHealthResponse(ok=True), "health", (), admin.GetHealthResponse(ok=True)),
    ("GetWallet", admin.GetWalletResponse(wallet=WALLET), "wallet", ("ward",), WALLET),
    ("ListWallets", admin.ListWalletsResponse(wallets=[WALLET]), "wallets", (), [WALLET]),
    ("GetEntry", audit.GetEntryResponse(proof=PROOF), "entry", (3, 9), PROOF),
    (
        "GetCheckpoint",
        audit.GetCheckpointResponse(checkpoint="c"),
        "checkpoint",
        (),
        audit.GetCheckpointResponse(checkpoint="c"),
    ),
    (
        "GetConsistency",
        audit.GetConsistencyResponse(checkpoint="c"),
        "consistency",
        (1, 2),
        audit.GetConsistencyResponse(checkpoint="c"),
    ),
    (
        "CountTokens",
        inference.CountTokensResponse(tokens=2),
        "count_tokens",
        ("Hi",),
        inference.CountTokensResponse(tokens=2),
    ),
    ("Feedback", inference.FeedbackResponse(), "feedback", ("r1", 0.5, "wrong_name"), None),
    ("GetRouting", admin.GetRoutingResponse(refits=2), "routing", (), admin.GetRoutingResponse(refits=2)),
    ("ForgetRouting", admin.ForgetRoutingResponse(answers=3), "forget_routing", ("tiny",), 3),
    (
        "UnloadModel",
        admin.UnloadModelResponse(model=admin.Model(name="t")),
        "unload_model",
        ("t",),
        admin.Model(name="t"),
    ),
]


@pytest.mark.parametrize(("rpc", "response", "method", "arguments", "expected"), READS)
def test_reads_unwrap_their_answers(daemon, client, *, rpc, response, method, arguments, expected):
    daemon.script[rpc] = [response]
    assert getattr(client, method)(*arguments) == expected


@pytest.mark.parametrize(("rpc", "response", "method", "arguments", "expected"), READS)
async def test_async_reads_unwrap_the_same(daemon, async_client, *, rpc, response, method, arguments, expected):
    daemon.script[rpc] = [response]
    assert await getattr(async_client, method)(*arguments) == expected


def test_states_of_a_node_stream(daemon, client):
    daemon.script["WatchNode"] = [admin.WatchNodeResponse(devices=[admin.Device(id="cpu")]), HANG]
    with contextlib.closing(client.watch_node(250)) as watched:
        assert next(watched).devices[0].id == "cpu"
    assert daemon.requests[0][1].interval_ms == 250


async def test_states_of_a_node_stream_in_asyncio(daemon, async_client):
    daemon.script["WatchNode"] = [admin.WatchNodeResponse(devices=[admin.Device(id="cpu")]), HANG]
    async with contextlib.aclosing(async_client.watch_node()) as watched:
        assert (await anext(watched)).devices[0].id == "cpu"


def test_log_entries_stream(daemon, client):
    daemon.script["SearchEntries"] = [audit.SearchEntriesResponse(index=i) for i in range(3)]
    daemon.script["WatchEntries"] = [audit.WatchEntriesResponse(index=5), HANG]
    assert [entry.index for entry in client.entries(audit.SearchEntriesRequest(provider="p"))] == [0, 1, 2]
    with contextlib.closing(client.watch_entries(5)) as watched:
        assert next(watched).index == 5
    assert [message for _, message in daemon.requests] == [
        audit.SearchEntriesRequest(provider="p"),
        audit.WatchEntriesRequest(from_index=5),
    ]


STREAMS = [
    ("LoadModel", admin.LoadModelResponse(stage="x"), "load_model", ("t",), admin.LoadModelRequest(name="t")),
    (
        "ReplaceModel",
        admin.ReplaceModelResponse(stage="x"),
        "replace_model",
        ("t", "n"),
        admin.ReplaceModelRequest(name="t", library="n"),
    ),
    ("WatchModels", admin.WatchModelsResponse(), "watch_models", (), admin.WatchModelsRequest()),
]


@pytest.mark.parametrize(("rpc", "response", "method", "arguments", "request_"), STREAMS)
async def test_models_are_loaded_step_by_step_with_both_clients(
    daemon, client, async_client, *, rpc, response, method, arguments, request_
):
    daemon.script[rpc] = [response, response]
    assert list(getattr(client, method)(*arguments)) == [response, response]
    assert [step async for step in getattr(async_client, method)(*arguments)] == [response, response]
    assert daemon.requests == [(rpc, request_)] * 2
