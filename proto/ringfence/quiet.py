"""Keeps gRPC's core from writing lines of its own; to be called before anything imports ``grpc``.

Unless told otherwise the core writes lines to stderr, among ours: two for every handshake that fails, so that any
stranger could fill the log, and with ``GRPC_TRACE`` what calls carry. Variables: grpc's doc/environment_variables.md.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Final

VERBOSITY_VARIABLE: Final = "GRPC_VERBOSITY"
"""The least severe lines that are written."""
TRACE_VARIABLE: Final = "GRPC_TRACE"
"""Parts of the core that tell what they do, contents of calls among it."""


def quiet_grpc(environment: MutableMapping[str, str]) -> None:
    """Leave nothing but errors, whatever the environment asked for.

    Args:
        environment: the process's own, ``os.environ``.
    """
    environment[VERBOSITY_VARIABLE] = "ERROR"
    environment.pop(TRACE_VARIABLE, None)
