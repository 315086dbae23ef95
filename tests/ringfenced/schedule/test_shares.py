"""Fair shares within a class."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from ringfenced.schedule.shares import Job, Shares

NAMES = (b"a", b"b", b"c")
WEIGHTS = {b"a": 1, b"b": 2, b"c": 5}
WORK_MAX = 20

jobs = st.builds(
    lambda share, work: Job(share, WEIGHTS[share], float(work)), st.sampled_from(NAMES), st.integers(1, WORK_MAX)
)
events = st.lists(st.one_of(jobs, st.just("pop"), st.integers(0, 50)), max_size=120)


def play(shares, events):
    """Carry out events: a job is pushed, a number is one that leaves; yield each popped job, and what still waits."""
    waiting = []
    for event in events:
        if isinstance(event, Job):
            shares.push(event)
            waiting.append(event)
        elif event == "pop":
            if waiting:
                job = shares.pop()
                waiting.remove(job)
                yield job, tuple(waiting)
        elif waiting:
            gone = waiting.pop(event % len(waiting))
            shares.remove(gone)
        assert len(shares) == len(waiting)
        assert set(shares) == set(waiting)
        assert abs(shares.work - sum(job.work for job in waiting)) < 1e-6


@given(events)
def test_a_share_is_served_first_come_first_served(events):
    arrivals = {event: place for place, event in enumerate(events) if isinstance(event, Job)}
    last = defaultdict(lambda: -1)
    for job, _ in play(Shares(), events):
        assert arrivals[job] > last[job.share]
        last[job.share] = arrivals[job]


@given(events)
def test_no_share_with_waiting_jobs_falls_behind_by_more_than_two_jobs(events):
    """Goyal et al., theorem 1, over every time in which two shares wait without a break."""
    done = defaultdict(float)
    shares = Shares()
    since = {}
    for event in events:
        for job, _ in play_one(shares, event):
            done[job.share] += job.work / job.weight
        backlogged = {job.share for job in shares}
        for one in NAMES:
            for other in NAMES:
                pair = (one, other)
                if one < other and {one, other} <= backlogged:
                    from_one, from_other = since.setdefault(pair, (done[one], done[other]))
                    difference = (done[one] - from_one) - (done[other] - from_other)
                    assert abs(difference) <= WORK_MAX / WEIGHTS[one] + WORK_MAX / WEIGHTS[other] + 1e-6
                else:
                    since.pop(pair, None)


def play_one(shares, event):
    if isinstance(event, Job):
        shares.push(event)
    elif event == "pop":
        if len(shares):
            yield shares.pop(), ()
    elif len(shares):
        shares.remove(list(shares)[event % len(shares)])


@given(events)
def test_the_same_events_give_the_same_order(events):
    first = [id(job) for job, _ in play(Shares(), events)]
    assert first == [id(job) for job, _ in play(Shares(), events)]


@given(events, st.sampled_from(NAMES))
def test_the_work_ahead_is_estimated_to_a_job_of_each_share(events, name):
    shares = Shares()
    for _ in play(shares, events):
        pass
    ahead = shares.ahead(name, WEIGHTS[name])
    job = Job(name, WEIGHTS[name], 1.0)
    shares.push(job)
    begun = 0.0
    while (popped := shares.pop()) is not job:
        begun += popped.work
    assert abs(begun - ahead) <= WORK_MAX * len(NAMES)


def test_weights_divide_the_work():
    shares = Shares()
    for _ in range(100):
        for name in NAMES:
            shares.push(Job(name, WEIGHTS[name], 3.0))
    first = [shares.pop().share for _ in range(80)]
    assert [first.count(name) for name in NAMES] == [10, 20, 50]


def test_a_share_that_was_away_has_saved_nothing_up():
    shares = Shares()
    for _ in range(50):
        shares.push(Job(b"a", 1, 1.0))
    for _ in range(20):
        shares.pop()
    for _ in range(20):
        shares.push(Job(b"b", 1, 1.0))
    order = [shares.pop().share for _ in range(20)]
    assert order.count(b"b") in {10, 11}


def test_a_share_that_took_more_than_expected_waits_longer():
    shares = Shares()
    for name in (b"a", b"b"):
        for _ in range(10):
            shares.push(Job(name, 1, 1.0))
    first = shares.pop()
    shares.correct(first, 5.0)
    assert [shares.pop().share for _ in range(5)] == [b"b"] * 5


def test_leaving_and_coming_back_does_not_wipe_out_what_is_owed():
    shares = Shares()
    shares.push(Job(b"b", 1, 1.0))
    shares.push(Job(b"b", 1, 1.0))
    shares.push(Job(b"a", 1, 10.0))
    assert shares.pop().share == b"b"
    assert shares.pop().share == b"a"
    shares.push(Job(b"a", 1, 10.0))
    assert shares.pop().share == b"b"


def test_dead_entries_do_not_gather():
    shares = Shares()
    shares.push(Job(b"b", 1, 1.0))
    for _ in range(10_000):
        job = Job(b"a", 1, 1.0)
        shares.push(job)
        shares.remove(job)
    assert len(shares._heap) < 200
    assert len(shares._debts) <= 1
