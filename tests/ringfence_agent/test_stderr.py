"""A full disk under the agent's own lines is no reason to end, nor to answer a daemon with a defect."""

import os
from pathlib import Path

import pytest
import structlog

from ringfence_agent.stderr import lenient


def full():
    """A stream whose disk is full (full(4)); nothing is left to flush when it is closed."""
    return Path("/dev/full").open("w", buffering=1)


def test_lines_that_the_disk_does_not_take_are_lost():
    stream = full()
    with pytest.raises(OSError, match="No space"):
        print("a line", file=stream)
    log = structlog.wrap_logger(structlog.WriteLogger(lenient(stream)))
    log.info("a line")
    log.info("another")
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    stream.close()


def test_other_lines_come_through(tmp_path):
    with (tmp_path / "lines").open("w") as stream:
        structlog.WriteLogger(lenient(stream)).msg("a line")
        assert (tmp_path / "lines").read_text() == "a line\n"
