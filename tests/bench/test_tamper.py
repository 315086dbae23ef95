"""The small version of `make test-tamper`, and that it would tell if something went unnoticed."""

from random import Random

import pytest

from ringfenced.cli import verify
from tamper_parts import judge, logs
from tamper_parts.mutations import FILES_ALONE, MUTATIONS, WITH_KEY

LOGS = 6


@pytest.mark.parametrize("number", range(LOGS))
def test_every_mutation_of_a_log_is_detected(number):
    tally = judge.tamper_log(f"test-{number}", 400)
    assert not tally.missed
    assert tally.detected == tally.done
    assert tally.done.total() == 400


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.__name__)
def test_each_kind_happens_and_is_detected(mutation):
    random = Random(mutation.__name__)
    tally = judge.Tally()
    for number in range(12):
        judge.tamper(logs.make(random), mutation, random, tally, str(number))
    assert tally.done.total() > 0
    assert not tally.missed


@pytest.mark.parametrize("mutation", WITH_KEY, ids=lambda one: one.__name__)
def test_a_genuine_signature_over_a_changed_past_is_noticed_by_the_kept_checkpoint(mutation):
    random = Random(1)
    log = logs.make(random)
    assert "kept checkpoint kept" in judge.failed(mutation(log, random), log.kept)


def test_a_verifier_that_forgets_the_roots_is_found_out(monkeypatch):
    monkeypatch.setattr(verify, "_begins", lambda name, _signed, _roots: verify.Check(name, ok=True, said=""))
    tally = judge.Tally()
    for number in range(3):
        tally.add(judge.tamper_log(f"blind-{number}", 100))
    assert tally.missed
    assert tally.detected.total() < tally.done.total()


def test_what_changes_nothing_is_not_counted():
    log = logs.make(Random(1))
    tally = judge.Tally()
    judge.tamper(log, lambda one, _random: logs.files(one.entries, one.newest), Random(1), tally, "0")
    assert not tally.done


def test_logs_are_whole_and_the_same_for_the_same_seed():
    for number in range(20):
        log = logs.make(Random(number))
        assert log == logs.make(Random(number))
        assert 0 < log.kept_size < len(log.entries)
        assert not judge.failed(logs.files(log.entries, log.newest), log.kept)


def test_what_nobody_can_notice_is_not_among_the_mutations():
    """A future that the key's holder wrote anew after the kept checkpoint is a genuine one."""
    log = logs.make(Random(4))
    start = log.entries[: log.kept_size]
    assert not judge.failed(logs.files(start, logs.signed(start)), log.kept)
    assert not FILES_ALONE.keys() & WITH_KEY.keys()
