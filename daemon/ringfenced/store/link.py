"""The link between the supervisor process and its workers: wallets, memory and models over one unix socket.

A line of JSON a message, an id to pair answers with questions; what is settled is only told. A worker that dies takes
its holds with it: the supervisor releases whatever its connection had reserved (invariant 7), and books what of it had
been secured, for that may have left.

    worker ── {"id": 7, "do": "reserve", "with": [...]} ──▶ supervisor
    worker ◀── {"id": 7, "ok": ...}  or  {"id": 7, "error": {...}} ── supervisor
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringfence.labels import Category, Label, Level
from ringfence.process import peer_pid
from ringfenced import errors
from ringfenced.model import Caller, Inherited, Prompt, Request, Target, TargetKind, Wallet
from ringfenced.nouns import Ledger, Memory
from ringfenced.store.link_hosting import Hosting, HostingEnd
from ringfenced.store.link_lessons import Lessons, LessonsEnd

LINE_BYTES_MAX = 192 * 1024
"""Longest message; a wallet's numbers take some 200 bytes, a model's state some 700 and what an engine printed. A
lesson takes up to 60 KiB, and 10 KiB more for each answer that the learned verifier judged."""

EMPTY_PROMPT = Prompt(())
"""The memory reads no prompt."""

_ERRORS = {
    kind.__name__: kind
    for kind in (
        *(errors.WalletEmpty, errors.NotFound, errors.InvalidRequest, errors.Unavailable, errors.Internal),
        *(errors.Unsupported, errors.DeadlineExceeded, errors.Overloaded),
    )
}

GLANCE_S = 0.1
"""How old a wallet may be that a decision goes by, in seconds; the reservation that follows goes by the true one."""

_ASIDE = HostingEnd.SLOW | LessonsEnd.SLOW | {"secure"}
"""Questions whose answer is not waited for before the next is taken."""

_LOG = logging.getLogger("ringfenced.link")


class Link:
    """A worker's end: implements `nouns.Ledger` and `nouns.Memory`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Use `open`."""
        self._reader = reader
        self._writer = writer
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._loop = asyncio.get_running_loop()
        self._glances: dict[str, tuple[Wallet, float]] = {}
        self._outgoing: list[bytes] = []
        self._streams: dict[int, asyncio.Queue[dict[str, Any]]] = {}
        self.on_status: Callable[[dict[str, Any]], None] = lambda _: None
        """Called with what the supervisor tells of a model."""
        self.ledger_failure = ""
        """Why settlements are not being written; empty while they are."""

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, supervisor: int) -> AsyncIterator[Link]:
        """Connect; the link ends with the context. The supervisor's end closing it ends the worker.

        Args:
            path: the socket.
            supervisor: the process that must be listening there: whoever answers is believed what earlier turns were
                labelled.

        Raises:
            OSError: the supervisor is not there.
        """
        reader, writer = await asyncio.open_unix_connection(path, limit=LINE_BYTES_MAX)
        if peer_pid(writer.get_extra_info("socket")) != supervisor:
            writer.close()
            raise ConnectionError("another process listens where this worker's supervisor should; this worker ends")
        link = cls(reader, writer)
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(link._listen(), name="link")
            try:
                yield link
            finally:
                listening.cancel()
                link._flush()
                writer.close()

    async def ready(self, port: int) -> None:
        """Tell the supervisor that this worker serves."""
        await self._ask("ready", port)

    def alive(self, worker: int) -> None:
        """Tell the supervisor that this worker answers."""
        self._tell(0, "alive", worker)

    async def wallet(self, department: str) -> Wallet:
        """A department's wallet."""
        wallet = Wallet(*await self._ask("wallet", department))
        self._glances[department] = (wallet, self._loop.time())
        return wallet

    async def glance(self, department: str) -> Wallet:
        """A department's wallet as a reservation last showed it, at most `GLANCE_S` ago: one round trip less."""
        wallet, seen_s = self._glances.get(department, (None, 0.0))
        if wallet is not None and self._loop.time() - seen_s < GLANCE_S:
            return wallet
        return await self.wallet(department)

    async def reserve(self, department: str, request_id: str, amount_microcredits: int) -> None:
        """Hold an amount; WalletEmpty if it would overdraw."""
        try:
            seen = await self._ask("reserve", department, request_id, amount_microcredits)
            self._glances[department] = (Wallet(*seen), self._loop.time())
        except asyncio.CancelledError:
            # The hold is taken, or will be: nobody but this knows of it, and what is told now is read after that.
            self.settle(department, request_id, 0)
            raise

    async def raise_hold(self, department: str, request_id: str, amount_microcredits: int) -> None:
        """Hold more; WalletEmpty if it would overdraw. Who is cancelled meanwhile settles what it holds, as ever."""
        seen = await self._ask("raise_hold", department, request_id, amount_microcredits)
        self._glances[department] = (Wallet(*seen), self._loop.time())

    async def secure(self, department: str, request_id: str, amount_microcredits: int) -> None:
        """Write down what may be owed once bytes left; Unavailable if that cannot be written."""
        await self._ask("secure", department, request_id, amount_microcredits)

    def settle(self, department: str, request_id: str, amount_microcredits: int) -> None:
        """Book and release; told, not asked."""
        self._tell(0, "settle", department, request_id, amount_microcredits)

    async def inherited(self, caller: Caller, request: Request) -> Inherited:
        """What earlier turns were labelled."""
        if not request.conversation_id and not request.run_id:
            return Inherited()
        said = await self._ask("inherited", caller.identity, request.conversation_id, request.run_id)
        return _labels_from(said)

    async def remember(self, caller: Caller, request: Request, turn: Inherited) -> None:
        """Keep a turn's labels."""
        if request.conversation_id or request.run_id or request.idempotency_key:
            await self._ask(
                "remember",
                *(caller.identity, request.conversation_id, request.run_id, request.idempotency_key),
                _labels_to(turn),
            )

    def tell(self, what: str, *arguments: object) -> None:
        """Tell the supervisor something that has no answer."""
        self._tell(0, what, *arguments)

    async def ask(self, what: str, *arguments: object) -> Any:
        """Ask the supervisor; raises what it raised."""
        return await self._ask(what, *arguments)

    async def stream(self, number: int, what: str, *arguments: object) -> AsyncGenerator[list[Any] | int | None, None]:
        """Ask for something that takes its time.

        Args:
            number: what `new_number` gave.
            what: the question.
            arguments: what belongs to it.

        Yields:
            What is told meanwhile, as lists; at last the answer, which is none.
        """
        queue = self._streams[number] = asyncio.Queue()
        self._tell(number, what, *arguments)
        try:
            while True:
                message = await queue.get()
                if error := message.get("error"):
                    raise _error_from(error)
                if "told" not in message:
                    yield message.get("ok")
                    return
                yield message["told"]
        finally:
            self._streams.pop(number, None)

    def new_number(self) -> int:
        """A number for a `stream`."""
        return next(self._ids)

    def _tell(self, number: int, what: str, *arguments: object) -> None:
        # What is said in one turn of the event loop is written by one system call.
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(json.dumps({"id": number, "do": what, "with": arguments}).encode() + b"\n")

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        self._writer.write(b"".join(outgoing))

    async def _ask(self, what: str, *arguments: object) -> Any:
        number = next(self._ids)
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._waiting[number] = answer
        self._tell(number, what, *arguments)
        try:
            return await answer
        finally:
            self._waiting.pop(number, None)

    async def _listen(self) -> None:
        while line := await self._reader.readline():
            message = json.loads(line)
            self.ledger_failure = message.get("ledger_failure", self.ledger_failure)
            if status := message.get("status"):
                self.on_status(status)
            if (stream := self._streams.get(message["id"])) is not None:
                stream.put_nowait(message)
            answer = self._waiting.get(message["id"])
            if answer is None or answer.done():
                continue
            if error := message.get("error"):
                answer.set_exception(_error_from(error))
            else:
                answer.set_result(message.get("ok"))
        raise ConnectionError("the supervisor has gone; this worker ends")


