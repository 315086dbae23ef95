"""Whether a process may serve, and what a person is told."""

from __future__ import annotations

import pytest

from ringfence.confine import begin as beginning
from ringfence.confine.begin import NotConfined, begin
from ringfence.confine.enclose import Standing
from ringfence.confine.selftest import Escape, Trial
from ringfence.confine.walls import Walls

WHOLE = Standing(landlock=7, seccomp=True)
LACKING = Standing(seccomp=True, missing=("Landlock is not in force: this kernel has none",))
WAY = Escape("udp4", "sent 25 bytes to 192.0.2.1")


@pytest.fixture
def world(monkeypatch):
    """What the kernel and the attempts would say; and what was asked of them."""
    told = {"standing": WHOLE, "found": (), "made": 100, "unclear": (), "calls": []}

    def enclose(walls, *, locks_memory):
        told["calls"].append(("enclose", locks_memory))
        return told["standing"]

    def trial(walls, standing, given, unreachable):
        told["calls"].append(("trial", given.writable, unreachable))
        return Trial(told["found"], told["made"], 7, told["unclear"])

    monkeypatch.setattr(beginning, "enclose", enclose)
    monkeypatch.setattr(beginning, "trial", trial)
    return told


def run(*, apply=True, required=False, self_test="warn"):
    return begin(
        Walls(),
        apply=apply,
        required=required,
        self_test=self_test,
        writable=("/state",),
        unreachable=("192.0.2.7:443",),
        locks_memory=True,
    )


def test_it_is_shut_in_before_it_is_tried(world):
    report = run()
    assert world["calls"] == [("enclose", True), ("trial", ("/state",), ("192.0.2.7:443",))]
    assert report.problem == ""
    fields = report.fields()
    assert fields["self_test"] == "passed"
    assert (fields["tried"], fields["not_here"], fields["unclear"]) == (100, 7, [])


@pytest.mark.parametrize("self_test", ["warn", "off"])
def test_what_the_kernel_lacks_is_told_and_no_reason_to_end(world, self_test):
    world["standing"] = LACKING
    report = run(self_test=self_test)
    assert report.problem == LACKING.missing[0]
    assert report.fields()["missing"] == list(LACKING.missing)


def test_it_is_one_where_everything_is_required(world):
    """And nothing is tried any more."""
    world["standing"] = LACKING
    with pytest.raises(NotConfined, match=r"confine\.required is set, and Landlock is not in force"):
        run(required=True)
    assert len(world["calls"]) == 1


def test_a_way_out_ends_the_process_that_enforces(world):
    """The text says which way, and what to do."""
    world["found"] = (WAY,)
    with pytest.raises(NotConfined, match="udp4: sent 25 bytes") as caught:
        run(self_test="enforce")
    assert "user of its own" in str(caught.value)


def test_one_that_the_kernel_has_nothing_against_does_not(world):
    """It is told, with what the kernel lacks."""
    world["standing"] = LACKING
    world["found"] = (Escape("write-tmp", "wrote a file in /tmp", is_promised=False),)
    report = run(self_test="enforce")
    assert "write-tmp" in report.problem
    assert LACKING.missing[0] in report.problem


def test_a_way_out_is_told_by_one_that_warns(world):
    world["found"] = (WAY,)
    report = run()
    assert report.fields()["escapes"] == ["udp4"]
    assert report.fields()["self_test"] == "escaped"
    assert "udp4: sent 25 bytes" in report.problem


def test_where_nothing_could_be_tried_nothing_is_passed(world):
    """It is told by one that warns, and ends the one that enforces; the walls stand all the same."""
    world["made"] = 0
    report = run()
    assert report.fields()["self_test"] == "untried"
    assert "no way out could be tried" in report.problem
    assert report.is_held
    with pytest.raises(NotConfined, match="no way out could be tried"):
        run(self_test="enforce")


def test_ways_out_of_which_nobody_can_tell_are_told_and_no_reason_to_end(world):
    """A machine that nobody foresaw serves as it did."""
    world["unclear"] = ("ptrace: killed by SIGKILL",)
    report = run(self_test="enforce")
    assert report.fields()["self_test"] == "passed"
    assert report.fields()["unclear"] == ["ptrace: killed by SIGKILL"]
    assert "ptrace: killed by SIGKILL" in report.problem
    assert report.is_held


@pytest.mark.parametrize(
    ("standing", "found", "is_held"),
    [
        (WHOLE, (), True),
        (Standing(landlock=2, seccomp=True, missing=("signals are not judged",)), (), True),
        (LACKING, (), False),
        (Standing(landlock=7, missing=("system calls are not judged",)), (), False),
        (WHOLE, (WAY,), False),
        (WHOLE, (Escape("kill", "signalled 1", is_promised=False),), True),
    ],
)
def test_a_wall_that_is_asked_for_and_lacks_is_no_good_health(world, standing, found, is_held):
    """What an older kernel judges less of is told, and no fault."""
    world["standing"], world["found"] = standing, found
    assert run().is_held is is_held


def test_walls_that_nobody_asks_for_lack_nobody(world):
    """A way out that works is told as such all the same."""
    assert run(apply=False).is_held
    world["found"] = (WAY,)
    assert not run(apply=False).is_held


def test_nothing_is_tried_where_that_is_off(world):
    report = run(self_test="off")
    assert [call[0] for call in world["calls"]] == ["enclose"]
    assert report.fields()["self_test"] == "off"
    assert report.fields()["tried"] == 0
    assert report.problem == ""


def test_a_process_that_is_not_to_be_shut_in_says_so(world):
    report = run(apply=False)
    assert [call[0] for call in world["calls"]] == ["trial"]
    assert "confine.apply is false" in report.problem
    with pytest.raises(NotConfined, match=r"confine\.apply is false"):
        run(apply=False, required=True)
