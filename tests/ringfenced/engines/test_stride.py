"""How much one step does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.engines.llama.stride import PART, READ_TOKENS_MIN, Reader, Stride, Turn, divide, split

names = st.sampled_from((b"a", b"b", b"c"))
WEIGHTS = {b"a": 1, b"b": 2, b"c": 4}


def stride(decode_ms=(), read_ms=None, **options):
    """One that has measured steps of so many milliseconds with one answer, two, and so on."""
    one = Stride(**({"step_tokens": 64, "batch_tokens": 512, "step_s": 0.1} | options))
    for running, milliseconds in enumerate(decode_ms, 1):
        one.note(running, 0, milliseconds / 1000)
    if read_ms is not None:
        one.note(0, 100, read_ms / 10)
    return one


def test_nothing_is_known_before_it_was_measured():
    one = stride()
    assert one.decode_s(1) is None
    assert one.expected_s(0, 10) is None
    assert one.reading(3, None) == 64
    assert one.turn({b"a": 1, b"b": 3}, WEIGHTS, is_reading=True) == Turn(frozenset((b"a", b"b")), None)


def test_steps_are_short_even_while_nobody_waits_for_a_token():
    """Who comes next does."""
    assert stride((10,), 0.5).reading(0, None) == 64
    assert stride((10,), 0.08).reading(0, None) == 124
    assert stride((10,), 0.02).reading(0, None) == 499
    assert stride((10,), 11.0).reading(0, None) == 2 * READ_TOKENS_MIN


@pytest.mark.parametrize(
    ("read_ms", "tokens"),
    [(0.5, 64), (2.0, 50), (4.0, 25), (50.0, READ_TOKENS_MIN), (0.02, 249), (0.001, 511)],
)
def test_what_is_read_is_bounded_by_tokens_and_time(read_ms, tokens):
    assert stride((10,), read_ms).reading(1, None) == tokens


def test_more_is_read_where_more_wait_for_a_first_token_than_for_a_next_one():
    one = stride((10,) * 8, 0.5)
    assert [one.reading(running, readers=6) for running in (0, 1, 2, 3, 6, 8)] == [256, 256, 192, 128, 64, 64]
    assert one.reading(0, readers=1) == 64


def test_less_is_read_in_a_step_where_others_may_come():
    one = stride((10,) * 8, 2.0)
    assert [one.reading(running, readers=6, is_shared=True) for running in (0, 1)] == [50, READ_TOKENS_MIN]
    one = stride((80,), 2.0)
    assert one.reading(1, is_shared=True) == 25


def test_a_step_may_take_twice_as_long_as_without_reading():
    """Where a step takes long anyway, a prompt gets half of the machine."""
    assert stride((400,), 10.0).reading(1, None) == 40


def test_what_was_not_measured_lies_between_its_neighbours():
    one = stride()
    one.note(2, 0, 0.02)
    one.note(6, 0, 0.04)
    assert one.decode_s(3) == pytest.approx(0.025)
    assert one.decode_s(1) is None
    assert one.decode_s(7) is None


EIGHT_MS = (40, 50, 60, 70, 80, 90, 100, 110)
LIGHT, FLOOD = {b"light": 1, b"flood": 7}, {b"light": 1, b"flood": 1}


def turns(one, running, weights, count, *, is_reading=False):
    """So many turns, and the seconds that each takes."""
    for _ in range(count):
        turn = one.turn(running, weights, is_reading=is_reading)
        yield turn, one.decode_s(sum(running[share] for share in turn.shares))


def test_a_share_with_one_answer_keeps_its_part_of_the_machine():
    """It is in every step; the flood in as many as let its tokens take so much longer, all at once."""
    one = stride(EIGHT_MS)
    made = list(turns(one, LIGHT, FLOOD, 700))
    assert all(b"light" in turn.shares for turn, _ in made)
    assert sum(seconds for _, seconds in made) / 700 == pytest.approx(0.04 * (1 + PART), rel=0.02)
    assert sum(b"flood" in turn.shares for turn, _ in made) == pytest.approx(700 * 0.04 * PART / 0.07, rel=0.02)


def test_a_share_is_disturbed_the_less_the_greater_its_weight():
    made = list(turns(stride(EIGHT_MS), LIGHT, {b"light": 4, b"flood": 1}, 2000))
    assert sum(seconds for _, seconds in made) / 2000 == pytest.approx(0.04 * (1 + PART / 4), rel=0.02)


@given(st.dictionaries(names, st.integers(1, 6), min_size=1))
def test_nobody_waits_for_ever(running):
    one = stride(tuple(40 + 10 * place for place in range(18)))
    made = [turn for turn, _ in turns(one, running, WEIGHTS, 200)]
    for share in running:
        assert any(share in turn.shares for turn in made[-100:])


def test_where_answers_cost_nothing_none_sits_out():
    made = turns(stride((10, 10.1, 10.2, 10.3)), {b"light": 1, b"flood": 3}, FLOOD, 20)
    assert sum(len(turn.shares) for turn, _ in made) >= 39


def test_a_share_alone_gets_all():
    turn = stride((10, 20, 30)).turn({b"a": 3}, {b"a": 1}, is_reading=True)
    assert turn == Turn(frozenset((b"a",)), None)


def test_what_a_flood_reads_is_saved_up_and_read_in_pieces_that_are_worth_it():
    """A single token a step would cost nearly as much as sixteen."""
    one = stride(EIGHT_MS, 1.0)
    read, seconds = [], 0.0
    for turn, step_s in turns(one, LIGHT, FLOOD, 300, is_reading=True):
        read.append(one.reading(1, turn.read_s))
        one.read(read[-1])
        seconds += step_s + 0.001 * read[-1]
    assert set(read) == {0, *(count for count in read if count >= READ_TOKENS_MIN)}
    assert sum(read) * 0.001 / 300 == pytest.approx(0.04 * PART / 2, rel=0.1)
    assert seconds / 300 <= 0.04 * (1 + PART) * 1.02


@given(st.floats(0.1, 500), st.floats(0.01, 500), st.booleans())
def test_a_floods_prompts_are_read_however_slow_the_engine_is(step_ms, read_ms, is_shared):
    one = stride(tuple(step_ms * (1 + place / 10) for place in range(8)), read_ms)
    read = 0
    for _ in range(2000):
        tokens = one.reading(1, one.turn(LIGHT, FLOOD, is_reading=True).read_s, is_shared=is_shared)
        one.read(tokens)
        read += tokens
    assert read * read_ms <= 2000 * step_ms * PART + 16 * read_ms, "no more than their part"
    part = 2000 * step_ms * PART / 2 * 0.8 - (READ_TOKENS_MIN + 1) * read_ms
    assert read * read_ms >= part or read >= 2000 * READ_TOKENS_MIN * 0.2


def test_steps_that_take_longer_among_others_do_not_let_the_others_take_more():
    one = stride(EIGHT_MS)
    for _ in range(20):
        one.note(1, 0, 0.08)
    assert sum(b"flood" in turn.shares for turn, _ in turns(one, LIGHT, FLOOD, 100)) <= 45
    for _ in range(1000):
        one.note(1, 0, 0.08)
    assert one.decode_s(1) == pytest.approx(0.08)


@given(st.dictionaries(names, st.integers(0, 20)), st.integers(0, 60))
def test_a_split_gives_all_that_is_wanted_and_no_more(wanted, total):
    given_ = split(wanted, WEIGHTS, total)
    assert all(0 <= given_[share] <= want for share, want in wanted.items())
    assert sum(given_.values()) == min(total, sum(wanted.values()))
    if total >= sum(1 for want in wanted.values() if want):
        assert all(given_[share] for share, want in wanted.items() if want)


def test_a_split_follows_the_weights():
    assert split({b"a": 100, b"b": 100, b"c": 100}, WEIGHTS, 70) == {b"a": 10, b"b": 20, b"c": 40}
    uneven = split({b"a": 100, b"b": 3, b"c": 100}, WEIGHTS, 53)
    assert uneven == pytest.approx({b"a": 10, b"b": 3, b"c": 40}, abs=1)


readers = st.lists(
    st.tuples(names, st.integers(1, 100)).map(lambda pair: Reader(pair[0], WEIGHTS[pair[0]], pair[1])), max_size=8
)


@given(readers, st.integers(0, 200), st.booleans(), st.integers(0, 2), st.integers(0, 60))
def test_reading_is_divided_within_its_bounds(readers, tokens, is_short_first, least, over):
    given_ = divide(readers, tokens, is_short_first=is_short_first, least=least, over=over)
    assert all(0 <= more <= reader.left for more, reader in zip(given_, readers, strict=True))
    assert sum(given_) <= tokens + over
    assert 2 * sum(given_) >= min(tokens, sum(reader.left for reader in readers)) - len(WEIGHTS)
    if sum(given_) > tokens:
        assert any(more == reader.left for more, reader in zip(given_, readers, strict=True))
    if 2 * least * len(readers) <= tokens:
        assert all(more >= min(least, reader.left) for more, reader in zip(given_, readers, strict=True))


def test_a_short_prompt_does_not_wait_for_a_long_one_and_the_long_one_does_not_stop():
    """They take turns, so that each step has few pieces."""
    prompts = [Reader(b"a", 1, 4000), Reader(b"a", 1, 500), Reader(b"a", 1, 60)]
    assert divide(prompts, 64) == [64, 0, 0]
    assert divide(prompts, 64, is_short_first=True) == [0, 0, 60]


def test_equal_prompts_are_read_one_after_the_other():
    """Half as long to the first token, on average, as all at the same time."""
    assert divide([Reader(b"a", 1, 100)] * 3, 64) == [64, 0, 0]


def test_what_is_left_of_a_piece_goes_to_the_next_prompt_where_it_gets_on_by_it():
    assert divide([Reader(b"a", 1, 30), Reader(b"a", 1, 100)], 64) == [30, 34]
    assert divide([Reader(b"a", 1, 40), Reader(b"a", 1, 100)], 64) == [40, 0]


def test_a_prompt_is_read_to_its_end_where_little_would_be_left():
    assert divide([Reader(b"a", 1, 90)], 64, over=32) == [90]
    assert divide([Reader(b"a", 1, 90)], 64, over=20) == [64]
    assert divide([Reader(b"a", 1, 100)], 64, over=64) == [64]


def test_every_prompt_gets_some_where_that_leaves_half_for_one():
    """Where each sequence has cells of its own no prompt that waits stands between two that run."""
    assert divide([Reader(b"a", 1, 100)] * 4, 20, least=1) == [17, 1, 1, 1]
    assert divide([Reader(b"a", 1, 100)] * 4, 7, least=1) == [7, 0, 0, 0]


def test_prompts_of_those_who_get_nothing_else_come_first():
    flood = [Reader(b"a", 1, 1000)] * 2
    assert divide([*flood, Reader(b"z", 1, 50)], 64, served={b"a"}) == [14, 0, 50]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 60)).filter(any), max_size=200))
def test_measures_come_near_what_steps_take(steps):
    one = stride((4, 5, 6, 7), 1.0)
    for running, read in steps * 5:
        seconds = (0.012 + 0.004 * running if running else 0.0) + 0.002 * read
        one.note(running, read, seconds)
        expected = one.expected_s(running, read)
        assert expected is not None
        assert expected > 0


def test_both_parts_of_a_step_are_learnt_where_they_always_come_together():
    one = stride((10,), 1.0)
    for place in range(400):
        read = place % 7 * 5
        one.note(6, read, 0.03 + 0.002 * read)
    assert one.decode_s(6) == pytest.approx(0.03, rel=0.2)
    assert one.expected_s(6, 30) == pytest.approx(0.09, rel=0.1)


def test_a_departments_prompts_do_not_wait_for_anothers():
    flood = [Reader(b"a", 1, 1000)] * 5
    assert divide([*flood, Reader(b"z", 1, 200)], 64) == [32, 0, 0, 0, 0, 32]
