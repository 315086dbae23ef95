"""The pure parts of `make soak`: its schedule, its judgements, its page; and its search of files."""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing
from dataclasses import replace
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from fakes.egresslog import ORIGIN, ordinary, signed, tree_of
from ringfence.v1.types_pb2 import EntryProof
from soak_parts import traces, verdict
from soak_parts.load import MARK, NAME, Kept, Untyped
from soak_parts.outcome import MUST_HOLD, Outcome, growth_problems, markdown, plain
from soak_parts.processes import Sample
from soak_parts.schedule import KINDS, WILD_SHARE, What, schedule, settling_s

MB = 1_000_000
STEADY = (What.KILL_YOUNGEST,)
ENDINGS = {What.FILL_LOG: What.FREE_LOG, What.FILL_STATE: What.FREE_STATE}


# ── the schedule ─────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.floats(10, 7200), st.integers(0, 2**32))
def test_every_kind_happens_in_order_and_what_is_filled_is_freed_before_it_is_filled_again(seconds, seed):
    """The last part is without events, and the daemon's and the agent's lives end in the first part alone."""
    events = schedule(seconds, seed)
    assert {event.what for event in events} == set(What)
    assert list(events) == sorted(events)
    assert all(0 <= event.at_s <= seconds - settling_s(seconds) for event in events)
    ending = (What.KILL_DAEMON, What.KILL_AGENT, What.FILL_LOG, What.FREE_LOG)
    assert all(event.at_s <= seconds * WILD_SHARE for event in events if event.what in ending)
    assert all(event.at_s >= (seconds - settling_s(seconds)) * WILD_SHARE for event in events if event.what in STEADY)
    for fill, free in ENDINGS.items():
        both = [event.what for event in events if event.what in (fill, free)]
        assert both == [fill, free] * (len(both) // 2)
    renewals = [event for event in events if event.what is What.RENEW]
    for one, two in pairwise(renewals):
        assert one.at_s + one.lasting_s <= two.at_s


def test_a_seed_gives_one_schedule_and_another_seed_another():
    assert schedule(600, 1) == schedule(600, 1)
    assert schedule(600, 1) != schedule(600, 2)


def test_half_an_hour_has_as_many_of_each_kind_as_their_distance_says():
    events = [event.what for event in schedule(1800, 1)]
    assert events.count(What.KILL_DAEMON) == round(1780 * WILD_SHARE / 80)
    assert events.count(What.KILL_ENGINE) == round(1780 * WILD_SHARE / 25)
    assert events.count(What.KILL_YOUNGEST) == round(1780 * (1 - WILD_SHARE) / 25)
    assert {kind.what for kind in KINDS} | set(ENDINGS.values()) == set(What)


# ── memory ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def life(per_s, seconds=400, *, role="daemon", pid=1, descriptors=20, spike=()):
    """A sample a second: 100 MB, and so much more a second; ten requests a second."""
    return [
        Sample(role, pid, float(at), 100 * MB + int(per_s * at) + (50 * MB if at in spike else 0), descriptors, at * 10)
        for at in range(seconds)
    ]


def test_what_grows_within_its_bound_is_flat_and_what_grows_more_is_said():
    """The bound is 6 MiB and a KiB a request."""
    flat, leaking = verdict.growths(life(5_000))[0], verdict.growths(life(60_000))[0]
    assert list(growth_problems(flat)) == []
    assert flat.slope_bytes_per_s == pytest.approx(5_000)
    assert "daemon grew by" in next(iter(growth_problems(leaking)))
    assert leaking.grown_bytes > leaking.allowed_bytes == verdict.NOISE_BYTES + 1024 * leaking.requests


def test_a_spike_and_the_first_minute_count_for_nothing():
    warming = [replace_bytes(one, 10 * MB) for one in life(0)[:59]] + life(0)[59:]
    for samples in (life(0, spike=range(200, 230)), warming):
        (growth,) = verdict.growths(samples)
        assert growth.slope_bytes_per_s == 0
        assert growth.requests == 3390


def test_each_process_is_judged_by_itself_and_a_short_life_is_not():
    two = life(0, pid=1) + [one._replace(at_s=one.at_s + 400) for one in life(0, 170, pid=2)]
    assert len(verdict.growths(two)) == 1
    assert verdict.growths([]) == []


def test_files_that_stay_open_are_said():
    samples = [one._replace(descriptors=20 + int(one.at_s) // 5) for one in life(0)]
    assert "open files" in next(iter(growth_problems(verdict.growths(samples)[0])))


def replace_bytes(sample, size):
    return sample._replace(resident_bytes=size)


# ── proofs ───────────────────────────────────────────────────────────────────────────────────────────────────────────

KEY = Ed25519PrivateKey.generate()
ENTRIES = ordinary()


def kept(index=1, *, entries=ENTRIES, key=KEY, **changes):
    """A receipt with the proof of one entry."""
    fields = {
        "entry": entries[index],
        "index": index,
        "inclusion_path": tree_of(entries).inclusion(index, len(entries)),
        "checkpoint": signed(entries, key),
        **changes,
    }
    return Kept("r", 0.0, 1, (EntryProof(**fields),))


def unproven(one, entries=ENTRIES):
    return list(verdict.unproven([one], entries, KEY.public_key(), ORIGIN))


def test_proofs_hold_against_the_log_as_it_was_and_as_it_grew():
    assert unproven(kept()) == []
    assert unproven(kept(5, entries=ENTRIES[:6])) == []


@pytest.mark.parametrize(
    ("one", "entries", "said"),
    [
        (kept(entry=ENTRIES[2]), ENTRIES, "does not lead to the root"),
        (kept(key=Ed25519PrivateKey.generate()), ENTRIES, "no signature of"),
        (kept(), ENTRIES[:5], "the log has 5 entries, not 10"),
        (kept(9), [*ENTRIES[:9], b"{}"], "a checkpoint of 10 entries is of another log"),
        (kept(9), [*ENTRIES[:9], b"{}"], "entry 9, of which a caller has the proof, is not in the log"),
    ],
)
def test_what_a_caller_was_told_and_the_log_does_not_hold_is_said(one, entries, said):
    assert any(said in problem for problem in unproven(one, entries))


# ── books ────────────────────────────────────────────────────────────────────────────────────────────────────────────

BOOKS = verdict.Books({"a": [5], "b": [7]}, {"ward": 12}, {"ward": 12}, 0)


def misbooked(books=BOOKS, wallets=None, receipts=(), killed_s=(), full=()):
    return list(verdict.misbooked(books, wallets or {"ward": 12}, receipts, killed_s, full))


def test_books_that_agree_are_good():
    assert misbooked(receipts=[Kept("a", 0.0, 5, ()), Kept("c", 0.0, 0, ())], wallets={"ward": 12, "poor": 0}) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"spent": {"ward": 11}}, "12 settled, 11 booked, 12 in its wallet"),
        ({"at_risk": 1}, "1 requests count as not ended"),
        ({"settled": {"a": [5, 5], "b": [2]}}, "1 requests were booked twice"),
    ],
)
def test_books_that_disagree_are_said(changes, said):
    assert misbooked(replace(BOOKS, **changes)) == [f"ward: {said}" if "settled" in said else said]


