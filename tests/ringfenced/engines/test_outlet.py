"""What of an answer's tokens goes to its caller, and when."""

from __future__ import annotations

import pytest

from ringfence.v1 import types_pb2
from ringfenced.engines.llama.calls import CallParser, Style
from ringfenced.engines.llama.outlet import Outlet, call_id


class Connection:
    """Notes what is sent."""

    def __init__(self):
        self.sent = []

    def delta(self, sequence, text, tokens, logprobs=()):
        self.sent.append((text, tokens, [one.logprob for one in logprobs]))

    def call(self, piece):
        self.sent.append((piece.index, piece.id, piece.name, piece.arguments_json, piece.tokens))


@pytest.fixture
def connection():
    return Connection()


def push(outlet, *pieces):
    """Each piece as a token; its log-probability is minus its place."""
    return [
        outlet.push(place, piece, types_pb2.TokenLogprob(data=piece, logprob=-place))
        for place, piece in enumerate(pieces)
    ]


def test_held_back_text_brings_the_logprobs_of_its_tokens_when_it_comes(connection):
    """A character in two tokens, and the beginning of a stop string that does not come."""
    outlet = Outlet(connection, 1, ("stop",))
    push(outlet, b"a", b"\xc3", b"\xa9", b"st", b"ay")
    outlet.finish()
    assert connection.sent == [("a", 1, [0]), ("é", 2, [-1, -2]), ("stay", 2, [-3, -4])]


def test_what_is_cut_off_by_a_stop_string_has_no_logprobs(connection):
    outlet = Outlet(connection, 1, ("stop",))
    assert push(outlet, b"go st", b"op now") == [False, True]
    assert connection.sent == [("go ", 1, [])]


def calls_of(connection, is_bound):
    ids = iter(["id0", "id1"])
    parser = CallParser(Style.HERMES, {"f"}, lambda _: is_bound)
    marks = {7: b"<tool_call>"}
    return Outlet(connection, 1, calls=parser, marks=marks, new_id=lambda: next(ids))


def test_calls_have_a_number_and_a_name_of_their_own(connection):
    outlet = calls_of(connection, is_bound=False)
    for piece in (b"Hm. ", b'<tool_call>{"name": "f", "arguments": {}}', b"</tool_call>"):
        outlet.push(0, piece)
    outlet.push(0, b'\n<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>')
    outlet.finish()
    assert connection.sent == [
        ("Hm.", 1, []),
        (0, "id0", "f", "", 1),
        (0, "", "", "{}", 0),
        (1, "id1", "f", "", 2),
        (1, "", "", '{"a": 1}', 0),
    ]
    assert outlet.reason == types_pb2.FINISH_REASON_TOOL_CALLS


def test_a_mark_that_is_a_control_token_opens_calls(connection):
    """Such a token shows nothing elsewhere."""
    outlet = calls_of(connection, is_bound=True)
    outlet.push(7, b"")
    outlet.push(8, b'{"name": "f", "arguments": {"a"')
    assert connection.sent == [(0, "id0", "f", "", 2), (0, "", "", '{"a"', 0)]


def test_an_answer_without_calls_stops(connection):
    outlet = calls_of(connection, is_bound=False)
    outlet.push(0, b"<tool")
    outlet.finish()
    assert connection.sent == [("<tool", 1, [])]
    assert outlet.reason == types_pb2.FINISH_REASON_STOP


def test_names_of_calls_differ_and_are_as_mistral_demands_them():
    names = {call_id() for _ in range(100)}
    assert len(names) == 100
    assert all(len(name) == 9 and name.isalnum() for name in names)
