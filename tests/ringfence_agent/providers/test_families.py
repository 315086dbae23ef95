"""What every family does alike: real SDKs, real TLS, and a stand-in that speaks each provider's wire format."""

import asyncio
import contextlib
import json
import logging

import pytest

from fakes.families import FAMILIES, SECRET, whole
from fakes.provider import BREAK, HANG, head
from ringfence.v1 import egress_pb2
from ringfence_agent.providers import Embeddings, Finish, ProviderError, TextDelta, ToolCallDelta

every = pytest.mark.parametrize("name", FAMILIES)
embedding = pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if family.embedding_model])


async def failure(asked, *answer, **more):
    """How a provider that answers so fails."""
    asked.stand_in.script = [list(answer)]
    with pytest.raises(ProviderError) as caught:
        await asked.ask(**more)
    error = caught.value
    assert SECRET not in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    return error


@every
async def test_a_chat_is_streamed_to_its_finish(asking, name):
    """Text as it comes, usage with what was cached; what the model thinks is not passed on."""
    async with asking(name) as asked:
        asked.stand_in.script = [asked.family.answer("Hello", " there")]
        pieces = await asked.ask()
        assert pieces == [TextDelta("Hello"), TextDelta(" there"), Finish("stop", 7, 3, 2)]
        assert asked.stand_in.bodies == [asked.body]
        assert asked.tally.bytes_out == len(asked.body)
        assert asked.tally.bytes_in > 0


@every
async def test_the_whole_head_is_fixed(asking, name):
    """Method, path and each header, byte for byte: nothing of the SDK's, and nothing of the machine's."""
    async with asking(name) as asked:
        asked.stand_in.script = [asked.family.answer("x")]
        await asked.ask()
        assert asked.stand_in.heads == [
            "\r\n".join(
                [
                    f"POST {asked.family.path} HTTP/1.1",
                    f"Host: localhost:{asked.stand_in.port}",
                    "User-Agent: ringfence-agent",
                    "Accept-Encoding: identity",
                    "Content-Type: application/json",
                    *asked.family.headers,
                    f"Content-Length: {len(asked.body)}",
                    "",
                    "",
                ]
            )
        ]


@every
async def test_the_environment_has_no_effect(asking, monkeypatch, name):
    """Other addresses, keys, headers, proxies, profiles: what SDKs read from it, all of it set."""
    plain = ("OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT", "ANTHROPIC_BASE_URL", "GOOGLE_GEMINI_BASE_URL")
    for variable in (*plain, "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"):
        monkeypatch.setenv(variable, "https://elsewhere.example")
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    for variable, value in {
        "OPENAI_API_KEY": "stolen",
        "OPENAI_ORG_ID": "org",
        "OPENAI_PROJECT_ID": "project",
        "OPENAI_API_VERSION": "2020-01-01",
        "OPENAI_CUSTOM_HEADERS": "X-Own: 1",
        "OPENAI_LOG": "debug",
        "AZURE_OPENAI_API_KEY": "stolen",
        "AZURE_OPENAI_AD_TOKEN": "stolen",
        "ANTHROPIC_API_KEY": "stolen",
        "ANTHROPIC_AUTH_TOKEN": "stolen",
        "ANTHROPIC_CUSTOM_HEADERS": "X-Own: 1",
        "ANTHROPIC_LOG": "debug",
        "GOOGLE_API_KEY": "stolen",
        "GEMINI_API_KEY": "stolen",
        "GOOGLE_GENAI_USE_VERTEXAI": "true",
        "GOOGLE_CLOUD_PROJECT": "project",
        "GOOGLE_CLOUD_LOCATION": "eu",
        "GOOGLE_GENAI_API_VERSION": "v9",
        "AWS_ACCESS_KEY_ID": "stolen",
        "AWS_SECRET_ACCESS_KEY": "stolen",
        "AWS_SESSION_TOKEN": "stolen",
        "AWS_BEARER_TOKEN_BEDROCK": "stolen",
        "AWS_PROFILE": "nobody",
        "AWS_REGION": "us-east-1",
        "AWS_DATA_PATH": "/nowhere",
        "AWS_CONFIG_FILE": "/nowhere",
    }.items():
        monkeypatch.setenv(variable, value)
    async with asking(name) as asked:
        asked.stand_in.script = [asked.family.answer("x")]
        await asked.ask()
        lines = asked.stand_in.heads[0].split("\r\n")
        assert lines[0] == f"POST {asked.family.path} HTTP/1.1"
        assert lines[5:-3] == asked.family.headers
        assert asked.stand_in.bodies == [asked.body]


