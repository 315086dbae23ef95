"""The rich error trailer: what is encoded comes back, and nothing else is taken for it."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence import status
from ringfence.v1.types_pb2 import ErrorDetail

texts = st.text(max_size=40)


@given(
    code=st.integers(1, 16),
    message=texts,
    reason=texts,
    numbers=st.dictionaries(texts, st.integers(-(2**63), 2**63 - 1), max_size=3),
    suggestions=st.lists(texts, max_size=3),
    retry_after_ms=st.none() | st.integers(0, 2**32 - 1),
)
def test_what_is_encoded_comes_back(*, code, message, reason, numbers, suggestions, retry_after_ms):
    detail = ErrorDetail(reason=reason, numbers=numbers, suggestions=suggestions, retry_after_ms=retry_after_ms, step=4)
    assert status.decode(status.encode(code, message, detail)) == (code, message, detail)


def test_the_bytes_are_those_of_google_rpc_status():
    """Field numbers and wire types of google/rpc/status.proto and google/protobuf/any.proto, written out by hand."""
    value = ErrorDetail(reason="refused").SerializeToString()
    url = b"type.googleapis.com/ringfence.v1.ErrorDetail"
    packed = b"\x0a" + bytes([len(url)]) + url + b"\x12" + bytes([len(value)]) + value
    expected = b"\x08\x09" + b"\x12\x02no" + b"\x1a" + bytes([len(packed)]) + packed
    assert status.encode(9, "no", ErrorDetail(reason="refused")) == expected


def test_a_detail_of_another_type_is_passed_over():
    url = b"type.googleapis.com/google.rpc.Help"
    packed = b"\x0a" + bytes([len(url)]) + url + b"\x12\x02\xff\xff"
    assert status.decode(b"\x08\x05\x12\x01x\x1a" + bytes([len(packed)]) + packed) == (5, "x", None)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_either_decode_or_raise_value_error(trailer):
    with contextlib.suppress(ValueError):
        code, message, detail = status.decode(trailer)
        assert isinstance(code, int)
        assert isinstance(message, str)
        assert detail is None or isinstance(detail, ErrorDetail)


def test_a_broken_detail_is_a_value_error():
    url = status.TYPE_URL.encode()
    packed = b"\x0a" + bytes([len(url)]) + url + b"\x12\x01\xff"
    with pytest.raises(ValueError, match=r"no google\.rpc.Status"):
        status.decode(b"\x1a" + bytes([len(packed)]) + packed)
