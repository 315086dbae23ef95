"""What processes said of their walls."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.confine.begin import Report
from ringfence.confine.enclose import Standing
from ringfence.confine.selftest import Escape
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
        ([WELL, Confined(7, seccomp=True, self_test="off")], State.WARNING),
        ([WELL, Confined(0, seccomp=True, self_test="passed", missing=("Landlock is not in force",))], State.ERROR),
    ],
)
def test_only_processes_that_are_shut_in_and_tried_it_are_well(said, state):
    """The worst of a service's processes counts."""
    assert stands(*said) is state


@given(
    st.integers(0, 9),
    st.booleans(),
    st.lists(st.text(max_size=9), max_size=3),
    st.lists(st.sampled_from(["tcp4", "kill"]), max_size=2),
    st.booleans(),
)
def test_what_a_process_says_is_read_back_from_its_line(version, seccomp, missing, ways, tested):
    """Daemon and agent write the same fields."""
    standing = Standing(landlock=version, seccomp=seccomp, missing=tuple(missing))
    report = Report(standing, tuple(Escape(way, "") for way in ways), tested=tested)
    line = json.dumps({"event": "confined", "level": "info", **report.fields()})
    found = confined(line)
    assert found == Confined(version, seccomp, report.fields()["self_test"], tuple(missing), tuple(ways))
    is_whole = report.is_held and tested and not missing and not ways
    assert (stands(found) is State.OK) == is_whole


@given(st.text(max_size=80) | st.sampled_from(["[]", "1", '{"event":7}', '{"event":"confined","missing":3}']))
def test_whatever_stands_in_a_journal_is_no_reason_to_fail(line):
    """Other programs write there too."""
    confined(line)
    event(line)


def test_every_other_line_says_nothing_of_walls():
    """Here the one at which reading ends."""
    assert confined('{"event":"ready"}') is None
    assert event('{"event":"ready"}') == "ready"
