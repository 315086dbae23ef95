"""What is written about an attack; nothing is attacked here."""

from datetime import UTC, datetime

import pytest

from containment.assault import TRIED_MIN, Assault, Tried, parsed
from containment.network import Arrivals
from containment.report import Kept, at_work, markdown, tried, write

NOTHING = Arrivals(0, 0, 0, 0)


def assault(*outcomes, arrivals=NOTHING):
    names = (f"way-{number}" for number in range(1000))
    return Assault(
        "a process", tuple(Tried(name, one, "why") for name, one in zip(names, outcomes, strict=False)), arrivals
    )


def test_a_line_is_an_attempt_and_the_last_one_is_none():
    text = '{"name": "tcp4", "outcome": "blocked", "detail": "EPERM: no"}\ndone\n'
    assert parsed(text) == (Tried("tcp4", "blocked", "EPERM: no"),)


def test_one_way_out_is_one_too_many():
    held = assault(*["blocked"] * TRIED_MIN)
    held.nothing_worked()
    with pytest.raises(AssertionError, match="way-40"):
        assault(*["blocked"] * TRIED_MIN, "escaped").nothing_worked()


def test_what_is_said_to_work_must_work():
    """A wall that was built since is told, so that the list stays true."""
    assault(*["blocked"] * TRIED_MIN, "escaped").nothing_worked(but={"way-40"})
    with pytest.raises(AssertionError, match="did not work"):
        assault(*["blocked"] * TRIED_MIN, "blocked").nothing_worked(but={"way-40"})


@pytest.mark.parametrize("outcome", ["not here", "unclear"])
def test_what_could_not_be_tried_shows_nothing(outcome):
    with pytest.raises(AssertionError):
        assault(*[outcome] * 100, *["blocked"] * (TRIED_MIN - 1)).nothing_worked()


@pytest.mark.parametrize("seen", [(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)])
def test_a_frame_counts_by_whichever_way_it_was_seen(seen):
    with pytest.raises(AssertionError):
        Arrivals(*seen).nothing()


@pytest.mark.parametrize("seen", [(0, 1, 0, 0), (0, 0, 0, 1)])
def test_a_frame_that_was_not_for_the_provider_counts_too(seen):
    Arrivals(5, 0, 5, 0).nothing_escaped()
    with pytest.raises(AssertionError):
        Arrivals(*seen).nothing_escaped()


def test_what_may_work_is_named_and_what_may_not_is_counted():
    kept = Kept()
    kept.keep(assault("blocked", "escaped", "not here"), {"way-1"})
    kept.keep(assault("escaped", arrivals=Arrivals(0, 46, 0, 46)))
    assert tried(kept.assaults) == [
        ("a process", "3", "1", "0", "1", "1: way-1", "0", "0"),
        ("a process", "1", "0", "0", "0", "1", "46", "46"),
    ]


def test_both_files_say_the_same(tmp_path):
    kept = Kept()
    kept.keep(assault("blocked"))
    kept.count("an idle site", NOTHING)
    kept.time("up again", 12.34)
    page = write(tmp_path, datetime(2026, 1, 2, tzinfo=UTC), kept, {"commit": "abc"})
    assert page.name == "containment-2026-01-02.md"
    assert page.read_text() == markdown(kept, {"commit": "abc"})
    assert at_work(kept.counts) == [("an idle site", "0", "0", "0", "0")]
    assert "| up again | 12.3 |" in page.read_text()
    assert '"way-0"' in page.with_suffix(".json").read_text()
