"""Classes, bounds and deadlines of what waits for an engine."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.model import Priority
from ringfenced.schedule.fair import BATCH_PART, FairQueue
from ringfenced.schedule.shares import Job

WORK_MAX = 8


def job(share=b"a", *, weight=1, work=1.0, batch=False, deadline_s=float("inf")):
    return Job(share, weight, work, Priority.BATCH if batch else Priority.INTERACTIVE, deadline_s)


jobs = st.builds(
    job,
    st.sampled_from((b"a", b"b", b"c")),
    work=st.integers(1, WORK_MAX).map(float),
    batch=st.booleans(),
    deadline_s=st.one_of(st.just(float("inf")), st.integers(0, 30).map(float)),
)
events = st.lists(st.one_of(jobs, st.just("pop"), st.integers(0, 40), st.floats(0, 30)), max_size=150)


@given(events, st.integers(0, 6))
def test_every_job_leaves_once_and_the_bound_holds(events, length_max):
    """Work conserving: a pop gives a job whenever one waits."""
    queue = FairQueue(length_max)
    inside = set()
    for event in events:
        if isinstance(event, Job):
            inside.add(event)
            gone = queue.push(event)
            if gone is not None:
                inside.remove(gone)
        elif event == "pop":
            head = queue.peek()
            assert (head is None) == (not inside)
            if head is not None:
                assert queue.pop() is head
                inside.remove(head)
        elif isinstance(event, float):
            late = queue.expire(event)
            assert [one.deadline_s for one in late] == sorted(one.deadline_s for one in late)
            assert all(one.deadline_s <= event for one in late)
            inside.difference_update(late)
            assert not any(one.deadline_s <= event for one in inside)
        elif inside:
            gone = sorted(inside, key=id)[event % len(inside)]
            queue.remove(gone)
            inside.remove(gone)
        assert set(queue) == inside
        assert len(queue) == len(inside)
        for priority in Priority:
            assert queue.waiting(priority) <= length_max
        assert queue.deadline_s <= min((one.deadline_s for one in inside), default=float("inf"))


@given(st.lists(st.tuples(st.integers(1, WORK_MAX), st.integers(1, WORK_MAX)), min_size=1, max_size=80))
def test_batch_gets_its_part_where_both_wait(works):
    queue = FairQueue(1000)
    for interactive, batch in works:
        queue.push(job(work=float(interactive)))
        queue.push(job(work=float(batch), batch=True))
    done = Counter()
    while queue.waiting(Priority.INTERACTIVE) and queue.waiting(Priority.BATCH):
        popped = queue.pop()
        done[popped.priority] += popped.work
        total = done.total()
        assert done[Priority.BATCH] >= total / BATCH_PART - 2 * WORK_MAX
        assert done[Priority.BATCH] <= total / BATCH_PART + 2 * WORK_MAX


def test_batch_waits_for_interactive_and_runs_where_there_is_none():
    queue = FairQueue(10)
    for one in (job(batch=True), job(), job()):
        queue.push(one)
    assert [queue.pop().priority for _ in range(3)] == [Priority.INTERACTIVE, Priority.INTERACTIVE, Priority.BATCH]


def test_a_full_line_makes_room_for_a_share_that_holds_less():
    queue = FairQueue(4)
    flood = [job(b"flood") for _ in range(4)]
    for one in flood:
        assert queue.push(one) is None
    late = job(b"flood")
    assert queue.push(late) is late
    light = job(b"light")
    assert queue.push(light) is flood[3]
    assert queue.push(job(b"light")) is flood[2]
    third = job(b"light")
    assert queue.push(third) is third
    batch = job(b"flood", batch=True)
    assert queue.push(batch) is None


def test_a_heavier_share_holds_more_of_a_full_line():
    queue = FairQueue(4)
    heavy = [job(b"heavy", weight=3) for _ in range(4)]
    for one in heavy:
        queue.push(one)
    assert queue.push(job(b"light")) is heavy[3]
    again = job(b"light")
    assert queue.push(again) is again


@given(st.lists(st.sampled_from((b"a", b"b", b"c", b"d")), max_size=100), st.integers(4, 12))
def test_who_holds_less_than_an_equal_part_is_never_refused(names, length_max):
    queue = FairQueue(length_max)
    for name in names:
        held = Counter(one.share for one in queue)
        newcomer = job(name)
        gone = queue.push(newcomer)
        if held[name] < length_max // 4:
            assert gone is not newcomer
        if gone is not None and gone is not newcomer:
            assert held[gone.share] > held[name] + 1


def test_a_job_that_begins_at_once_waits_in_no_line():
    queue = FairQueue(0)
    first = job()
    assert queue.push(first, is_bounded=False) is None
    assert queue.pop() is first


@given(
    st.lists(st.tuples(st.sampled_from((b"a", b"b")), st.integers(1, WORK_MAX), st.booleans()), max_size=60),
    st.integers(0, 20),
    st.booleans(),
)
def test_the_work_ahead_is_estimated_to_a_few_jobs(waiting, popped, batch):
    queue = FairQueue(1000)
    for share, work, is_batch in waiting:
        queue.push(job(share, work=float(work), batch=is_batch))
    for _ in range(min(popped, len(waiting))):
        queue.pop()
    newest = job(b"b", work=4.0, batch=batch)
    ahead = queue.ahead(newest.priority, newest.share, 1, newest.work)
    queue.push(newest)
    begun = 0.0
    while (one := queue.pop()) is not newest:
        begun += one.work
    slack = WORK_MAX * 4 + (WORK_MAX * BATCH_PART if batch else 0)
    assert ahead == pytest.approx(begun, abs=slack)


def test_dead_deadlines_do_not_gather():
    queue = FairQueue(10)
    for _ in range(10_000):
        one = job(deadline_s=1e9)
        queue.push(one)
        queue.pop()
    assert len(queue._deadlines) < 200
