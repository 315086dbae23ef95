"""Compiles llama-cpp-python once for this machine and keeps the wheel in the user's cache.

It comes as source, and compiling takes minutes; so that is done once a machine, not once a clone, and shows its way.

    python scripts/wheel_cache.py          prints the wheel's path; progress and errors go to standard error
    python scripts/wheel_cache.py --key    prints only the name under which the wheel is kept

1. **key**: all that makes a wheel right for this machine: version, Python, platform, CMAKE_ARGS, what the CPU can do.
2. **look**: a wheel that is there is used.
3. **lock**: of several clones one builds; the others wait and then find the wheel.
4. **build**: in a throw-away environment with pinned tools; source and tools are checked against requirements/*.lock.
5. **keep**: the finished folder is renamed into place, so that half a wheel is never seen.

Standard library only: it runs before anything is installed. `CMAKE_ARGS` may be set to build another variant, for
instance `CMAKE_ARGS=-DGGML_CUDA=ON make setup`; it is part of the key.
"""

import argparse
import contextlib
import fcntl
import hashlib
import math
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"
SOURCE_LOCK = REQUIREMENTS / "llama.lock"
TOOLS_LOCK = REQUIREMENTS / "llama-build.lock"

# The instructions of the machine that compiles are the ones that the engine will run on.
CMAKE_ARGS_DEFAULT = "-DGGML_NATIVE=ON"

# Measured: 193 compile steps of 0.3.36 took 4 to 8 minutes on two cores. Only the first estimate rests on it.
COMPILE_CORE_S = 720.0

REDRAW_S = 0.5
LINE_EVERY_S = 15.0
LOG_TAIL_LINES = 30
SOON_S = 10

COMPILING = "compiling"
PACKING = "packing"
WAITING = "another clone compiles it; waiting"

# Ninja writes `[109/193] …`; make, which a changed build could fall back to, writes `[ 56%] …`.
_STEP = re.compile(r"^\s*\[(\d+)/(\d+)\]")
_PERCENT = re.compile(r"^\s*\[\s*(\d+)%\]")

# Set by a make that runs this script; they would pass for options of the build's own tools.
_NOT_INHERITED = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


class BuildError(Exception):
    """The wheel could not be built; the message says why and what to do."""


@dataclass(frozen=True)
class Progress:
    """What the build does at this moment."""

    phase: str
    """In words, for the person who waits."""
    done: int = 0
    """Compile steps finished."""
    total: int = 0
    """Compile steps in all; 0 while they are not known."""


@dataclass(frozen=True)
class Step:
    """One command of the build."""

    phase: str
    """What it does, in words."""
    command: tuple[str, ...]
    """The command and its arguments."""


# ── 1. key ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def locked_version(lock: str) -> str:
    """Return the version pinned by `lock`, the text of requirements/llama.lock; raise BuildError where it pins none."""
    found = re.search(r"^llama-cpp-python==(\S+)", lock, re.MULTILINE)
    if found is None:
        raise BuildError(f"{SOURCE_LOCK.name} does not pin llama-cpp-python; `make lock` writes it anew")
    return found[1]


def cpu_features(cpuinfo: str, node: str) -> str:
    """Return what the CPU can do, from `cpuinfo`, the text of /proc/cpuinfo, in an order that does not change.

    Where the kernel does not say (no `flags` or `Features` line), the machine's name, `node`, stands for it: a wheel
    for an unknown CPU is not shared with another machine.
    """
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", cpuinfo, re.MULTILINE)
    return " ".join(sorted(found[1].split())) if found else f"unknown CPU of {node}"


def cache_key(version: str, python: str, machine: str, cmake_args: str, features: str) -> str:
    """Return the folder name of the wheel that fits: what people look for in clear, the long parts as a digest."""
    digest = hashlib.sha256(f"{cmake_args}\0{features}".encode()).hexdigest()
    return f"llama-cpp-python-{version}-{python}-{machine}-{digest[:12]}"


