"""A month's figures, and the tables that they become."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.egresslog import canonical
from ringfenced.cli.auditing import figures as module
from ringfenced.cli.auditing.figures import NONE, OTHERS, Figures
from ringfenced.cli.auditing.record import Record
from ringfenced.cli.auditing.report import figures_of
from ringfenced.cli.auditing.sheets import Sheet, sheets, to_csv
from ringfenced.cli.auditing.times import month

START, END = month("2026-11")
DAY = 86_400_000


def entry(index, kind, day=0, **fields):
    names = {"department": "ward", "provider": "cloud", "model": "gpt", "region": "eu"}
    return canonical({"v": 1, "seq": index, "time_unix_ms": START + day * DAY, "kind": kind, **names, **fields})


def intent(index, day=0, bytes_out=100, **fields):
    label = {"level": "INTERNAL", "categories": ["PHI"]}
    more = {"caller": "p-1", "label": label, "label_before": {"level": "RESTRICTED"}, "bytes_out": bytes_out}
    return entry(index, "intent", day, **(more | fields))


def of(*entries):
    found = Figures()
    for index, each in enumerate(entries):
        found.take(Record.of(index, each))
    return found


MONTH = of(
    entry(0, "start"),
    intent(1, findings_before={"PERSON": 2}, findings={"DATE": 1}),
    intent(2, day=1, caller="p-2", department="lab", bytes_out=50),
    entry(3, "outcome", 1, intent=1, outcome="answered", reasons=["stop"], bytes_in=70, cost_microcredits=9),
    entry(4, "outcome", 1, intent=2, outcome="failed", reasons=["deadline"], department="lab", cost_microcredits=1),
    entry(5, "refusal", 1, caller="p-1", reasons=["label", "residual"], findings={"PERSON": 1}, bytes_out=0),
    intent(6, day=2, bytes_out=1000),
    entry(7, "outcome", 2, intent=6, outcome="cancelled", reasons=["before_sending"], bytes_out=1000),
    entry(8, "lockdown", 2, on=1, why="drill", caller="op-1"),
    entry(9, "key", 2, caller="op-1"),
    b"\xff",
)


def test_everything_together():
    total = MONTH.total
    assert (MONTH.entries, MONTH.unreadable, MONTH.first, MONTH.last) == (11, 1, 0, 10)
    assert (total.sent, total.refused, total.answered, total.failed) == (2, 1, 1, 1)
    assert (total.bytes_out, total.bytes_in, total.cost_microcredits) == (150, 70, 10)


def test_a_request_that_came_to_nothing_did_not_leave():
    assert MONTH.days[("2026-11-03",)].sent == 0
    assert MONTH.days[("2026-11-03",)].bytes_out == 0


def test_an_outcome_counts_for_the_caller_and_the_label_of_its_intent():
    """Which it does not repeat."""
    assert MONTH.callers[("p-1", "ward")].cost_microcredits == 9
    assert MONTH.callers[("p-2", "lab")].failed == 1
    assert MONTH.labels[("INTERNAL {PHI}", "RESTRICTED")].answered == 1


def test_an_outcome_of_an_intent_from_before_counts_for_nobody_in_particular():
    found = of(entry(0, "outcome", intent=77, outcome="answered", cost_microcredits=5))
    assert found.callers[(NONE, "ward")].cost_microcredits == 5
    assert found.total.sent == 0


def test_findings_reasons_and_events():
    assert (MONTH.findings_before, MONTH.findings_sent, MONTH.findings_refused) == (
        {"PERSON": 2},
        {"DATE": 1},
        {"PERSON": 1},
    )
    assert MONTH.refusals == {("label", "ward"): 1, ("residual", "ward"): 1}
    assert MONTH.outcomes[("failed", "deadline")] == 1
    assert [(event.kind, event.by) for event in MONTH.events[:3]] == [
        ("start", ""),
        ("lockdown", "op-1"),
        ("key", "op-1"),
    ]


def test_only_the_entries_of_the_month_count():
    pairs = list(enumerate([intent(0, -1), intent(1, 0), b"\xff", intent(3, 29), intent(4, 30), intent(5, 31)]))
    found = figures_of(pairs, START, END)
    assert (found.first, found.last, found.entries, found.unreadable) == (1, 3, 3, 1)


def test_tables_are_bounded_and_nothing_is_lost_from_the_sums(monkeypatch):
    monkeypatch.setattr(module, "ROWS_MAX", 3)
    monkeypatch.setattr(module, "EVENTS_MAX", 2)
    monkeypatch.setattr(module, "OPEN_MAX", 2)
    found = of(
        *(intent(index, caller=f"c{index}", department=f"d{index}") for index in range(10)), *[entry(0, "start")] * 5
    )
    assert set(found.departments) == {("d0",), ("d1",), ("d2",), (OTHERS,)}
    assert found.departments[(OTHERS,)].sent == 7
    assert sum(tally.bytes_out for tally in found.callers.values()) == found.total.bytes_out == 1000
    assert (len(found.events), found.events_left_out, len(found._open)) == (2, 3, 2)


KINDS = st.sampled_from(["intent", "outcome", "refusal", "lockdown", "start"])
NAMES = st.sampled_from(["a", "b", "=c"])
ENTRIES = st.lists(
    st.tuples(KINDS, NAMES, NAMES, st.integers(-5, 500), st.integers(0, 20), st.integers(0, 9)), max_size=40
)


@given(ENTRIES)
def test_every_table_sums_up_to_the_whole(steps):
    found = of(
        *(
            entry(
                index,
                kind,
                day,
                department=one,
                caller=other,
                model=other,
                bytes_out=amount,
                intent=back,
                outcome=other,
            )
            for index, (kind, one, other, amount, day, back) in enumerate(steps)
        )
    )
    for table in (found.days, found.destinations, found.labels, found.departments, found.callers):
        for name in ("sent", "refused", "answered", "failed", "bytes_out", "bytes_in", "cost_microcredits"):
            assert sum(getattr(tally, name) for tally in table.values()) == getattr(found.total, name)


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def sheet(name):
    return next(each for each in sheets(MONTH, {"cloud": "BAA 2026-01"}) if each.name == name)


def test_every_table_has_cells_for_its_columns():
    for each in sheets(MONTH, {}):
        assert each.rows
        assert all(len(row) == len(each.columns) for row in each.rows)


def test_the_weightiest_row_comes_first_and_contracts_are_named():
    assert [row[0] for row in sheet("departments").rows] == ["ward", "lab"]
    assert sheet("destinations").rows[0][:4] == ("cloud", "gpt", "eu", "BAA 2026-01")


def test_days_come_in_order():
    assert [row[0] for row in sheet("days").rows] == ["2026-11-01", "2026-11-02", "2026-11-03"]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\tx", "\r=x"])
def test_no_cell_is_a_formula(name):
    text = to_csv(Sheet("a", ("b",), ((name,),)))
    assert list(csv.reader(io.StringIO(text, newline="")))[1] == [f"'{name}"]


@given(
    st.lists(
        st.tuples(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), st.integers()),
        max_size=5,
    )
)
def test_csv_is_read_back(rows):
    found = list(csv.reader(io.StringIO(to_csv(Sheet("a", ("text", "number"), tuple(rows))), newline="")))
    assert found[0] == ["text", "number"]
    assert [(text.removeprefix("'"), int(number)) for text, number in found[1:]] == [
        (text.removeprefix("'"), number) for text, number in rows
    ]
