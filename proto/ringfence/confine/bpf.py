"""Classic BPF programs that judge system calls: from rules to instructions. Pure.

What the kernel runs on each call is a list of instructions of 8 bytes over `struct seccomp_data` (seccomp(2)). A rule
names a call and what must hold of its arguments; the first rule that holds decides, and what none names is allowed.
Arguments are compared by their lower 32 bits: what rules ask for are ints, or flags that lie there.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ringfence.confine.numbers import Machine, number

# <linux/bpf_common.h>, <linux/filter.h>
_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS: the word at k
_AND: Final = 0x54  # BPF_ALU | BPF_AND | BPF_K
_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_ABOVE: Final = 0x25  # BPF_JMP | BPF_JGT | BPF_K
_NOT_BELOW: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_RETURN: Final = 0x06  # BPF_RET | BPF_K
INSTRUCTION: Final = struct.Struct("=HBBI")
"""struct sock_filter: code, jump if true, jump if false, k."""
INSTRUCTIONS_MAX: Final = 4096
"""BPF_MAXINSNS of <linux/bpf_common.h>."""
_SKIP_MAX: Final = 255

# Offsets in struct seccomp_data of <linux/seccomp.h>.
_AT_NUMBER: Final = 0
_AT_ARCHITECTURE: Final = 4
_AT_ARGUMENTS: Final = 16

_ARCHITECTURES: Final[dict[Machine, int]] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""AUDIT_ARCH_* of <linux/audit.h>."""
_X32: Final = 0x40000000
"""__X32_SYSCALL_BIT of <asm/unistd.h>: numbers from here on are another table's."""
WORD: Final = 0xFFFFFFFF
_SKIPPED: Final = WORD
"""The number -1, which a tracer writes over one that is not to be made (seccomp(2)): no call at all."""


class Action(enum.IntEnum):
    """What becomes of a call: SECCOMP_RET_* of <linux/seccomp.h> with an errno of <asm-generic/errno*.h> in it."""

    KILL = 0x80000000
    """The process is killed (SIGSYS)."""
    NOT_PERMITTED = 0x00050000 | 1
    """EPERM."""
    NO_SUCH_CALL = 0x00050000 | 38
    """ENOSYS: libraries fall back to an older call."""
    NO_SUCH_FAMILY = 0x00050000 | 97
    """EAFNOSUPPORT, as systemd's RestrictAddressFamilies= answers."""
    ALLOW = 0x7FFF0000
    """It is made."""


@dataclass(frozen=True)
class Condition:
    """What must hold of one argument."""

    argument: int
    """Which, from 0."""
    value: int
    """What its lower 32 bits, after the mask, are compared with."""
    mask: int = WORD
    """Bits of it that count."""
    is_equal: bool = True
    """Whether they must be the same; otherwise they must differ."""


@dataclass(frozen=True)
class Rule:
    """One call that is not simply allowed."""

    call: str
    """Its name in `ringfence.confine.numbers`; where a machine has none of this name, the rule says nothing."""
    conditions: tuple[Condition, ...] = ()
    """All must hold; none for every call of this name."""
    action: Action = Action.NOT_PERMITTED
    """What then becomes of it."""


Instruction = tuple[int, int, int, int]


def assemble(rules: Sequence[Rule], machine: Machine, newest: int) -> bytes:
    """The program that enforces rules.

    Calls of another architecture, or by x32's numbers, kill the process: nothing of ours makes them. Numbers above
    `newest` do not exist: rules can only judge what was known when they were written.

    Args:
        rules: in order; the first that holds decides.
        machine: whose numbers and byte order to use.
        newest: highest number that is known.

    Returns:
        the instructions as the kernel wants them.

    Raises:
        ValueError: a rule has too many conditions, or there are too many rules.
        KeyError: a rule names an unknown call.
    """
    program: list[Instruction] = [
        (_LOAD, 0, 0, _AT_ARCHITECTURE),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, Action.KILL),
        (_LOAD, 0, 0, _AT_NUMBER),
    ]
    if machine == "x86_64":
        program += [(_EQUAL, 2, 0, _SKIPPED), (_NOT_BELOW, 0, 1, _X32), (_RETURN, 0, 0, Action.KILL)]
    program += [(_ABOVE, 0, 1, newest), (_RETURN, 0, 0, Action.NO_SUCH_CALL)]
    for name, group in _by_call(rules).items():
        found = number(name, machine)
        if found is not None:
            block = _block(group)
            if len(block) > _SKIP_MAX:
                raise ValueError(f"{name} has more conditions than a jump can skip; make its rules simpler")
            program += [(_EQUAL, 0, len(block), found), *block]
    program.append((_RETURN, 0, 0, Action.ALLOW))
    if len(program) > INSTRUCTIONS_MAX:
        raise ValueError(f"{len(program)} instructions are more than the kernel takes")
    return b"".join(INSTRUCTION.pack(*instruction) for instruction in program)


def _by_call(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    groups: dict[str, list[Rule]] = {}
    for rule in rules:
        groups.setdefault(rule.call, []).append(rule)
    return groups


def _block(rules: list[Rule]) -> list[Instruction]:
    """All rules of one call; what none of them catches is allowed."""
    block: list[Instruction] = []
    for rule in rules:
        block += _tests(rule)
        block.append((_RETURN, 0, 0, rule.action))
        if not rule.conditions:
            return block
    block.append((_RETURN, 0, 0, Action.ALLOW))
    return block


def _tests(rule: Rule) -> list[Instruction]:
    """Instructions that run into the next one where all conditions hold, and jump past it where one does not."""
    steps = [
        [(_LOAD, _AT_ARGUMENTS + 8 * one.argument), *([] if one.mask == WORD else [(_AND, one.mask)])]
        for one in rule.conditions
    ]
    left = sum(len(step) + 1 for step in steps)
    tests: list[Instruction] = []
    for one, step in zip(rule.conditions, steps, strict=True):
        tests += [(code, 0, 0, value) for code, value in step]
        left -= len(step) + 1
        away = left + 1  # past the other tests and the rule's return
        tests.append((_EQUAL, *((0, away) if one.is_equal else (away, 0)), one.value))
    return tests
