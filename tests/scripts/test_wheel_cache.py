"""The compiled wheel's cache: built once, kept whole, seen to be alive."""

import importlib.util
import io
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "wheel_cache.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("wheel_cache", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["wheel_cache"] = module
    spec.loader.exec_module(module)
    return module


wheel_cache = load()
Progress = wheel_cache.Progress


def write_wheel(folder: Path) -> Path:
    wheel = folder / "llama_cpp_python-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("llama_cpp/__init__.py", "")
    return wheel


def must_not_build(work: Path, log: Path) -> Path:
    pytest.fail("the wheel was there and was built again")


def must_not_wait() -> None:
    pytest.fail("nobody else builds, and it waited")


# ── key ──


def test_the_version_is_the_locked_one():
    """The lock file, not a second place, says which version is built."""
    assert wheel_cache.locked_version("# a remark\nllama-cpp-python==0.3.36 \\\n    --hash=sha256:00\n") == "0.3.36"
    with pytest.raises(wheel_cache.BuildError, match="make lock"):
        wheel_cache.locked_version("numpy==2.0\n")


def test_the_order_of_cpu_flags_does_not_matter():
    """Two kernels that list the same flags in another order share a wheel."""
    assert wheel_cache.cpu_features("flags\t\t: sse avx2 fma\n", "a") == wheel_cache.cpu_features(
        "flags : fma sse avx2", "b"
    )
    assert wheel_cache.cpu_features("Features : asimd sve\n", "a") == "asimd sve"


def test_a_wheel_for_an_unknown_cpu_is_not_shared():
    """Where the kernel names no flags, each machine has its own wheel."""
    assert wheel_cache.cpu_features("", "ward-7") != wheel_cache.cpu_features("", "ward-8")


PARTS = {"version": "1", "python": "cpython-311", "machine": "linux-x86_64", "cmake_args": "-DA=ON", "features": "avx2"}


@given(changed=st.sampled_from(sorted(PARTS)), value=st.text("ab-1", min_size=1, max_size=9))
def test_whatever_makes_a_wheel_unfit_changes_the_key(changed, value):
    """A wheel of another version, Python, platform, variant or CPU is never taken for this one."""
    other = PARTS | {changed: value}
    assert (wheel_cache.cache_key(**other) == wheel_cache.cache_key(**PARTS)) == (other == PARTS)


def test_the_key_is_a_file_name():
    """Whatever CMAKE_ARGS holds, the key is one folder."""
    assert "/" not in wheel_cache.cache_key(**PARTS | {"cmake_args": "-DX=/usr/local --y ../.."})


# ── look, lock, keep ──


def test_the_cache_follows_xdg(tmp_path):
    """An absolute XDG_CACHE_HOME counts; a relative one is ignored, as its specification asks."""
    assert wheel_cache.cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "ringfence" / "wheels"
    assert wheel_cache.cache_folder({"XDG_CACHE_HOME": "cache"}) == Path.home() / ".cache" / "ringfence" / "wheels"
    assert wheel_cache.cache_folder({}) == Path.home() / ".cache" / "ringfence" / "wheels"


def test_a_second_clone_does_not_build(tmp_path):
    """What was built once is returned, whole, and nothing else is left of the build."""
    built = wheel_cache.ensure_wheel(tmp_path / "wheels", "key", lambda work, log: write_wheel(work), must_not_wait)
    again = wheel_cache.ensure_wheel(tmp_path / "wheels", "key", must_not_build, must_not_wait)
    assert built == again
    assert zipfile.is_zipfile(again)
    assert {entry.name for entry in (tmp_path / "wheels").iterdir()} == {"key", "key.lock"}


def test_a_wheel_cut_short_is_built_again(tmp_path):
    """A file that a full disk or a power cut left is not installed."""
    (tmp_path / "key").mkdir()
    write_wheel(tmp_path / "key").write_bytes(b"PK\x03\x04 and no end")
    wheel = wheel_cache.ensure_wheel(tmp_path, "key", lambda work, log: write_wheel(work), must_not_wait)
    assert zipfile.is_zipfile(wheel)


