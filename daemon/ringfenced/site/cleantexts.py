"""Texts in which nothing was found, so that they are not read again: instructions, tools, turns of a conversation.

An application sends most of what it sends with every request. What a recogniser says of a text depends on the text
alone, as long as the process lives; so that nothing was found in one can be remembered. What something was found in is
read each time: nothing that stands for it outlives its request.

A text is remembered by a digest under a key of this process, for its department alone: nobody learns by the time that
an answer takes what other departments send.
"""

from __future__ import annotations

import hashlib
import threading
from typing import Final

from ringfence.recognize.finding import Finding
from ringfenced.classify import Scan
from ringfenced.store.shares import Shares

TEXTS_MAX: Final = 16_384
"""Texts that are remembered: 2.2 MB, as tracemalloc counts."""

KEY_BYTES: Final = 32
"""Length of the key (hashlib.blake2b takes up to 64)."""

_DIGEST_BYTES: Final = 16
"""Nobody knows the key, so that nobody can look for two texts of one digest; by chance there are none among so few."""


class CleanTexts:
    """The memory. May be used from several threads."""

    def __init__(self, key: bytes, texts_max: int = TEXTS_MAX) -> None:
        """Begin empty.

        Args:
            key: `KEY_BYTES` random bytes.
            texts_max: texts in all; departments share them (`store.shares`).
        """
        self._key = key
        self._known: Shares[bytes, tuple[Finding, ...]] = Shares(texts_max)
        self._lock = threading.Lock()

    def remembering(self, scan: Scan, share: bytes) -> Scan:
        """`scan`, asked only for what is not known yet to hold nothing.

        Args:
            scan: what it finds depends on the text alone. What it raises is raised, and nothing is remembered.
            share: the department's (`model.Claim`).
        """
        owner = share.hex()

        def found(text: str) -> tuple[Finding, ...]:
            digest = hashlib.blake2b(
                text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=_DIGEST_BYTES
            ).digest()
            with self._lock:
                known = self._known.get(owner, digest)
            findings = scan(text) if known is None else known
            if not findings:
                with self._lock:
                    self._known.put(owner, digest, findings)  # also what was known: it is the newest again
            return findings

        return found
