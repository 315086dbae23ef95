"""The kernel's part in a filter of system calls: an interpreter for the programs that `ringfence.confine.bpf` makes."""

from __future__ import annotations

import struct

from ringfence.confine.bpf import INSTRUCTION, Action

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""AUDIT_ARCH_* of <linux/audit.h>."""


def judged(program, nr, arguments, architecture):
    """What the kernel would do: the instructions that are used here, as net/core/filter.c runs them."""
    data = struct.pack("=iIQ6Q", nr, architecture, 0, *arguments)
    instructions = list(INSTRUCTION.iter_unpack(program))
    at = accumulator = 0
    for _ in range(len(instructions)):
        code, jt, jf, k = instructions[at]
        at += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("=I", data, k)
            case 0x54:
                accumulator &= k
            case 0x15:
                at += jt if accumulator == k else jf
            case 0x25:
                at += jt if accumulator > k else jf
            case 0x35:
                at += jt if accumulator >= k else jf
            case 0x06:
                return Action(k)
            case _:
                raise AssertionError(f"unknown instruction {code:#x}")
    raise AssertionError("the program does not end")
