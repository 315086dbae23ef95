"""What the bare server answers with has the number and the sizes of Ringfence's messages."""

import pytest

from flow_parts.calls import RECEIPT, TEXT
from flow_parts.h2load import body_octets, frame, succeeded
from flow_parts.scenarios import INSTRUCTIONS, NOTE, SCENARIOS, answer, fresh
from ringfence.recognize import load
from ringfence.v1 import inference_pb2 as pb


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_request_is_one_of_the_contract(name):
    scenario = SCENARIOS[name]
    kind = pb.PlanRequest if scenario.method == "Plan" else pb.GenerateRequest
    assert kind.FromString(scenario.payload()).SerializeToString() == scenario.payload()


def test_an_answer_has_a_delta_for_each_token():
    assert len(answer(SCENARIOS["paced"]).deltas) == 20


def test_the_generator_tells_events_by_their_first_byte():
    made = answer(SCENARIOS["unary"])
    assert made.deltas[0].SerializeToString()[0] == TEXT
    assert made.receipt.SerializeToString()[0] == RECEIPT
    assert made.decision.SerializeToString()[0] not in (TEXT, RECEIPT)


def test_the_note_is_as_long_as_it_says():
    assert 550 <= len(NOTE) <= 650


def test_a_body_for_h2load_is_a_length_prefixed_message():
    assert frame(b"abc") == b"\0\0\0\0\3abc"


def test_h2loads_report_is_read():
    output = (
        "requests: 20 total, 20 started, 20 done, 19 succeeded, 1 failed, 0 errored, 0 timeout\n"
        "traffic: 13.00KB (13312) total, 1.00KB (1024) headers (space savings 80.00%), 11.72KB (12001) data\n"
    )
    assert succeeded(output) == 19
    assert body_octets(output) == 12001
    assert succeeded("nonsense") == body_octets("nonsense") == 0


def test_a_payload_has_texts_of_its_own_and_the_same_script():
    """So that a daemon that remembers what held nothing reads each of them."""
    scenario = SCENARIOS["instructed anew"]
    texts = set()
    for number in (0, 1, 7, 65_535):
        request = pb.GenerateRequest.FromString(fresh(scenario.payload(), number))
        instructions, question = (message.parts[0].text for message in request.messages)
        assert (instructions.rstrip(), question.rstrip()) == (INSTRUCTIONS, scenario.directive)
        texts |= {instructions, question}
    assert len(texts) == 8


def test_nothing_is_found_in_instructions():
    assert load(None).scan(INSTRUCTIONS) == ()
