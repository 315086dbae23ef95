"""The agent's log, read through the daemon: what the Audit API shows, and the proofs that the witness asks for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import grpc
import grpc.aio

from ringfence.streams import reading
from ringfence.translog import ProofError, verify_inclusion
from ringfence.v1 import audit_pb2, egress_pb2, egress_pb2_grpc, types_pb2
from ringfenced.egress.read import connection_from
from ringfenced.egress.status import NO_SUCH_TREE, translated
from ringfenced.egress.witness import Witness
from ringfenced.errors import Unavailable
from ringfenced.model import EntryProof, EntryQuery


class EgressLog:
    """Reads the log. Every checkpoint that it gets goes past the witness before anyone else sees it."""

    def __init__(self, channel: grpc.aio.Channel, witness: Witness, timeout_s: float = 5.0) -> None:
        """Read over `channel`; each call but `entries` may take `timeout_s`."""
        self._stub = egress_pb2_grpc.EgressStub(channel)
        self._witness = witness
        self._timeout_s = timeout_s
        self.connection = ""
        """How the connection to the agent was secured when the newest checkpoint came: ``TLS 1.3, X25519MLKEM768``."""

    def witnessed(self) -> str:
        """The newest checkpoint that this daemon witnessed; empty before the first."""
        return self._witness.newest

    async def checkpoint(self) -> str:
        """The log's newest checkpoint.

        Raises:
            LogCondemned: it contradicts what this daemon witnessed.
            Unavailable: the agent is away, or what it shows is no checkpoint of its log.
        """
        size_min = self._witness.size
        with translated():
            call = self._stub.ReadCheckpoint(egress_pb2.ReadCheckpointRequest(), timeout=self._timeout_s)
            response = await call
            self.connection = connection_from(await call.initial_metadata())
        await self.witness(response.checkpoint, size_min=size_min)
        return response.checkpoint

    async def consistency(self, old_size: int, new_size: int = 0) -> tuple[tuple[bytes, ...], str]:
        """The proof between two sizes, and the newest checkpoint; NotFound where the log does not reach so far.

        `new_size` 0 takes the newest checkpoint's.
        """
        with translated():
            response = await self._stub.ReadConsistency(
                egress_pb2.ReadConsistencyRequest(old_size=old_size, new_size=new_size), timeout=self._timeout_s
            )
        return tuple(response.path), response.checkpoint

    async def entry(self, index: int, tree_size: int = 0) -> EntryProof:
        """One entry with its proof, verified; `tree_size` 0 for the newest checkpoint's. NotFound where it is not."""
        with translated():
            response = await self._stub.ReadEntry(
                egress_pb2.ReadEntryRequest(index=index, tree_size=tree_size), timeout=self._timeout_s
            )
        proof = proof_from(response.proof)
        if not tree_size:
            await self.verify(proof)
        return proof

    async def entries(self, query: EntryQuery, *, follow: bool = False) -> AsyncGenerator[tuple[int, bytes], None]:
        """Matching entries, oldest first, each with its index; with `follow`, also those still to be written."""
        request = egress_pb2.ReadEntriesRequest(query=_query_to(query), follow=follow)
        with translated():
            async with reading(self._stub.ReadEntries(request)) as responses:
                async for response in responses:
                    yield response.index, response.entry

    async def verify(self, proof: EntryProof) -> None:
        """Pass if the log holds an entry, and the log is the one that this daemon witnessed.

        Raises:
            LogCondemned: the log contradicts itself.
            Unavailable: the proof does not prove it.
        """
        try:
            checkpoint = self._witness.open(proof.checkpoint).checkpoint
            verify_inclusion(proof.entry, proof.index, checkpoint.size, proof.inclusion_path, checkpoint.root)
        except ProofError as error:
            raise _unproven(error) from None
        await self.witness(proof.checkpoint)

    async def witness(self, note: str, *, size_min: int = 0) -> None:
        """Hand a checkpoint to the witness, with the size that it had kept when the agent was asked for its newest."""
        try:
            seen = self._witness.open(note)
        except ProofError as error:
            raise _unproven(error) from None
        await self._witness.observe(seen, self._prove, size_min=size_min)

    async def add_cosignatures(self, note: str) -> None:
        """Hand a checkpoint of the agent's back, cosigned.

        Raises:
            RingfenceError: the agent is away, or does not publish cosignatures of this witness.
        """
        with translated():
            await self._stub.AddCosignatures(
                egress_pb2.AddCosignaturesRequest(checkpoint=note), timeout=self._timeout_s
            )

    async def _prove(self, old_size: int, new_size: int) -> Sequence[bytes]:
        """The witness's proof source."""
        try:
            response = await self._stub.ReadConsistency(
                egress_pb2.ReadConsistencyRequest(old_size=old_size, new_size=new_size), timeout=self._timeout_s
            )
        except grpc.aio.AioRpcError as error:
            if error.code() in NO_SUCH_TREE:
                raise ProofError(f"it cannot prove that {new_size} entries begin with its first {old_size}") from None
            with translated():
                raise
        return tuple(response.path)


def proof_from(message: types_pb2.EntryProof) -> EntryProof:
    """The value of a proof's message."""
    return EntryProof(message.entry, message.index, tuple(message.inclusion_path), message.checkpoint)


def _query_to(query: EntryQuery) -> audit_pb2.SearchEntriesRequest:
    """The message of a query."""
    message = audit_pb2.SearchEntriesRequest(
        from_index=query.from_index,
        until_index=query.until_index,
        department=query.department,
        provider=query.provider,
        request_id=query.request_id,
        caller_pseudonym=query.caller_pseudonym,
        level_min=types_pb2.Level.ValueType(int(query.level_min or 0)),
        kind=query.kind,
        model=query.model,
        entries_max=query.entries_max,
    )
    if query.from_unix_ms:
        getattr(message, "from").FromMilliseconds(query.from_unix_ms)
    if query.until_unix_ms:
        message.until.FromMilliseconds(query.until_unix_ms)
    return message


def _unproven(error: ProofError) -> Unavailable:
    """What a false proof means to the caller."""
    return Unavailable(f"the agent's proof does not hold: {error}", reason="egress_unproven")
