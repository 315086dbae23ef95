"""Exit codes, and the one exception that ends a command with one.

The table stands in `ringfence --help` and in docs/cli.md; scripts build on it.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's end means."""

    OK = 0
    """Done; a check that was asked for passed."""
    FAILED = 1
    """A check failed, or something happened that should not have."""
    USAGE = 2
    """The command line makes no sense; nothing was done."""
    REFUSED = 3
    """Label or policy leave no target."""
    WALLET_EMPTY = 4
    """The department's credits do not cover the request."""
    FORBIDDEN = 5
    """No valid identity, or one that lacks the role."""
    UNAVAILABLE = 6
    """The daemon, an engine or the agent is away or has too much to do: try again."""
    INVALID = 7
    """The request cannot be served as it is: invalid, unknown name, not supported."""
    DEADLINE = 8
    """The time ran out."""


class Failure(Exception):
    """Ends the command: says what was wrong, what to do, and with which code."""

    def __init__(self, message: str, *, code: ExitCode = ExitCode.FAILED, advice: tuple[str, ...] = ()) -> None:
        """Take what to say.

        Args:
            message: what was wrong; one line, without content of a request or an answer.
            code: the exit code.
            advice: what to do about it, a line each.
        """
        super().__init__(message)
        self.message = message
        self.code = code
        self.advice = advice
