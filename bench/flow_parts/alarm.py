"""A timer finer than the event loop's: uvloop's count whole milliseconds, a timerfd (timerfd_create(2)) nanoseconds."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time

_TFD_TIMER_ABSTIME = 1  # timerfd_settime(2)


class _Spec(ctypes.Structure):
    """Two timespecs: interval and first expiry (struct itimerspec)."""

    _fields_ = [(name, ctypes.c_long) for name in ("interval_s", "interval_ns", "at_s", "at_ns")]


class Alarm:
    """Wakes one task at given times of the monotonic clock."""

    def __init__(self) -> None:
        """Make the timer."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._ring)
        self._waiter: asyncio.Future[None] | None = None

    async def until(self, at_s: float) -> None:
        """Sleep until `at_s`; not at all where that has passed."""
        if at_s <= time.monotonic():
            return
        whole = int(at_s)
        spec = _Spec(0, 0, whole, int((at_s - whole) * 1e9))
        self._waiter = self._loop.create_future()
        self._libc.timerfd_settime(self._fd, _TFD_TIMER_ABSTIME, ctypes.byref(spec), None)
        await self._waiter

    def close(self) -> None:
        """Give the timer back."""
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _ring(self) -> None:
        os.read(self._fd, 8)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
