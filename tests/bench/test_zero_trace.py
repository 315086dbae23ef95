"""strace's lines become what processes gave away and where it went; what strace cannot see is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_parts.gather import Blob, add_up, files, held, shared_memory
from zero_parts.places import BETWEEN, NOWHERE, PLACES, Layout, is_foreign, place_of
from zero_parts.trace import Connected, Given, Opened, Unseen, ended, parse
from zero_parts.tracing import Tracing, why_not

LAYOUT = Layout("/srv/site", "/srv/cores", "/srv/tmp")


def hexed(data):
    """As ``strace -xx`` tells a string."""
    return "".join(f"\\x{byte:02x}" for byte in data)


def write(path, data, call="write", rest=""):
    """A line about a write to an open file."""
    return f'1.5 {call}(3<{hexed(path.encode())}>, "{hexed(data)}", {len(data)}{rest}) = {len(data)}'


@given(st.binary(max_size=200), st.text("aü /.-", max_size=9))
def test_every_byte_of_a_write_is_told(data, name):
    """Whatever the bytes, whatever the path."""
    assert list(parse([write(f"/{name}", data)])) == [Given(1.5, "write", f"/{name}", data)]


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=4))
def test_pieces_that_are_written_together_are_put_together(pieces):
    """Of writev and of sendmsg."""
    told = ", ".join(f'{{iov_base="{hexed(one)}", iov_len={len(one)}}}' for one in pieces)
    lines = [
        f"2.0 writev(4<{hexed(b'/f')}>, [{told}], {len(pieces)}) = 9",
        f"3.0 sendmsg(5<UNIX-STREAM:[7->8]>, {{msg_name=NULL, msg_iov=[{told}], msg_iovlen=1}}, MSG_NOSIGNAL) = 9",
    ]
    whole = b"".join(pieces)
    assert list(parse(lines)) == [Given(2.0, "writev", "/f", whole), Given(3.0, "sendmsg", "UNIX-STREAM", whole)]


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ('1.0 write(2<pipe:[9]>, "\\x61"..., 99) = 99', Unseen),
        ("1.0 write(3</f>, 0x7ffd, 12) = 12", Unseen),
        ("1.0 sendfile(3<TCP:[1->2]>, 4</f>, NULL, 10) = 10", Unseen),
        ("1.0 io_uring_setup(64, {flags=0}) = 5<anon_inode:[io_uring]>", Unseen),
        ("1.0 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3</dev/shm/x>, 0) = 0x7f00", Opened),
        ('1.0 memfd_create("\\x78", MFD_CLOEXEC) = 5</memfd:x>(deleted)', Opened),
        ('1.0 openat(AT_FDCWD</r>, "\\x66", O_WRONLY|O_CREAT, 0666) = 3</r/f>', Opened),
        ('1.0 connect(7<UNIX-STREAM:[3]>, {sa_family=AF_UNIX, sun_path="\\x2f\\x6c"}, 4) = 0', Connected),
        ('1.0 rename("\\x61", "\\x62") = 0', Given),
        ('1.0 write(1<pipe:[9]>, "\\x61", 1 <unfinished ...>', Given),
    ],
)
def test_each_kind_of_call_is_told_as_what_it_is(line, event):
    """Cut strings and unreadable memory are unseen bytes; a call that never came back counts as made."""
    assert event in {type(one) for one in parse([line])}


@pytest.mark.parametrize(
    "line",
    [
        '1.0 openat(AT_FDCWD</r>, "\\x66", O_RDONLY|O_CLOEXEC) = 3</r/f>',
        "1.0 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</f>, 0) = 0x7f00",
        '1.0 openat(AT_FDCWD</r>, "\\x66", O_WRONLY|O_CREAT, 0666) = -1 EACCES (Permission denied)',
        "1.0 --- SIGTERM {si_signo=SIGTERM} ---",
        "1.0 +++ exited with 0 +++",
        "nonsense",
        "",
    ],
)
def test_what_gives_nothing_away_is_passed_over(line):
    """Reads, private memory, failures, signals, ends."""
    assert list(parse([line])) == []


def test_a_thread_that_has_ended_says_so():
    """And one that still runs does not."""
    assert ended("1.0 +++ killed by SIGKILL +++")
    assert not ended("1.0 write(1<pipe:[9]>")


@pytest.mark.parametrize(
    ("to", "place"),
    [
        ("UNIX-STREAM", BETWEEN),
        ("pipe", BETWEEN),
        ("/dev/null", NOWHERE),
        ("UNIX-DGRAM", "datagrams"),
        ("something new", "datagrams"),
        ("TCPv6", "network"),
        ("UDP", "network"),
        ("/dev/shm/psm_1", "shared memory"),
        ("/memfd:x(deleted)", "shared memory"),
        ("/srv/site/state/ledger.sqlite3-wal", "SQLite"),
        ("/srv/site/state/decisions/0.jsonl", "decisions"),
        ("/srv/site/log/entries-000000.ndjson", "egress log"),
        ("/srv/site/archive/sealed-1.rec", "sealed archive"),
        ("/srv/site/daemon.log", "logs"),
        ("/srv/cores/core.12", "core files"),
        ("/elsewhere/core", "core files"),
        ("/srv/tmp/x", "temporary files"),
        ("/tmp/x", "temporary files"),
        ("/srv/site/state/x(deleted)", "other files"),
        ("names", "names and arguments"),
    ],
)
def test_every_descriptor_has_its_place(to, place):
    """What nobody foresaw must be free of canaries too."""
    assert place_of(to, LAYOUT) == place


@given(st.text(max_size=30))
def test_no_descriptor_is_without_a_place(to):
    """Whatever strace may tell."""
    assert place_of(to, LAYOUT) in {*PLACES, BETWEEN, NOWHERE}


def test_sockets_of_others_are_foreign():
    """They may keep what they get."""
    assert is_foreign("/run/systemd/journal/socket", LAYOUT)
    assert not is_foreign("/srv/site/agent.sock", LAYOUT)


def test_what_went_to_one_file_is_put_together_in_its_order():
    """Threads are traced apart: times say what came first."""
    events = [Given(2.0, "write", "/srv/site/state/x", b"def"), Given(1.0, "write", "/srv/site/state/x", b"abc")]
    assert add_up(events, LAYOUT).written == [Blob("other files", "site/state/x", b"abcdef")]


def test_what_could_not_be_seen_is_told_but_for_what_is_kept_nowhere():
    """And where somebody else's socket was reached."""
    events = [
        Unseen("sendfile", "/srv/site/state/x", "because"),
        Unseen("splice", "pipe", "because"),
        Connected("/run/log"),
        Connected("/srv/site/agent.sock"),
        Opened("/dev/shm/x", mapped=True),
        Opened("/dev/shm/sem.x", mapped=True),
    ]
    seen = add_up(events, LAYOUT)
    assert seen.unseen == [
        "sendfile to site/state/x: because",
        "connected to /run/log, which is none of the site's sockets",
    ]
    assert seen.mapped == {"/dev/shm/x"}