@every
async def test_no_sdk_writes_a_log(asking, caplog, name):
    """Not even when everything is logged: requests hold content."""
    caplog.set_level(logging.DEBUG)
    async with asking(name) as asked:
        asked.stand_in.script = [asked.family.answer("an answer")]
        await asked.ask()
    sdks = ("openai", "anthropic", "google", "botocore", "http")
    assert [record.name for record in caplog.records if record.name.startswith(sdks)] == []


@every
async def test_tools_are_called_in_the_stream(asking, name):
    """Names, ids and arguments, several calls side by side."""
    async with asking(name) as asked:
        asked.stand_in.script = [asked.family.calls()]
        *pieces, finish = await asked.ask()
        assert finish == Finish("tool_calls", 7, 3, 2)
        calls = {}
        for piece in pieces:
            assert isinstance(piece, ToolCallDelta)
            known = calls.setdefault(piece.position, ["", "", ""])
            for place, said in enumerate((piece.id, piece.name, piece.arguments_json)):
                known[place] += said
        assert [(one[0], one[1], json.loads(one[2])) for one in calls.values()] == [
            ("c1", "f", {"a": 1}),
            ("c2", "g", {}),
        ]
        assert list(calls) == [0, 1]


@every
async def test_why_it_ended_is_told_in_our_words(asking, name):
    async with asking(name) as asked:
        for word, ours in asked.family.reasons.items():
            asked.stand_in.script = [asked.family.finished(word)]
            assert (await asked.ask())[-1].reason == ours, word


@every
async def test_an_end_that_is_none_is_a_bad_answer(asking, name):
    """Words that nobody knows, and streams that only stop coming."""
    async with asking(name) as asked:
        assert (await failure(asked, *asked.family.finished("banana"))).reason == "bad_answer"
        assert (await failure(asked, *asked.family.broken()[:-1])).reason == "bad_answer"
        assert (await failure(asked, *asked.family.broken()[:-1], BREAK)).reason == "bad_answer"


@every
async def test_a_connection_that_breaks_after_the_end_breaks_nothing(asking, name):
    async with asking(name) as asked:
        asked.stand_in.script = [[*asked.family.answer("x"), BREAK]]
        assert (await asked.ask())[-1] == Finish("stop", 7, 3, 2)


@every
@pytest.mark.parametrize(
    ("status", "reason", "hint"),
    [
        (400, "rejected", None),
        (401, "credentials", None),
        (403, "credentials", None),
        (404, "rejected", None),
        (408, "deadline", None),
        (413, "rejected", None),
        (429, "rate_limited", 7000),
        (500, "overloaded", 7000),
        (503, "overloaded", 7000),
        (529, "overloaded", 7000),
    ],
)
async def test_a_status_is_told_in_our_words_with_the_hint(asking, name, status, reason, hint):
    """What helps to try again later comes with when; nothing of the provider's is repeated, and nothing is retried."""
    async with asking(name) as asked:
        said = {"error": {"message": SECRET, "code": status}, "message": SECRET}
        error = await failure(asked, *whole(said, status, "Retry-After: 7"))
        assert (error.reason, error.retry_after_ms) == (reason, hint)
        assert asked.stand_in.connections == 1


@every
@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("Retry-After: 99999999", 3_600_000),
        ("Retry-After: -1", None),
        ("Retry-After: soon", None),
        ("Retry-After: Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("Retry-After: " + "9" * 5000, None),
        ("retry-after-ms: 20", 20),
    ],
)
async def test_a_hint_is_a_small_number_or_none(asking, name, header, hint):
    async with asking(name) as asked:
        assert (await failure(asked, *whole({}, 429, header))).retry_after_ms == hint


