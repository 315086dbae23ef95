"""Both ends of a worker's link, as far as it is about what came of requests.

worker ── {"id": 0, "do": "lesson", "with": [[...]]} ──▶ supervisor            told, not asked
worker ── {"id": 9, "do": "rate", "with": ["<request>", "<owner>", 0.0, "wrong_name"]} ──▶ supervisor
worker ◀── {"id": 9, "ok": true} ── supervisor                                 there is such a request
"""

from __future__ import annotations

from typing import Any, Protocol

from ringfenced import errors
from ringfenced.learn.lesson import Lesson
from ringfenced.store.outcomes_tables import Feedback, Tally


class Lessons(Protocol):
    """Who learns, in the supervisor."""

    def put(self, lesson: Lesson) -> None:
        """Take a lesson; never waits."""
        ...

    async def rate(self, said: Feedback) -> bool:
        """Write down what a caller says of its answer; whether there is such a request of its department."""
        ...

    async def tally(self) -> list[Tally]:
        """How much is known, by segment and model."""
        ...

    async def trouble(self) -> str:
        """Why nothing is learned at present; empty while it is."""
        ...

    async def drifting(self) -> list[str]:
        """Models whose answers are no longer as they were expected."""
        ...

    async def forget(self, model: str) -> int:
        """Forget one model's answers, or all; how many there were."""
        ...


class Asking(Protocol):
    """A worker's link."""

    def tell(self, what: str, *arguments: object) -> None:
        """Tell something that has no answer."""
        ...

    async def ask(self, what: str, *arguments: object) -> Any:
        """Ask something; raises what the supervisor raised."""
        ...


class LinkedLessons:
    """The worker's end: implements `Lessons` over its link."""

    def __init__(self, link: Asking) -> None:
        """Use `link`."""
        self._link = link

    def put(self, lesson: Lesson) -> None:
        """Tell it."""
        self._link.tell("lesson", lesson.to_json())

    async def rate(self, said: Feedback) -> bool:
        """Ask."""
        return bool(await self._link.ask("rate", said.request.hex(), said.owner.hex(), said.score, said.reason))

    async def tally(self) -> list[Tally]:
        """Ask, a part at a time: a message has its bound."""
        rows: list[Tally] = []
        while part := await self._link.ask("tally", len(rows)):
            rows += (Tally(*row) for row in part)
        return rows

    async def trouble(self) -> str:
        """Ask."""
        return str(await self._link.ask("trouble"))

    async def drifting(self) -> list[str]:
        """Ask."""
        return list(map(str, await self._link.ask("drifting")))

    async def forget(self, model: str) -> int:
        """Ask."""
        return int(await self._link.ask("forget", model))


class LessonsEnd:
    """The supervisor's end."""

    WORDS = frozenset({"lesson", "rate", "tally", "trouble", "drifting", "forget"})
    """The questions that are answered here."""
    SLOW = frozenset({"rate", "tally", "forget"})
    """Those of them that wait for the disk."""
    TALLY_ROWS = 100
    """Rows of a tally in one message: they take some 200 bytes each."""

    def __init__(self, lessons: Lessons) -> None:
        """For one worker."""
        self._lessons = lessons

    async def do(self, what: str, arguments: list[Any]) -> object:
        """Answer one question, or take what is told."""
        match what:
            case "lesson":
                self._lessons.put(Lesson.from_json(arguments[0]))
            case "rate":
                request, owner, score, reason = arguments
                return await self._lessons.rate(Feedback(bytes.fromhex(request), bytes.fromhex(owner), score, reason))
            case "tally":
                rows = await self._lessons.tally()
                return rows[arguments[0] : arguments[0] + self.TALLY_ROWS]
            case "trouble":
                return await self._lessons.trouble()
            case "drifting":
                return await self._lessons.drifting()
            case "forget":
                return await self._lessons.forget(arguments[0])
            case _:
                raise errors.Internal("A worker of another version asks for something unknown.")
        return None