@asynccontextmanager
async def serve_link(
    path: Path,
    ledger: Ledger,
    memory: Memory,
    ledger_failure: Callable[[], str],
    on_ready: Callable[[int], None],
    *,
    is_worker: Callable[[int], bool],
    on_alive: Callable[[int], None] = lambda _: None,
    hosting: Hosting | None = None,
    lessons: Lessons | None = None,
) -> AsyncIterator[None]:
    """Serve workers on `path` until the context is left.

    Args:
        path: the socket; an old one is replaced.
        ledger: the wallets.
        memory: the labels of earlier turns.
        ledger_failure: why settlements are not being written.
        on_ready: called with its port when a worker serves.
        is_worker: whether a process id is a worker's: engines, which are the same user's, may not speak here.
        on_alive: called with its number whenever a worker shows that it is alive.
        hosting: the models; None for none.
        lessons: who learns; None for nobody.
    """
    path.unlink(missing_ok=True)  # noqa: ASYNC240 - before anything is served
    ends: set[_End] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not is_worker(pid := peer_pid(writer.get_extra_info("socket"))):
            _LOG.error("link_refused", extra={"fields": {"pid": pid}})
            writer.close()
            return
        told = (on_ready, on_alive)
        end = _End(ledger, memory, ledger_failure, *told, writer=writer, hosting=hosting, lessons=lessons)
        ends.add(end)
        try:
            await end.serve(reader)
        except* (OSError, ValueError, LookupError, TypeError) as group:
            # Too long, no JSON, no message of ours: this worker's link ends, and with it the worker.
            kinds = sorted({type(error).__name__ for error in group.exceptions})
            _LOG.error("link_broken", extra={"fields": {"error_types": kinds}})
        finally:
            ends.discard(end)
            end.release()
            writer.close()

    server = await asyncio.start_unix_server(serve, path, limit=LINE_BYTES_MAX)
    path.chmod(0o600)  # noqa: ASYNC240 - likewise
    try:
        yield
    finally:
        server.close()


