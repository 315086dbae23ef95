"""What processes said of their walls."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.confine.begin import Report
from ringfence.confine.enclose import Standing
from ringfence.confine.selftest import Escape, Trial
from ringfenced.cli.doctoring.finding import State
from ringfenced.cli.doctoring.selftest import Confined, SelfTestFacts, confined, event, judge

WELL = Confined(landlock=7, seccomp=True, self_test="passed")


def stands(*said):
    return judge([SelfTestFacts("ringfenced.service", said)])[0].state


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ([WELL], State.OK),
        ([], State.WARNING),
        ([Confined(7, seccomp=True, self_test="escaped", escapes=("tcp4",))], State.ERROR),
        ([Confined(0, seccomp=True, self_test="passed", missing=("Landlock is not in force",))], State.ERROR),
        ([Confined(7, seccomp=False, self_test="passed", missing=("system calls are not judged",))], State.ERROR),
        ([Confined(2, seccomp=True, self_test="passed", missing=("signals are not judged",))], State.WARNING),
        ([Confined(7, seccomp=True, self_test="off")], State.WARNING),
        ([WELL, Confined(7, seccomp=True, self_test="escaped", escapes=("tcp4",))], State.ERROR),
        ([Confined(7, seccomp=True, self_test="untried", tried=0)], State.WARNING),
        ([Confined(7, seccomp=True, self_test="passed", tried=90, unclear=("kill: ended with 1",))], State.WARNING),
        ([Confined(7, seccomp=True, self_test="passed", tried=90)], State.OK),
        ([WELL, Confined(7, seccomp=True, self_test="off")], State.WARNING),
        ([WELL, Confined(0, seccomp=True, self_test="passed", missing=("Landlock is not in force",))], State.ERROR),
    ],
)
def test_only_processes_that_are_shut_in_and_tried_it_are_well(said, state):
    """The worst of a service's processes counts."""
    assert stands(*said) is state


WORDS = st.lists(st.text(max_size=9), max_size=3).map(tuple)
WAYS = st.lists(st.sampled_from(["tcp4", "kill"]).map(lambda way: Escape(way, "")), max_size=2).map(tuple)


@given(
    st.builds(Standing, landlock=st.integers(0, 9), seccomp=st.booleans(), missing=WORDS),
    st.none() | st.builds(Trial, WAYS, made=st.integers(0, 200), not_here=st.integers(0, 9), unclear=WORDS),
)
def test_what_a_process_says_is_read_back_from_its_line(standing, trial):
    """Daemon and agent write the same fields."""
    report = Report(standing, trial)
    said = report.fields()
    found = confined(json.dumps({"event": "confined", "level": "info", **said}))
    tried = trial or Trial()
    ways = tuple(one.name for one in tried.escapes)
    words = (standing.missing, ways, tried.made, tried.unclear)
    assert found == Confined(standing.landlock, standing.seccomp, said["self_test"], *words)
    is_whole = report.is_held and tried.made and not (standing.missing or ways or tried.unclear)
    assert (stands(found) is State.OK) == bool(is_whole)


@given(st.text(max_size=80) | st.sampled_from(["[]", "1", '{"event":7}', '{"event":"confined","missing":3}']))
def test_whatever_stands_in_a_journal_is_no_reason_to_fail(line):
    """Other programs write there too."""
    confined(line)
    event(line)


def test_every_other_line_says_nothing_of_walls():
    """Here the one at which reading ends."""
    assert confined('{"event":"ready"}') is None
    assert event('{"event":"ready"}') == "ready"


def test_how_many_were_tried_is_told_where_they_say_it():
    """The process that tried least counts; one of an older version does not say."""
    few, many = (Confined(7, seccomp=True, self_test="passed", tried=tried) for tried in (90, 119))
    (found,) = judge([SelfTestFacts("ringfenced.service", (few, many))])
    assert found.told.startswith("no way out of 90 that were tried worked")
    (found,) = judge([SelfTestFacts("ringfenced.service", (WELL,))])
    assert found.told.startswith("no way out worked")
