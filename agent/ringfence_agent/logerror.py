"""The one error of the egress log."""

from __future__ import annotations


class LogError(Exception):
    """The log on disk is not what it must be, or cannot be written; egress ends."""
