"""What strace says, read back; and the pessimist's disk, on which only what was synced survives."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faults_parts import judge
from faults_parts.attempt import milliseconds
from faults_parts.points import Point, counted, injection, of_calls
from faults_parts.trace import Disk, parse
from faults_parts.workloads import Record, Told

LOG = "/x/log/entries-000000.ndjson"
TRACE = f"""\
10.000000 openat(AT_FDCWD</x>, "{LOG}", O_RDWR|O_CREAT|O_EXCL|O_APPEND|O_CLOEXEC, 0600) = 7<{LOG}> <0.000100>
10.100000 write(7<{LOG}>, ""..., 300) = 300 <0.000100>
10.200000 fdatasync(7<{LOG}>) = 0 <0.050000>
10.300000 write(7<{LOG}>, ""..., 200) = 150 <0.000100>
10.400000 fdatasync(7<{LOG}>) = -1 EIO (Input/output error) (INJECTED) <0.000100>
10.500000 write(9</x/log/checkpoint.new>, ""..., 80) = 80 <0.000100>
10.600000 fsync(9</x/log/checkpoint.new>) = 0 (DELAYED) <0.100000>
10.800000 rename("/x/log/checkpoint.new", "/x/log/checkpoint") = 0 <0.000100>
10.900000 fdatasync(7<{LOG}>) = ?
10.950000 +++ killed by SIGKILL +++
"""


def calls():
    return parse(TRACE.splitlines(keepends=True), 1)


def test_lines_of_strace_are_read():
    found = calls()
    assert [call.name for call in found].count("fdatasync") == 3
    assert [call.injected for call in found] == [False] * 4 + [True, False, True, False, False]
    assert (found[1].paths, found[1].result) == ((LOG,), 300)
    assert found[7].paths == ("/x/log/checkpoint.new", "/x/log/checkpoint")
    assert found[-1].result is None
    assert found[2].ended_s == pytest.approx(10.25)


def test_names_are_seen_from_the_folder_that_they_are_opened_in():
    lines = [
        '10.0 openat(5</x/log>, "checkpoint.new", O_WRONLY|O_TRUNC, 0600) = 9</x/log/checkpoint.new> <0.0>',
        '10.1 renameat(5</x/log>, "checkpoint.new", 5</x/log>, "checkpoint") = 0 <0.0>',
        '10.2 unlinkat(5</x/log>, "lockdown", 0) = 0 <0.0>',
        '10.3 openat(AT_FDCWD</y>, "/x/log/lock", O_RDWR) = 4</x/log/lock> <0.0>',
    ]
    assert [call.paths for call in parse(lines, 1)] == [
        ("/x/log/checkpoint.new",),
        ("/x/log/checkpoint.new", "/x/log/checkpoint"),
        ("/x/log/lockdown",),
        ("/x/log/lock",),
    ]


def test_what_is_durable_is_what_a_sync_that_succeeded_has_covered():
    disk = Disk()
    disk.replay(calls())
    assert [disk.durable(LOG, at_s) for at_s in (10.19, 10.24, 10.26, 11.0)] == [0, 0, 300, 300]
    assert disk.lengths[LOG] == 450
    assert (disk.durable("/x/log/checkpoint", 11.0), disk.durable("/x/log/checkpoint.new", 11.0)) == (80, 0)


def test_a_file_that_was_there_is_durable_and_what_is_cut_is_gone():
    disk = Disk()
    disk.begin(LOG, 500)
    disk.replay(parse([f"10.0 ftruncate(7<{LOG}>, 450) = 0 <0.0>", f'10.1 unlink("{LOG}x") = 0 <0.0>'], 1))
    assert (disk.durable(LOG, 9.0), disk.durable(LOG, 11.0)) == (500, 450)


def test_points_are_every_call_in_every_way_as_often_as_one_thread_makes_it():
    most = counted([*calls(), *parse([f"11.0 fdatasync(7<{LOG}>) = 0 <0.0>"], 2)], frozenset({LOG}))
    assert (most["fdatasync"], most["write"], most["rename"]) == (3, 2, 0)
    found = list(of_calls("sends", most))
    assert len(set(found)) == len(found)
    assert {point.number for point in found if point.call == "write"} == {1, 2}


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("EIO", "inject=write:error=EIO:when=4"),
        ("ENOSPC+", "inject=write:error=ENOSPC:when=4+"),
        ("SIGKILL", "inject=write:signal=SIGKILL:when=4"),
        ("power cut", "inject=write:signal=SIGKILL:when=4"),
        ("slow", "inject=write:delay_enter=100000:when=4"),
    ],
)
def test_a_point_as_strace_takes_it(kind, said):
    assert injection(Point("sends", "call", "write", kind, 4)) == ["-e", said]
    assert injection(Point("sends", "clock", "clock", kind, 4)) == []


def entry(index, **fields):
    raw = json.dumps({"seq": index, "kind": "outcome", **fields}).encode()
    return judge.Entry(raw, json.loads(raw), LOG, 100 * (index + 1))


def test_lost_changed_and_early_acknowledgements_are_found():
    log = [entry(0), entry(1, kind="intent"), entry(2)]
    disk = Disk()
    disk.begin(LOG, 200)
    record = Record(proven=[(1.0, 0, log[0].raw, "")], admitted=[(1.0, 1)])
    assert list(judge.acknowledged(record, log, disk)) == []
    record = Record(proven=[(1.0, 0, b"other", ""), (1.0, 2, log[2].raw, ""), (1.0, 3, b"x", "")], admitted=[(1.0, 0)])
    found = list(judge.acknowledged(record, log, disk))
    assert [problem.split(" ")[2] for problem in found] == ["0", "2", "3", "0"]
    assert "before it was durable" in found[1]


def test_a_call_that_hangs_or_ends_in_a_defect_is_found():
    told = [Told("send", 0, 1, end) for end in ("sent", "refused", "FAILED_PRECONDITION", "HANGS", "INTERNAL")]
    assert len(list(judge.typed(told, died=False))) == 2
    gone = [Told("send", 0, 1, "UNAVAILABLE")]
    assert (len(list(judge.typed(gone, died=True))), len(list(judge.typed(gone, died=False)))) == (0, 1)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=50), st.floats(0, 1))
def test_a_quantile_lies_among_its_values(values, part):
    assert milliseconds(values, part) in {round(1000 * value, 1) for value in values}
    assert milliseconds([], part) is None
