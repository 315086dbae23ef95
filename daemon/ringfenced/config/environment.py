"""The only place of the daemon that reads the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

_NOTIFY: Final = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
"""What the service manager sets."""


def notify_environment() -> Mapping[str, str]:
    """The variables that systemd tells its socket and its watchdog by (sd_notify(3), sd_watchdog_enabled(3))."""
    return {name: os.environ[name] for name in _NOTIFY if name in os.environ}
