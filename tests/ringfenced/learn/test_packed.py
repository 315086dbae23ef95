"""State that is damaged or too large is refused, never read."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.learn import packed
from ringfenced.learn.outcome import BadState


def test_what_is_packed_comes_back():
    """Names, types and numbers are the same, and the same arrays give the same bytes."""
    arrays = {"a.b": np.arange(5, dtype=np.int16), "c": np.zeros((2, 3))}
    content = packed.pack(arrays)
    again = packed.unpack(content)
    assert again.keys() == arrays.keys()
    assert all((again[name] == arrays[name]).all() and again[name].dtype == arrays[name].dtype for name in arrays)
    assert packed.pack(dict(reversed(arrays.items()))) == content


@given(st.integers(min_value=0), st.integers(1, 255))
def test_a_flipped_byte_is_found(place, change):
    """The digest covers everything."""
    content = bytearray(packed.pack({"a": np.arange(9)}))
    content[place % len(content)] ^= change
    with pytest.raises(BadState):
        packed.unpack(bytes(content))


@given(st.binary(max_size=300))
def test_foreign_bytes_with_a_digest_are_refused(content):
    """A right digest over something else does not help."""
    with pytest.raises(BadState):
        packed.unpack(hashlib.sha256(content).digest() + content)


def test_objects_are_never_read():
    """Nothing that needs a pickle is packed or read."""
    with pytest.raises(ValueError):
        packed.pack({"a": np.array([{}], dtype=object)})


def test_a_state_larger_than_the_bound_is_refused(monkeypatch):
    """Before it is unpacked."""
    content = packed.pack({"a": np.zeros(10_000)})
    monkeypatch.setattr(packed, "BYTES_MAX", 20_000)
    with pytest.raises(BadState, match="larger"):
        packed.unpack(content)
