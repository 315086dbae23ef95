"""JSON lines on stderr; systemd and Kubernetes take them from there."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import structlog


def configure(level: str) -> None:
    """Set structlog up for the process.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.

    Exceptions are told by type and place alone: their texts and their locals might hold content.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_exception_text,
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    # Libraries may log what they handle; theirs are silenced, for nobody vouches for their texts.
    logging.getLogger().handlers[:] = [logging.NullHandler()]


def _dumps(value: Any, **_: Any) -> str:
    return json.dumps(value, separators=(",", ":"), default=str)


def _without_exception_text(_logger: Any, _name: str, event: Any) -> Any:
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["error_type"] = type(error).__name__
    return event
