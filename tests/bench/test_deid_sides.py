"""Sides of eval-deid: ours in this process, peers in theirs."""

import pytest

from deid_parts.ours import WeightsMissing, make_patterns, make_recogniser
from deid_parts.sides import Ours, Peer
from peers.child import Answer
from ringfence.recognize import TEMPLATES


class Fake:
    def __init__(self, answer):
        self.said = answer
        self.asked = []

    def answer(self, text, language):
        self.asked.append(language)
        return self.said


def test_ours_makes_one_recogniser_a_policy_and_finds_with_it():
    made = []

    def make(policy):
        made.append(policy)
        return make_patterns(policy)

    ours = Ours("ringfence", make, patterns_only=True)
    text = "SSN 078-05-1120"
    for _ in range(2):
        found = ours.find(text, "en", "hospital-us")
    assert made == ["hospital-us"]
    assert [(text[start:end], label) for start, end, label in found.spans] == [("078-05-1120", "SSN")]
    assert found.wall_ms > 0


def test_an_unknown_policy_is_a_key_error():
    with pytest.raises(KeyError):
        Ours("ringfence", make_patterns).find("a", "en", "none")


def test_a_peer_is_asked_in_the_rows_language_or_in_english():
    child = Fake(Answer(((0, 3, "PERSON", 0.5),), 0.002))
    peer = Peer("peer", child)
    assert peer.find("Ann", "es", "bank-eu").spans == [(0, 3, "PERSON")]
    assert peer.find("Ann", "pt", "bank-eu").cpu_ms == 2.0
    assert child.asked == ["es", "en"]


def test_a_text_that_a_peer_refuses_holds_no_finding_and_is_counted():
    peer = Peer("peer", Fake(Answer((), 0.0, "ValueError")))
    assert peer.find("Ann", "en", "bank-eu").spans == []
    assert peer.refused == 1


def test_missing_weights_say_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr("deid_parts.ours.JUDGE", tmp_path / "judge.npz")
    with pytest.raises(WeightsMissing, match=r"judge\.npz is not there: train it"):
        make_recogniser(next(iter(TEMPLATES)), held_out=True)