@dataclass(slots=True)
class _Hold:
    """What the supervisor knows of a worker's hold."""

    department: str
    secured_microcredits: int = 0


class _End:
    """The supervisor's end of one worker's link; knows what that worker holds."""

    def __init__(
        self,
        ledger: Ledger,
        memory: Memory,
        ledger_failure: Callable[[], str],
        on_ready: Callable[[int], None],
        on_alive: Callable[[int], None],
        *,
        writer: asyncio.StreamWriter,
        hosting: Hosting | None,
        lessons: Lessons | None,
    ) -> None:
        self._writer = writer
        self._taught = LessonsEnd(lessons) if lessons is not None else None
        self._hosted = HostingEnd(hosting, self._say) if hosting is not None else None
        self._ledger = ledger
        self._memory = memory
        self._ledger_failure = ledger_failure
        self._told = {"ready": on_ready, "alive": on_alive}
        self._holds: dict[str, _Hold] = {}

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Answer until the worker closes, in order; only what waits for a disk or a model is answered aside."""
        async with asyncio.TaskGroup() as group:
            tasks: set[asyncio.Task[None]] = set()

            def aside(work: Coroutine[Any, Any, None], name: str) -> None:
                task = group.create_task(work, name=name)
                tasks.add(task)
                task.add_done_callback(tasks.discard)

            if self._hosted is not None:
                aside(self._hosted.tell_states(), "states")
            while line := await reader.readline():
                message = json.loads(line)
                answering = self._answer(message["id"], message["do"], message["with"])
                if message["do"] in _ASIDE:
                    aside(answering, message["do"])
                else:
                    await answering
            for task in tasks:
                if task.get_name() != "secure":  # what is secured is booked when the link is released
                    task.cancel()

    def release(self) -> None:
        """Settle whatever this worker still held: at what was secured, which may have left, else at nothing."""
        if self._hosted is not None:
            self._hosted.release()
        for request_id, hold in self._holds.items():
            self._ledger.settle(hold.department, request_id, hold.secured_microcredits)
        self._holds.clear()

    async def _answer(self, number: int, what: str, arguments: list[Any]) -> None:
        answer: dict[str, object] = {"id": number}
        try:
            if self._hosted is not None and what in HostingEnd.WORDS:
                answer["ok"] = await self._hosted.do(number, what, arguments)
            elif self._taught is not None and what in LessonsEnd.WORDS:
                answer["ok"] = await self._taught.do(what, arguments)
            else:
                answer["ok"] = await self._do(what, arguments)
        except errors.RingfenceError as error:
            answer["error"] = _error_to(error)
        if number:
            answer["ledger_failure"] = self._ledger_failure()
            self._say(answer)

    def _say(self, message: dict[str, object]) -> None:
        self._writer.write(json.dumps(message).encode() + b"\n")

    async def _do(self, what: str, arguments: list[Any]) -> object:
        match what:
            case "reserve":
                department, request_id, amount = arguments
                await self._ledger.reserve(department, request_id, amount)
                self._holds[request_id] = _Hold(department)
                return _wallet_to(await self._ledger.wallet(department))
            case "raise_hold":
                department, request_id, amount = arguments
                await self._ledger.raise_hold(department, request_id, amount)
                return _wallet_to(await self._ledger.wallet(department))
            case "secure":
                department, request_id, amount = arguments
                await self._ledger.secure(department, request_id, amount)
                if hold := self._holds.get(request_id):
                    hold.secured_microcredits = amount
            case "settle":
                department, request_id, amount = arguments
                self._holds.pop(request_id, None)
                self._ledger.settle(department, request_id, amount)
            case "wallet":
                return _wallet_to(await self._ledger.wallet(arguments[0]))
            case "inherited":
                identity, conversation_id, run_id = arguments
                return _labels_to(await self._memory.inherited(*_turn(identity, conversation_id, run_id, "")))
            case "remember":
                *turn, labels = arguments
                await self._memory.remember(*_turn(*turn), _labels_from(labels))
            case "ready" | "alive":
                self._told[what](arguments[0])
            case _:
                raise errors.Internal("A worker of another version asks for something unknown.")
        return None


def _turn(identity: str, conversation_id: str, run_id: str, idempotency_key: str) -> tuple[Caller, Request]:
    """What the memory reads of a caller and a request."""
    caller = Caller(identity, "", "", frozenset(), Label())
    request = Request("", EMPTY_PROMPT, conversation_id=conversation_id, run_id=run_id, idempotency_key=idempotency_key)
    return caller, request


def _wallet_to(wallet: Wallet) -> list[object]:
    return [wallet.department, wallet.granted_microcredits, wallet.spent_microcredits, wallet.held_microcredits]


def _labels_to(labels: Inherited) -> list[object]:
    last = labels.target
    return [
        *([int(label.level), sorted(label.categories)] for label in (labels.label, labels.label_asserted)),
        None if last is None else [last.kind, last.model, last.provider, last.node, last.region],
        labels.chars,
        sorted(labels.sources),
    ]


def _labels_from(said: list[Any]) -> Inherited:
    label, asserted, last, chars, sources = said
    target = None if last is None else Target(TargetKind(last[0]), *last[1:])
    return Inherited(_label_from(label), _label_from(asserted), target, chars, frozenset(sources))


def _label_from(said: list[Any]) -> Label:
    level, categories = said
    return Label(Level(level), frozenset(map(Category, categories)))


def _error_to(error: errors.RingfenceError) -> dict[str, object]:
    return {
        "kind": type(error).__name__,
        "message": error.message,
        "reason": error.reason,
        "numbers": error.numbers,
        "suggestions": error.suggestions,
        "input_path": error.input_path,
        "retry_after_ms": error.retry_after_ms,
    }


def _error_from(error: dict[str, Any]) -> errors.RingfenceError:
    kind = _ERRORS.get(error["kind"], errors.Internal)
    return kind(
        error["message"],
        reason=error["reason"],
        numbers=error["numbers"],
        suggestions=tuple(error["suggestions"]),
        input_path=error["input_path"],
        retry_after_ms=error["retry_after_ms"],
    )
