"""Numbers of system calls are the kernel's own, where its headers are here to compare."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ringfence.confine.numbers import UnknownMachine, machine, names, number

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


@pytest.mark.parametrize("on", HEADERS)
def test_they_are_those_of_the_headers(on):
    """Calls that the headers are too old to know are not compared."""
    if not HEADERS[on].exists():
        pytest.skip(f"{HEADERS[on]} is not here: linux-libc-dev has it")
    text = HEADERS[on].read_text()
    told = {name: int(value) for name, value in re.findall(r"#define\s+__NR(?:3264)?_(\w+)\s+(\d+)", text)}
    compared = [name for name in names() if name in told]
    assert len(compared) > 80
    assert {name: number(name, on) for name in compared} == {name: told[name] for name in compared}


def test_a_call_that_a_machine_lacks_has_no_number():
    assert number("ioperm", "aarch64") is None
    assert number("ioperm", "x86_64") == 173


def test_an_unknown_machine_is_told(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(UnknownMachine, match="riscv64"):
        machine()


def test_no_number_stands_twice():
    """A copy that went wrong would judge one call by another's name."""
    for on in HEADERS:
        found = [value for name in names() if (value := number(name, on)) is not None]
        assert len(found) == len(set(found))