def test_a_failed_build_leaves_its_log_and_no_wheel(tmp_path):
    """The next run starts over; the log is there to be read."""

    def fail(work, log):
        write_wheel(work)
        log.write_text("error: no space left")
        raise wheel_cache.BuildError("compiling failed")

    with pytest.raises(wheel_cache.BuildError, match="compiling failed"):
        wheel_cache.ensure_wheel(tmp_path, "key", fail, must_not_wait)
    assert {entry.name for entry in tmp_path.iterdir()} == {"key.lock", "key.log"}
    assert wheel_cache.ensure_wheel(tmp_path, "key", lambda work, log: write_wheel(work), must_not_wait).exists()


def test_a_build_that_writes_half_a_wheel_keeps_nothing(tmp_path):
    """A compiler that reports success is not believed about the wheel."""

    def half(work, log):
        wheel = work / "half.whl"
        wheel.write_bytes(b"PK")
        return wheel

    with pytest.raises(wheel_cache.BuildError, match="damaged"):
        wheel_cache.ensure_wheel(tmp_path, "key", half, must_not_wait)
    assert not (tmp_path / "key").exists()


def test_what_a_killed_build_left_is_cleared_away(tmp_path):
    """Power went away in the middle: the half-built folder does not disturb the next build."""
    (tmp_path / "key.building" / "old").mkdir(parents=True)
    wheel = wheel_cache.ensure_wheel(tmp_path, "key", lambda work, log: write_wheel(work), must_not_wait)
    assert wheel.exists()
    assert not (tmp_path / "key.building").exists()


def test_of_two_clones_one_builds_and_the_other_waits(tmp_path):
    """Both get the same wheel from one build."""
    building, go_on, builds = threading.Event(), threading.Event(), []

    def build(work, log):
        builds.append(1)
        building.set()
        assert go_on.wait(10)
        return write_wheel(work)

    results = []
    first = threading.Thread(
        target=lambda: results.append(wheel_cache.ensure_wheel(tmp_path, "key", build, must_not_wait))
    )
    first.start()
    assert building.wait(10)
    results.append(wheel_cache.ensure_wheel(tmp_path, "key", must_not_build, go_on.set))
    first.join()
    assert len(builds) == 1
    assert results[0] == results[1]


# ── build ──


def test_missing_compilers_are_named_by_their_packages():
    """The message says what to install, and CC and CXX are honoured."""
    assert wheel_cache.missing_compilers({}, lambda name: None) == ["gcc", "g++"]
    assert wheel_cache.missing_compilers({}, {"cc": "/bin/cc"}.get) == ["g++"]
    assert wheel_cache.missing_compilers({"CXX": "icpx -O2"}, {"cc": "/bin/cc", "icpx": "/bin/icpx"}.get) == []


def test_every_download_is_checked_against_a_hash(tmp_path):
    """Each pip command of the build demands hashes and gets no tools from elsewhere."""
    commands = [step.command for step in wheel_cache.build_steps(tmp_path) if "pip" in step.command]
    assert len(commands) == 3
    assert all("--require-hashes" in command for command in commands)
    assert all("--no-build-isolation" in command for command in commands if "llama.lock" in " ".join(command))


def test_the_build_does_not_inherit_options_of_make():
    """A surrounding make's options would be taken for the build's own."""
    inherited = {"MAKEFLAGS": "-j --jobserver", "HOME": "/home/a", "PATH": "/bin", "PYTHONPATH": "/x"}
    environment = wheel_cache.build_environment(inherited, Path("/w"), "-DGGML_NATIVE=ON")
    assert environment["HOME"] == "/home/a"
    assert environment["PATH"] == "/w/tools/bin:/bin"
    assert environment["CMAKE_ARGS"] == "-DGGML_NATIVE=ON"
    assert not {"MAKEFLAGS", "PYTHONPATH"} & environment.keys()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("  *** Configuring CMake...", Progress("configuring")),
        ("  [109/193] /usr/bin/g++ -DGGML_BUILD -c x.cpp", Progress("compiling", 109, 193)),
        ("[ 56%] Building CXX object x.o", Progress("compiling", 56, 100)),
        ("  -- Installing: lib/libllama.so", Progress("packing")),
        ("  *** Making wheel...", Progress("packing")),
        ("  14148 |   return (__m512)", Progress("unpacking the source")),
        ("", Progress("unpacking the source")),
    ],
)
def test_progress_is_read_from_the_build(line, expected):
    """Ninja's and make's counts, and the phases around them."""
    assert wheel_cache.advance(Progress("unpacking the source"), line) == expected


