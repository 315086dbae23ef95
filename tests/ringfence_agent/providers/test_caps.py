"""What an answer may be at most: real bombs over real TLS."""

import gzip
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.provider import HANG, answer, head
from ringfence_agent.providers import ProviderError
from ringfence_agent.providers.caps import Caps, Events, Metered, demand_head

STREAM = "Content-Type: text/event-stream"
BOMB = gzip.compress(b"data: x\n\n" * 1_000_000)
"""9 MB in 18 KiB."""
CAPS = Caps(64 * 1024, events_max=1000, event_bytes_max=8 * 1024, event_lines_max=16)


async def refused(ask, standin, script, **changes):
    """What becomes of an answer that must not be taken."""
    standin.script = [script]
    with pytest.raises(ProviderError) as raised:
        await ask(standin, caps=CAPS, **changes)
    return raised.value


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate", "gzip, identity", "Gzip", "x-anything"])
async def test_a_compressed_answer_dies_at_its_head(standin, ask, coding):
    """Nothing of it is unpacked, whatever can unpack it; nothing asked for it."""
    error = await refused(ask, standin, [head(200, STREAM, f"Content-Encoding: {coding}"), BOMB])
    assert (error.reason, "compressed" in error.message) == ("bad_answer", True)
    assert "Accept-Encoding: identity\r\n" in standin.heads[0]


async def test_a_coding_that_hides_behind_a_harmless_one_dies_too(standin, ask):
    headers = (STREAM, "Content-Encoding: gzip", "Content-Encoding: identity")
    assert (await refused(ask, standin, [head(200, *headers), BOMB])).reason == "bad_answer"


async def test_a_compressed_transfer_dies_at_its_head(standin, ask):
    script = [head(200, STREAM, "Transfer-Encoding: gzip, chunked"), BOMB]
    assert (await refused(ask, standin, script)).reason == "bad_answer"


@pytest.mark.parametrize("body", [BOMB, zlib.compress(b"x" * 10_000_000)])
async def test_what_is_compressed_and_does_not_say_so_is_bytes_like_others(standin, ask, body):
    standin.script = [[head(200, STREAM), body[:4096]]]
    _, read, _ = await ask(standin)
    assert read == body[:4096]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([head(200, STREAM, "Content-Length: 999999999"), b"data"], id="a length too long"),
        pytest.param([head(200, STREAM), b"data: x\n\n" * 500, *[b"data: " + b"x" * 2000 + b"\n\n"] * 64], id="a body"),
        pytest.param([head(200, STREAM), b"data: " + b"x" * 9000], id="an event without an end"),
        pytest.param([head(200, STREAM), *[b"x" * 500] * 20], id="a line without an end, piece by piece"),
        pytest.param([head(200, STREAM), b"a\n" * 20], id="an event of very many lines"),
        pytest.param([head(200, STREAM), b"\n\n" * 1001], id="very many empty events"),
        pytest.param([head(200, STREAM), b"\r\r" * 1001], id="the same with carriage returns"),
        pytest.param([head(200, STREAM), b": ping\n\n" * 1001], id="very many comments"),
        pytest.param([head(200, STREAM, *[f"X-{n}: y" for n in range(200)])], id="very many headers"),
        pytest.param([head(200, STREAM, "X: " + "y" * 40_000)], id="a long header"),
        pytest.param([b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 20_000], id="heads without end"),
        pytest.param(
            [
                head(200, STREAM, "Transfer-Encoding: chunked"),
                *[b"1;" + b"x" * 4000 + b"\r\ny\r\n"] * 200,
            ],
            id="chunks that are all extension",
        ),
    ],
)
async def test_a_bomb_is_not_read_to_its_end(standin, ask, script):
    error = await refused(ask, standin, script)
    assert error.reason in {"too_long", "bad_answer"}
    assert error.reason == "too_long" or "broke" in error.message


async def test_a_head_without_end_is_not_kept(standin, ask):
    error = await refused(ask, standin, [b"HTTP/1.1 200 OK\r\nX: ", *[b"y" * 50_000] * 10])
    assert error.reason in {"too_long", "bad_answer"}


