"""`ringfence models bench`."""

import json

import grpc
import pytest

from fakes.daemon import Fail
from ringfence.v1 import inference_pb2 as inference
from ringfence.v1 import types_pb2 as types
from ringfence.v1.types_pb2 import ErrorDetail
from ringfenced.cli.exits import Failure
from ringfenced.cli.models_bench import read_levels, words_for

EVENTS = [
    inference.GenerateResponse(text=inference.TextDelta(text="a", tokens=1)),
    inference.GenerateResponse(finish=inference.Finish(usage=types.Usage(prompt_tokens=30, completion_tokens=7))),
]


def test_each_level_is_measured_with_prompts_that_no_cache_knows(daemon, ringfence):
    daemon.script["Generate"] = EVENTS
    arguments = [
        "models",
        "bench",
        "tiny",
        "--callers",
        "1,3",
        "--requests",
        "2",
        "--tokens",
        "9",
        "--prompt-tokens",
        "20",
    ]
    lines = [json.loads(line) for line in ringfence(*arguments, "--json").stdout.splitlines()]
    assert [(line["callers"], line["requests"], line["completionTokens"]) for line in lines] == [(1, 2, 14), (3, 6, 42)]
    assert all(line["firstTokenMsP50"] <= line["firstTokenMsP99"] <= line["requestMsP99"] for line in lines)
    requests = [request for _, request in daemon.requests]
    assert len(requests) == 1 + 2 + 6
    assert len({request.messages[0].parts[0].text for request in requests}) == len(requests)
    assert all(request.permission.local_only and request.model == "tiny" for request in requests)
    assert all(request.sampling.tokens_max == 9 for request in requests)
    words = [len(request.messages[0].parts[0].text.split()) for request in requests]
    assert words == [64, *[round(20 * 64 / 30)] * 8]  # 64 words took 30 tokens


def test_people_get_a_table(daemon, ringfence):
    daemon.script["Generate"] = EVENTS
    shown = ringfence("models", "bench", "tiny", "--callers", "2", "--requests", "1").stdout
    assert "tokens/s" in shown
    assert "14" in shown


def test_a_failing_request_ends_the_measurement_with_its_code(daemon, ringfence):
    daemon.script["Generate"] = [Fail(grpc.StatusCode.NOT_FOUND, "unknown model", ErrorDetail(reason="not_found"))]
    assert ringfence("models", "bench", "none").exit_code == 7


def test_an_answer_without_text_has_no_time_to_its_first_token(daemon, ringfence):
    daemon.script["Generate"] = EVENTS[1:]
    (line,) = ringfence("models", "bench", "tiny", "--callers", "1", "--json").stdout.splitlines()
    assert json.loads(line)["firstTokenMsP50"] is None


def test_a_prompts_length_follows_the_models_own_count():
    assert words_for(100, 64, 128) == 50
    assert words_for(1, 64, 1280) == 1
    assert words_for(100, 64, 0) == 100


@pytest.mark.parametrize("text", ["", "0", "a", "1,,2", "257", "-1"])
def test_levels_are_numbers(text):
    with pytest.raises(Failure):
        read_levels(text)
