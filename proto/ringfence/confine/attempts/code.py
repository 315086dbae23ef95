"""Code that was not installed: run from memory, from a file that was just written, or as somebody else."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import pty
import shutil
import signal
import stat
import subprocess
import tempfile
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ringfence.confine.attempts.files import writable
from ringfence.confine.attempts.kernel import call
from ringfence.confine.attempts.outcome import Given, NotHere

_PROGRAMS: Final = ("/bin/true", "/usr/bin/true")
_LIBRARIES: Final = ("/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64", "/usr/lib")
_SETUID: Final = ("/usr/bin/su", "/bin/su", "/usr/bin/passwd", "/usr/bin/mount", "/usr/bin/sudo", "/usr/bin/newgrp")
_PR_GET_NO_NEW_PRIVS: Final = 39  # <linux/prctl.h>
_READ_IMPLIES_EXEC: Final = 0x0400000  # <linux/personality.h>
_UFFD_USER_MODE_ONLY: Final = 1  # <linux/userfaultfd.h>
_MAP_FAILED: Final = ctypes.c_void_p(-1).value


def written_file(given: Given) -> str:
    """Run a program that was just written."""
    with _placed(given, _program()) as file:
        return _run(str(file))


def written_script(given: Given) -> str:
    """Run a script that was just written, by its first line."""
    with _placed(given, None) as file:
        file.write_text("#!/bin/sh\nexit 0\n", encoding="ascii")
        file.chmod(0o700)
        return _run(str(file))


def anonymous_file(given: Given) -> str:
    """Run a program that stands in no file system (memfd_create(2), execveat(2))."""
    held = os.memfd_create("escape")
    os.write(held, _program().read_bytes())
    child = os.fork()
    if child == 0:
        try:
            os.execve(held, ["escape"], {})  # noqa: S606 - a copy of true(1)
        except OSError as error:
            os._exit(error.errno or 255)
    return _ended(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "a program in memory")


def anonymous_file_by_path(given: Given) -> str:
    """The same by its name in /proc, past what looks at execveat(2)."""
    held = os.memfd_create("escape", 0)
    os.write(held, _program().read_bytes())
    child = os.fork()
    if child == 0:
        try:
            os.execve(f"/proc/self/fd/{held}", ["escape"], {})  # noqa: S606 - a copy of true(1)
        except OSError as error:
            os._exit(error.errno or 255)
    return _ended(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "a program in memory")


def preload(given: Given) -> str:
    """Have a program load a library that was just written (LD_PRELOAD, ld.so(8))."""
    reader = Path("/bin/cat")
    if not reader.exists():
        raise NotHere("/bin/cat is not here")
    with _placed(given, _library()) as file:
        done = subprocess.run(  # noqa: S603 - a fixed program
            [reader, "/proc/self/maps"], env={"LD_PRELOAD": str(file)}, capture_output=True, check=False, timeout=2
        )
        # What could not be mapped to be executed leaves its first, readable segment behind.
        if not any(file.name.encode() in line and b" r-xp " in line for line in done.stdout.splitlines()):
            raise PermissionError(errno.EPERM, "the loader could not map the library")
        return "a program loaded a library that was just written"


def written_library(given: Given) -> str:
    """Load a library that was just written into this process."""
    with _placed(given, _library()) as file:
        try:
            ctypes.CDLL(str(file))
        except OSError as error:  # dlopen(3) gives a text and no errno
            raise PermissionError(errno.EPERM, "the loader could not map the library") from error
        return "loaded a library that was just written"


def write_and_execute(given: Given) -> str:
    """Memory that can be written and executed at once."""
    with mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC):
        return "got memory to write and execute"


def make_executable(given: Given) -> str:
    """Make memory executable after it was written."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    page = libc.mmap(None, mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE, private, -1, 0)
    if page == _MAP_FAILED:
        raise OSError(ctypes.get_errno(), "no memory")
    ctypes.memset(page, 0, mmap.PAGESIZE)
    call("mprotect", page, mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_EXEC)
    return "executes what it wrote"


def personality(given: Given) -> str:
    """Have the kernel make all memory that can be read executable."""
    call("personality", _READ_IMPLIES_EXEC)
    return "memory that can be read is executable"


def page_faults(given: Given) -> str:
    """Hold page faults up, which makes races in the kernel winnable (userfaultfd(2))."""
    os.close(call("userfaultfd", _UFFD_USER_MODE_ONLY))
    return "handles page faults"


def setuid_run(given: Given) -> str:
    """Run a program that runs as its owner."""
    if ctypes.CDLL(None).prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1:
        raise PermissionError(errno.EPERM, "no_new_privs is set")
    for name in _SETUID:
        path = Path(name)
        if path.exists() and path.stat().st_mode & stat.S_ISUID and os.access(path, os.X_OK):
            return f"{name} would run as its owner"
    raise NotHere("no setuid program is here")


def setuid_file(given: Given) -> str:
    """Leave a program behind that runs as this user, whoever starts it."""
    with _placed(given, None) as file:
        file.touch()
        file.chmod(0o4755)
        if not file.stat().st_mode & stat.S_ISUID:
            raise PermissionError(errno.EPERM, "the bit does not stay")
        return "made a setuid file"


def type_into_terminal(given: Given) -> str:
    """Type into a terminal, as if its person had (TIOCSTI, ioctl_tty(2)); one of our own stands in."""
    child, terminal = pty.fork()
    if child == 0:
        try:
            fcntl.ioctl(0, termios.TIOCSTI, b" ")
        except OSError as error:
            os._exit(error.errno or 255)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(terminal)
    return _ended(code, "input to a terminal")


def _program() -> Path:
    for name in _PROGRAMS:
        if Path(name).exists():
            return Path(name)
    raise NotHere("no program is here to be copied")


def _library() -> Path:
    """A shared object that needs nothing but what every program has."""
    for folder in _LIBRARIES:
        for file in sorted(Path(folder).glob("libm.so.6")):
            return file
    raise NotHere("no library is here to be copied")


@contextmanager
def _placed(given: Given, source: Path | None) -> Iterator[Path]:
    """A name in a folder that can be written, with a copy there; gone afterwards.

    Raises:
        PermissionError: there is no such folder.
    """
    with tempfile.TemporaryDirectory(prefix="ringfence-escape-", dir=writable(given)) as folder:
        file = Path(folder) / "escape"
        if source is not None:
            shutil.copyfile(source, file)
            file.chmod(0o700)
        yield file


def _run(program: str) -> str:
    done = subprocess.run([program], env={}, check=False, timeout=2)  # noqa: S603 - what was just written
    return _ended(done.returncode, program)


def _ended(code: int, what: str) -> str:
    if code == -signal.SIGSYS:
        raise PermissionError(errno.EPERM, "SIGSYS")
    if code != 0:
        raise OSError(code, os.strerror(code))
    return f"{what} ran"
