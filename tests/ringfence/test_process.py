"""What the agent asks of the kernel and tells the service manager."""

import os
import socket
import subprocess
import sys

import pytest

from ringfence.process import notify, peer_pid, peer_session


def test_readiness_goes_to_the_service_managers_socket(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        notify({"NOTIFY_SOCKET": str(tmp_path / "notify")}, "READY=1")
        assert manager.recv(100) == b"READY=1"
    notify({}, "READY=1")


def test_memory_stays_with_the_process():
    """No core file, and not dumpable (PR_GET_DUMPABLE is 3)."""
    code = (
        "import ctypes, resource; from ringfence.process import keep_memory; keep_memory();"
        "print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "(0, 0) 0"


def test_a_manager_that_has_gone_is_no_reason_to_fail(tmp_path):
    notify({"NOTIFY_SOCKET": str(tmp_path / "gone")}, "STOPPING=1")


def test_each_end_of_a_unix_socket_knows_who_is_at_the_other(tmp_path):
    path = str(tmp_path / "s")
    code = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({path!r}); s.recv(1)"
    with socket.socket(socket.AF_UNIX) as door, socket.socket(socket.AF_UNIX) as own:
        door.bind(path)
        door.listen()
        own.connect(path)
        assert peer_pid(own) == os.getpid()
        door.accept()[0].close()
        with subprocess.Popen([sys.executable, "-I", "-c", code]) as child:
            accepted, _ = door.accept()
            with accepted:
                assert peer_pid(accepted) == child.pid
                assert peer_session(accepted) == os.getsid(0)


def test_a_session_is_told_until_its_process_has_ended(tmp_path):
    path = str(tmp_path / "s")
    code = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({path!r}); s.recv(1)"
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen()
        with subprocess.Popen([sys.executable, "-I", "-c", code], start_new_session=True) as child:
            accepted, _ = door.accept()
            with accepted:
                assert peer_session(accepted) == child.pid
                accepted.send(b"x")
                child.wait()
                with pytest.raises(ProcessLookupError):
                    peer_session(accepted)
