"""What is OpenAI's own, and that of those who speak like it."""

import json

import pytest

from fakes.families import SECRET, openai_answer, whole
from fakes.provider import chunk, head
from ringfence_agent.providers import Finish, ProviderError, TextDelta, ToolCallDelta

STREAM = head(200, "Content-Type: text/event-stream")


async def test_a_refusal_is_text_and_a_content_filter(asking):
    """Structured outputs say no in a field of their own (OpenAI's guide "Structured outputs", refusals)."""
    async with asking("openai") as asked:
        asked.stand_in.script = [[STREAM, chunk({"refusal": "I cannot"}), *openai_answer()[1:]]]
        assert await asked.ask() == [TextDelta("I cannot"), Finish("content_filter", 7, 3, 2)]


@pytest.mark.parametrize("name", ["openai", "azure"])
async def test_a_prompt_that_is_filtered_is_an_end_and_no_failure(asking, name):
    """Azure says it with status 400 (Microsoft, "Content filtering")."""
    async with asking(name) as asked:
        asked.stand_in.script = [whole({"error": {"message": SECRET, "code": "content_filter"}}, 400)]
        assert await asked.ask() == [Finish("content_filter", 0, 0, 0)]


async def test_an_answer_without_usage_counts_nothing(asking):
    """Some compatible servers do not say."""
    async with asking("openai") as asked:
        asked.stand_in.script = [[STREAM, chunk({"content": "x"}), chunk(finish="stop"), b"data: [DONE]\n\n"]]
        assert await asked.ask() == [TextDelta("x"), Finish("stop", 0, 0, 0)]


async def test_usage_that_cannot_be_counts_nothing(asking):
    async with asking("openai") as asked:
        usage = {"prompt_tokens": -1, "completion_tokens": "many", "total_tokens": 1}
        asked.stand_in.script = [[STREAM, chunk(finish="stop"), chunk(usage=usage), b"data: [DONE]\n\n"]]
        assert await asked.ask() == [Finish("stop", 0, 0, 0)]


@pytest.mark.parametrize(
    ("code", "reason"),
    [("rate_limit_exceeded", "rate_limited"), (429, "rate_limited"), (502, "overloaded"), (None, "overloaded")],
)
async def test_an_error_within_a_stream_is_named_by_its_code(asking, code, reason):
    async with asking("openai") as asked:
        error = {"error": {"message": SECRET, "code": code}}
        asked.stand_in.script = [[STREAM, b"data: " + json.dumps(error).encode() + b"\n\n"]]
        with pytest.raises(ProviderError) as caught:
            await asked.ask()
        assert caught.value.reason == reason


@pytest.mark.parametrize(
    "delta",
    [
        {"content": {"a": SECRET}},
        {"content": [SECRET]},
        {"tool_calls": [{"index": -1, "id": "c", "function": {"name": "f", "arguments": "{}"}}]},
        {"tool_calls": [{"index": None, "id": "c", "function": {"name": "f", "arguments": "{}"}}]},
        {"tool_calls": [{"index": 10**9, "id": "c", "function": {"name": "f", "arguments": "{}"}}]},
        {"tool_calls": [{"index": 0, "id": 7, "function": {"name": "f", "arguments": "{}"}}]},
        {"tool_calls": [7]},
    ],
)
async def test_values_of_other_types_are_a_bad_answer(asking, delta):
    """The SDK reads loosely; what is passed on is what the contract says."""
    async with asking("openai") as asked:
        asked.stand_in.script = [[STREAM, chunk(delta), *openai_answer()[1:]]]
        with pytest.raises(ProviderError) as caught:
            await asked.ask()
        assert caught.value.reason == "bad_answer"
        assert SECRET not in str(caught.value)


async def test_a_call_in_one_piece_is_a_call(asking):
    async with asking("openai") as asked:
        call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        asked.stand_in.script = [[STREAM, chunk({"tool_calls": [call]}), *openai_answer(finish="tool_calls")[1:]]]
        assert (await asked.ask())[0] == ToolCallDelta(0, "c", "f", "{}")


async def test_a_call_that_was_demanded_ends_as_one(asking):
    """OpenAI's word for its end is ``stop``."""
    async with asking("openai") as asked:
        call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        asked.stand_in.script = [[STREAM, chunk({"tool_calls": [call]}), *openai_answer(finish="stop")[1:]]]
        assert (await asked.ask())[-1].reason == "tool_calls"


async def test_azures_newer_version_has_openais_paths(asking):
    """With ``v1`` no deployment and no date stands in the path."""
    async with asking("azure", api_version="v1") as asked:
        asked.stand_in.script = [openai_answer("x")]
        await asked.ask()
        assert asked.stand_in.heads[0].startswith("POST /openai/v1/chat/completions HTTP/1.1\r\n")
        assert "\r\napi-key: azure-test-key\r\n" in asked.stand_in.heads[0]
