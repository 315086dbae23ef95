"""What stands under the log's checkpoints besides its Ed25519 signature: its own second one, and the witnesses'.

    own         the log signs with ML-DSA-44 too, where it has such a key: the checkpoint on disk each second, and the
                one that a witness asks for; not the one in every proof (0.7 ms each)
    add         a witness hands a checkpoint back, cosigned. The lines of witnesses that the configuration names are
                verified and kept, all others left out, and the newest checkpoint so cosigned is published

Published is the file ``checkpoint.cosigned`` beside ``checkpoint``, replaced atomically. Nothing that is sent depends
on it: a witness that is away is for the auditors to notice, by the cosignatures' times.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from ringfence import durable
from ringfence.cosignature import Cosigner, cosign, cosignature_of, cosigned_at, signature_line
from ringfence.translog import ProofError, key_hash, note_parts, open_checkpoint

FILE: Final = "checkpoint.cosigned"


class Cosigned:
    """The signatures of one log. For many tasks of one event loop."""

    def __init__(
        self,
        directory: Path,
        origin: str,
        public_key: Ed25519PublicKey,
        *,
        second_key: MLDSA44PrivateKey | None = None,
        witnesses: Sequence[Cosigner] = (),
    ) -> None:
        """Go on from what was published last.

        Args:
            directory: the log's folder.
            origin: the log's name.
            public_key: the log's key; a checkpoint that it did not sign gets no cosignature.
            second_key: the log's ML-DSA-44 key; None to sign with Ed25519 alone.
            witnesses: whose cosignatures are published.
        """
        self._path = directory / FILE
        self._origin = origin
        self._public_key = public_key
        self._second_key = second_key
        self._witnesses = tuple(witnesses)
        self._lock = asyncio.Lock()
        self._finished = ("", "")
        self._text, self._size, self._lines = self._load()

    def own(self, note: str) -> str:
        """A checkpoint of this log with its second signature, where it has a second key. From any thread."""
        if self._second_key is None:
            return note
        before, finished = self._finished
        if before != note:
            finished = note + cosign(note, self._origin, self._origin, self._second_key, 0)
            self._finished = (note, finished)
        return finished

    def shown(self, note: str) -> str:
        """The newest checkpoint, as a reader gets it: with all that stands under it, cosignatures included."""
        lines = self._lines.values() if note_parts(note)[0] == self._text else ()
        return self.own(note) + "".join(lines)

    async def add(self, note: str) -> None:
        """Publish a checkpoint with the cosignatures on it, unless a newer one is published; durable on return.

        Raises:
            ProofError: this log did not sign it, no witness that the configuration names cosigned it, or a
                cosignature is wrong.
            OSError: it cannot be written.
        """
        size = open_checkpoint(note, self._origin, self._public_key).size
        lines = self._verified(note)
        if not lines:
            raise ProofError("no witness that the agent's log.witnesses names has cosigned this checkpoint")
        async with self._lock:
            if size < self._size:
                return
            text, signatures = note_parts(note)
            if text == self._text:
                lines = self._lines | lines
            expected = key_hash(self._origin, self._public_key)
            first = next(signed for name, signed in signatures if (name, signed[:4]) == (self._origin, expected))
            signed_note = self.own(f"{text}\n{signature_line(self._origin, first)}")
            await asyncio.to_thread(durable.replace, self._path, signed_note + "".join(lines.values()))
            self._text, self._size, self._lines = text, size, lines

    def _verified(self, note: str) -> dict[str, str]:
        """The signature line of each witness that cosigned, by its verifier key; ProofError where one is wrong."""
        found: dict[str, str] = {}
        for witness in self._witnesses:
            if (signed := cosignature_of(note, witness)) is not None:
                cosigned_at(note, self._origin, witness)
                found[witness.vkey] = signature_line(witness.name, signed)
        return found

    def _load(self) -> tuple[str, int, dict[str, str]]:
        """Text, size and cosignatures of what was published last; nothing where this log did not sign it."""
        try:
            note = self._path.read_bytes().decode()
            size = open_checkpoint(note, self._origin, self._public_key).size
            return note_parts(note)[0], size, self._verified(note)
        except (OSError, UnicodeDecodeError, ProofError):
            return "", 0, {}
