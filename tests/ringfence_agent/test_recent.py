"""Halves of an identifier in two requests are read together for a minute; ordinary requests are not."""

import time

import pytest

from ringfence.v1 import egress_pb2, types_pb2
from ringfence_agent import ends
from ringfence_agent.decode import decode
from ringfence_agent.ends import Ends
from ringfence_agent.recent import PAYLOADS_MAX, REMEMBERED_MS, Recent

FIRST, SECOND = "The social security number: 524-7", "1-6038 was given at the desk."
WHOLE = "524-71-6038"


def of(*texts):
    payload = egress_pb2.EgressPayload()
    for text in texts:
        payload.messages.add(role=types_pb2.ROLE_USER).parts.add(text=text)
    return ends.of(decode(payload.SerializeToString(), frozenset()))


def together(recent, after, now_ms=0, provider="cloud"):
    return list(recent.together(provider, after, now_ms))


@pytest.mark.parametrize(("first", "second"), [(FIRST, SECOND), (SECOND, FIRST)])
def test_two_halves_are_read_together_in_either_order(first, second):
    recent = Recent()
    assert together(recent, of(first)) == []
    recent.keep("cloud", of(first), 0)
    assert any(WHOLE in text for text in together(recent, of(second), REMEMBERED_MS))


def test_an_email_cut_in_its_name_is_read_together():
    recent = Recent()
    recent.keep("cloud", of("Write to john.smi"), 0)
    assert any("john.smith@mailbox.org" in text for text in together(recent, of("th@mailbox.org please.")))


def test_another_provider_never_saw_the_first_half():
    recent = Recent()
    recent.keep("other", of(FIRST), 0)
    assert together(recent, of(SECOND)) == []


def test_what_left_more_than_a_minute_ago_is_forgotten():
    recent = Recent()
    recent.keep("cloud", of(FIRST), 0)
    assert together(recent, of(SECOND), REMEMBERED_MS + 1) == []


def test_the_memory_is_bounded():
    recent = Recent()
    recent.keep("cloud", of(FIRST), 0)
    for number in range(PAYLOADS_MAX):
        recent.keep("cloud", of(f"room {number}"), 0)
    assert together(recent, of(SECOND)) == []


def test_a_conversation_that_goes_on_is_not_read_across_its_own_turns():
    """Each request repeats the turns before it."""
    recent = Recent()
    recent.keep("cloud", of("The value is 4111 1111"), 0)
    assert together(recent, of("The value is 4111 1111", "Why?")) == []


def test_texts_without_open_ends_leave_nothing_behind():
    assert of("What does a ward clerk do?", "Take three tablets daily for two weeks.") == Ends()


def test_a_look_costs_little():
    """The best of three, with a full memory of ends that all have figures."""
    recent = Recent()
    for number in range(PAYLOADS_MAX):
        recent.keep("cloud", of(f"{number} mg were given at {number}"), 0)
    took = []
    for _ in range(3):
        began = time.perf_counter()
        together(recent, of("5 mg are enough for 3"))
        took.append(time.perf_counter() - began)
    assert min(took) < 0.02
