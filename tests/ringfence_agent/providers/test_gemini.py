"""What is Google's own."""

import httpx2
import pytest

from fakes.families import SECRET, gemini_answer, gemini_chunk, sse, whole
from ringfence_agent.providers import Finish, ProviderError, ToolCallDelta
from ringfence_agent.providers.gemini import _Relay


@pytest.mark.parametrize(
    ("delay", "hint"),
    [
        ("17.5s", 17_500),
        ("0.25s", 250),
        ("3s", 3000),
        ("99999999s", 3_600_000),
        ("-1s", None),
        ("soon", None),
        (5, None),
    ],
)
async def test_when_to_try_again_stands_in_an_errors_details(asking, delay, hint):
    """google.rpc.RetryInfo."""
    async with asking("gemini") as asked:
        info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
        error = {"code": 429, "message": SECRET, "status": "RESOURCE_EXHAUSTED", "details": [7, {"a": 1}, info]}
        asked.stand_in.script = [whole({"error": error}, 429)]
        with pytest.raises(ProviderError) as caught:
            await asked.ask()
        assert (caught.value.reason, caught.value.retry_after_ms) == ("rate_limited", hint)


@pytest.mark.parametrize("details", [{}, "x", [[]], None])
async def test_details_of_another_form_are_no_hint(asking, details):
    async with asking("gemini") as asked:
        asked.stand_in.script = [whole({"error": {"code": 429, "details": details}}, 429)]
        with pytest.raises(ProviderError) as caught:
            await asked.ask()
        assert (caught.value.reason, caught.value.retry_after_ms) == ("rate_limited", None)


async def test_a_prompt_that_is_blocked_is_an_end_and_no_failure(asking):
    async with asking("gemini") as asked:
        usage = {"promptTokenCount": 7}
        asked.stand_in.script = [sse({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": usage})]
        assert await asked.ask() == [Finish("content_filter", 7, 0, 0)]


@pytest.mark.parametrize("word", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "OTHER", "SOMETHING_NEW"])
async def test_a_model_that_failed_is_a_bad_answer(asking, word):
    async with asking("gemini") as asked:
        asked.stand_in.script = [gemini_answer("x", finish=word)]
        with pytest.raises(ProviderError) as caught:
            await asked.ask()
        assert caught.value.reason == "bad_answer"


async def test_a_call_without_a_name_of_its_own_is_called_by_its_place(asking):
    """The API may leave the id out."""
    async with asking("gemini") as asked:
        call = {"functionCall": {"name": "f", "args": {"ä": [1, None]}}}
        asked.stand_in.script = [sse(gemini_chunk(call, call), gemini_chunk(finish="STOP"))]
        first, second, finish = await asked.ask()
        assert first == ToolCallDelta(0, "call-0", "f", '{"ä": [1, null]}')
        assert second.id == "call-1"
        assert finish.reason == "tool_calls"


async def test_the_sdk_sends_nothing_that_no_exchange_was_made_for():
    """A request without a number, or with that of an exchange that is over."""
    relay = _Relay()
    exchange = object()
    with relay.lent(exchange) as number:
        pass
    for headers in ({}, {"x-ringfence-exchange": number}):
        with pytest.raises(ProviderError, match="not judged"):
            await relay.handle_async_request(httpx2.Request("POST", "https://anywhere", headers=headers))
