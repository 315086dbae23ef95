"""Bodies in buckets."""

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from ringfence_agent.providers.padding import BUCKET_BYTES_MIN, bucket_bytes, pad, padded

LENGTHS = st.integers(min_value=0, max_value=256 * 1024 * 1024)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(LENGTHS)
def test_a_bucket_holds_its_body_and_grows_it_by_less_than_an_eighth(length):
    bucket = bucket_bytes(length)
    assert bucket >= length
    assert bucket == BUCKET_BYTES_MIN or (bucket - length) * 8 < length


@given(LENGTHS)
def test_a_bucket_is_its_own(length):
    assert bucket_bytes(bucket_bytes(length)) == bucket_bytes(length)


@given(LENGTHS, LENGTHS)
def test_a_longer_body_has_no_smaller_bucket(one, other):
    assert bucket_bytes(min(one, other)) <= bucket_bytes(max(one, other))


def test_up_to_4_mib_there_are_97_buckets():
    """What the module says that is left to learn: log2 of their number."""
    buckets = {bucket_bytes(length) for length in range(0, 4 * 1024 * 1024 + 1, 64)}
    assert len(buckets) == 97
    assert round(math.log2(len(buckets)), 1) == 6.6


@given(JSON)
def test_a_padded_body_says_the_same_and_fills_its_bucket(value):
    body = json.dumps(value).encode()
    filled = pad(body)
    assert json.loads(filled) == value
    assert filled.startswith(body)
    assert len(filled) == bucket_bytes(len(body))


@given(st.binary(max_size=5000))
def test_bodies_of_one_bucket_cannot_be_told_apart_by_length(body):
    assert len(pad(body)) == len(pad(body + b" " * (bucket_bytes(len(body)) - len(body))))


def test_an_encode_is_padded_as_a_part_of_it():
    assert padded(lambda payload: b"{}")(None) == b"{}" + b" " * 1022
