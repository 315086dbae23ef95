"""How one canary is sent, and how its request ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import grpc.aio

from ringfence.client import RingfenceCallError
from ringfence.labels import Label, Level
from ringfence.v1 import inference_pb2 as pb
from ringfence.v1 import types_pb2 as types
from zero_parts.canaries import Canary, document, note, prose
from zero_parts.encodings import Encoding
from zero_parts.stage import Stage

PUBLIC = Label(Level.PUBLIC)
OUT = types.Permission(deidentified_egress=True)
ANSWERED, CANCELLED = "answered", "cancelled"


@dataclass(frozen=True, slots=True)
class Case:
    """One canary on its way through one scene."""

    stage: Stage
    """Where."""
    canary: Canary
    """What."""
    encoding: Encoding
    """And how it is written."""

    @property
    def note(self) -> str:
        """A person and a word."""
        return note(self.canary, self.encoding)

    @property
    def prose(self) -> str:
        """A word alone."""
        return prose(self.canary, self.encoding)

    def messages(self, said: str) -> list[types.Message]:
        """A conversation that ends with `said`; what is no text comes before it, as a file."""
        last = user(types.Part(text=said))
        if self.encoding.is_text:
            return [last]
        data = document(self.canary, self.encoding)
        return [user(types.Part(file=types.File(data=data, media_type="application/octet-stream"))), last]


@dataclass(frozen=True, slots=True)
class End:
    """How a request ended."""

    how: str
    """``answered``, ``cancelled``, or the error's reason."""
    said: bytes = b""
    """All that an error said, its details too."""


Play = Callable[[Case], Awaitable[None]]


def user(*parts: types.Part, **fields: object) -> types.Message:
    """What a user says."""
    return types.Message(role=types.ROLE_USER, parts=parts, **fields)


def script(said: str, **fields: object) -> str:
    """An order to a scripted model: what it says, and what happens to it then."""
    return "/script " + json.dumps({"text": said, **fields}, ensure_ascii=False)


class Ended(Exception):
    """A play that ended in a way of its own, which the text names."""


async def ended(play: Play, case: Case) -> End:
    """Play, and tell how it ended."""
    try:
        await play(case)
    except RingfenceCallError as error:
        detail = error.detail.SerializeToString() if error.detail is not None else b""
        return End(error.reason, f"{error}\n{error!r}\n".encode() + detail)
    except grpc.aio.AioRpcError as error:  # what did not go through our own client
        return End(error.code().name.lower(), str(error.details()).encode())
    except Ended as named:
        return End(str(named))
    except (asyncio.CancelledError, GeneratorExit):
        return End(CANCELLED)
    return End(ANSWERED)


async def gone_when(cases: Sequence[Case], play: Play, streaming: asyncio.Event, act: Awaitable[None]) -> list[End]:
    """Play every case, and `act` while their answers are on their way; none is left when it returns.

    Args:
        cases: played at the same time.
        play: streams, sets `streaming` once something came, and does not end by itself.
        streaming: see there.
        act: what ends them all.
    """
    tasks = [asyncio.create_task(ended(play, case)) for case in cases]  # noqa: TID251 - gathered below
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(streaming.wait(), 30)
    await asyncio.sleep(0.3)  # the others follow closely
    await act
    _, late = await asyncio.wait(tasks, timeout=30)
    for task in late:
        task.cancel()
    return [await task for task in tasks]


async def streamed(case: Case, request: pb.GenerateRequest, streaming: asyncio.Event | None = None) -> None:
    """Read a stream to its end."""
    async for event in case.stage.client().generate(request):
        if streaming is not None and event.WhichOneof("event") == "text":
            streaming.set()


async def broken_off(case: Case, request: pb.GenerateRequest) -> None:
    """Read a stream's first piece of text, and go away."""
    stream = case.stage.client().generate(request)
    async for event in stream:
        if event.WhichOneof("event") == "text":
            break
    await stream.aclose()
    raise asyncio.CancelledError
