"""From the daemon's bytes to a payload."""

import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.v1 import egress_pb2, types_pb2
from ringfence_agent.decode import decode
from ringfence_agent.payload import PayloadError, Picture, known_leaves, leaves

PNG = b"\x89PNG\r\n\x1a\n\xfb\xef\xbe"
APPROVED = frozenset({hashlib.sha256(PNG).hexdigest()})


def chat(*parts, role=types_pb2.ROLE_USER):
    message = egress_pb2.EgressPayload()
    message.messages.add(role=role).parts.extend(parts)
    return message


def picture(data=PNG, media_type="image/png"):
    return types_pb2.Part(image=types_pb2.Image(data=data, media_type=media_type))


def read(message, approved=frozenset()):
    return decode(message.SerializeToString(), approved)


def test_an_approved_picture_is_a_part_like_another():
    """In its place among the texts; its bytes are known, and no leaf."""
    payload = read(chat(types_pb2.Part(text="See:"), picture(), types_pb2.Part(text="?")), APPROVED)
    message = payload.messages[0]
    assert message.parts == ("See:", Picture(PNG, "image/png"), "?")
    assert (message.texts, message.pictures) == (("See:", "?"), (Picture(PNG, "image/png"),))
    assert set(leaves(payload)) == {"", "See:", "?", "See:?"}
    assert list(known_leaves(payload)) == [
        "iVBORw0KGgr7774=",
        "iVBORw0KGgr7774=".replace("+", "-").replace("/", "_"),
        "data:image/png;base64,iVBORw0KGgr7774=",
    ]


@pytest.mark.parametrize(
    ("part", "approved"),
    [
        (picture(), frozenset()),
        (picture(PNG + b"x"), APPROVED),
        (picture(PNG[:-1]), APPROVED),
        (picture(media_type="image/jpeg"), APPROVED),
        (picture(media_type=""), APPROVED),
        (picture(media_type="image/png; ssn=524-71-6038"), APPROVED),
        (picture(b"<svg/>", "image/svg+xml"), frozenset({hashlib.sha256(b"<svg/>").hexdigest()})),
        (types_pb2.Part(file=types_pb2.File(data=PNG, media_type="image/png")), APPROVED),
        (types_pb2.Part(file=types_pb2.File(data=b"%PDF", media_type="application/pdf")), APPROVED),
        (types_pb2.Part(), APPROVED),
    ],
)
def test_any_other_picture_and_file_counts_as_restricted(part, approved):
    """Other bytes, another media type than they show, a type that is none of four, or a file."""
    with pytest.raises(PayloadError, match="count as RESTRICTED"):
        read(chat(part), approved)


@pytest.mark.parametrize("role", [types_pb2.ROLE_SYSTEM, types_pb2.ROLE_ASSISTANT, types_pb2.ROLE_TOOL])
def test_a_picture_is_a_users(role):
    with pytest.raises(PayloadError, match="in a user's message"):
        read(chat(picture(), role=role), APPROVED)


def test_texts_to_embed_are_a_payload_of_their_own():
    """Every text is a leaf, also all of them together, and what is JSON in them."""
    payload = read(egress_pb2.EgressPayload(embedding_inputs=["524-71", "-6038", '{"a": "b"}'], embedding_dimensions=8))
    assert (payload.task, payload.embedding_dimensions) == ("embeddings", 8)
    assert {"524-71", "-6038", '524-71-6038{"a": "b"}', "a", "b"} <= set(leaves(payload))
    assert read(chat(types_pb2.Part(text="x"))).task == "chat"


def beside(**fields):
    return egress_pb2.EgressPayload(embedding_inputs=["x"], **fields)


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (egress_pb2.EgressPayload(), "at least one message, or a text"),
        (egress_pb2.EgressPayload(embedding_dimensions=8), "at least one message, or a text"),
        (beside(messages=[types_pb2.Message(role=types_pb2.ROLE_USER)]), "come alone"),
        (beside(tools=[types_pb2.Tool(name="f")]), "come alone"),
        (beside(tool_choice=types_pb2.ToolChoice(name="f")), "come alone"),
        (beside(tool_choice=types_pb2.ToolChoice()), "come alone"),
        (beside(response_format=types_pb2.ResponseFormat(json_schema="{}")), "come alone"),
        (beside(sampling=types_pb2.Sampling(seed=1)), "come alone"),
        (beside(embedding_dimensions=20_000), "at most 16384 dimensions"),
        (egress_pb2.EgressPayload(embedding_inputs=["x"] * 2049), "more than 2048 texts"),
    ],
)
def test_a_payload_is_for_one_task(message, says):
    with pytest.raises(PayloadError, match=says):
        read(message)


def test_a_conversation_has_no_dimensions():
    message = chat(types_pb2.Part(text="x"))
    message.embedding_dimensions = 8
    with pytest.raises(PayloadError, match="a conversation has none"):
        read(message)


@pytest.mark.parametrize("document", ["{", "[NaN]", "[1e999]", '["\\ud800"]', "[" * 66 + "]" * 66])
def test_a_document_that_no_body_can_carry_is_refused(document):
    """Wherever one stands: a part, arguments, a tool's schema, the answer's."""
    spoken = chat(types_pb2.Part(json=document))
    called = chat()
    called.messages[0].tool_calls.add(id="c", name="f", arguments_json=document)
    tool = chat(types_pb2.Part(text="x"))
    tool.tools.add(name="f", parameters_json_schema=document)
    answer = chat(types_pb2.Part(text="x"))
    answer.response_format.json_schema = document
    for message in (spoken, called, tool, answer):
        with pytest.raises(PayloadError, match="a JSON part, tool arguments or a schema"):
            read(message)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_payload_or_refused(data):
    with contextlib.suppress(PayloadError):
        assert decode(data, frozenset()).task in {"chat", "embeddings"}
