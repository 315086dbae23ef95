"""`ringfence.v1.Audit`: the egress log, read through the daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Protocol

from ringfence.labels import Level
from ringfence.v1 import audit_pb2 as pb
from ringfence.v1 import audit_pb2_grpc as pb_grpc
from ringfenced.api.call import Context, Door, answering, refuse
from ringfenced.api.encode import proof_to_pb
from ringfenced.errors import InvalidRequest
from ringfenced.model import CallerRole, EntryProof, EntryQuery
from ringfenced.policy import Act

ENTRIES_DEFAULT_MAX = 1000
"""Entries of a search that names no limit, as audit.proto promises."""


class Log(Protocol):
    """The agent's log, from the daemon's side."""

    def entries(self, query: EntryQuery, *, follow: bool) -> AsyncIterator[tuple[int, bytes]]:
        """Index and exact bytes of the entries that match, oldest first."""
        ...

    async def entry(self, index: int, tree_size: int) -> EntryProof:
        """One entry and its inclusion proof; `tree_size` 0 for the newest checkpoint's."""
        ...

    async def checkpoint(self) -> str:
        """The agent's newest signed checkpoint."""
        ...

    async def consistency(self, old_size: int, new_size: int) -> tuple[tuple[bytes, ...], str]:
        """The proof that the old tree is a prefix of the new, and the newest checkpoint."""
        ...

    def witnessed(self) -> str:
        """The newest checkpoint that this daemon has witnessed; empty before the first."""
        ...


class AuditService(pb_grpc.AuditServicer):
    """For auditors: what left, for whom, and the proofs."""

    def __init__(self, log: Log, door: Door, pseudonym: Callable[[str], str]) -> None:
        """Wire; the agent's log knows callers by their `pseudonym` alone."""
        self._log = log
        self._door = door
        self._pseudonym = pseudonym

    async def SearchEntries(self, request: pb.SearchEntriesRequest, context: Context) -> None:  # type: ignore[override]
        """Entries that match, oldest first."""
        try:
            self._door.admit(context, Act.AUDIT, CallerRole.AUDITOR)
            query = _query(request, self._pseudonym)
            async for index, entry in self._log.entries(query, follow=False):
                await context.write(pb.SearchEntriesResponse(index=index, entry=entry))
        except Exception as error:  # noqa: BLE001 - the edge
            await refuse(context, error)

    async def WatchEntries(self, request: pb.WatchEntriesRequest, context: Context) -> None:  # type: ignore[override]
        """Entries as they are written."""
        try:
            self._door.admit(context, Act.AUDIT, CallerRole.AUDITOR)
            query = EntryQuery(from_index=request.from_index)
            async for index, entry in self._log.entries(query, follow=True):
                await context.write(pb.WatchEntriesResponse(index=index, entry=entry))
        except Exception as error:  # noqa: BLE001 - the edge
            await refuse(context, error)

    @answering
    async def GetEntry(self, request: pb.GetEntryRequest, context: Context) -> pb.GetEntryResponse:
        """One entry with its proof."""
        self._door.admit(context, Act.AUDIT, CallerRole.AUDITOR)
        return pb.GetEntryResponse(proof=proof_to_pb(await self._log.entry(request.index, request.tree_size)))

    @answering
    async def GetCheckpoint(self, _request: pb.GetCheckpointRequest, context: Context) -> pb.GetCheckpointResponse:
        """The newest checkpoint, and the newest that this daemon witnessed."""
        self._door.admit(context, Act.AUDIT, CallerRole.AUDITOR)
        return pb.GetCheckpointResponse(
            checkpoint=await self._log.checkpoint(), witnessed_checkpoint=self._log.witnessed()
        )

    @answering
    async def GetConsistency(self, request: pb.GetConsistencyRequest, context: Context) -> pb.GetConsistencyResponse:
        """The proof that one tree is a prefix of another."""
        self._door.admit(context, Act.AUDIT, CallerRole.AUDITOR)
        path, checkpoint = await self._log.consistency(request.old_size, request.new_size)
        return pb.GetConsistencyResponse(path=path, checkpoint=checkpoint)


def _query(request: pb.SearchEntriesRequest, pseudonym: Callable[[str], str]) -> EntryQuery:
    """The value of a search; InvalidRequest where it makes no sense."""
    if request.caller and request.caller_pseudonym:
        raise InvalidRequest("caller: give a caller's identity or a pseudonym, not both.", input_path="caller")
    try:
        level_min = Level(request.level_min) if request.level_min else None
    except ValueError:
        raise InvalidRequest("level_min: not a level that this daemon knows.", input_path="level_min") from None
    return EntryQuery(
        from_index=request.from_index,
        until_index=request.until_index,
        from_unix_ms=getattr(request, "from").ToMilliseconds() if request.HasField("from") else 0,
        until_unix_ms=request.until.ToMilliseconds() if request.HasField("until") else 0,
        department=request.department,
        provider=request.provider,
        request_id=request.request_id,
        caller_pseudonym=pseudonym(request.caller) if request.caller else request.caller_pseudonym,
        level_min=level_min,
        kind=request.kind,
        model=request.model,
        entries_max=request.entries_max or ENTRIES_DEFAULT_MAX,
    )
