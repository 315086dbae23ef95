"""A plug-in is bounded in size and time, trusted with nothing, and never fails quietly."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.plugins import PluginFailed, PluginSlow
from ringfence.recognize.plugins.claim import Claim
from ringfence.recognize.plugins.guard import Guarded, pieces
from ringfence.recognize.plugins.labels import USUAL
from ringfence.recognize.plugins.settings import Kind, Plugin

SECRET_TEXT = "the patient is Jane Doe"


def guarded(reader, **settings):
    return Guarded(Plugin("mine", Kind.SPACY, **settings), reader, USUAL)


def test_a_claim_becomes_a_span_of_our_type():
    spans = guarded(lambda _text: [(0, 4, "per", 0.9)])("Jane Doe")
    assert [tuple(span) for span in spans] == [(0, 4, "PERSON", 0.9, "plugin:mine")]


def test_labels_that_nobody_maps_and_unsure_claims_are_passed_over():
    assert not guarded(lambda _text: [(0, 4, "CARDINAL", 1.0), (0, 4, "PER", 0.2)])("Jane Doe")


def test_a_score_that_is_no_number_counts():
    (span,) = guarded(lambda _text: [(0, 4, "PER", float("nan"))])("Jane Doe")
    assert span.score == 1.0


@pytest.mark.parametrize("claim", [(-1, 3, "PER", 1.0), (2, 2, "PER", 1.0), (0, 99, "PER", 1.0)])
def test_a_claim_outside_the_text_fails_the_reading(claim):
    with pytest.raises(PluginFailed):
        guarded(lambda _text: [claim])("Jane Doe")


def test_what_a_plugin_raises_never_carries_the_text():
    def reader(text):
        raise RuntimeError(text)

    with pytest.raises(PluginFailed) as caught:
        guarded(reader)(SECRET_TEXT)
    assert "Jane" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_late_plugin_fails_this_text_and_the_next_and_then_works_again():
    go = threading.Event()

    def reader(text):
        if text == "slow":
            go.wait(10)
        return []

    reading = guarded(reader, seconds_max=0.05)
    with pytest.raises(PluginSlow):
        reading("slow")
    with pytest.raises(PluginSlow, match="still busy"):
        reading("quick")
    (late,) = reading._late
    go.set()
    late.join(10)
    assert reading("quick") == []


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_a_plugin_that_ends_its_thread_has_not_read_the_text(error):
    def reader(_text):
        raise error

    with pytest.raises(PluginFailed, match=error.__name__):
        guarded(reader)(SECRET_TEXT)


def test_a_plugin_with_several_turns_reads_several_texts_at_once():
    """None of them could end if they took turns."""
    together = threading.Barrier(3)

    def reader(_text):
        together.wait(10)
        return []

    reading = Guarded(Plugin("mine", Kind.LLM, seconds_max=10), reader, USUAL, turns_max=3)
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(reading, ["a", "b", "c"])) == [[], [], []]


def test_an_empty_text_asks_nobody():
    assert not guarded(lambda _text: pytest.fail("asked"))(" \n")


@given(st.text(alphabet="ab \n", max_size=400), st.integers(1, 50))
def test_pieces_cover_the_text_where_they_stand_and_overlap(text, chars_max):
    """Every character lies in a piece, no piece is too long, and each place is where the piece stands."""
    covered = 0
    for start, piece in pieces(text, chars_max):
        assert len(piece) <= max(chars_max, 1)
        assert text[start : start + len(piece)] == piece
        assert start <= covered
        covered = start + len(piece)
    assert covered == len(text)


def test_positions_in_later_pieces_count_from_the_text():
    text = "x " * 300 + "Jane"

    def reader(piece):
        place = piece.find("Jane")
        return [Claim(place, place + 4, "PER", 1.0)] if place >= 0 else []

    spans = guarded(reader, chars_max=100)(text)
    assert {text[span.start : span.end] for span in spans} == {"Jane"}