@given(st.text())
def test_no_line_disturbs_the_progress(line):
    """A compiler may print anything."""
    assert wheel_cache.advance(Progress("compiling", 3, 9), line).phase


def run_python(code: str, log: Path, show=lambda progress: None) -> None:
    with log.open("a") as output:
        step = wheel_cache.Step("trying", (sys.executable, "-c", code))
        wheel_cache.run_step(step, output, dict(os.environ), show)


def test_a_step_reports_what_its_command_prints(tmp_path):
    """Progress is seen while the command runs, and an earlier command's lines are not taken for its own."""
    log = tmp_path / "log"
    log.write_text("[1/9] old\n")
    seen = []
    run_python("print('[2/9] a'); print('[3/9] b')", log, seen.append)
    assert seen[-1] == Progress("compiling", 3, 9)
    assert Progress("compiling", 1, 9) not in seen
    assert log.read_text() == "[1/9] old\n[2/9] a\n[3/9] b\n"


def test_a_failed_step_says_in_which_phase(tmp_path):
    """The phase is the last one that the command reached."""
    with pytest.raises(wheel_cache.BuildError, match=r"compiling failed \(exit status 3\)"):
        run_python("print('[2/9] a'); raise SystemExit(3)", tmp_path / "log")


def test_an_interrupted_step_leaves_no_process(tmp_path):
    """Ctrl-C ends the compiler and what the compiler started."""
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)"
    )
    log = tmp_path / "log"

    def interrupt(progress):
        if log.exists() and log.read_text().strip():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_python(code, log, interrupt)
    grandchild = Path("/proc") / log.read_text().strip()
    deadline = time.monotonic() + 10
    while grandchild.exists() and "(zombie)" not in (grandchild / "status").read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not grandchild.exists() or "(zombie)" in (grandchild / "status").read_text()


def test_the_log_tail_is_short(tmp_path):
    """The last 30 lines, each cut: a compiler's command lines are thousands of characters long."""
    log = tmp_path / "log"
    log.write_text("\n".join(f"{number} {'x' * 5000}" for number in range(100)))
    tail = wheel_cache.log_tail(log).splitlines()
    assert len(tail) == 30
    assert tail[-1].startswith("  | 99 x")
    assert all(len(line) < 320 for line in tail)


def test_a_failed_build_shows_the_end_of_its_log(tmp_path, monkeypatch):
    """The person sees the last lines and where the rest is."""
    failing = wheel_cache.Step("trying", (sys.executable, "-c", "print('gone wrong'); raise SystemExit(1)"))
    monkeypatch.setattr(wheel_cache, "build_steps", lambda work: (failing,))
    monkeypatch.setattr(wheel_cache, "missing_compilers", lambda environment: [])
    with pytest.raises(wheel_cache.BuildError) as raised:
        wheel_cache.build_wheel(tmp_path, tmp_path / "log", "", lambda progress: None)
    assert "trying failed" in str(raised.value)
    assert "  | gone wrong" in str(raised.value)
    assert str(tmp_path / "log") in str(raised.value)


def test_without_a_compiler_nothing_is_downloaded(tmp_path, monkeypatch):
    """What is missing is said before 76 MB are fetched."""
    monkeypatch.setattr(wheel_cache, "missing_compilers", lambda environment: ["g++"])
    with pytest.raises(wheel_cache.BuildError, match=r"apt-get install g\+\+"):
        wheel_cache.build_wheel(tmp_path, tmp_path / "log", "", lambda progress: None)


# ── what is shown ──


@given(done=st.integers(1, 193), compiling_s=st.floats(0, 3600), cores=st.integers(1, 64))
def test_the_estimate_is_never_negative(done, compiling_s, cores):
    """Whatever the machine's speed, and nothing is left once all is compiled."""
    left = wheel_cache.remaining_s(Progress("compiling", done, 193), compiling_s, cores)
    assert left >= 0
    assert left == 0 or done < 193