@every
async def test_an_error_within_a_stream_is_told_like_its_status(asking, name):
    async with asking(name) as asked:
        asked.stand_in.script = [asked.family.broken()]
        answer = asked.sending()
        assert await anext(answer) == TextDelta("x")
        with pytest.raises(ProviderError) as caught:
            await anext(answer)
        assert caught.value.reason == "overloaded"
        assert SECRET not in str(caught.value)


@every
async def test_a_redirect_is_not_followed(asking, name):
    async with asking(name) as asked:
        elsewhere = f"Location: https://localhost:{asked.stand_in.port}/elsewhere"
        for status in (301, 302, 307, 308):
            error = await failure(asked, head(status, elsewhere, "Content-Length: 0"))
            assert error.reason == "bad_answer"
        assert asked.stand_in.connections == 4


@every
async def test_what_is_no_answer_is_a_bad_one(asking, name):
    """Nonsense in the stream, and JSON, HTML or nothing where a stream was due."""
    async with asking(name) as asked:
        for answer in (
            asked.family.junk,
            whole({"a": 1}),
            [head(200, "Content-Type: text/html", "Content-Length: 6"), b"<html>"],
            [head(200, "Content-Type: text/event-stream", "Content-Length: 0")],
            [b"SSH-2.0-OpenSSH_9.2\r\n"],
        ):
            assert (await failure(asked, *answer)).reason == "bad_answer"


@every
async def test_a_provider_that_hangs_runs_into_the_deadline(asking, name):
    """Before the head, and between pieces; the connection is closed."""
    async with asking(name) as asked:
        for answer in ([HANG], [*asked.family.broken()[:-1], HANG]):
            asked.stand_in.hung_up.clear()
            assert (await failure(asked, *answer, seconds_max=0.3)).reason == "deadline"
            async with asyncio.timeout(5):
                await asked.stand_in.hung_up.wait()


@every
async def test_who_stops_listening_closes_the_connection(asking, name):
    async with asking(name) as asked:
        asked.stand_in.script = [[*asked.family.broken()[:-1], HANG]]
        async with contextlib.aclosing(asked.sending()) as pieces:
            assert await anext(pieces) == TextDelta("x")
        async with asyncio.timeout(5):
            await asked.stand_in.hung_up.wait()


@every
async def test_an_answer_that_is_too_long_is_cut(asking, name):
    async with asking(name, response_bytes_max=4000) as asked:
        error = await failure(asked, *asked.family.answer(*["word " * 100] * 20))
        assert error.reason == "too_long"
        assert asked.tally.bytes_in < 40_000


@every
async def test_a_compressed_answer_is_refused_unread(asking, name):
    async with asking(name) as asked:
        error = await failure(
            asked, head(200, "Content-Type: text/event-stream", "Content-Encoding: gzip"), b"\x1f\x8b"
        )
        assert error.reason == "bad_answer"
        assert asked.tally.bytes_in == 0


@every
async def test_a_provider_that_is_not_there_is_unreachable(asking, name):
    async with asking(name) as asked:
        asked.stand_in._server.close()
        await asked.stand_in._server.wait_closed()
        with pytest.raises(ProviderError) as caught:
            await asked.ask()
        assert caught.value.reason == "unreachable"


@every
async def test_many_answers_at_a_time_do_not_mix(asking, name):
    """One provider, many tasks: each gets the answer to its own body."""
    async with asking(name) as asked:
        asked.stand_in.script = [asked.family.answer(f"answer {number}") for number in range(9)]
        answers = await asyncio.gather(*(asked.ask() for _ in range(9)))
        texts = sorted(answer[0].text for answer in answers)
        assert texts == [f"answer {number}" for number in range(9)]


@every
async def test_text_that_no_message_can_hold_is_mended(asking, name):
    """Half a character, which a JSON escape can write."""
    async with asking(name) as asked:
        asked.stand_in.script = [asked.family.answer("a\ud83d", "b")]
        assert await asked.ask() == [TextDelta("a?"), TextDelta("b"), Finish("stop", 7, 3, 2)]


