"""The table: what is compared with what, and whether an aim was met."""

import math

from rich.console import Console

from flow_parts.record import Record
from flow_parts.report import ROWS, figure, lines, markdown, table
from flow_parts.stats import Summary


def record(one=(120.0, 130.0, 140.0), bare=(100.0, 100.0, 100.0)):
    filled = Record()
    for value in bare:
        filled.add("unary: cpu_us", "bare", value)
    for value in one:
        filled.add("unary: cpu_us", "one", value)
    return filled


def only(filled):
    return {line.row.label: line for line in lines(filled)}["unary: 4 messages, short prompt"]


def test_an_aim_is_judged_by_the_median_ratio():
    assert only(record()).ratio == Summary(1.3, 1.2, 1.4, 3)
    assert only(record()).met
    assert not only(record(one=(100.0, 131.0, 140.0))).met


def test_a_row_that_was_not_measured_is_left_out():
    assert {line.row.quantity for line in lines(record())} == {"unary: cpu_us"}


def test_a_row_without_its_base_is_shown_and_not_judged():
    filled = record(bare=())
    assert only(filled).met is None


def test_a_least_value_is_met_from_above():
    filled = Record()
    filled.add("unary: capacity_hz", "one", 1000.0)
    filled.add("unary: capacity_hz", "two", 1900.0)
    assert [line.met for line in lines(filled)] == [True]


def test_added_time_is_judged_in_its_unit():
    filled = Record()
    filled.add("unary: ttft_p50_ms", "bare", 1.0)
    filled.add("unary: ttft_p50_ms", "coalesced", 1.6)
    (line,) = lines(filled)
    assert line.added.median - 0.6 < 1e-9
    assert line.met is False


def test_the_markdown_sets_off_what_was_missed():
    assert "1.30\N{MULTIPLICATION SIGN} (1.20\N{MULTIPLICATION SIGN}" not in markdown(record())
    assert "| \N{LESS-THAN OR EQUAL TO} 1.3\N{MULTIPLICATION SIGN} met |" in markdown(record())
    assert "missed**" in markdown(record(one=(200.0,)))


def test_the_table_can_be_printed():
    console = Console(width=150)
    with console.capture() as captured:
        console.print(table(record(), "heading"))
    assert "A/A" not in captured.get()
    assert "unary: 4 messages, short prompt" in captured.get()


def test_what_never_came_is_called_never():
    assert figure(Summary(math.inf, 1.0, math.inf, 2)) == "never (1.00 to never)"


def test_every_aim_of_the_project_stands_in_a_row():
    aims = sorted(row.aim for row in ROWS if row.aim is not None)
    assert aims == [0, 0.5, 0.7, 1.2, 1.3, 1.3, 1.3, 1.8, 3.0, 80, 1000]
