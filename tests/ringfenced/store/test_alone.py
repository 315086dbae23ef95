"""One daemon a folder."""

import subprocess
import sys

import pytest

from ringfenced.store.alone import alone


def test_a_folder_is_free_again_once_it_is_left_and_the_file_stays(tmp_path):
    for _ in range(2):
        with alone(tmp_path / "lock"):
            with pytest.raises(OSError, match=f"another daemon uses {tmp_path}; stop it"), alone(tmp_path / "lock"):
                pass
            assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "lock").read_bytes() == b""


def test_what_a_daemon_started_does_not_hold_its_folder(tmp_path):
    """An engine that outlives a killed daemon must not keep the next one from starting."""
    with alone(tmp_path / "lock"):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    try:
        with alone(tmp_path / "lock"):
            pass
    finally:
        child.communicate(b"\n")


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError), alone(tmp_path / "missing" / "lock"):
        pass