def this_machines_key(cmake_args: str) -> str:
    """Return the key of the wheel for this interpreter, this machine and `cmake_args`."""
    cpuinfo = Path("/proc/cpuinfo")
    return cache_key(
        version=locked_version(SOURCE_LOCK.read_text()),
        python=sys.implementation.cache_tag,
        machine=sysconfig.get_platform(),
        cmake_args=cmake_args,
        features=cpu_features(cpuinfo.read_text() if cpuinfo.exists() else "", platform.node()),
    )


# ── 2. look ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of all wheels: in $XDG_CACHE_HOME where that is an absolute path, else in ~/.cache.

    As the XDG Base Directory Specification 0.8 says; a relative path there is to be ignored.
    """
    home = Path(environment.get("XDG_CACHE_HOME", ""))
    return (home if home.is_absolute() else Path.home() / ".cache") / "ringfence" / "wheels"


def find_wheel(folder: Path) -> Path | None:
    """Return the wheel in `folder`; None where there is none, or one cut short (a full disk, a power cut)."""
    wheels = sorted(folder.glob("*.whl"))
    return wheels[0] if len(wheels) == 1 and zipfile.is_zipfile(wheels[0]) else None


# ── 3. lock, 5. keep ────────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file at `path`; call `waiting` twice a second while another process holds it.

    The kernel frees the lock of a process that died, so nobody waits for nobody.
    """
    with path.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                waiting()
                time.sleep(REDRAW_S)
        yield


def ensure_wheel(cache: Path, key: str, build: Callable[[Path, Path], Path], waiting: Callable[[], None]) -> Path:
    """Return the wheel kept as `key` in `cache`; build it where there is none.

    `build(work, log)` gets an empty folder, writes what its commands print to `log` and returns a wheel inside the
    folder. `waiting` is called again and again while another process builds the same wheel. A build that fails leaves
    the log and no wheel.
    """
    if wheel := find_wheel(cache / key):
        return wheel
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / f"{key}.lock", waiting):
        if wheel := find_wheel(cache / key):
            return wheel
        work, log = cache / f"{key}.building", cache / f"{key}.log"
        shutil.rmtree(work, ignore_errors=True)  # what a killed build left
        work.mkdir()
        try:
            kept = keep(build(work, log), work / "kept", cache / key)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        log.unlink(missing_ok=True)
        return kept


def keep(wheel: Path, staging: Path, folder: Path) -> Path:
    """Move `wheel` by way of `staging`, on the same file system, to `folder` in one rename; return its path there."""
    if not zipfile.is_zipfile(wheel):
        raise BuildError(f"the build wrote a damaged wheel, {wheel.name}; is the disk full?")
    staging.mkdir()
    wheel.rename(staging / wheel.name)
    with (staging / wheel.name).open("rb") as file:
        os.fsync(file.fileno())
    shutil.rmtree(folder, ignore_errors=True)  # a damaged one from before
    staging.rename(folder)
    return folder / wheel.name


# ── 4. build ────────────────────────────────────────────────────────────────────────────────────────────────────────


def missing_compilers(environment: Mapping[str, str], which: Callable[[str], str | None] = shutil.which) -> list[str]:
    """Return the Debian packages to install before anything can be compiled; CC and CXX count where they are set."""
    wanted = {
        "gcc": (environment.get("CC"), "cc", "gcc", "clang"),
        "g++": (environment.get("CXX"), "c++", "g++", "clang++"),
    }
    return [package for package, names in wanted.items() if not any(which(name.split()[0]) for name in names if name)]


