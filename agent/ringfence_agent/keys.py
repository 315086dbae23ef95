"""A provider's API key: where it lies, what it is now, and how it is read anew.

    Key              the current key; `rotate` reads it anew and swaps it in one step
    from_file        a file that nobody else can read; a systemd credential is one too
    keytoken         the same for a PKCS#11 token, in a module of its own

A key stands in this process's memory and in one header of each request, and nowhere else: not in the environment, not
in an argument, not in a log, not in an error's text, not in a repr.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ringfence.configfile import ConfigError
from ringfence_agent.config import demand_private

KEY_CHARS_MAX: Final = 4096
"""No provider's key is longer; a longer file is some other file."""
_FINGERPRINT_DOMAIN: Final = b"ringfence api key fingerprint v1\n"
_FINGERPRINT_BYTES: Final = 8

Read = Callable[[], str]
"""Reads a key from where it lies; KeyUnreadable where that gives none."""


class KeyUnreadable(Exception):
    """Where a key should lie there is none; the text says where and what to do, and holds nothing of what was read."""


class Key:
    """One provider's key. For any thread: a swap is one assignment."""

    def __init__(self, read: Read) -> None:
        """Read the key.

        Args:
            read: reads it, now and whenever it is rotated.

        Raises:
            KeyUnreadable: there is none.
        """
        self._read = read
        self._current = read()

    def __call__(self) -> str:
        """The key as it is now; a request that began with an older one goes on with that."""
        return self._current

    def __repr__(self) -> str:
        """Nothing of it."""
        return "Key()"

    def rotate(self) -> None:
        """Read the key anew, and use what was read from now on.

        Raises:
            KeyUnreadable: there is none; the old one stays in use.
        """
        self.use(self.read())

    def read(self) -> str:
        """What lies where the key should lie, now; may block for as long as its place takes.

        Raises:
            KeyUnreadable: there is none.
        """
        return self._read()

    def use(self, key: str) -> None:
        """Use what `read` gave, from now on."""
        self._current = key

    def fingerprint(self, secret: bytes) -> str:
        """The current key's fingerprint; see `fingerprint`."""
        return fingerprint(self._current, secret)


def fingerprint(key: str, secret: bytes) -> str:
    """What tells a key from another, and nothing of it to anybody without `secret`: 8 bytes of an HMAC, hex."""
    return hmac.digest(secret, _FINGERPRINT_DOMAIN + key.encode("ascii"), "sha256")[:_FINGERPRINT_BYTES].hex()


def from_file(path: Path) -> Read:
    """How to read a key that is all that a file of mode 0400 or 0600 holds."""

    def read() -> str:
        try:
            demand_private(path)
            with path.open("rb") as file:
                return checked(file.read(KEY_CHARS_MAX + 2), str(path))
        except ConfigError as error:
            raise KeyUnreadable(str(error)) from None
        except OSError as error:
            raise KeyUnreadable(f"{path}: {error.strerror}; the configuration names this file") from None

    return read


def from_credential(directory: Path | None, name: str) -> Read:
    """How to read a key that systemd hands over (systemd.exec(5), ``LoadCredential=``).

    Args:
        directory: ``$CREDENTIALS_DIRECTORY`` of this process; None where it has none.
        name: the credential's.
    """

    def read() -> str:
        if directory is None:
            raise KeyUnreadable(
                f"credential {name}: systemd handed none over; add LoadCredential={name}:FILE to the unit"
            )
        return from_file(directory / name)()

    return read


def checked(data: bytes, place: str) -> str:
    """A key, without white space around it.

    Args:
        data: what was read.
        place: where from, for the error.

    Raises:
        KeyUnreadable: it is none.
    """
    key = data.decode("latin-1").strip()
    if not key or not key.isascii() or not key.isprintable() or len(key) > KEY_CHARS_MAX:
        raise KeyUnreadable(f"{place}: not an API key; write the key and nothing else")
    return key
