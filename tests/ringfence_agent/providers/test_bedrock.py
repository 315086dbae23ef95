"""What is AWS's own: signatures, event streams, types of errors."""

import contextlib
import hashlib
import hmac
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.families import BEDROCK_HEAD, SECRET, bedrock_answer, event, whole
from ringfence.v1 import egress_pb2
from ringfence_agent.providers import Embeddings, Finish, ProviderError, TextDelta
from ringfence_agent.providers.bedrock_wire import Wire, credentials

KEY = "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
WIRE = Wire("eu-central-1")


def header(head, name):
    return next(line.partition(": ")[2] for line in head.split("\r\n") if line.lower().startswith(name.lower() + ":"))


def signature(head, body, secret, scope):
    """AWS Signature Version 4, written from its specification ("Create a signed AWS API request")."""
    method, target, _ = head.split("\r\n")[0].split(" ")
    names = re.search("SignedHeaders=([^,]+),", header(head, "Authorization"))[1]
    signed = "".join(f"{name}:{header(head, name).strip()}\n" for name in names.split(";"))
    path = target.replace("%", "%25")
    request = "\n".join([method, path, "", signed, names, hashlib.sha256(body).hexdigest()])
    date = header(head, "X-Amz-Date")
    text = "\n".join(["AWS4-HMAC-SHA256", date, "/".join(scope), hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, text.encode(), "sha256").hexdigest()


@pytest.mark.parametrize("token", ["", ":FwoGZXIvYXdzEXAMPLE=="])
async def test_a_request_is_signed_for_the_body_that_was_judged(asking, token):
    """The signature is what AWS's specification says; host, type, date and session token are part of it."""
    async with asking("bedrock", key=KEY + token) as asked:
        asked.stand_in.script = [bedrock_answer("x")]
        assert (await asked.ask())[0] == TextDelta("x")
        head, body = asked.stand_in.heads[0], asked.stand_in.bodies[0]
        date = header(head, "X-Amz-Date")
        scope = [date[:8], "eu-central-1", "bedrock", "aws4_request"]
        names = "content-type;host;x-amz-date" + (";x-amz-security-token" if token else "")
        assert header(head, "Authorization") == (
            f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{'/'.join(scope)}, SignedHeaders={names}, "
            f"Signature={signature(head, body, KEY.split(':')[1], scope)}"
        )
        sent = [line.partition(":")[0] for line in head.split("\r\n")[1:-2]]
        assert sent == [
            "Host",
            "User-Agent",
            "Accept-Encoding",
            "Content-Type",
            "Accept",
            "X-Amz-Date",
            *(["X-Amz-Security-Token"] if token else []),
            "Authorization",
            "Content-Length",
        ]
        assert KEY.split(":")[1] not in head


@pytest.mark.parametrize("key", ["A:", ":B", "A:B:", "A:B:C:D", "::"])
def test_a_key_that_is_none_is_refused_without_being_repeated(key):
    with pytest.raises(ValueError, match="ACCESS_KEY_ID:SECRET") as caught:
        credentials(key)
    assert key not in str(caught.value)


async def test_a_key_that_became_wrong_sends_nothing(asking):
    """Keys are read anew while the agent runs."""
    async with asking("bedrock") as asked:
        asked.provider._door._key = lambda: "A:B:C:D"
        with pytest.raises(ProviderError) as caught:
            await asked.ask()
        assert caught.value.reason == "credentials"
        assert asked.stand_in.bodies == []


@pytest.mark.parametrize(
    ("model", "segment"),
    [
        ("eu.amazon.nova-lite-v1:0", "eu.amazon.nova-lite-v1%3A0"),
        (
            "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.x",
            "arn%3Aaws%3Abedrock%3Aeu-central-1%3A123456789012%3Ainference-profile%2Feu.x",
        ),
    ],
)
def test_a_model_is_one_segment_of_the_path(model, segment):
    assert WIRE.target("ConverseStream", model) == f"/model/{segment}/converse-stream"
    assert WIRE.target("InvokeModel", model) == f"/model/{segment}/invoke"


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("ThrottlingException", 429, "rate_limited"),
        ("ThrottlingException:http://internal.amazon.com/coral/", 400, "rate_limited"),
        ("ServiceQuotaExceededException", 400, "rate_limited"),
        ("ModelNotReadyException", 429, "overloaded"),
        ("ServiceUnavailableException", 503, "overloaded"),
        ("ModelErrorException", 424, "overloaded"),
        ("ModelTimeoutException", 408, "deadline"),
        ("AccessDeniedException", 403, "credentials"),
        ("UnrecognizedClientException", 403, "credentials"),
        ("ExpiredTokenException", 403, "credentials"),
        ("ValidationException", 400, "rejected"),
        ("ResourceNotFoundException", 404, "rejected"),
        ("SomethingNew", 429, "rate_limited"),
    ],
)
async def test_a_type_of_error_is_told_in_our_words(asking, kind, status, reason):
    async with asking("bedrock") as asked:
        asked.stand_in.script = [whole({"message": SECRET}, status, f"x-amzn-ErrorType: {kind}")]
        with pytest.raises(ProviderError) as caught:
            await asked.ask()
        assert caught.value.reason == reason
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize("at", [0, 9, 20, -10, -1])
async def test_a_message_whose_checksum_is_wrong_is_a_bad_answer(asking, at):
    """In the prelude, in the headers, in the payload and in the checksum itself."""
    async with asking("bedrock") as asked:
        broken = bytearray(event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": SECRET}}))
        broken[at] ^= 1
        asked.stand_in.script = [[BEDROCK_HEAD, bytes(broken), *bedrock_answer("x")[1:]]]
        with pytest.raises(ProviderError) as caught:
            await asked.ask()
        assert caught.value.reason == "bad_answer"
        assert SECRET not in str(caught.value)


@given(st.lists(st.integers(1, 200), max_size=20))
@settings(max_examples=50)
def test_messages_are_read_in_whatever_pieces_they_come(lengths):
    stream = b"".join(bedrock_answer("Hello", " there")[1:])
    events, read, at = WIRE.events(), [], 0
    for length in (*lengths, len(stream)):
        read += events.read(stream[at : at + length])
        at += length
    assert [said["contentBlockDelta"]["delta"].get("text") for said in read if "contentBlockDelta" in said] == [
        None,
        "Hello",
        " there",
    ]


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_bytes_that_are_no_event_stream_are_told_so(data):
    """Nothing else is raised, whatever they are, and nothing is read from them."""
    read = []
    with contextlib.suppress(ValueError):
        read += WIRE.events().read(data)
    assert read == []


@pytest.mark.parametrize("word", ["malformed_model_output", "malformed_tool_use", "something_new"])
async def test_a_model_that_failed_is_a_bad_answer(asking, word):
    async with asking("bedrock") as asked:
        asked.stand_in.script = [bedrock_answer("x", finish=word)]
        with pytest.raises(ProviderError) as caught:
            await asked.ask()
        assert caught.value.reason == "bad_answer"


@pytest.mark.parametrize(
    ("model", "answer", "expected"),
    [
        (
            "amazon.titan-embed-text-v2:0",
            {"embedding": [0.5, 1], "inputTextTokenCount": 4},
            [Embeddings(((0.5, 1.0),)), Finish("stop", 4, 0, 0)],
        ),
        ("cohere.embed-english-v3", {"embeddings": [[0.5, 1]]}, [Embeddings(((0.5, 1.0),)), Finish("stop", 0, 0, 0)]),
    ],
)
async def test_titan_and_cohere_answer_each_in_its_words(asking, model, answer, expected):
    async with asking("bedrock", embedding_models={"e": model}) as asked:
        asked.stand_in.script = [whole(answer)]
        one = egress_pb2.EgressPayload(embedding_inputs=["one"])
        body = asked.provider.encode(asked.decoded(one), model)
        pieces = [piece async for piece in asked.provider.send(model, body, asked.tally, 20.0)]
        assert pieces == expected
        assert json.loads(asked.stand_in.bodies[0]) == json.loads(body)


async def test_a_picture_goes_through_the_serialiser_unchanged(asking, approved_picture):
    async with asking("bedrock") as asked:
        asked.stand_in.script = [bedrock_answer("x")]
        message, approved = approved_picture
        assert [piece async for piece in asked.sending(message, approved=approved)][-1].reason == "stop"
        assert asked.stand_in.bodies == [asked.body]