def test_what_left_is_booked_whatever_was_killed():
    """What may leave is secured before it does."""
    one = Kept("gone", 100.0, 5, (EntryProof(),))
    assert "left and cost 5; 0 are booked" in misbooked(receipts=[one], killed_s=[100.0])[0]


@pytest.mark.parametrize(
    ("finished_s", "full", "forgotten"),
    [
        (99.0, (), True),
        (90.0, (), False),
        (102.0, (), False),
        (90.0, [(85.0, 98.0)], True),
        (90.0, [(85.0, 92.0)], False),
    ],
)
def test_a_kill_may_forget_what_was_local_and_not_yet_written(finished_s, full, forgotten):
    """Nothing else explains a settlement that is missing."""
    one = Kept("gone", finished_s, 5, ())
    assert bool(misbooked(receipts=[one], killed_s=[100.0], full=full)) is not forgotten


def test_a_ledgers_file_is_read_as_it_is(tmp_path):
    from ringfenced.store.journal import Journal, Settlement  # noqa: PLC0415 - only here

    journal = Journal(tmp_path / "ledger.sqlite3", 1)
    for name, amount in (("a", 5), ("b", 7)):
        journal.put(Settlement(name, "ward", amount, 1))
    journal.close()
    assert verdict.read_ledger(tmp_path / "ledger.sqlite3") == BOOKS
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as connection, connection:
        connection.execute("INSERT INTO at_risk VALUES ('c', 'ward', 1)")
    assert verdict.read_ledger(tmp_path / "ledger.sqlite3").at_risk == 1


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("began_s", "ended_s", "code", "explained"),
    [
        (5.0, 11.0, "unavailable", True),
        (12.0, 13.0, "unavailable", True),
        (30.0, 31.0, "unavailable", True),
        (60.0, 61.0, "unavailable", False),
        (5.0, 9.0, "unavailable", False),
        (12.0, 13.0, "internal", False),
    ],
)
def test_the_transports_errors_are_explained_by_a_daemon_that_is_away_and_by_nothing_else(
    began_s, ended_s, code, explained
):
    one = Untyped(began_s, ended_s, "local", code)
    assert verdict.unexplained([one], [(10.0, 20.0)]) == ([] if explained else [one])


