"""What is Anthropic's own."""

import pytest

from fakes.families import SECRET, anthropic_answer, sse
from ringfence_agent.providers import Finish, ProviderError, TextDelta


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("overloaded_error", "overloaded"),
        ("rate_limit_error", "rate_limited"),
        ("api_error", "overloaded"),
        ("timeout_error", "deadline"),
        ("authentication_error", "credentials"),
        ("invalid_request_error", "rejected"),
        ("something_new", "overloaded"),
    ],
)
async def test_an_error_within_a_stream_is_named_by_its_type(asking, kind, reason):
    async with asking("anthropic") as asked:
        error = {"type": "error", "error": {"type": kind, "message": SECRET}}
        asked.stand_in.script = [sse(("error", error))]
        with pytest.raises(ProviderError) as caught:
            await asked.ask()
        assert caught.value.reason == reason
        assert SECRET not in str(caught.value)


async def test_events_and_blocks_that_nobody_knows_are_passed_over(asking):
    """The API may add some (Anthropic API reference, "Streaming", other events)."""
    async with asking("anthropic") as asked:
        answer = anthropic_answer("x")
        block = {"type": "content_block_start", "index": 9, "content_block": {"type": "novelty", "text": "hm"}}
        answer[2:2] = sse(("novelty", {"type": "novelty", "text": "hm"}), ("content_block_start", block))[1:]
        asked.stand_in.script = [answer]
        assert await asked.ask() == [TextDelta("x"), Finish("stop", 7, 3, 2)]


async def test_arguments_of_a_call_that_never_began_are_a_bad_answer(asking):
    async with asking("anthropic") as asked:
        delta = {"type": "input_json_delta", "partial_json": "{}"}
        stray = sse(("content_block_delta", {"type": "content_block_delta", "index": 7, "delta": delta}))[1:]
        asked.stand_in.script = [[*anthropic_answer()[:2], *stray]]
        with pytest.raises(ProviderError) as caught:
            await asked.ask()
        assert caught.value.reason == "bad_answer"
