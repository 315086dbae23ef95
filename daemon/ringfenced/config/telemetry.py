"""Logs and metrics: the section ``[telemetry]`` of the daemon's file."""

from __future__ import annotations

from typing import Literal

from ringfence.configfile import Section


class Telemetry(Section):
    """Logs and metrics; neither ever holds content."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe line that is written."""
    request_lines: bool = True
    """One canonical line for each request."""
    metrics: bool = True
    """Count requests, times and costs."""
    metrics_listen: str = ""
    """``host:port`` for Prometheus to scrape, plain HTTP, without content; empty for none."""
