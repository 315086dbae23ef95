"""The ladder through the real daemon: a cheap answer is judged before a better one is paid for, and nothing that is
sensitive leaves the site for that, to be judged neither."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from fakes.evaluator import OwnEvaluator, serving
from fakes.site import site as open_site
from ringfence.client import RingfenceCallError
from ringfence.v1 import evaluator_pb2
from ringfence.v1 import types_pb2 as types

pytestmark = [pytest.mark.journey, pytest.mark.asyncio(loop_scope="session")]

PATIENT = "John Q. Sample, MRN 00482913, SSN 536-22-8741"
SCHEMA = json.dumps({"type": "object", "properties": {"boxes": {"type": "integer"}}, "required": ["boxes"]})


def model(name, text, quality, **settings):
    """A scripted model that always says `text`."""
    command = [sys.executable, "-P", "-m", "ringfenced.engines.scripted", "--interval-ms", "1", "--text", text]
    fields = {"name": name, "engine": "command", "command": command, "quality": quality, **settings}
    return "[[models]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in fields.items())


MODELS = (
    model("sloppy", "12 x 3 = 35. So 35 boxes.", 0.4, evaluators=["arithmetic"])
    + "speed = { first_token_ms = 1, token_ms = 0.1 }\n"
    + model("exact", '{"boxes": 36}', 0.5, evaluators=["arithmetic"])
    + "price = { prompt_microcredits_per_1k = 10, completion_microcredits_per_1k = 10 }\n"
    + model("strict", '{"score": 2}', 0.0)  # judges, and is the last that anybody else would ask
    + "speed = { first_token_ms = 900, token_ms = 9 }\n"
)
EVALUATORS = """
[[evaluators]]
name = "own"
kind = "grpc"
target = "unix:FOLDER/own.sock"
label_max = { level = "INTERNAL" }
timeout_ms = 2000
[[evaluators]]
name = "strictly"
kind = "judge"
model = "strict"
"""


class Node:
    """The site and its own evaluator."""

    def __init__(self, site, own):
        self.site, self.own = site, own

    async def ask(self, prompt, *, ladder=2, deidentify=False, quality_min=0.3, **options):
        """A whole answer, and whatever reached the provider and the site's own evaluator meanwhile."""
        self.own.shown.clear()
        self.site.provider.bodies.clear()
        permission = types.Permission(ladder_length_max=ladder, deidentified_egress=deidentify)
        sampling = types.Sampling(tokens_max=64)
        client = self.site.client()
        options = {"permission": permission, "sampling": sampling, "quality_min": quality_min, **options}
        return await client.generate_text(prompt, **options)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def node():
    folder = Path(tempfile.mkdtemp(prefix="rf-"))
    async with AsyncExitStack() as stack:
        own = OwnEvaluator()
        await stack.enter_async_context(serving(own, f"unix:{folder}/own.sock"))
        extra = MODELS + EVALUATORS.replace("FOLDER", str(folder))
        yield Node(await stack.enter_async_context(open_site(folder, extra=extra)), own)
    shutil.rmtree(folder)


def verdicts(answer):
    return [(one.target.model, one.evaluator, one.good, one.reason) for one in answer.receipt.verdicts]


def ran(answer):
    return [target.model for target in answer.receipt.ran]


async def test_wrong_arithmetic_is_handed_up_and_never_shown(node):
    answer = await node.ask("How many boxes are 12 times 3?")
    assert ran(answer)[0] == "sloppy"
    assert len(ran(answer)) == 2
    assert "35" not in answer.text
    assert verdicts(answer)[0] == ("sloppy", "arithmetic", False, "1 of 1 calculations are wrong")


async def test_a_broken_document_is_handed_up_whatever_the_target_promised(node):
    answer = await node.ask("How many boxes?", json_schema=SCHEMA)
    assert ran(answer)[0] == "sloppy"
    assert verdicts(answer)[0] == ("sloppy", "schema", False, "the answer is no JSON document")
    last = [one for one in verdicts(answer) if one[0] != "sloppy"]
    assert [one[1] for one in last] == ["schema"]
    assert last[0][2] == (answer.text == '{"boxes": 36}')


