"""Prompts, descriptions, finishes and failures cross the socket whole."""

from __future__ import annotations

import pytest

from ringfence.v1 import engine_pb2, types_pb2
from ringfenced import errors
from ringfenced.engines import wire
from ringfenced.model import (
    Claim,
    File,
    FinishReason,
    Image,
    Json,
    Message,
    Prompt,
    Role,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolMode,
)


def submit(prompt, **changes):
    values = {
        "sequence": 7,
        "cache_salt": b"s",
        "confidential": True,
        "deadline_ms": 9,
        "claim": Claim(),
        "adapter": "",
    }
    values |= changes
    return wire.submit_to_wire(prompt, **values).submit


def test_everything_of_a_prompt_is_written():
    prompt = Prompt(
        messages=(
            Message(Role.SYSTEM, (Text("be brief"),), name="n"),
            Message(Role.USER, (Json("{}"), Image(b"i", "image/png"), File(b"\xff", "application/pdf", "f", None))),
            Message(Role.ASSISTANT, (), tool_calls=(ToolCall("1", "look", "{}"),)),
            Message(Role.TOOL, (Text("found"),), tool_call_id="1"),
        ),
        tools=(Tool("look", "looks", "{}"),),
        tool_mode=ToolMode.REQUIRED,
        tool_name="look",
        json_schema="{}",
        schema_name="s",
        sampling=Sampling(temperature=0.5, top_k=3, seed=2**40, tokens_max=0, stop=("x",), logit_bias=((5, -1.5),)),
    )
    command = submit(prompt)
    assert (command.sequence, command.cache_salt, command.confidential, command.deadline_ms) == (7, b"s", True, 9)
    assert [message.role for message in command.messages] == [1, 2, 3, 4]
    assert command.messages[0].name == "n"
    assert [part.WhichOneof("content") for part in command.messages[1].parts] == ["json", "image", "file"]
    assert command.messages[2].tool_calls[0].name == "look"
    assert command.messages[3].tool_call_id == "1"
    assert command.tools[0].parameters_json_schema == "{}"
    assert command.tool_choice.mode == types_pb2.ToolChoice.MODE_REQUIRED
    assert command.response_format.name == "s"
    sampling = command.sampling
    assert (sampling.temperature, sampling.top_k, sampling.seed, sampling.tokens_max) == (0.5, 3, 2**40, 0)
    assert sampling.HasField("tokens_max")
    assert not sampling.HasField("top_p")
    assert list(sampling.stop) == ["x"]
    assert dict(sampling.logit_bias) == {5: -1.5}


def test_a_file_that_was_read_goes_as_its_text_as_it_is_now():
    """De-identification changes the text and not the bytes; the bytes must not go."""
    file = File(b"Jane Doe", "text/plain", "note.txt", "PERSON_1")
    command = submit(Prompt((Message(Role.USER, (file,)),)))
    assert command.messages[0].parts[0].file.data == b"PERSON_1"


def test_a_plain_prompt_writes_no_options():
    command = submit(Prompt((Message(Role.USER, (Text("hi"),)),)))
    assert not command.HasField("sampling")
    assert not command.HasField("response_format")
    assert not command.HasField("tool_choice")


def test_a_finish_is_read_whole():
    finish = wire.finish_from_wire(
        engine_pb2.EngineFinish(
            reason=types_pb2.FINISH_REASON_LENGTH,
            prompt_tokens=1,
            completion_tokens=2,
            cached_tokens=3,
            logprob_min=-0.5,
            time_to_first_token_us=4,
            duration_us=5,
        )
    )
    assert finish.reason is FinishReason.LENGTH
    usage = finish.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens) == (1, 2, 3)
    assert (usage.logprob_min, usage.time_to_first_token_us, usage.duration_us) == (-0.5, 4, 5)
    assert wire.finish_from_wire(engine_pb2.EngineFinish()).usage.logprob_min is None


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("context_exceeded", errors.ContextExceeded),
        ("bad_schema", errors.InvalidRequest),
        ("bad_grammar", errors.InvalidRequest),
        ("bad_picture", errors.InvalidRequest),
        ("bad_sampling", errors.InvalidRequest),
        ("input_too_long", errors.ContextExceeded),
        ("input_empty", errors.InvalidRequest),
        ("adapter_unknown", errors.Internal),
        ("too_late", errors.Overloaded),
        ("template_refused", errors.InvalidRequest),
        ("overloaded", errors.Overloaded),
        ("deadline", errors.DeadlineExceeded),
        ("unsupported", errors.Unsupported),
        ("internal", errors.Internal),
        ("unheard of", errors.Internal),
    ],
)
def test_a_failure_becomes_a_typed_error_without_the_engines_words(reason, kind):
    failure = engine_pb2.EngineFailure(reason=reason, message="Jane Doe", numbers={"prompt_tokens": 9})
    error = wire.error_from_wire(failure, model="m")
    assert type(error) is kind
    assert error.model == "m"
    assert "Jane" not in repr(error) + error.message


def test_a_prompt_too_long_is_told_with_both_lengths():
    error = wire.failure("context_exceeded", {"prompt_tokens": 12, "context_tokens_max": 8}, model="m")
    assert "12 tokens" in error.message
    assert "context 8" in error.message
    assert error.numbers == {"prompt_tokens": 12, "context_tokens_max": 8}


def test_an_overloaded_engine_says_when_to_come_again():
    assert wire.failure("overloaded", {"retry_after_ms": 40}, model="m").retry_after_ms == 40
    assert wire.failure("overloaded", {}, model="m").retry_after_ms == wire.OVERLOADED_RETRY_MS
