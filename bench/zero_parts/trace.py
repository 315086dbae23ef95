r"""What strace saw: bytes that processes gave to the kernel, each with where they went. Pure.

``strace -ff -ttt -yy -xx -s BIG`` writes one file for each thread, each string as ``\x41\x42``, each descriptor with
what it is: ``3<path>``, ``4<path>(deleted)``, ``5<pipe:[7]>``, ``6<UNIX-STREAM:[8->9]>``, ``7<TCP:[...]>``; so what was
opened, duplicated or inherited need not be followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

STRING_BYTES_MAX: Final = 1 << 24
"""Longest string that strace is told to keep whole, in bytes; a longer one counts as unseen."""

_WRITES: Final = ("write", "pwrite64", "writev", "pwritev", "pwritev2", "vmsplice")
_SENDS: Final = ("sendto", "sendmsg", "sendmmsg")
_OPENS: Final = ("open", "openat", "openat2", "creat", "memfd_create")
_NAMES: Final = (
    *("rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "mkdir", "mkdirat", "mknod"),
    *("mknodat", "setxattr", "lsetxattr", "fsetxattr", "execve", "execveat", "shmget"),
)
_MAPS: Final = ("mmap", "connect", "shmat")
_UNSEEN: Final = (
    *("sendfile", "splice", "tee", "copy_file_range", "process_vm_writev", "msgsnd", "mq_timedsend"),
    *("io_uring_setup", "io_uring_enter", "io_submit", "add_key"),
)
"""Calls that move bytes which strace does not show."""
CALLS: Final = ",".join((*_WRITES, *_SENDS, *_OPENS, *_NAMES, *_MAPS, *_UNSEEN))
"""What is traced."""

_STRING: Final = re.compile(r'"([^"]*)"(\.\.\.)?')
_DESCRIPTOR: Final = re.compile(r"(?:^|[ {=])\d+<((?:[^<>]|<[^>]*>)*)>(\(deleted\))?")
_IOV: Final = re.compile(r'iov_base="([^"]*)"(\.\.\.)?')
_POINTER: Final = re.compile(r"^\d+<.*?>, 0x[0-9a-f]+|iov_base=0x|^0x[0-9a-f]+")
_SPACE: Final = ("/", "memfd:", "/memfd:")


@dataclass(frozen=True, slots=True)
class Given:
    """Bytes that a process gave away."""

    at_s: float
    """Unix time."""
    call: str
    """The system call."""
    to: str
    """What the descriptor was: a path, or for example ``UNIX-STREAM``, ``TCP``, ``pipe``; for names and arguments
    themselves ``names``."""
    data: bytes
    """All of them, as far as the call got."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """A call that may have moved bytes which nobody saw."""

    call: str
    """The system call."""
    to: str
    """As in `Given`; ``?`` where no descriptor tells it."""
    why: str
    """For people."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that was opened to write, or mapped to be written through memory."""

    path: str
    """As strace tells it, with ``(deleted)`` where it is."""
    mapped: bool
    """Writes may have come through memory: what is in it must be read."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A unix socket that was reached by its path."""

    path: str
    """As it was named."""


Event = Given | Unseen | Opened | Connected


def parse(lines: Iterable[str]) -> Iterator[Event]:
    """The events of one thread's trace; lines that are no call (signals, exits) are passed over."""
    for line in lines:
        time, _, call = line.rstrip("\n").partition(" ")
        name, bracket, rest = call.partition("(")
        if not bracket or not name.isidentifier() or _reads(name, rest):
            continue
        arguments, equals, result = rest.rpartition(") = ")  # without one, the call never came back
        if not equals:
            arguments, equals, result = rest.rpartition(")  = ")
        if not result.startswith("-"):
            yield from _event(float(time), name, arguments if equals else rest, result)


def _reads(name: str, rest: str) -> bool:
    """Whether a line, one of most, is plainly of no interest: a file opened to read, private memory."""
    return (name == "openat" and "O_RDONLY" in rest and "O_CREAT" not in rest) or (
        name == "mmap" and "MAP_SHARED" not in rest
    )


def ended(line: str) -> bool:
    """Whether a trace's last line says that its thread is gone: then all of it is there."""
    return "+++" in line or ("execve" in line and "superseded" in line)


def _event(at_s: float, name: str, arguments: str, result: str) -> Iterator[Event]:
    if name in _WRITES or name in _SENDS:
        yield from _given(at_s, name, arguments)
    elif name in _UNSEEN:
        yield Unseen(name, _to(arguments), "strace does not show what it moves")
    elif name in _OPENS:
        yield from _opened(name, arguments, result)
    elif name in _NAMES:
        yield Given(at_s, name, "names", b"\0".join(_unhex(said) for said, _ in _STRING.findall(arguments)))
    elif name == "mmap" and "MAP_SHARED" in arguments and "PROT_WRITE" in arguments and "MAP_ANON" not in arguments:
        yield Opened(_to(arguments), mapped=True)
    elif name == "shmat":
        yield Unseen(name, "SysV", "shared memory without a name")
    elif name == "connect" and "sun_path=" in arguments:
        said = _STRING.search(arguments[arguments.index("sun_path=") :])
        yield Connected(_unhex(said.group(1)).decode(errors="replace") if said else "?")


def _given(at_s: float, name: str, arguments: str) -> Iterator[Event]:
    to = _to(arguments)
    found = _IOV.findall(arguments) if "iov_base" in arguments else _STRING.findall(_after_descriptor(arguments))[:1]
    if any(cut for _, cut in found):
        yield Unseen(name, to, f"longer than {STRING_BYTES_MAX} bytes")
    if not found and _POINTER.search(arguments):
        yield Unseen(name, to, "strace may not read this process's memory")
    if found:
        yield Given(at_s, name, to, b"".join(_unhex(said) for said, _ in found))


def _after_descriptor(arguments: str) -> str:
    found = _DESCRIPTOR.match(arguments)
    return arguments[found.end() :] if found else arguments


def _opened(name: str, arguments: str, result: str) -> Iterator[Event]:
    if name in ("creat", "memfd_create") or re.search(r"\bO_(WRONLY|RDWR|CREAT)\b", arguments):
        _, bracket, path = result.partition("<")
        yield Opened(_named(bracket + path), mapped=name == "memfd_create")


def _to(arguments: str) -> str:
    """What the first descriptor among the arguments is."""
    found = _DESCRIPTOR.search(arguments)
    return _named(f"<{found.group(1)}>{found.group(2) or ''}") if found else "?"


def _named(said: str) -> str:
    """A descriptor as strace tells it: the path, with ``(deleted)`` where it is, or the kind of a socket."""
    inner, _, deleted = said[1:].rpartition(">")
    path = _unhex_mixed(inner)
    if path.startswith(_SPACE):
        return path.split("<")[0] + deleted
    return path.split(":")[0]


def _unhex(said: str) -> bytes:
    return bytes.fromhex(said.replace("\\x", ""))


def _unhex_mixed(said: str) -> str:
    raw = re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes.fromhex(found.group(1).decode()), said.encode())
    return raw.decode(errors="replace")
