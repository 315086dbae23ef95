"""The door of an engine, with a clock that the test turns."""

from __future__ import annotations

import pytest

from ringfence.v1 import engine_pb2, types_pb2
from ringfenced.engines.admission import Admission

BATCH = types_pb2.PRIORITY_BATCH


class Engine:
    """So many places behind a door; each makes a token in 10 ms."""

    def __init__(self, places=1, queue_max=10):
        self.now_s = 100.0
        self.places = places
        self.door = Admission(queue_max=queue_max, clock=lambda: self.now_s)
        self.running = []

    def ask(self, name, *, share=b"", tokens=100, prompt=0, deadline_ms=0, priority=0, weight=0):
        command = engine_pb2.EngineSubmit(share=share, deadline_ms=deadline_ms, priority=priority, weight=weight)
        ticket = self.door.ticket(name, command, prompt_tokens=prompt, answer_tokens_max=tokens)
        refused = self.door.ask(ticket, is_free=len(self.running) < self.places)
        self.admit()
        return refused

    def admit(self):
        while len(self.running) < self.places and self.door.head() is not None:
            self.running.append(self.door.begin())

    def end(self, *, tokens=100, seconds=1.0, first=0.0, prompt=0):
        """The one that began first ends, after so many seconds, the first token after some of them."""
        ticket = self.running.pop(0)
        self.now_s += first
        self.door.first_token(ticket)
        self.now_s += seconds - first
        self.door.end(ticket, prompt_tokens=prompt, answer_tokens=tokens)
        self.admit()
        return ticket.item


def test_a_flood_does_not_shut_the_others_out():
    engine = Engine(queue_max=4)
    assert [engine.ask(f"flood {n}", share=b"f") for n in range(5)] == [None] * 5
    refused = engine.ask("one too many", share=b"f")
    assert (refused.ticket.item, refused.reason) == ("one too many", "overloaded")
    refused = engine.ask("light", share=b"l")
    assert (refused.ticket.item, refused.reason) == ("flood 4", "overloaded")
    assert engine.end() == "flood 0"
    assert {engine.running[0].item, engine.door.head().item} == {"flood 1", "light"}


def test_a_deadline_that_cannot_be_kept_is_refused_at_the_door_with_the_wait():
    engine = Engine()
    engine.ask("first")
    engine.end()
    engine.ask("second")
    engine.now_s += 0.4
    assert engine.ask("third", deadline_ms=700) is None
    refused = engine.ask("fourth", deadline_ms=1500)
    assert (refused.ticket.item, refused.reason) == ("fourth", "too_late")
    assert refused.numbers["wait_ms"] == pytest.approx(1600, abs=20)
    assert engine.ask("fifth", deadline_ms=3000) is None


def test_the_time_to_read_the_prompt_counts_too():
    engine = Engine(places=2)
    engine.ask("first", prompt=400, tokens=1)
    engine.end(tokens=1, first=1.0, prompt=400)
    engine.ask("running")
    assert engine.ask("short", prompt=40, deadline_ms=500) is None
    assert engine.end() == "running"
    refused = engine.ask("long", prompt=4000, deadline_ms=5000)
    assert refused.reason == "too_late"
    assert refused.numbers["wait_ms"] > 5000


def test_nothing_is_refused_on_a_guess():
    """Before anything was measured, and where nothing runs that would set a wrong measure right."""
    engine = Engine()
    engine.ask("first")
    assert engine.ask("second", deadline_ms=1) is None
    for _ in range(2):
        engine.end(seconds=100.0)
    assert engine.ask("third", deadline_ms=1) is None


def test_who_is_refused_is_told_when_to_come_back():
    engine = Engine(queue_max=1)
    engine.ask("first")
    engine.end()
    engine.ask("second")
    engine.ask("third")
    refused = engine.ask("fourth")
    assert refused.numbers["retry_after_ms"] == pytest.approx(2000, abs=20)
    unmeasured = Engine(queue_max=0)
    unmeasured.ask("first")
    assert unmeasured.ask("second").numbers == {}


def test_what_waits_leaves_with_its_deadline():
    engine = Engine()
    engine.ask("first")
    engine.ask("second", deadline_ms=50)
    engine.ask("third")
    assert engine.door.deadline_s == pytest.approx(100.05)
    assert engine.door.expire() == []
    engine.now_s += 0.06
    assert [ticket.item for ticket in engine.door.expire()] == ["second"]
    assert engine.door.waiting == 1


def test_a_share_is_charged_for_what_it_really_took():
    engine = Engine()
    for name in ("a", "b"):
        for number in range(6):
            engine.ask(f"{name}{number}", share=name.encode(), tokens=50)
    order = []
    for _ in range(8):
        tokens = 200 if engine.running[0].item.startswith("a") else 50
        order.append(engine.end(tokens=tokens)[0])
    assert order.count("b") > order.count("a")


def test_the_load_tells_what_is_measured():
    engine = Engine(places=2)
    load = engine.door.load(places=2)
    assert load == engine_pb2.EngineLoad()
    for name in range(3):
        engine.ask(name)
    engine.ask("batch", priority=BATCH)
    load = engine.door.load(places=2)
    assert (load.running, load.waiting_interactive, load.waiting_batch) == (2, 1, 1)
    assert load.wait_interactive_ms == 0
    engine.end(first=1.0)
    engine.door.tokens(0.02, 2)
    load = engine.door.load(places=2)
    assert (load.running, load.waiting_interactive, load.waiting_batch) == (2, 0, 1)
    assert load.token_ms == pytest.approx(10)
    assert load.first_token_ms == 1000
    assert load.wait_batch_ms >= load.wait_interactive_ms


def test_a_free_place_is_no_wait():
    engine = Engine(places=2)
    engine.ask("first")
    engine.end()
    engine.ask("second")
    assert engine.door.load(places=2).wait_interactive_ms == 0


def test_who_leaves_waits_no_more():
    engine = Engine()
    engine.ask("first")
    engine.ask("second")
    ticket = engine.door.head()
    assert ticket in engine.door
    assert list(engine.door) == [ticket]
    engine.door.leave(ticket)
    assert ticket not in engine.door
    assert engine.door.head() is None