def test_a_deadline_of_the_callers_own_explains_itself_and_another_does_not():
    late, other = (Untyped(60.0, 61.0, kind, "deadline_exceeded") for kind in ("late", "local"))
    assert verdict.unexplained([late, other], []) == [other]


# ── traces of content ────────────────────────────────────────────────────────────────────────────────────────────────

WAYS = {
    "as it is": lambda text: text.encode(),
    "hex": lambda text: text.encode().hex().encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "base64": lambda text: base64.b64encode(b"x" + text.encode() + b"yz"),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(b"xy" + text.encode()),
    "backwards": lambda text: text[::-1].encode(),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", [MARK, NAME])
def test_what_a_caller_wrote_is_found_in_any_file_wherever_it_stands(tmp_path, way, text):
    """Across the edge of two chunks too; a file without it is not named."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "dump").write_bytes(bytes(traces.CHUNK_BYTES - 5) + WAYS[way](text) + b"after")
    (tmp_path / "clean").write_bytes(bytes(traces.CHUNK_BYTES + 10))
    (tmp_path / "own").write_text(text)
    assert traces.found_in(tmp_path, traces.needles(), but=frozenset({"own"})) == ["deep/dump"]


def test_lines_that_are_not_a_processs_own_are_counted(tmp_path):
    """A traceback's, and a library's."""
    own = b'{"event":"ready"}\n'
    (tmp_path / "daemon.log").write_bytes(own + b"I1130 09:12 Handshake failed\nTraceback (most recent):\n\n" + own)
    assert traces.foreign_lines(tmp_path / "daemon.log") == 2


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("what", MUST_HOLD)
def test_a_run_with_any_problem_has_failed_and_its_page_says_why(what):
    good = Outcome(ends={"local": {"answered": 3}}, problems={name: [] for name in MUST_HOLD})
    assert good.is_good
    assert "result: passed" in markdown({"cores": 2}, good)
    bad = replace(good, problems={**good.problems, what: ["it went wrong"] * 30})
    page = markdown({"cores": 2}, bad)
    assert not bad.is_good
    assert "result: FAILED" in page
    assert f"**{what}**: it went wrong" in page
    assert "and 10 more" in page


def test_figures_come_as_they_are():
    outcome = Outcome(ends={"local": {"answered": 3, "refused": 1}}, growths=verdict.growths(life(10)))
    assert plain(outcome)["requests"] == 4
    assert plain(outcome)["growths"][0]["role"] == "daemon"
    assert "| daemon | 339 |" in markdown({}, outcome)
