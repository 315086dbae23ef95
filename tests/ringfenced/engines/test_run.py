"""One answer as the daemon sees it: text and calls in their order."""

from __future__ import annotations

import asyncio

from ringfenced.engines.run import Run
from ringfenced.model import Finish, FinishReason, TextDelta, TokenLogprob, ToolCallDelta, Usage


class Sender:
    model = "m"

    def __init__(self):
        self.sent = []

    def send(self, command):
        self.sent.append(command)


def run(chars_max=1000):
    return Run(Sender(), 1, asyncio.get_running_loop(), chars_max)


FINISH = Finish(FinishReason.TOOL_CALLS, Usage(1, 1))


async def test_text_and_calls_keep_their_order_and_pieces_of_one_call_are_joined():
    one = run()
    one.push("a", 1)
    one.push("b", 1)
    one.push_call(ToolCallDelta(0, "x", "f", ""), 1)
    one.push_call(ToolCallDelta(0, "", "", "{"), 1)
    one.push_call(ToolCallDelta(0, "", "", "}"), 1)
    one.push_call(ToolCallDelta(1, "y", "f", "{}"), 1)
    one.push("c", 1)
    one.end(FINISH)
    assert [await one.take() for _ in range(5)] == [
        TextDelta("ab", 2),
        ToolCallDelta(0, "x", "f", "{}"),
        ToolCallDelta(1, "y", "f", "{}"),
        TextDelta("c", 1),
        FINISH,
    ]
    assert one.tokens_received == 7


async def test_logprobs_come_with_their_text():
    one = run()
    first, second = TokenLogprob("a", b"a", -1.0), TokenLogprob("b", b"b", -2.0)
    one.push("a", 1, (first,))
    one.push("b", 1, (second,))
    assert (await one.take()).logprobs == (first, second)
    one.push("c", 1)
    assert (await one.take()).logprobs == ()


async def test_arguments_that_nobody_reads_count_like_text():
    one = run(chars_max=10)
    for _ in range(3):
        one.push_call(ToolCallDelta(0, "", "", "12345"), 1)
    assert one._client.sent  # cancelled


async def test_a_reader_that_keeps_up_is_never_too_slow():
    one = run(chars_max=10)
    for place in range(50):
        one.push_call(ToolCallDelta(place, "x", "f", "123"), 1)
        one.push("1234", 1)
        await one.take()
        await one.take()
    assert not one._client.sent
