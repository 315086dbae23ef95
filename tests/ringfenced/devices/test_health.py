"""Which devices are used, and why others are not."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.device import DeviceFacts, MemoryErrors, Mig
from ringfenced.devices import health
from ringfenced.devices.health import XIDS_RESET, judge, judge_all

GOOD = DeviceFacts("GPU-a", "gpu", "H200", memory_total_bytes=100, memory_free_bytes=60, index=3)


def errors(**changes):
    return replace(GOOD, errors=MemoryErrors(**changes))


@pytest.mark.parametrize(
    ("facts", "rule", "told"),
    [
        (GOOD, "", ""),
        (replace(GOOD, failure="lost"), "lost", "fell off the bus"),
        (replace(GOOD, failure="driver_mismatch"), "driver_mismatch", "restart ringfenced"),
        (replace(GOOD, failure="driver_not_loaded"), "driver_not_loaded", "modprobe"),
        (replace(GOOD, failure="reset_required"), "reset_required", "nvidia-smi --gpu-reset -i 3"),
        (replace(GOOD, failure="silent"), "silent", "does not answer"),
        (replace(GOOD, failure="something_new"), "something_new", "kernel's log"),
        (replace(GOOD, recovery="gpu_reset"), "recovery", "--gpu-reset -i 3"),
        (replace(GOOD, recovery="node_reboot"), "recovery", "reboot"),
        (replace(GOOD, xid_last=79), "xid", "Xid 79, fell off the bus"),
        (replace(GOOD, xid_last=31), "", ""),
        (errors(remapping_failed=True, remapping_pending=True), "remapping_failed", "replaced"),
        (errors(remapping_pending=True), "remapping_pending", "next reset"),
        (errors(retirement_pending=True), "retirement_pending", "next reset"),
        (errors(uncorrected_volatile=2), "ecc", "2 memory errors"),
        (errors(uncorrected_volatile=0, corrected_volatile=9, uncorrected_aggregate=5), "", ""),
        (replace(GOOD, is_mig_parent=True), "mig_parent", "instances"),
        (replace(GOOD, memory_free_bytes=None), "memory_unknown", "how much memory"),
        (replace(GOOD, index=None, recovery="gpu_reset"), "recovery", "-i N"),
    ],
)
def test_what_takes_a_device_out(facts, rule, told):
    exclusion = judge(facts, None)
    assert exclusion.rule == rule
    assert told in exclusion.reason
    assert bool(exclusion.reason) == bool(rule)


def judged(facts, previous):
    (told,) = judge_all([facts], {previous.id: previous} if previous else {})
    return told


def test_a_lost_gpu_returns_with_a_full_good_sample_and_not_before():
    lost = judged(replace(GOOD, failure="lost", memory_free_bytes=None), GOOD)
    partial = judged(replace(GOOD, is_complete=False), lost)
    assert partial.excluded_rule == "returning"
    assert judged(replace(GOOD, memory_free_bytes=None), partial).excluded_rule == "returning"
    assert judged(replace(GOOD, is_complete=False), partial).excluded_rule == "returning"
    assert judged(GOOD, partial).excluded_rule == ""


def test_a_call_that_timed_out_takes_nobody_out():
    assert judged(replace(GOOD, is_complete=False), judged(GOOD, None)).excluded_rule == ""


def test_where_only_the_life_long_count_is_known_its_rise_counts():
    before = judged(errors(uncorrected_aggregate=5), None)
    assert before.excluded_rule == ""
    risen = judged(errors(uncorrected_aggregate=6), before)
    assert risen.excluded_rule == "ecc"
    assert judged(errors(uncorrected_aggregate=6), risen).excluded_rule == "ecc"
    assert judged(errors(uncorrected_aggregate=6, uncorrected_volatile=0), risen).excluded_rule == ""


def test_a_lesser_xid_does_not_take_a_grave_one_back_and_a_new_start_of_the_driver_does():
    grave = judged(replace(GOOD, xid_last=79), GOOD)
    lesser = judged(replace(GOOD, xid_last=13), grave)
    assert (lesser.excluded_rule, lesser.excluded_reason) == ("xid", grave.excluded_reason)
    assert judged(GOOD, lesser).excluded_rule == ""


def test_what_a_whole_gpu_is_out_for_takes_its_instances_out():
    part = replace(GOOD, id="MIG-1", mig=Mig("GPU-a"))
    whole = replace(GOOD, is_mig_parent=True)
    assert [each.excluded_rule for each in judge_all([whole, part], {})] == ["mig_parent", ""]
    whole = replace(whole, errors=MemoryErrors(uncorrected_volatile=1))
    told = judge_all([whole, part], {})
    assert [each.excluded_rule for each in told] == ["ecc", "ecc"]
    assert told[1].excluded_reason.startswith("its GPU: ")


truth = st.sampled_from([None, True, False])
count = st.sampled_from([None, 0, 1, 7])


def test_every_rule_is_documented():
    """Programs build on rules: a new one needs a row in docs/devices.md."""
    text = (Path(__file__).parents[3] / "docs" / "devices.md").read_text()
    rules = re.findall(r'return "(\w+)", ', Path(health.__file__).read_text())
    assert {"ecc", "mig_parent"} <= set(rules)
    assert not {rule for rule in (*rules, *health._FAILURES) if f"`{rule}`" not in text}


devices = st.builds(
    DeviceFacts,
    id=st.sampled_from(["GPU-a", "GPU-b"]),
    kind=st.just("gpu"),
    name=st.just("x"),
    memory_free_bytes=count,
    failure=st.sampled_from(["", "", "", "lost", "silent"]),
    recovery=st.sampled_from(["", "", "gpu_reset"]),
    xid_last=st.sampled_from([None, 13, *XIDS_RESET]),
    is_complete=st.booleans(),
    is_mig_parent=truth,
    errors=st.builds(
        MemoryErrors,
        uncorrected_volatile=count,
        uncorrected_aggregate=count,
        retirement_pending=truth,
        remapping_pending=truth,
        remapping_failed=truth,
    ),
)


@given(st.lists(devices, min_size=1, max_size=6))
def test_whatever_came_before_nothing_unwell_is_used_and_all_else_is_after_two_good_samples(history):
    """A property over histories: used means sound, and what is sound is used again."""
    before: dict[str, DeviceFacts] = {}
    for facts in history:
        (told,) = judge_all([facts], before)
        before[told.id] = told
        if told.is_placeable:
            assert not told.failure
            assert not told.recovery
            assert not told.errors.uncorrected_volatile
            assert told.memory_free_bytes is not None
            assert told.is_mig_parent is not True
        else:
            assert told.excluded_reason
    sound = replace(GOOD, errors=MemoryErrors(uncorrected_volatile=0))
    (told,) = judge_all([sound], before)
    assert told.is_placeable
