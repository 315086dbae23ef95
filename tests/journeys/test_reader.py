"""A model of this node reads beside the recognisers: what it sees counts, and where it is late nothing leaves."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from fakes.site import site as open_site
from fakes.site import unwell
from ringfence.v1 import types_pb2 as types

pytestmark = [pytest.mark.journey, pytest.mark.asyncio(loop_scope="session")]

READER = """
[[models]]
name = "reader"
engine = "command"
command = {command}

[classification]
[[classification.plugins]]
name = "second-look"
kind = "llm"
model = "reader"
seconds_max = {seconds_max}
"""
ANSWER = json.dumps({"entities": [{"type": "person", "text": "zorblax the quiet"}]})
NOTE = "Zorblax the Quiet came in again."
MAY = types.Permission(deidentified_egress=True)


@pytest.fixture
def folder():
    made = Path(tempfile.mkdtemp(prefix="rf-"))
    yield made
    shutil.rmtree(made)


def reader(*arguments, seconds_max):
    """The sections of a model that answers every question the same, and of the plug-in that asks it."""
    command = [sys.executable, "-P", "-m", "ringfenced.engines.scripted", *arguments]
    return READER.format(command=json.dumps(command), seconds_max=seconds_max)


async def test_what_the_model_quotes_is_found_where_it_stands(folder):
    async with open_site(folder, extra=reader("--text", ANSWER, seconds_max=10)) as made:
        plan = await made.client().plan(NOTE, permission=MAY, quality_min=0.9)
        assert [
            (one.entity_type, NOTE[one.start : one.end])
            for one in plan.findings
            if one.recogniser.startswith("plugin:second-look")
        ] == [("PERSON", "Zorblax the Quiet")]


async def test_a_model_that_is_late_keeps_every_text_here_and_the_daemon_answers_meanwhile(folder):
    """Two worker processes, so that workers ask engines that are not their children."""
    async with open_site(folder, workers=2, extra=reader("--first-ms", "60000", seconds_max=2)) as made:
        client, operator = made.client(), made.client("operator")
        await asyncio.gather(client.plan("warm"), operator.health())
        async with asyncio.TaskGroup() as group:
            plans = [group.create_task(client.plan(NOTE, permission=MAY)) for _ in range(4)]
            await asyncio.sleep(0.5)
            assert not unwell(await operator.health())
            assert not any(plan.done() for plan in plans)
        for plan in (task.result() for task in plans):
            assert plan.label.level == types.LEVEL_RESTRICTED
            unread = types.CONTRIBUTOR_UNREADABLE
            assert [one.name for one in plan.contributions if one.contributor == unread] == ["recogniser"]
            assert plan.decision.target.kind == types.TARGET_KIND_LOCAL