def build_steps(work: Path) -> tuple[Step, ...]:
    """Return the commands that make a wheel in `work / "wheel"`; every download is checked against its locked hash."""
    python = str(work / "tools" / "bin" / "python")
    pip = (python, "-m", "pip", "--disable-pip-version-check", "--no-input")
    # No isolation: that would fetch whatever tools are newest that day. pip's cache of built wheels knows neither
    # CMAKE_ARGS nor the CPU, so the wheel step may not look into it.
    source = ("--require-hashes", "--no-deps", "--no-build-isolation", "--no-binary", ":all:", "-r", str(SOURCE_LOCK))
    offline = ("--no-index", "--find-links", str(work / "source"), "--no-cache-dir")
    return (
        Step("preparing the build tools", (sys.executable, "-m", "venv", str(work / "tools"))),
        Step("preparing the build tools", (*pip, "install", "--require-hashes", "-r", str(TOOLS_LOCK))),
        Step("downloading the source", (*pip, "download", *source, "--dest", str(work / "source"))),
        Step("unpacking the source", (*pip, "wheel", "-v", *source, *offline, "--wheel-dir", str(work / "wheel"))),
    )


def build_environment(inherited: Mapping[str, str], work: Path, cmake_args: str) -> dict[str, str]:
    """Return the environment of the build's commands.

    Tools and temporary files are in `work`, so that removing it removes everything.
    """
    own = {
        "CMAKE_ARGS": cmake_args,
        "PATH": f"{work / 'tools' / 'bin'}{os.pathsep}{inherited.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "SKBUILD_NINJA_MAKE_FALLBACK": "false",
        "TMPDIR": str(work),
    }
    return {name: value for name, value in inherited.items() if name not in _NOT_INHERITED} | own


def advance(progress: Progress, line: str) -> Progress:
    """Return the progress after the build printed `line`."""
    if step := _STEP.match(line):
        return Progress(COMPILING, int(step[1]), int(step[2]))
    if percent := _PERCENT.match(line):
        return Progress(COMPILING, int(percent[1]), 100)
    if "*** Configuring CMake" in line:
        return Progress("configuring")
    if "-- Installing:" in line or "*** Making wheel" in line:
        return Progress(PACKING)
    return progress


def run_step(step: Step, log: TextIO, environment: Mapping[str, str], show: Callable[[Progress], None]) -> None:
    """Run `step`, its output going to `log`, a file open for writing; call `show` twice a second with the progress.

    Raises BuildError where the command fails. Whatever ends this function early, the command and its children end too.
    """
    progress, rest = Progress(step.phase), ""
    with Path(log.name).open(errors="replace") as output:
        output.seek(0, os.SEEK_END)  # past what earlier steps printed
        child = subprocess.Popen(
            step.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )
        try:
            ended = False
            while not ended:
                ended = child.poll() is not None  # asked before the last read, so that nothing printed is missed
                *lines, rest = (rest + output.read()).split("\n")
                for line in lines:
                    progress = advance(progress, line)
                show(progress)
                time.sleep(0.0 if ended else REDRAW_S)
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
                child.wait()
    if child.returncode != 0:
        raise BuildError(f"{progress.phase} failed (exit status {child.returncode})")


def build_wheel(work: Path, log: Path, cmake_args: str, show: Callable[[Progress], None]) -> Path:
    """Build the wheel in `work` and return its path. Raises BuildError, with what to do, where that cannot be done."""
    if packages := missing_compilers(os.environ):
        raise BuildError(f"no compiler for llama.cpp was found; install it: apt-get install {' '.join(packages)}")
    environment = build_environment(os.environ, work, cmake_args)
    with log.open("w") as output:
        try:
            for step in build_steps(work):
                run_step(step, output, environment, show)
        except BuildError as error:
            raise BuildError(f"{error}\n{log_tail(log)}\nThe whole log: {log}") from None
    return next((work / "wheel").glob("*.whl"))


def log_tail(log: Path) -> str:
    """Return the last lines of `log`, each cut to a readable length."""
    return "\n".join(f"  | {line[:300]}" for line in log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])


# ── what the person who waits sees ──────────────────────────────────────────────────────────────────────────────────


def remaining_s(progress: Progress, compiling_s: float, cores: int) -> float | None:
    """Return about how many seconds are left, or None where nothing sensible can be said.

    `compiling_s` is how long the compiler has run. The first guess comes from COMPILE_CORE_S; what this machine really
    does weighs more the further it gets.
    """
    if progress.phase == WAITING:
        return None
    if progress.phase == PACKING:
        return 0.0
    guess = COMPILE_CORE_S / cores
    if not progress.done:
        return guess
    share = progress.done / progress.total
    by_this_machine, by_guess = compiling_s * (1 - share) / share, guess * (1 - share)
    return share * by_this_machine + (1 - share) * by_guess


