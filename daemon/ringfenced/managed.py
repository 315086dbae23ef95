"""What the service manager is told of this process (sd_notify(3)); nothing where none listens."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable

from ringfence.process import notify
from ringfence.watchdog import Pulse, asking_s
from ringfenced.config import notify_environment

_LOG = logging.getLogger("ringfenced")


def ready() -> None:
    """Everything serves."""
    notify(notify_environment(), "READY=1")


def stopping_now() -> None:
    """It ends, and lets running requests end first."""
    notify(notify_environment(), "STOPPING=1")


def reloading(read: Callable[[], None]) -> None:
    """Read the policy's files again, and say so: until `reloaded`, `systemctl reload` waits where it can.

    Args:
        read: lets them be read; returns at once.
    """
    now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notify(notify_environment(), f"RELOADING=1\nMONOTONIC_USEC={now_us}")
    read()


def reloaded(problem: str) -> None:
    """They have been read.

    Args:
        problem: why the policy before stays, or nothing; its first line is told, the daemon's log has it whole.
    """
    notify(notify_environment(), f"READY=1\nSTATUS={problem.partition(chr(10))[0]}")


def watchdog() -> Pulse:
    """The service manager's watchdog, where it watches this process."""
    last = ""

    def tell(problem: str) -> None:
        nonlocal last
        if problem:
            unwell(problem)
        elif last:
            notify(notify_environment(), "STATUS=")
        notify(notify_environment(), f"STATUS=not well: {problem}" if problem else "WATCHDOG=1")
        last = problem

    return Pulse(asking_s(notify_environment(), os.getpid()), tell)


def unwell(problem: str) -> None:
    """Write down what the watchdog was not fed for.

    Args:
        problem: in words, without content.
    """
    _LOG.error("unwell", extra={"fields": {"problem": problem}})
