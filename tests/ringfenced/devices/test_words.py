"""Numbers as words, and masks as the kernel lists processors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.devices.words import clock_events, cpu_list, cuda_version, mig_profile


def listed(text):
    """The processors of a kernel's list."""
    found = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


@given(st.sets(st.integers(0, 300)))
def test_a_list_of_processors_holds_those_of_the_mask_in_the_shortest_form(cpus):
    masks = [sum(1 << (cpu - word * 64) for cpu in cpus if cpu // 64 == word) for word in range(5)]
    text = cpu_list(masks)
    assert listed(text) == cpus
    runs = sum(1 for cpu in cpus if cpu - 1 not in cpus)
    assert len(text.split(",")) == max(1, runs)


@given(st.integers(0, 2**64 - 1))
def test_each_reason_of_clocks_is_named_but_idleness(bits):
    assert len(clock_events(bits)) == (bits & ~1).bit_count()


def test_reasons_of_clocks_are_words_for_people():
    assert clock_events(0) == clock_events(1) == ()
    assert clock_events(0x44) == ("power cap", "hardware thermal slowdown")
    assert clock_events(1 << 40) == ("bit 40",)


@pytest.mark.parametrize(("number", "text"), [(13000, "13.0"), (12040, "12.4"), (11080, "11.8")])
def test_versions_of_cuda(number, text):
    assert cuda_version(number) == text


def test_the_profile_stands_in_the_name():
    assert mig_profile("NVIDIA A100-SXM4-40GB MIG 1c.3g.20gb") == "1c.3g.20gb"
    assert mig_profile("NVIDIA H200") == ""