PROGRAM = """
import json, mmap, os, sys
from ringfence.process import keep_memory
keep_memory()
folder = sys.argv[1]
with open(folder + "/state", "wb") as file:
    file.write(b"first half, ")
    file.flush()
    file.write(b"second half")
deleted = os.open(folder + "/gone", os.O_RDWR | os.O_CREAT)
os.ftruncate(deleted, 64)
mmap.mmap(deleted, 64)[:6] = b"unseen"
os.unlink(folder + "/gone")
os.write(1, b"ready")
sys.stdin.read()
"""


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "it works")
def test_a_traced_process_has_no_secrets(tmp_path):
    """Its writes are told whole, its files are read, and so is what only it can still open."""
    tracing = Tracing(tmp_path)
    site = tmp_path / "site"
    site.mkdir()
    layout = Layout(str(site), str(tracing.cores), str(tracing.temporary))
    command = [*tracing.launcher("one"), sys.executable, "-P", "-c", PROGRAM, str(site)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.read(5) == b"ready"
        (gone,) = [blob for blob in held([psutil.Process(process.pid)], layout) if blob.place == "other files"]
        process.communicate(b"")
    tracing.whole()
    seen = add_up(tracing.events(), layout)
    assert Blob("other files", "site/state", b"first half, second half") in seen.written
    assert Blob("other files", "site/state", b"first half, second half") in list(files(layout, seen.opened))
    assert gone.name == "site/gone"
    assert gone.data.startswith(b"unseen")
    assert seen.mapped == {"site/gone"}
    assert seen.unseen == []


def test_memory_of_others_is_not_searched():
    """Only what is new."""
    before = frozenset(map(str, Path("/dev/shm").rglob("*")))
    assert list(shared_memory(before)) == []
    assert json.dumps([blob.place for blob in shared_memory(frozenset())]).count("shared memory") <= len(before)
