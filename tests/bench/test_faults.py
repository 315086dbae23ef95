"""`make test-faults` in small: what it finds in the real agent, and that it finds something in broken ones."""

import shutil
import subprocess

import pytest

from faults_parts.attempt import attempt
from faults_parts.campaign import points, survey
from faults_parts.points import Point
from faults_parts.rig import rig
from faults_parts.summary import figures, markdown

pytestmark = pytest.mark.journey

NAMES = ("sends",)
POINTS = (
    Point("sends", "call", "fdatasync", "EIO", 2),
    Point("sends", "call", "fdatasync", "power cut", 3),
    Point("sends", "call", "write", "ENOSPC+", 3),
    Point("sends", "call", "rename", "SIGKILL", 2),
    Point("sends", "short write", "write", "half", 2),
    Point("mixed", "call", "unlink", "EROFS", 1),
    Point("archive", "call", "fdatasync", "EIO", 2),
)
BROKEN = {
    "without_fdatasync": (Point("sends", "call", "fdatasync", "slow", 2), "durable"),
    "before_the_intent": (Point("sends", "call", "fdatasync", "EIO", 2), "sent:"),
    "forgetful": (Point("locked", "call", "fdatasync", "slow", 2), "lockdown:"),
}
"""Broken agent to a fault, and what must be found out with it."""


def can_trace():
    """Whether strace is there and may trace."""
    if shutil.which("strace") is None:
        return False
    return (
        subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0
    )


@pytest.mark.skipif(not can_trace(), reason="strace is missing (Debian: strace), or may not trace here")
async def test_a_few_faults_in_the_real_agent_and_the_same_in_broken_ones(short_folder):
    async with rig(short_folder / "w") as place:
        earlier = place.folder / "earlier"
        found = await survey(place, earlier, NAMES)
        paths = [str(place.folder / path) for path in found.paths]
        assert len(points(found, mounts=False)) > 700
        results = [await attempt(place, point, paths, earlier) for point in POINTS]
        for result in results:
            assert (result.fired, result.problems) == (True, []), result.point
        for hook, (point, what) in BROKEN.items():
            result = await attempt(place, point, paths, earlier, extra=(hook,))
            assert any(what in problem for problem in result.problems), (hook, result.problems)
    said = figures(results)
    assert (said["faults_injected"], said["sends_without_a_durable_intent"]) == (len(POINTS), 0)
    assert said["refusals"]
    assert "| fdatasync | EIO | 2 | 0 | 0 |" in markdown({"date": "today"}, results)
