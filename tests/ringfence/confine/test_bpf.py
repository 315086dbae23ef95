"""Programs that judge system calls do what their rules say, for every call: an interpreter runs them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.bpf import ARCHITECTURES, judged
from ringfence.confine.bpf import WORD, Action, Condition, Rule, assemble
from ringfence.confine.numbers import names, number

NEWEST = 467


def wanted(rules, nr, arguments, machine):
    """What the rules say, read as a person reads them."""
    if machine == "x86_64" and nr & 0x40000000:
        return Action.KILL
    if nr > NEWEST:
        return Action.NO_SUCH_CALL
    for rule in rules:
        if number(rule.call, machine) == nr and all(
            ((arguments[one.argument] & WORD & one.mask) == one.value) is one.is_equal for one in rule.conditions
        ):
            return rule.action
    return Action.ALLOW


words = st.one_of(st.integers(0, 8), st.integers(0, WORD), st.sampled_from([1 << bit for bit in range(32)]))
conditions = st.builds(Condition, st.integers(0, 5), words, st.one_of(st.just(WORD), words), st.booleans())
calls = st.sampled_from(["socket", "mmap", "openat", "bpf", "clone", "ioperm"])
actions = st.sampled_from([Action.NOT_PERMITTED, Action.NO_SUCH_CALL, Action.NO_SUCH_FAMILY])
rules_ = st.lists(st.builds(Rule, calls, st.lists(conditions, max_size=3).map(tuple), actions), max_size=8)
machines = st.sampled_from(["x86_64", "aarch64"])


@settings(max_examples=300)
@given(rules_, machines, st.data())
def test_a_program_judges_as_its_rules_do(rules, machine, data):
    """Calls and arguments are drawn near what the rules name, where mistakes show."""
    program = assemble(rules, machine, NEWEST)
    known = [found for name in names() if (found := number(name, machine)) is not None]
    named = [found for rule in rules if (found := number(rule.call, machine)) is not None] or known
    nr = data.draw(st.one_of(*[st.sampled_from(named)] * 4, st.sampled_from(known), st.integers(0, 500)))
    near = [value for rule in rules for one in rule.conditions for value in (one.value, one.value ^ one.mask)] or [0]
    some = st.one_of(*[st.sampled_from(near)] * 4, st.integers(0, 2**64 - 1))
    arguments = data.draw(st.lists(some, min_size=6, max_size=6))
    assert judged(program, nr, arguments, ARCHITECTURES[machine]) is wanted(rules, nr, arguments, machine)


@given(machines, st.integers(0, WORD))
def test_another_architecture_is_killed(machine, architecture):
    program = assemble([], machine, NEWEST)
    expected = Action.ALLOW if architecture == ARCHITECTURES[machine] else Action.KILL
    assert judged(program, 1, [0] * 6, architecture) is expected


def test_numbers_of_x32_and_of_newer_kernels_are_none():
    """x32's numbers mean other calls, and what is newer than the rules nobody has judged."""
    program = assemble([], "x86_64", NEWEST)
    assert judged(program, 0x40000000 + 41, [0] * 6, ARCHITECTURES["x86_64"]) is Action.KILL
    assert judged(program, -1, [0] * 6, ARCHITECTURES["x86_64"]) is Action.NO_SUCH_CALL  # a tracer's: skip it
    assert judged(program, NEWEST, [0] * 6, ARCHITECTURES["x86_64"]) is Action.ALLOW
    assert judged(program, NEWEST + 1, [0] * 6, ARCHITECTURES["x86_64"]) is Action.NO_SUCH_CALL


def test_the_upper_half_of_an_argument_does_not_count():
    """The kernel reads an int of it: what stands above must not carry a call past the filter."""
    program = assemble([Rule("socket", (Condition(0, 2),))], "x86_64", NEWEST)
    assert judged(program, 41, [2 + (7 << 32), 0, 0, 0, 0, 0], ARCHITECTURES["x86_64"]) is Action.NOT_PERMITTED


def test_rules_that_no_jump_can_skip_are_refused():
    many = [Rule("socket", tuple(Condition(0, value, is_equal=False) for value in range(200)))]
    with pytest.raises(ValueError, match="simpler"):
        assemble(many, "x86_64", NEWEST)


def test_too_many_rules_are_refused():
    known = [name for name in names() if number(name, "x86_64") is not None]
    condition = tuple(Condition(0, value) for value in range(40))
    with pytest.raises(ValueError, match="more than the kernel takes"):
        assemble([Rule(name, condition) for name in known], "x86_64", NEWEST)
