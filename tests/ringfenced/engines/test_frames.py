"""Framing: what is written is read again, however the stream is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.engines.frames import FrameDecoder, FrameError, encode


@given(st.lists(st.binary(max_size=200), max_size=8), st.lists(st.integers(1, 60)))
def test_frames_survive_any_chunking(payloads, sizes):
    stream = b"".join(map(encode, payloads))
    decoder = FrameDecoder()
    read, start = [], 0
    for size in [*sizes, len(stream)]:
        read += decoder.feed(stream[start : start + size])
        start += size
    assert read == payloads
    assert decoder.pending_bytes == 0


@given(st.binary(max_size=300))
def test_no_bytes_make_the_decoder_hold_more_than_it_was_given(data):
    decoder = FrameDecoder(frame_bytes_max=64)
    try:
        payloads = decoder.feed(data)
    except FrameError:
        return
    assert sum(4 + len(payload) for payload in payloads) + decoder.pending_bytes == len(data)
    assert all(len(payload) <= 64 for payload in payloads)


def test_an_incomplete_frame_waits():
    decoder = FrameDecoder()
    assert decoder.feed(encode(b"abc")[:-1]) == []
    assert decoder.pending_bytes == 6
    assert decoder.feed(b"c" + encode(b"")) == [b"abc", b""]


def test_a_frame_over_the_limit_is_refused_before_it_is_held():
    with pytest.raises(FrameError, match="5 bytes exceeds the limit of 4"):
        encode(b"abcde", frame_bytes_max=4)
    with pytest.raises(FrameError, match="5 bytes exceeds the limit of 4"):
        FrameDecoder(frame_bytes_max=4).feed(encode(b"abcde")[:4])
