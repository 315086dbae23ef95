"""The choice visibly changes after feedback, and `ringfence plan` explains it before and after.

The house's model is the bundled one in a real llama.cpp engine, the provider a stand-in; what callers say is scripted.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from fakes.engine_kinds import TINY
from fakes.site import site as open_site
from ringfence.client import RingfenceCallError
from ringfence.labels import Label, Level
from ringfence.v1 import types_pb2 as types
from ringfenced.cli.app import app

pytestmark = [pytest.mark.journey, pytest.mark.llama]

HOUSE = f"""\
path = "{TINY}"
context_tokens = 1024
threads = 1
"""
ROUTING = """
[routing]
refit_labels_min = 20
explore = 0
"""
QUESTIONS = [f"Which ward takes patients of group {number}?" for number in range(30)]
ASKED = {
    "task": "triage",
    "quality_min": 0.5,
    "label": Label(Level.PUBLIC),
    "sampling": types.Sampling(temperature=0.0, tokens_max=16),
}
PATIENCE_S = 120.0


@pytest.fixture
async def pair():
    """A site whose two workers share what was learned."""
    folder = Path(tempfile.mkdtemp(prefix="rf-"))
    async with open_site(folder, workers=2, house=HOUSE, extra=ROUTING) as made:
        yield made
    shutil.rmtree(folder)


async def ringfence(site, name, *arguments):
    """What the command says; in a thread, for it blocks."""
    connection = ["--target", f"localhost:{site.port}", "--certs", str(site.folder), "--as", name]
    done = await asyncio.to_thread(CliRunner().invoke, app, [*connection, *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


async def plan(site):
    question = "Which ward takes patients of group 99?"
    return await ringfence(
        site, "caller-ward", "plan", question, "--task", "triage", "--quality", "0.5", "--label", "public"
    )


async def expected(site, model):
    """The quality that a plan expects of a model's answer."""
    decision = (await site.client().plan(QUESTIONS[0], **ASKED)).decision
    return next(one.estimate.quality for one in decision.candidates if one.target.model == model)


def row(told, target):
    """A target's row of a table."""
    return next(line for line in told.splitlines() if re.search(rf"\b{target}\b", line) and "0." in line)


async def ask(site, question, **more):
    answer = await site.client().generate_text(question, **(ASKED | more))
    return answer.receipt


def files_of(*processes):
    """Every file that they have in memory."""
    return {one.path for process in processes for one in process.memory_maps()}


async def until(what, told=""):
    """Wait until `what` says so, which looks at one worker or the other."""
    deadline_s = asyncio.get_running_loop().time() + PATIENCE_S
    while not await what():
        assert asyncio.get_running_loop().time() < deadline_s, told
        await asyncio.sleep(0.25)


async def test_callers_words_change_the_choice(pair):
    # Before: the house's model, in llama.cpp, is cheaper and, as configured, good enough.
    before = await plan(pair)
    assert "local:house" in before.split("label PUBLIC")[1]
    assert await expected(pair, "house") > 0.5
    chosen = row(before, "local:house")
    assert "*" in chosen
    assert "the cheapest that is allowed, good enough and in time" in chosen
    receipts = await asyncio.gather(*(ask(pair, question) for question in QUESTIONS[:20]))
    assert {receipt.ran[-1].model for receipt in receipts} == {"house"}
    daemon = psutil.Process(pair.daemon.pid)
    assert any(path.endswith("/libllama.so") for path in files_of(*daemon.children(recursive=True)))

    # Its answers to this task are nonsense, say those who got them; another department may not say so.
    for receipt in receipts[:19]:
        await pair.client().feedback(receipt.request_id, 0.0, "wrong_name")
    with pytest.raises(RingfenceCallError, match="no answered request of that id"):
        await pair.client("caller-billing").feedback(receipts[19].request_id, 0.0)
    standing = await pair.client("auditor").routing()
    assert (standing.refits, standing.segments[0].name, standing.segments[0].models[0].rated) == (0, "triage", 19)
    await ringfence(pair, "caller-ward", "feedback", receipts[19].request_id, "0", "--reason", "wrong_name")

    # After the refit both workers send the task to the provider, and say why.
    async def seen_by_all():
        plans = [await pair.client().plan(QUESTIONS[0], **ASKED) for _ in range(8)]
        return all(one.decision.target.model == "gpt" for one in plans)

    await until(seen_by_all)
    after = await plan(pair)
    assert "cloud/gpt" in after.split("label PUBLIC")[1]
    refused = row(after, "local:house")
    assert "*" not in refused
    assert re.search(r"expected quality 0\.\d\d, asked for 0\.50", refused)
    assert await expected(pair, "house") < 0.3
    assert (await ask(pair, QUESTIONS[21])).ran[-1].model == "gpt"

    # What was learned stands beside what is configured, also in the list of models.
    shown = await ringfence(pair, "operator", "routing", "show")
    assert "refit 1 at" in shown
    house = row(shown, "house")
    assert "triage" in shown
    assert "0.60" in house
    assert "±" in house
    listed = {model.name: model.quality for model in await pair.client().models()}
    assert listed["house"] < 0.5
    assert listed["gpt"] == pytest.approx(0.95)

    # Forgotten, it is as it was.
    assert "answers forgotten" in await ringfence(pair, "operator", "routing", "forget", "--model", "house")

    async def as_before():
        plans = [await pair.client().plan(QUESTIONS[0], **ASKED) for _ in range(8)]
        return all(one.decision.target.model == "house" for one in plans)

    await until(as_before)
    with pytest.raises(RingfenceCallError, match="kept for 90 days"):
        await pair.client().feedback(receipts[0].request_id, 1.0)

    # Nothing of a request is in what is kept, and nothing of a refit runs on.
    kept = b"".join(path.read_bytes() for path in (pair.folder / "state").glob("outcomes*"))
    assert b"patients" not in kept
    assert b"group" not in kept
    assert receipts[0].request_id.encode() not in kept

    async def no_refit_runs():
        return not any("ringfenced.site.refit" in process.cmdline() for process in daemon.children())

    await until(no_refit_runs)
    assert not [path for path in files_of(daemon, *daemon.children()) if re.search("/(sklearn|scipy)/", path)]
