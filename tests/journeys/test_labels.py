"""What makes a label, over the wire: the site's table, its sources, and a plan that tells all of it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
import pytest_asyncio

from fakes.site import site as open_site
from ringfence.client import RingfenceCallError, generate_request
from ringfence.labels import Category
from ringfence.recognize.settings import Classification
from ringfence.v1 import inference_pb2 as pb
from ringfence.v1 import types_pb2 as types

pytestmark = [pytest.mark.journey, pytest.mark.asyncio(loop_scope="session")]

TABLE = """
[classification]
[[classification.rules]]
entity = "PERSON"
categories = ["PHI"]

[[sources]]
name = "laboratory"
label = { level = "CONFIDENTIAL", categories = ["FINANCIAL"] }

[[sources]]
name = "tickets"
label = { level = "PUBLIC" }

[[policy.rules]]
name = "tickets stay"
sources = ["tickets"]
only_site = true
"""
NOTE = "Patient: Joanna Whitfield, MRN: 00482913"
MAY = types.Permission(deidentified_egress=True)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def labelled():
    """A site with a table and a source of its own."""
    folder = Path(tempfile.mkdtemp(prefix="rf-"))
    async with open_site(folder, extra=TABLE) as made:
        yield made
    shutil.rmtree(folder)


async def test_a_plan_tells_what_made_the_label(labelled):
    plan = await labelled.client().plan(NOTE, source="laboratory", permission=MAY)
    name_of = types.Contributor.Name
    assert [(name_of(one.contributor), one.name, one.count, one.stays) for one in plan.contributions] == [
        ("CONTRIBUTOR_CALLER", "", 0, True),
        ("CONTRIBUTOR_SOURCE", "laboratory", 0, True),
        ("CONTRIBUTOR_FINDING", "MRN", 1, False),
        ("CONTRIBUTOR_FINDING", "PERSON", 1, False),
    ]
    person = plan.contributions[3].label
    assert sorted(person.categories) == [types.CATEGORY_PHI, types.CATEGORY_PII]
    assert list(plan.label_deidentified.categories) == [types.CATEGORY_FINANCIAL]


async def test_a_label_without_a_level_leaves_the_callers_default_where_it_is(labelled):
    """An empty one, and one that says a category alone; here the default is INTERNAL."""
    for categories in ([], [types.CATEGORY_PCI]):
        request = generate_request("Which organ makes insulin?")
        request.label.CopyFrom(types.Label(categories=categories))
        plan = await labelled.client().plan(request)
        assert plan.label == types.Label(level=types.LEVEL_INTERNAL, categories=categories)
    said = await labelled.client().plan("Which organ makes insulin?", categories=[Category.PCI])
    assert said.label == types.Label(level=types.LEVEL_INTERNAL, categories=[types.CATEGORY_PCI])


async def test_what_a_source_says_stays_and_keeps_the_request_here(labelled):
    """Without the source the same text leaves, de-identified."""
    client = labelled.client()
    for source, kind in (("laboratory", types.TARGET_KIND_LOCAL), ("", types.TARGET_KIND_PROVIDER)):
        plan = await client.plan(NOTE, source=source, permission=MAY, quality_min=0.9 if not source else 0.0)
        assert plan.decision.target.kind == kind


async def test_a_rule_about_a_source_holds_for_the_turns_after_it(labelled):
    """Which carry what came from there, and need not name it."""
    client = labelled.client()

    async def kind_of(conversation):
        asked = {"conversation_id": conversation, "permission": MAY, "quality_min": 0.9}
        plan = await client.plan("And which organ makes it?", **asked)
        return plan.decision.target.kind

    await client.generate_text("What does the ticket say?", source="tickets", conversation_id="of a ticket")
    assert await kind_of("another") == types.TARGET_KIND_PROVIDER
    assert await kind_of("of a ticket") == types.TARGET_KIND_UNSPECIFIED  # what is good enough is not here


async def test_an_unknown_source_is_refused_before_anything_runs(labelled):
    with pytest.raises(RingfenceCallError) as caught:
        await labelled.client().generate_text(NOTE, source="labratory")
    assert (caught.value.code.name, caught.value.reason) == ("NOT_FOUND", "source_unknown")
    assert list(caught.value.detail.suggestions) == ["laboratory"]


async def test_a_name_that_is_a_key_stands_in_no_path(labelled):
    """Findings in a document are told at their place in it, each once."""
    raw = '{"Patient: Joanna Whitfield": {"ssn": "524-71-6038"}}'
    part = types.Part(json=raw)
    request = pb.GenerateRequest(messages=[types.Message(role=types.ROLE_USER, parts=[part])])
    plan = await labelled.client().plan(request)
    found = {finding.entity_type: raw[finding.start : finding.end] for finding in plan.findings}
    assert found["SSN"] == "524-71-6038"
    assert "Whitfield" in found["PERSON"]
    assert {finding.path for finding in plan.findings} == {"messages[0].parts[0].json"}
    assert len(plan.findings) == 2


async def test_the_log_names_the_table_that_the_agent_judges_by(labelled):
    """The agent's own, which the daemon's section does not touch."""
    assert {entry["policy_sha256"] for entry in labelled.entries()} == {Classification().digest()}
