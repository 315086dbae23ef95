"""A whole log passes; truncated, edited, reordered and forked ones do not, and each is told apart."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from fakes.egresslog import ORIGIN, canonical, entry, intent, ordinary, outcome, refusal, signed
from ringfenced.cli.verify import verify

KEY = Ed25519PrivateKey.generate()
LOG = ordinary()
NEWEST = signed(LOG, KEY)


def report(entries, newest=None, kept=()):
    return verify(entries, newest or signed(entries, KEY), kept, KEY.public_key(), ORIGIN)


def failed(found):
    return {check.name for check in found.checks if not check.ok}


def test_a_whole_log_passes_with_its_figures():
    kept = [(str(size), signed(LOG[:size], KEY)) for size in (0, 1, 4, 7, 10)]
    found = report(LOG, NEWEST, kept)
    assert found.ok
    assert found.figures == {
        "start": 2,
        "intent": 4,
        "outcome": 3,
        "refusal": 1,
        "bytes out": 400,
        "bytes in": 150,
        "not covered yet": 0,
        "not closed yet": 1,
    }
    assert [check.name for check in found.checks if check.name.startswith("kept")] == [
        f"kept checkpoint {size}" for size in (0, 1, 4, 7, 10)
    ]


def test_an_empty_log_passes():
    assert report([]).ok


def test_entries_after_the_checkpoint_are_told_as_not_covered():
    found = report(LOG, signed(LOG[:8], KEY))
    assert found.ok
    assert found.figures["not covered yet"] == 2


@given(st.integers(0, len(LOG) - 1))
def test_every_truncation_is_detected(size):
    assert "root" in failed(report(LOG[:size], NEWEST))


@given(st.integers(0, len(LOG) - 1), st.data())
def test_every_edit_of_one_byte_is_detected(index, data):
    place = data.draw(st.integers(0, len(LOG[index]) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != LOG[index][place]))
    edited = LOG[index][:place] + bytes([byte]) + LOG[index][place + 1 :]
    assert "root" in failed(report([*LOG[:index], edited, *LOG[index + 1 :]], NEWEST))


@given(st.permutations(range(len(LOG))).filter(lambda order: order != sorted(order)))
def test_every_reordering_is_detected(order):
    found = report([LOG[index] for index in order], NEWEST)
    assert {"root", "order"} <= failed(found)


@given(st.integers(0, len(LOG) - 1))
def test_every_removal_and_every_repetition_is_detected(index):
    assert failed(report(LOG[:index] + LOG[index + 1 :], NEWEST))
    assert failed(report([*LOG[: index + 1], *LOG[index:]], NEWEST))


def test_a_fork_signed_by_the_true_key_is_detected_by_a_kept_checkpoint_alone():
    fork = [*LOG[:5], refusal(5), intent(6, "z"), *LOG[7:8], outcome(8, 6, "z"), intent(9, "d")]
    assert report(fork).ok
    found = report(fork, kept=[("old", signed(LOG[:7], KEY))])
    assert failed(found) == {"kept checkpoint old"}
    assert "forked" in next(check.said for check in found.checks if not check.ok)


def test_a_log_that_went_backwards_is_detected_by_a_kept_checkpoint_alone():
    found = report(LOG[:6], kept=[("old", NEWEST)])
    assert failed(found) == {"kept checkpoint old"}
    assert "backwards" in next(check.said for check in found.checks if not check.ok)


def test_another_key_or_another_log_is_no_signature():
    other = Ed25519PrivateKey.generate()
    assert failed(report(LOG, signed(LOG, other))) == {"signature", "root"}
    assert failed(report(LOG, signed(LOG, KEY, "other.example/log"))) == {"signature", "root"}
    assert failed(report(LOG, kept=[("k", signed(LOG[:3], other))])) == {"kept checkpoint k"}


@given(st.text())
def test_nonsense_for_a_checkpoint_fails_and_never_raises(note):
    assert "signature" in failed(report(LOG, note or "x"))


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"no json",
        b"[1]",
        b'{"kind":"start","seq":0,"time_unix_ms":1,"v":2}',
        b'{"kind":"start","seq":0,"time_unix_ms":1.5,"v":1}',
        b'{"kind":"start","seq":0,"time_unix_ms":NaN,"v":1}',
        b'{"kind":"start", "seq":0,"time_unix_ms":1,"v":1}',
        b'{"kind":"start","kind":"start","seq":0,"time_unix_ms":1,"v":1}',
        b'{"seq":0,"kind":"start","time_unix_ms":1,"v":1}',
        b'{"kind":"start","seq":true,"time_unix_ms":1,"v":1}',
        b'{"kind":"\\ud800","seq":0,"time_unix_ms":1,"v":1}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_what_is_not_canonical_is_no_entry(broken):
    assert failed(report([broken])) == {"entries"}


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_arbitrary_bytes_never_raise(entries):
    report(entries)


def test_time_must_not_go_back():
    late = canonical({"v": 1, "kind": "start", "seq": 1, "time_unix_ms": 5})
    assert failed(report([LOG[0], late])) == {"order"}


def test_an_outcome_needs_an_open_intent_of_its_permit():
    start = LOG[0]
    assert failed(report([start, outcome(1, 5, "a")])) == {"pairing"}
    assert failed(report([start, intent(1, "a"), outcome(2, 1, "b")])) == {"pairing"}
    assert failed(report([start, intent(1, "a"), outcome(2, 1, "a"), outcome(3, 1, "a")])) == {"pairing"}
    assert failed(report([start, intent(1, "a"), outcome(2, of=True, permit="a")])) == {"pairing"}
    assert failed(report([start, intent(1, "a"), outcome(2, [1], "a")])) == {"pairing"}


def test_a_restart_must_close_what_it_found_open_before_new_work():
    head = [LOG[0], intent(1, "a"), entry(2, "start")]
    assert report(head).ok
    assert report([*head, entry(3, "start"), outcome(4, 1, "a"), intent(5, "b")]).ok
    for work in (intent(3, "b"), refusal(3)):
        assert failed(report([*head, work])) == {"pairing"}


def test_a_permit_works_once():
    log = [LOG[0], intent(1, "a"), outcome(2, 1, "a"), intent(3, "a")]
    found = report(log)
    assert failed(found) == {"single use"}
    assert any("#3 uses the permit of #1 again" in check.said for check in found.checks)


def test_nothing_leaves_under_restricted():
    assert failed(report([LOG[0], intent(1, "a", level="RESTRICTED")])) == {"floor"}


def test_many_problems_are_told_briefly():
    found = report([b"x"] * 1000)
    said = next(check.said for check in found.checks if not check.ok)
    assert said.endswith("and 997 more")
    assert len(said) < 300
