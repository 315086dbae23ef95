"""A site's own evaluator over a real connection: a unix socket, or TCP with both certificates."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from fakes.agent import folder as certificates_in
from fakes.cases import prompt
from fakes.evaluator import OwnEvaluator, serving
from fakes.judged import offer, rung, way
from ringfence.labels import Label, Level
from ringfence.renewal import Certificates
from ringfence.tls import Identity, server_credentials
from ringfence.v1 import evaluator_pb2 as pb
from ringfence.v1 import types_pb2 as types
from ringfence.wire import label_to
from ringfenced.evaluate import Case
from ringfenced.model import Answer, ToolCall
from ringfenced.site.evaluator_client import EvaluatorClient, open_channel


async def judged(target, *, certificates=None, server_name="", seconds_max=5.0, answer=None):
    made = way(offer("house"), label=Label(Level.INTERNAL), task="dose", asked=prompt("How much?", json_schema="{}"))
    answer = answer or Answer("40 mg", (ToolCall("1", "f", "{}"),))
    async with open_channel(target, certificates, server_name) as channel:
        case = Case(made.request.prompt, answer, made.finish)
        return await EvaluatorClient(channel).judge(case, made, rung(offer("house")), seconds_max)


async def test_it_is_shown_task_question_and_answer_and_its_word_counts(short_folder):
    own = OwnEvaluator(lambda _: pb.EvaluateResponse(score=0.25, reason="wrong_dose"))
    async with serving(own, f"unix:{short_folder}/e.sock") as target:
        opinion = await judged(target)
    assert (opinion.score, opinion.reason) == (0.25, "wrong_dose")
    assert own.shown == [
        pb.EvaluateRequest(
            task="dose",
            messages=[types.Message(role=types.ROLE_USER, parts=[types.Part(text="How much?")])],
            answer="40 mg",
            tool_calls=[types.ToolCall(id="1", name="f", arguments_json="{}")],
            json_schema="{}",
            label=label_to(Label(Level.INTERNAL)),
            target=types.Target(kind=types.TARGET_KIND_LOCAL, model="house"),
        )
    ]


@pytest.mark.parametrize(
    "reason", ["Mr Smith", "MRN 12345678", "mrn_12345678", "born_1961_03_04", "a" * 65, "", "1st", "ü"]
)
async def test_a_reason_that_is_no_code_is_dropped(short_folder, reason):
    """It would stand in logs and receipts."""
    own = OwnEvaluator(lambda _: pb.EvaluateResponse(score=0.25, reason=reason))
    async with serving(own, f"unix:{short_folder}/e.sock") as target:
        assert (await judged(target)).reason == ""


async def test_it_may_have_nothing_to_say(short_folder):
    async with serving(OwnEvaluator(lambda _: pb.EvaluateResponse()), f"unix:{short_folder}/e.sock") as target:
        assert await judged(target) is None
    zero = OwnEvaluator(lambda _: pb.EvaluateResponse(score=0.0))
    async with serving(zero, f"unix:{short_folder}/e.sock") as target:
        assert (await judged(target)).score == 0


async def test_one_that_is_away_or_late_is_an_error_in_time(short_folder):
    with pytest.raises(grpc.aio.AioRpcError):
        await judged(f"unix:{short_folder}/nobody.sock")
    hangs = OwnEvaluator(lambda _: asyncio.sleep(60))
    async with serving(hangs, f"unix:{short_folder}/e.sock") as target:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await judged(target, seconds_max=0.1)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_over_tcp_both_show_certificates(short_folder):
    certificates_in(short_folder, "https://localhost:1/v1")

    def identity(name):
        return Identity(short_folder / f"{name}.pem", short_folder / f"{name}.key", short_folder / "ca.pem")

    credentials = server_credentials(Certificates(identity("agent")))
    own = OwnEvaluator()
    async with serving(own, "localhost:0", credentials) as target:
        assert (await judged(target, certificates=Certificates(identity("daemon")), server_name="localhost")).score == 1
        with pytest.raises(grpc.aio.AioRpcError):
            await judged(target, seconds_max=1.0)
        ours = Certificates(identity("daemon"))
        with pytest.raises(grpc.aio.AioRpcError):
            await judged(target, certificates=ours, server_name="elsewhere.example", seconds_max=1.0)
    assert len(own.shown) == 1
