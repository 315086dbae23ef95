"""What callers say of answers changes what the verifier makes of such answers, in every worker and without content."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest

from fakes.site import site as open_site
from ringfence.labels import Label, Level

pytestmark = pytest.mark.journey

ROUTING = """
[routing]
refit_labels_min = 80
explore = 0
"""
SHRUG = "/echo I am not sure, maybe ask the doctor in charge of group {}; I cannot say."
SURE = "/echo Group {} gets 2 * 50 = 100 mg. The answer is 100 mg."
ASKED = {"task": "doses", "quality_min": 0.0, "label": Label(Level.PUBLIC), "evaluators": ["verifier"]}
PATIENCE_S = 120.0


@pytest.fixture
async def pair():
    """A site whose two workers share what was learned."""
    folder = Path(tempfile.mkdtemp(prefix="rf-"))
    async with open_site(folder, workers=2, extra=ROUTING) as made:
        yield made
    shutil.rmtree(folder)


async def judged(site, says, number):
    """The receipt's request, and the probability that the answer is good by the verifier."""
    receipt = (await site.client().generate_text(says.format(number), **ASKED)).receipt
    (verdict,) = (one for one in receipt.verdicts if one.evaluator == "verifier")
    return receipt.request_id, verdict.score


async def test_callers_words_change_what_the_verifier_makes_of_answers(pair):
    _, shrug = await judged(pair, SHRUG, 900)
    _, sure = await judged(pair, SURE, 900)
    assert shrug < sure  # as it ships
    before = (await pair.client("auditor").routing()).verifier
    assert (before.refitted, before.labels) == (False, 0)

    # At this site who shrugs is right, say those who asked.
    for number in range(40):
        says, score = (SURE, 0.0) if number % 2 else (SHRUG, 1.0)
        request_id, _ = await judged(pair, says, number)
        await pair.client().feedback(request_id, score)

    deadline_s = asyncio.get_running_loop().time() + PATIENCE_S
    while not (standing := await pair.client("auditor").routing()).verifier.refitted:
        assert asyncio.get_running_loop().time() < deadline_s, standing
        await asyncio.sleep(0.25)
    assert standing.verifier.labels >= 35
    assert standing.verifier.rank_refitted > standing.verifier.rank_shipped
    await asyncio.sleep(1.5)  # the other worker looks, too
    for number in range(901, 907):
        assert (await judged(pair, SHRUG, number))[1] > 0.5 > (await judged(pair, SURE, number))[1]

    kept = b"".join(path.read_bytes() for path in (pair.folder / "state").glob("*.s*"))
    for word in (b"doctor", b"maybe", b"100 mg"):
        assert word not in kept