def clock_words(seconds: float) -> str:
    """Return `seconds` as minutes and seconds, 3:07."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def left_words(seconds: float) -> str:
    """Return an estimate in words that promise no more than it knows."""
    tens, minutes = math.ceil(seconds / 10) * 10, round(seconds / 60)
    if tens <= SOON_S:
        return "nearly done"
    return f"about {minutes} min left" if minutes > 1 else f"about {tens} s left"


class Display:
    """One line about the build: redrawn on a terminal; elsewhere written at each new phase and every LINE_EVERY_S."""

    def __init__(self, stream: TextIO, clock: Callable[[], float], cores: int) -> None:
        self._stream, self._clock, self._cores = stream, clock, cores
        self._begun = clock()
        self._compiling_since: float | None = None
        self._written = -LINE_EVERY_S
        self._phase = ""

    def show(self, progress: Progress) -> None:
        """Say where the build stands; may be called at any rate."""
        now = self._clock()
        if progress.total and self._compiling_since is None:
            self._compiling_since = now
        line = self._line(progress, now)
        if self._stream.isatty():
            self._stream.write(f"\r{line[: shutil.get_terminal_size().columns - 1]}\x1b[K")
        elif progress.phase != self._phase or now - self._written >= LINE_EVERY_S:
            self._stream.write(f"{line}\n")
            self._written, self._phase = now, progress.phase
        self._stream.flush()

    def say(self, text: str) -> None:
        """Write a line that stays."""
        self._stream.write(f"\r\x1b[K{text}\n" if self._stream.isatty() else f"{text}\n")
        self._stream.flush()

    def elapsed(self) -> str:
        """Return how long it has taken, in words."""
        return clock_words(self._clock() - self._begun)

    def _line(self, progress: Progress, now: float) -> str:
        counted = f" [{progress.done}/{progress.total}]" if progress.total else ""
        compiling_s = now - self._compiling_since if self._compiling_since is not None else 0.0
        left = remaining_s(progress, compiling_s, self._cores)
        estimate = f", {left_words(left)}" if left is not None else ""
        return f"llama.cpp: {progress.phase}{counted}, {self.elapsed()}{estimate}"


def main(arguments: Sequence[str]) -> int:
    """Print the wheel's path, or its key, on standard output; return the exit status."""
    parser = argparse.ArgumentParser(description="Compile llama-cpp-python once and keep the wheel.")
    parser.add_argument("--key", action="store_true", help="print only the name under which the wheel is kept")
    options = parser.parse_args(arguments)
    cmake_args = os.environ.get("CMAKE_ARGS", CMAKE_ARGS_DEFAULT)
    key = this_machines_key(cmake_args)
    if options.key:
        print(key)
        return 0
    for told in (signal.SIGTERM, signal.SIGHUP):  # the compiler, in a session of its own, would not notice
        signal.signal(told, lambda number, _: sys.exit(128 + number))
    display = Display(sys.stderr, time.monotonic, len(os.sched_getaffinity(0)))
    cache = cache_folder(os.environ)

    def build(work: Path, log: Path) -> Path:
        display.say("llama.cpp is compiled for this machine: once, a few minutes; later clones reuse it.")
        wheel = build_wheel(work, log, cmake_args, display.show)
        display.say(f"llama.cpp: compiled in {display.elapsed()}; later clones find it in {cache / key}")
        return wheel

    try:
        print(ensure_wheel(cache, key, build, lambda: display.show(Progress(WAITING))))
    except BuildError as error:
        display.say(f"llama.cpp: {error}")
        return 1
    except KeyboardInterrupt:
        display.say("llama.cpp: stopped; nothing half-built was left")
        return 128 + signal.SIGINT
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