async def test_trailers_without_end_are_not_kept(standin, ask):
    script = [head(200, STREAM, "Transfer-Encoding: chunked"), b"0\r\n", *[b"X: " + b"y" * 50_000 + b"\r\n"] * 20]
    assert (await refused(ask, standin, script)).reason in {"too_long", "bad_answer"}


async def test_an_answer_that_stops_coming_costs_the_idle_limit(standin, ask):
    error = await refused(ask, standin, [head(200, STREAM), b"data: x\n\n", HANG], idle_seconds_max=0.1)
    assert error.reason == "deadline"


async def test_a_head_that_does_not_come_costs_the_idle_limit(standin, ask):
    assert (await refused(ask, standin, [HANG], idle_seconds_max=0.1)).reason == "deadline"


async def test_an_answer_of_another_type_is_not_parsed(standin, ask):
    """Else a bomb could choose the limits that it is held to."""
    for kind in ("application/json", "text/html", "text/event-streams"):
        error = await refused(ask, standin, [head(200, f"Content-Type: {kind}"), b"{}"])
        assert (error.reason, "text/event-stream" in error.message) == ("bad_answer", True)
    assert (await refused(ask, standin, [head(200), b"data: x\n\n"])).reason == "bad_answer"


async def test_of_an_error_a_beginning_is_enough(standin, ask):
    """Its status is still told."""
    standin.script = [[head(429, "Content-Type: application/json", "Retry-After: 3"), *[b"x" * 10_000] * 100]]
    response, read, _ = await ask(standin)
    assert response.status_code == 429
    assert response.headers["retry-after"] == "3"
    assert len(read) <= 64 * 1024


async def test_what_is_within_the_limits_comes_whole(standin, ask):
    response, read, tally = await ask(standin, caps=CAPS)
    assert response.status_code == 200
    assert read == b"".join(piece for piece in answer("Hello", " there")[1:])
    assert tally.bytes_in == len(read)
    assert tally.bytes_out == 2


class Pouring:
    """A connection that brings as much as is asked for."""

    async def read(self, max_bytes, _timeout):
        return b"x" * max_bytes

    async def write(self, _buffer, _timeout):
        pass


async def test_a_connection_is_counted_anew_for_each_answer():
    """Many short answers on one connection are no long one."""
    stream = Metered(Pouring(), 1000)
    for _ in range(50):
        await stream.write(b"request")
        await stream.read(600)
    with pytest.raises(ProviderError, match="on the wire"):
        await stream.read(600)


async def test_events_of_ever_more_lines_cost_no_time(standin, ask):
    """The SDK joins an event's lines one by one; a long event of short lines would take it minutes."""
    began = time.monotonic()
    error = await refused(ask, standin, [head(200, STREAM), *[b"a\n" * 16_000] * 4])
    assert error.reason == "too_long"
    assert time.monotonic() - began < 5


def test_an_error_is_told_whatever_its_length_and_type():
    demand_head(500, [(b"Content-Length", b"99999999"), (b"Content-Type", b"text/html")], CAPS, "text/event-stream")


@given(st.lists(st.sampled_from([b"data: x", b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n", b":"])), st.data())
def test_events_are_counted_alike_however_they_are_cut(pieces, data):
    """One read or many: what is refused whole is refused in pieces, within a line and an event."""
    text = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    whole, cut = Events(Caps(10**6)), Events(Caps(10**6))
    whole.see(text)
    for part in parts:
        cut.see(part)
    assert abs(whole._events - cut._events) <= len(parts)


def read_in_pieces(text, bytes_each):
    events = Events(Caps(10**6, event_bytes_max=400, event_lines_max=20))
    for at in range(0, len(text), bytes_each):
        events.see(text[at : at + bytes_each])


@given(st.integers(1, 40), st.integers(1, 30), st.integers(1, 9))
def test_an_event_is_as_long_as_it_is_however_it_is_cut(lines, line_bytes, bytes_each):
    text = (b"x" * line_bytes + b"\n") * lines
    if len(text) > 400 or lines > 20:
        with pytest.raises(ProviderError):
            read_in_pieces(text, bytes_each)
    else:
        read_in_pieces(text, bytes_each)
