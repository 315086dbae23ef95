"""What follows from the entries follows from a dump and the entries after it, too."""

import json

from hypothesis import given
from hypothesis import strategies as st

from ringfence_agent.folds import REMEMBERED_MS, Recovered

ENTRIES = st.lists(
    st.one_of(
        st.fixed_dictionaries({"kind": st.just("intent"), "nonce_sha256": st.text("abc", min_size=3, max_size=3)}),
        st.fixed_dictionaries({"kind": st.just("outcome"), "intent": st.integers(0, 30)}),
        st.fixed_dictionaries({"kind": st.sampled_from(["refusal", "start", "later"])}),
    ),
    max_size=30,
)


def seen(fold, records, start=0, step_ms=10_000):
    for index, record in enumerate(records[start:], start):
        fold.see(index, {**record, "time_unix_ms": index * step_ms})
    return fold


@given(ENTRIES, st.integers(0, 30))
def test_a_dump_in_the_middle_changes_nothing(records, middle):
    whole = seen(Recovered(), records)
    first = seen(Recovered(), records[:middle])
    second = Recovered()
    second.load(json.loads(json.dumps(first.dump())))
    assert second == first
    assert seen(second, records, min(middle, len(records))) == whole


def test_a_dump_does_not_change_afterwards():
    fold = seen(Recovered(), [{"kind": "intent", "nonce_sha256": "a"}])
    dumped = fold.dump()
    seen(fold, [{}, {"kind": "outcome", "intent": 0, "nonce_sha256": "b"}], 1)
    assert ([index for index, _ in dumped["open_intents"]], list(dumped["nonces"])) == ([0], ["a"])


def test_a_nonce_is_kept_as_long_as_the_log_has_not_moved_on():
    """However long ago by any clock: what counts is the newest entry's time."""
    fold = Recovered()
    fold.see(0, {"kind": "intent", "nonce_sha256": "a", "time_unix_ms": 0})
    fold.see(1, {"kind": "refusal", "time_unix_ms": REMEMBERED_MS})
    assert "a" in fold.nonces
    fold.see(2, {"kind": "intent", "nonce_sha256": "b", "time_unix_ms": REMEMBERED_MS + 1})
    assert list(fold.nonces) == ["b"]
