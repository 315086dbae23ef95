"""Rules at work: entries and a clock in, alerts out."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.egresslog import canonical
from ringfenced.cli.auditing import checks
from ringfenced.cli.auditing.engine import Engine
from ringfenced.cli.auditing.norms import bound
from ringfenced.cli.auditing.record import Record
from ringfenced.cli.auditing.rules import Rules

NOW = 1_793_714_400_000
DAY = 86_400_000


def record(index, kind="refusal", at_s=0.0, **fields):
    names = {"caller": "p-1", "department": "ward", "provider": "cloud", "model": "gpt", **fields}
    time = NOW + int(at_s * 1000)
    return Record.of(index, canonical({"v": 1, "seq": index, "time_unix_ms": time, "kind": kind, **names}))


def engine(**rules):
    tables = {table: [{"name": f"{table} rule", **values}] for table, values in rules.items()}
    return Engine(Rules.model_validate(tables), NOW)


def told(running, records, now=NOW):
    return [alert for each in records for alert in running.see(each, now)]


# ── seen ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_entry_that_matches_raises_an_alert():
    running = engine(seen={"reasons": ["residual", "permit.*"], "per": "department", "severity": "high"})
    records = [
        record(0, reasons=["label"]),
        record(1, reasons=["label", "residual"]),
        record(2, reasons=["permit.signature"], department="lab"),
        record(3, kind="intent"),
    ]
    first, second = told(running, records)
    assert (first.index, first.subject, first.severity) == (1, {"department": "ward"}, "high")
    assert first.said == "seen rule: entry #1: refusal (label, residual)"
    assert (second.index, second.subject) == (2, {"department": "lab"})


def test_a_star_stands_for_anything_only_at_the_end():
    running = engine(seen={"reasons": ["permit.*"]})
    assert not told(
        running, [record(0, reasons=["permit"]), record(1, reasons=["permits"]), record(2, reasons="permit.x")]
    )


def test_outcomes_and_kinds():
    running = engine(seen={"kinds": ["outcome"], "outcomes": ["failed"]})
    records = [record(0, kind="outcome", outcome="failed"), record(1, outcome="failed"), record(2, kind="outcome")]
    assert [alert.index for alert in told(running, records)] == [0]


# ── quiet ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_comes_again_within_the_quiet_time_is_held_back_and_counted():
    running = engine(seen={"kinds": ["refusal"], "per": "department", "quiet_seconds": 60})
    records = [record(index, at_s=second) for index, second in enumerate((0, 10, 59.9, 60, 61))]
    records.insert(2, record(9, at_s=20, department="lab"))
    assert [(alert.index, alert.held_back) for alert in told(running, records)] == [(0, 0), (9, 0), (3, 2)]


def test_a_rule_says_no_more_than_so_many_alerts_an_hour():
    running = engine(seen={"kinds": ["refusal"], "quiet_seconds": 0, "alerts_per_hour_max": 3})
    records = [record(index, at_s=index) for index in range(10)] + [record(10, at_s=3600), record(11, at_s=3600.5)]
    assert [(alert.index, alert.held_back) for alert in told(running, records)] == [(0, 0), (1, 0), (2, 0), (10, 7)]


# ── rate ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_more_than_the_limit_within_the_window():
    running = engine(rate={"kinds": ["refusal"], "per": "caller", "limit": 3, "window_seconds": 60})
    slow = [record(index, at_s=index * 21, caller="slow") for index in range(10)]
    fast = [record(20 + index, at_s=200 + index, caller="fast") for index in range(4)]
    (alert,) = told(running, slow + fast)
    assert (alert.index, alert.subject) == (23, {"caller": "fast"})
    assert "more than 3 entries within 60 s" in alert.said


@given(times=st.lists(st.integers(0, 100), max_size=30).map(sorted), limit=st.integers(1, 5), window=st.integers(1, 20))
def test_a_rate_is_what_counting_says(times, limit, window):
    rule = {
        "kinds": ["refusal"],
        "limit": limit,
        "window_seconds": window,
        "quiet_seconds": 0,
        "alerts_per_hour_max": 3600,
    }
    running = engine(rate=rule)
    found = [bool(running.see(record(index, at_s=time), NOW)) for index, time in enumerate(times)]
    counted = [
        sum(1 for other in times[: index + 1] if other >= time - window) > limit for index, time in enumerate(times)
    ]
    assert found == counted


# ── first use ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_use_by_a_department_is_told_once():
    running = engine(first_use={"of": "model", "by": "department", "quiet_seconds": 0})
    records = [
        record(0, "intent"),
        record(1, "intent"),
        record(2, "intent", model="big"),
        record(3, model="never sent"),
    ]
    first, second = told(running, records)
    assert (first.index, second.index) == (0, 2)
    assert second.subject == {"department": "ward", "provider": "cloud", "model": "big"}
    assert "ward sends to cloud/big for the first time" in second.said


def test_what_is_used_while_learning_is_known_afterwards():
    running = engine(first_use={"learn_days": 1})
    records = [record(0, "start"), record(1, "intent", at_s=86_399), record(2, "intent", at_s=90_000)]
    assert not told(running, records)
    assert told(running, [record(3, "intent", at_s=90_000, provider="new")])


def test_history_is_learnt_from_without_a_word():
    running = engine(first_use={}, seen={"kinds": ["intent"]})
    assert running.see(record(0, "intent"), NOW, learn=True) == []
    assert [alert.rule for alert in told(running, [record(1, "intent")])] == ["seen rule"]


# ── norm ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def days(*sums, start=0, **fields):
    """An intent a day; 0 for a day without."""
    return [
        record(start + index, "intent", at_s=(start + index) * 86_400, bytes_out=amount, **fields)
        for index, amount in enumerate(sums)
        if amount
    ]


def norm(**changes):
    return engine(norm={"days": 7, "days_min": 3, "k": 3.0, "floor": 100, "quiet_seconds": 0, **changes})


def test_a_day_far_above_the_norm_is_told_once():
    running = norm()
    assert not told(running, days(1000, 1100, 900, 1000, 1050))
    extra = [record(9, "intent", at_s=4 * 86_400 + 60 + step, bytes_out=400) for step in range(5)]
    (alert,) = told(running, extra)
    assert alert.subject == {"department": "ward"}
    assert "bytes_out of 2026-11-07 are 1,450" in alert.said


def test_the_norm_is_the_median_and_the_scaled_deviation():
    """By hand: median 1050, deviations 0 50 50 100 850, their median 50; 1050 + 3 * 1.4826 * 50."""
    assert bound([950, 1000, 1050, 1100, 1900], 3.0) == pytest.approx(1272.39)


def test_one_wild_day_does_not_move_the_norm():
    assert bound([1000, 1010, 990, 1000, 10**12], 6.0) < 1200


def test_days_without_anything_do_not_count():
    running = norm()
    assert not told(running, days(1000, 0, 0, 1100, 0, 900, 1000))


def test_with_few_days_there_is_no_norm_and_only_the_ceiling_counts():
    assert not told(norm(), days(100, 10**9))
    (alert,) = told(norm(ceiling=10**6), days(100, 10**9))
    assert "over 1,000,000" in alert.said


def test_below_the_floor_nothing_is_too_much():
    assert not told(norm(floor=10**6), days(1, 1, 1, 1, 999_999))
    assert told(norm(floor=10**6), days(1, 1, 1, 1, 1_000_001))


def test_cost_is_summed_over_outcomes_and_requests_are_counted():
    cost = norm(of="cost_microcredits", ceiling=100)
    assert told(cost, [record(0, "intent", cost_microcredits_max=999), record(1, "outcome", cost_microcredits=101)])
    requests = norm(of="requests", ceiling=2, per="site")
    assert [alert.index for alert in told(requests, [record(index, "intent") for index in range(4)])] == [2]


# ── silence ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def minutes(running, *numbers):
    return [minute for minute in numbers if running.tick(NOW + minute * 60_000)]


def test_silence_is_told_after_its_time_and_again_after_the_quiet_time():
    running = engine(silence={"minutes": 5, "quiet_seconds": 600})
    assert minutes(running, 1, 4, 5, 6, 14, 15) == [5, 15]


def test_a_log_that_is_there_is_no_silence_though_nothing_is_written():
    log, entries = engine(silence={"minutes": 5}), engine(silence={"minutes": 5, "of": "entries"})
    for running in (log, entries):
        running.heard(NOW + 4 * 60_000)
    assert minutes(log, 5, 8, 9) == [9]
    assert minutes(entries, 5) == [5]


def test_an_entry_ends_silence():
    running = engine(silence={"minutes": 5, "of": "entries"})
    running.see(record(0), NOW + 240_000)
    assert minutes(running, 5, 8, 9) == [9]


@pytest.mark.parametrize(
    ("between", "heard"), [("13:00-15:00", True), ("15:00-16:00", False), ("22:00-14:30", True), ("22:00-06:00", False)]
)
def test_silence_counts_in_its_hours_only(between, heard):
    """NOW is 14:00 UTC."""
    running = engine(silence={"minutes": 5, "between": between})
    assert bool(minutes(running, 5)) == heard


# ── state ────────────────────────────────────────────────────────────────────────────────────────────────────────────

ALL = {
    "seen": {"kinds": ["lockdown"], "quiet_seconds": 5},
    "rate": {"kinds": ["refusal"], "per": "caller", "limit": 2, "window_seconds": 10, "quiet_seconds": 3},
    "first_use": {"of": "model", "learn_days": 0},
    "norm": {"days": 3, "days_min": 3, "k": 1.0, "floor": 0},
}
KINDS = st.sampled_from(["intent", "refusal", "outcome", "lockdown"])
STEPS = st.tuples(KINDS, st.integers(0, 100_000), st.sampled_from("abc"), st.integers(0, 1000))


@settings(max_examples=60)
@given(st.lists(STEPS, max_size=40), st.integers(0, 40))
def test_who_goes_on_from_kept_state_says_what_one_who_never_stopped_says(steps, cut):
    records, at_s = [], 0
    for index, (kind, later_s, name, amount) in enumerate(steps):
        at_s += later_s
        records.append(record(index, kind, at_s=at_s, caller=name, model=name, department=name, bytes_out=amount))
    one, before, after = engine(**ALL), engine(**ALL), engine(**ALL)
    said = told(before, records[:cut])
    assert after.load(json.loads(json.dumps(before.dump()))) == []
    assert said + told(after, records[cut:]) == told(one, records)


def test_a_rule_that_was_changed_begins_afresh():
    before, after = engine(**ALL), engine(**(ALL | {"rate": {**ALL["rate"], "limit": 3}}))
    assert after.load(before.dump()) == ["rate rule"]


def test_who_has_been_quiet_for_longer_than_the_window_is_not_kept():
    running = engine(rate={"per": "caller", "limit": 1, "window_seconds": 60})
    told(running, [record(0, caller="old"), record(1, at_s=50, caller="a"), record(2, at_s=100, caller="b")])
    assert [json.loads(key) for key in running.dump()["rate rule"]["state"]] == [[["caller", "a"]], [["caller", "b"]]]


def test_subjects_are_bounded(monkeypatch):
    monkeypatch.setattr(checks, "SUBJECTS_MAX", 5)
    running = engine(
        rate={"per": "caller", "limit": 1}, first_use={"by": "caller"}, norm={"per": "caller", "ceiling": 1}
    )
    told(running, [record(index, "intent", caller=f"c{index}", bytes_out=9) for index in range(50)])
    kept = running.dump()
    assert (
        len(kept["rate rule"]["state"])
        == len(kept["first_use rule"]["state"]["known"])
        == len(kept["norm rule"]["state"])
        == 5
    )
    assert all(len(each["told"]) <= 5 for each in kept.values())


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
VALUES = st.none() | st.integers() | TEXTS | st.lists(TEXTS, max_size=2)
TIMES = st.integers() | st.none() | st.just(10**18)


@given(st.dictionaries(st.sampled_from(["caller", "provider", "reasons", "bytes_out"]), VALUES), KINDS, TIMES)
def test_no_entry_breaks_a_rule(fields, kind, time):
    fields |= {"kind": kind, "time_unix_ms": time}
    running = engine(**ALL)
    running.see(Record.of(0, canonical(fields)), NOW)
