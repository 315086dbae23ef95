"""The error for a model file that is not what it should be."""

from __future__ import annotations


class BadModelFile(ValueError):
    """A model file that is malformed, cut off, or of a kind that no engine here reads.

    The message says what is wrong and what to do; `reason` is stable and machine-readable: ``foreign`` (not such a file
    at all), ``version``, ``endian``, ``truncated``, ``limit`` (larger than any known file), ``malformed``, ``missing``
    (a fact or a file that has to be there), ``digest``, ``changed`` or ``unreadable``.
    """

    def __init__(self, reason: str, message: str) -> None:
        """Describe what is wrong.

        Args:
            reason: stable and machine-readable.
            message: what is wrong and what to do, for people.
        """
        super().__init__(message)
        self.reason = reason
        self.message = message


_SHOWN_MAX = 64


def shown(name: bytes | str) -> str:
    """Return a name from a file, fit for a message: quoted, printable, short."""
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
    return ascii(text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + "…")
