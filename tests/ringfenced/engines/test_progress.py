"""A loading engine tells how far it is; whatever it writes, its launcher stands."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from ringfenced.engines.progress import Progress, ProgressPipe, ProgressReader


def test_numbers_are_shares_and_words_are_stages():
    reader = ProgressReader()
    assert reader.progress == Progress(0.0, "reading weights")
    assert reader.feed(b"0.25\n0.5")
    assert reader.progress == Progress(0.25, "reading weights")
    assert reader.feed(b"0\nwarming up\n")
    assert reader.progress == Progress(0.5, "warming up")
    assert not reader.feed(b"")


@given(st.lists(st.binary(max_size=300)))
def test_whatever_is_written_is_a_share_and_some_words(pieces):
    """In pieces or at once is the same; nothing unprintable or longer than a line may be gets through."""
    reader, whole = ProgressReader(), ProgressReader()
    for piece in pieces:
        reader.feed(piece)
        assert 0.0 <= reader.progress.share <= 1.0
        assert reader.progress.stage.isprintable()
        assert len(reader.progress.stage) <= 200
    whole.feed(b"".join(pieces))
    if all(len(line) <= 200 for line in b"".join(pieces).split(b"\n")):
        assert reader.progress == whole.progress


def test_what_is_told_arrives_and_a_launcher_that_is_gone_stops_nothing():
    reading, writing = os.pipe()
    pipe = ProgressPipe(writing)
    for step in range(1001):
        pipe.tell(step / 1000)
    pipe.say("warming up")
    data = os.read(reading, 65536)
    assert data.count(b"\n") <= 103, "it is told in steps"
    reader = ProgressReader()
    reader.feed(data)
    assert reader.progress == Progress(1.0, "warming up")
    os.close(reading)
    pipe.say("on")
    pipe.say("and on")
    pipe.close()
    ProgressPipe(-1).tell(0.5)


def test_a_launcher_that_does_not_read_stops_nothing():
    reading, writing = os.pipe()
    pipe = ProgressPipe(writing)
    for _ in range(20_000):
        pipe.say("reading weights")
    pipe.close()
    os.close(reading)
