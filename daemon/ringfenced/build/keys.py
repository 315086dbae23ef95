"""The two secrets that a node makes for itself, once for its life: of its pseudonyms, and of what it learns from."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

from ringfence.presence import is_there
from ringfenced import identify
from ringfenced.config import Config
from ringfenced.identify import PSEUDONYM_KEY_BYTES
from ringfenced.learn.features import SALT_BYTES

PSEUDONYM_KEY: Final = "pseudonym.key"
"""In the folder of state."""
SALT: Final = "learning.salt"
"""Likewise; there where the node learns."""


def prepare(config: Config) -> None:
    """Make what is not there yet.

    Raises:
        OSError: it cannot be written, or nobody can tell whether it is there.
    """
    _make(config.state / PSEUDONYM_KEY, PSEUDONYM_KEY_BYTES)
    if config.routing.learn:
        _make(config.state / SALT, SALT_BYTES)


def pseudonyms(config: Config) -> Callable[[str], str]:
    """Identity to pseudonym, keyed by a secret that stays on this node, so that the agent never learns an identity.

    Raises:
        OSError: the key cannot be read, or is none: pseudonyms under a short key could be guessed.
    """
    key = _read(config.state / PSEUDONYM_KEY, PSEUDONYM_KEY_BYTES)
    return lru_cache(maxsize=1024)(partial(identify.pseudonym, key))  # the same callers ask again and again


def salt(config: Config) -> bytes:
    """What keys the hashing of prompts; nothing where the node does not learn.

    Raises:
        OSError: it cannot be read, or is none.
    """
    return _read(config.state / SALT, SALT_BYTES) if config.routing.learn else b""


def _make(path: Path, length: int) -> None:
    """Make a key of so many random bytes, once for the node's life."""
    if is_there(path):
        return
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(length))
        file.flush()
        os.fsync(descriptor)
    temporary.replace(path)


def _read(path: Path, length: int) -> bytes:
    """A key that `_make` made.

    Raises:
        OSError: it cannot be read, or is none.
    """
    key = path.read_bytes()
    if len(key) != length:
        raise OSError(f"{path} is no key of {length} bytes; restore it, or remove it to have a new one made")
    return key
