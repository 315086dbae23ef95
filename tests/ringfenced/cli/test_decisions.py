"""What was decided is listed from the record, and explained by deciding again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from fakes.asked import PLAIN
from ringfence.labels import Label, Level
from ringfenced.cli.app import app
from ringfenced.decide.record import Recorded, RecordEncoder
from ringfenced.inputs import Circumstances, Inputs, configured, unruled
from ringfenced.model import Offer, Target, TargetKind

OFFERS = (
    Offer(Target(TargetKind.LOCAL, "tiny"), True, "", 0.6, 1024, 20, 60, 50, 1),
    Offer(Target(TargetKind.LOCAL, "large"), True, "", 0.9, 1024, 200, 600, 50, 1),
)
ASKED = replace(PLAIN, task="letters", needs=frozenset(), label=Label(Level.CONFIDENTIAL))


def recorded(number, **changes):
    inputs = Inputs(
        replace(ASKED, **changes), OFFERS, configured(OFFERS), unruled(OFFERS, "digest"), Circumstances(10**6, None)
    )
    return Recorded(f"r{number}", 1_700_000_000_000 + number, inputs)


@pytest.fixture
def record(tmp_path):
    """Two workers' files: their decisions lie between each other."""
    several = [
        recorded(0),
        recorded(1, quality_min=0.8, department="billing"),
        recorded(2, quality_min=0.95),
        recorded(3, label=Label(), task=""),
    ]
    for worker in (0, 1):
        encoder = RecordEncoder(lambda name: "pseudonym")
        lines = [line for one in several[worker::2] for line in encoder.lines(one)]
        (tmp_path / f"{worker}.jsonl").write_text("".join(lines))
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, ["decisions", *map(str, arguments)], catch_exceptions=False)


def listed(record, *options):
    result = run("list", record, "--json", *options)
    assert result.exit_code == 0
    return [json.loads(line)["requestId"] for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), ["r0", "r1", "r2", "r3"]),
        (("-n", "2"), ["r2", "r3"]),
        (("--department", "billing"), ["r1"]),
        (("--task", "letters"), ["r0", "r1", "r2"]),
        (("--label", "public"), ["r3"]),
        (("--target", "local:large"), ["r1"]),
        (("--refused",), ["r2"]),
    ],
)
def test_decisions_are_listed_by_time_and_filtered(record, options, expected):
    assert listed(record, *options) == expected


def test_a_decision_is_explained_with_every_target(record):
    text = run("explain", record, "r1").stdout
    for piece in ("local:large", "0.90", "expected quality 0.60, asked for 0.80", "billing", "digest"):
        assert piece in text
    told = json.loads(run("explain", record, "r1", "--json").stdout)
    assert {one["target"]: one["rule"] for one in told["candidates"]} == {
        "local:large": "chosen",
        "local:tiny": "quality",
    }
    assert told["expected"]["costMicrocredits"] > 0


def test_the_list_for_people_names_the_refused(record):
    text = run("list", record).stdout
    assert "4 decisions" in text
    assert "refused: no target is open" in text


def test_what_is_not_there_is_told(record, tmp_path):
    assert run("explain", record, "r9").exit_code == 7
    assert run("list", tmp_path / "none.jsonl").exit_code == 2
    (record / "2.jsonl").write_text("{}\n")
    assert run("list", record).exit_code == 2