async def test_without_a_second_rung_the_answer_is_given_and_the_receipt_says_what_it_is_worth(node):
    answer = await node.ask("How many boxes are 12 times 3?", ladder=1)
    assert answer.text == "12 x 3 = 35. So 35 boxes."
    assert verdicts(answer) == [("sloppy", "arithmetic", False, "1 of 1 calculations are wrong")]


async def test_a_plan_counts_with_what_a_model_that_judges_takes(node):
    """It is slow, so that the ladder is expected to take longer; what it may cost is held with the rest."""
    client = node.site.client()
    options = {"permission": types.Permission(ladder_length_max=2), "sampling": types.Sampling(tokens_max=64)}
    plain = (await client.plan("How many boxes are 12 times 3?", quality_min=0.3, **options)).decision
    judged = (
        await client.plan("How many boxes are 12 times 3?", quality_min=0.3, evaluators=["strictly"], **options)
    ).decision
    assert [one.target.model for one in judged.candidates if one.chosen] == [
        one.target.model for one in plain.candidates if one.chosen
    ]
    assert judged.expected.latency_ms >= plain.expected.latency_ms + 900
    assert judged.expected.cost_microcredits_max >= plain.expected.cost_microcredits_max


async def test_a_process_of_the_site_judges_over_its_socket(node):
    def says(request):
        return evaluator_pb2.EvaluateResponse(score=float("36" in request.answer), reason="not_36")

    node.own.says = says
    answer = await node.ask("/echo 40 boxes", evaluators=["own"], task="boxes")
    assert verdicts(answer)[0] == ("sloppy", "own", False, "not_36")
    assert node.own.shown[0].messages[0].parts[0].text == "/echo 40 boxes"
    assert (node.own.shown[0].task, node.own.shown[0].answer) == ("boxes", "40 boxes")


async def test_one_that_fails_ends_no_request(node):
    def fails(request):
        raise RuntimeError(request.answer)

    node.own.says = fails
    answer = await node.ask("/echo 40 boxes", evaluators=["own"])
    assert (ran(answer), verdicts(answer), answer.text) == (["sloppy"], [], "40 boxes")
    assert len(node.own.shown) == 1


async def test_what_is_sensitive_stays_on_site_on_every_rung_and_with_its_judge(node):
    """The judge is a model of the node; the site's own process is not cleared for it, and the provider gets nothing."""
    node.own.says = lambda _: evaluator_pb2.EvaluateResponse(score=0.0)
    answer = await node.ask(f"/echo {PATIENT} is well.", ladder=4, evaluators=["own", "strictly"])
    assert len(ran(answer)) > 1
    assert {target.kind for target in answer.receipt.ran} == {types.TARGET_KIND_LOCAL}
    short = [one for one in verdicts(answer) if one[1] == "strictly"]
    assert len(short) == len(ran(answer)) - 1  # of the last rung only who costs nothing is asked
    assert short[0] == (ran(answer)[0], "strictly", False, "the judge gives it 2 of 10")
    assert node.own.shown == []
    assert node.site.provider.bodies == []
    assert not answer.receipt.egress


async def test_what_leaves_for_a_better_answer_is_deidentified_though_a_judge_saw_it_whole(node):
    answer = await node.ask(
        f"/echo {PATIENT} is well.", ladder=2, deidentify=True, quality_min=0.94, evaluators=["own", "strictly"]
    )
    assert ran(answer)[-1] == "gpt"
    assert verdicts(answer)[0][1] == "strictly"
    assert len(node.site.provider.bodies) == 1
    for secret in (b"Sample", b"00482913", b"536-22-8741"):
        assert secret not in node.site.provider.bodies[0]
    assert node.own.shown == []


async def test_an_unknown_evaluator_is_refused_with_the_nearest(node):
    with pytest.raises(RingfenceCallError) as caught:
        await node.ask("Hi", evaluators=["arithmetics"])
    assert caught.value.reason == "evaluator_unknown"
    assert "arithmetic" in caught.value.detail.suggestions


async def test_the_log_says_what_was_judged_and_nothing_that_was_said(node):
    log = "\n".join(node.site.lines())
    assert '"evaluator":"arithmetic","score":0.0,"good":false,"reason":"1 of 1 calculations are wrong"' in log
    for said in ("Sample", "536-22-8741", "35 boxes", "40 boxes"):
        assert said not in log