@embedding
async def test_texts_are_embedded(asking, name):
    """One vector for each text, in their order, with the length that was asked for."""
    async with asking(name) as asked:
        asked.stand_in.script = [asked.family.embedded((0.5, -1.0), (2, 3.25))]
        message = egress_pb2.EgressPayload(embedding_inputs=["one", "two"], embedding_dimensions=2)
        vectors, finish = await asked.ask(message, embeds=True)
        assert vectors == Embeddings(((0.5, -1.0), (2.0, 3.25)))
        assert (finish.reason, finish.completion_tokens) == ("stop", 0)
        assert asked.stand_in.heads[0].startswith(f"POST {asked.family.embedding_path} HTTP/1.1\r\n")
        assert asked.stand_in.bodies == [asked.body]


@embedding
@pytest.mark.parametrize(
    "vectors", [((0.5,),), ((0.5,), (1.0,), (2.0,)), ((0.5,), (1.0, 2.0)), ((), ()), ((0.5,), (float("nan"),))]
)
async def test_vectors_that_do_not_fit_the_texts_are_a_bad_answer(asking, name, vectors):
    """Too few, too many, of different lengths, empty, or no numbers."""
    async with asking(name) as asked:
        message = egress_pb2.EgressPayload(embedding_inputs=["one", "two"])
        error = await failure(asked, *asked.family.embedded(*vectors), message=message, embeds=True)
        assert error.reason == "bad_answer"


@embedding
async def test_an_embedding_model_fails_like_any_other(asking, name):
    async with asking(name) as asked:
        message = egress_pb2.EgressPayload(embedding_inputs=["one"])
        answer = whole({"message": SECRET}, 429, "Retry-After: 2")
        error = await failure(asked, *answer, message=message, embeds=True)
        assert (error.reason, error.retry_after_ms) == ("rate_limited", 2000)
        assert (await failure(asked, HANG, message=message, embeds=True, seconds_max=0.3)).reason == "deadline"
        assert (await failure(asked, *whole([1]), message=message, embeds=True)).reason == "bad_answer"


@every
async def test_a_picture_that_the_site_approved_is_sent(asking, approved_picture, name):
    """Whatever the SDK makes of its bytes, the judged body is what arrives."""
    async with asking(name) as asked:
        asked.stand_in.script = [asked.family.answer("x")]
        message, approved = approved_picture
        assert [piece async for piece in asked.sending(message, approved=approved)][-1].reason == "stop"
        assert asked.stand_in.bodies == [asked.body]


@every
async def test_a_whole_conversation_goes_through_the_sdk_unchanged(asking, name):
    """System, turns, calls and results, tools, a schema and sampling; the judged body is what arrives."""
    async with asking(name) as asked:
        asked.stand_in.script = [asked.family.answer("x")]
        message = egress_pb2.EgressPayload()
        message.messages.add(role=1).parts.add(text="Be brief, \u00e4\u20ac\U0001f600.")
        message.messages.add(role=2).parts.add(text="What?")
        call = message.messages.add(role=3).tool_calls.add(
            id="c1", name="f", arguments_json='{"a": [1.5, null, "\u00e9"]}'
        )
        message.messages.add(role=4, tool_call_id=call.id).parts.add(json='{"b": 1}')
        message.tools.add(
            name="f", description="does f", parameters_json_schema='{"type": "object", "required": ["a"]}'
        )
        message.tool_choice.mode = 3
        message.tool_choice.name = "f"
        message.response_format.json_schema = '{"type": "object", "additionalProperties": false}'
        message.response_format.name = "s"
        message.sampling.temperature = 0.3
        message.sampling.top_p = 0.9
        message.sampling.seed = 7
        message.sampling.tokens_max = 100
        message.sampling.stop.append("END")
        assert (await asked.ask(message))[-1].reason == "stop"
        assert asked.stand_in.bodies == [asked.body]
