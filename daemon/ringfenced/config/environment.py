"""The only place of the daemon that reads the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping


def notify_environment() -> Mapping[str, str]:
    """The variables that systemd tells its socket by (sd_notify(3))."""
    return {name: os.environ[name] for name in ("NOTIFY_SOCKET",) if name in os.environ}