def test_the_estimate_learns_from_the_machine():
    """A guess at first; half way on a machine ten times slower, it says so."""
    guess = wheel_cache.COMPILE_CORE_S / 2
    assert wheel_cache.remaining_s(Progress("configuring"), 0, 2) == guess
    assert wheel_cache.remaining_s(Progress("compiling", 50, 100), 10 * guess / 2, 2) > 2 * guess
    assert wheel_cache.remaining_s(Progress(wheel_cache.WAITING), 0, 2) is None
    assert wheel_cache.remaining_s(Progress(wheel_cache.PACKING), 400, 2) == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "nearly done"),
        (10, "nearly done"),
        (31, "about 40 s left"),
        (89, "about 90 s left"),
        (90, "about 2 min left"),
        (360, "about 6 min left"),
    ],
)
def test_the_estimate_promises_no_more_than_it_knows(seconds, words):
    """Tens of seconds, then minutes."""
    assert wheel_cache.left_words(seconds) == words


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_without_a_terminal_a_line_comes_every_fifteen_seconds():
    """A CI log stays short and yet shows that the build is alive."""
    clock, stream = Clock(), io.StringIO()
    display = wheel_cache.Display(stream, clock, cores=2)
    for second in range(61):
        clock.now = float(second)
        display.show(Progress("compiling", 1 + second, 193))
    assert stream.getvalue().splitlines() == [
        "llama.cpp: compiling [1/193], 0:00, about 6 min left",
        "llama.cpp: compiling [16/193], 0:15, about 5 min left",
        "llama.cpp: compiling [31/193], 0:30, about 5 min left",
        "llama.cpp: compiling [46/193], 0:45, about 4 min left",
        "llama.cpp: compiling [61/193], 1:00, about 3 min left",
    ]


def test_without_a_terminal_a_new_phase_is_said_at_once():
    """Nobody waits fifteen seconds to learn what is going on."""
    clock, stream = Clock(), io.StringIO()
    display = wheel_cache.Display(stream, clock, cores=2)
    for phase in ("downloading the source", "configuring", wheel_cache.PACKING):
        clock.now += 1
        display.show(Progress(phase))
    assert [line.split(",")[0] for line in stream.getvalue().splitlines()] == [
        "llama.cpp: downloading the source",
        "llama.cpp: configuring",
        "llama.cpp: packing",
    ]


def test_on_a_terminal_one_line_is_redrawn(monkeypatch):
    """The line fits the terminal and a message that stays does not mix with it."""
    monkeypatch.setenv("COLUMNS", "30")
    clock, stream = Clock(), Terminal()
    display = wheel_cache.Display(stream, clock, cores=2)
    for second in (0, 1):
        clock.now = float(second)
        display.show(Progress("compiling", 1, 193))
    display.say("done")
    assert stream.getvalue() == "\rllama.cpp: compiling [1/193],\x1b[K" * 2 + "\r\x1b[Kdone\n"


# ── the command ──


def command(cache: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    environment.pop("CMAKE_ARGS", None)
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_prints_the_kept_wheel(tmp_path):
    """On standard output is the path and nothing else, for scripts/setup.sh to read."""
    key = command(tmp_path, "--key").communicate()[0].strip()
    folder = tmp_path / "ringfence" / "wheels" / key
    folder.mkdir(parents=True)
    wheel = write_wheel(folder)
    assert command(tmp_path).communicate() == (f"{wheel}\n", "")


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGHUP])
def test_the_command_ends_cleanly_when_told_to(tmp_path, told):
    """Told to end, or its terminal closed, while it waits for another clone: it ends at once and leaves nothing."""
    key = command(tmp_path, "--key").communicate()[0].strip()
    wheels = tmp_path / "ringfence" / "wheels"
    wheels.mkdir(parents=True)
    with wheel_cache.locked(wheels / f"{key}.lock", must_not_wait):
        process = command(tmp_path)
        assert "waiting" in process.stderr.readline()
        process.send_signal(told)
        process.communicate(timeout=10)
    assert process.returncode == 128 + told
    assert {entry.name for entry in wheels.iterdir()} == {f"{key}.lock"}
