"""What can be wrong with a folder of models.

    LibraryError        says what is wrong, and what to do about it
    ├── NotThere        no model of this name
    ├── Refused         the model may not be used: corrupt, foreign, altered, not signed
    └── Occupied        another process is at work on it, or the place is taken

No text repeats more of a file than its name, its size and its digest.
"""

from __future__ import annotations


class LibraryError(Exception):
    """A model, or the folder, cannot be used."""

    def __init__(self, message: str, *advice: str) -> None:
        """Take what to say.

        Args:
            message: what is wrong; one line.
            advice: what to do about it, a line each.
        """
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        """All of it on one line."""
        return "; ".join((self.message, *self.advice))


class NotThere(LibraryError):
    """No model of this name."""


class Refused(LibraryError):
    """The model may not be used."""


class Occupied(LibraryError):
    """Somebody else is at work on it, or has taken the place."""
