"""A model of this node as a recogniser: asked from the threads that scan, answered by the loop that has the engines."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable

from ringfence.recognize.plugins import PluginFailed, Question
from ringfenced.config import LocalModel
from ringfenced.model import Claim, Finish, FinishReason, Message, Prompt, Role, Sampling, Text, TextDelta
from ringfenced.site.directory import Engines

SALT_BYTES = 16
"""A salt that no other question has: no question's prompt is kept for another's (see `nouns.Engine.start`)."""


class LocalReaders:
    """Asks models of this node. Belongs to one loop; `ask` is for every thread but the loop's own.

    Nothing that is asked is decided, accounted or recorded: it is part of reading a request, and goes to an engine of
    this node alone. There is no way from here to a provider.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        engines: Engines,
        models: Iterable[LocalModel],
        entropy: Callable[[int], bytes],
    ) -> None:
        """Wire.

        Args:
            loop: where the engines belong.
            engines: the engines of this node.
            models: the models of this node, as the file has them.
            entropy: random bytes.
        """
        self._loop = loop
        self._engines = engines
        self._keep_to_schema = {model.name: model.json_schema for model in models}
        self._entropy = entropy

    def ask(self, question: Question) -> str:
        """The model's whole answer; waits for it in this thread.

        Raises:
            PluginFailed: the daemon ends, or the answer was cut off.
            RingfenceError: the model cannot be loaded, or the engine cannot answer, or not in time.
            TimeoutError: neither did the loop.
        """
        answer = self._answer(question)
        try:
            future = asyncio.run_coroutine_threadsafe(answer, self._loop)
        except RuntimeError:
            answer.close()
            raise PluginFailed("the daemon is about to end") from None
        try:
            return future.result(question.seconds_max)
        finally:
            future.cancel()  # does nothing to what is done

    async def _answer(self, question: Question) -> str:
        prompt = Prompt(
            (Message(Role.USER, (Text(question.prompt),)),),
            json_schema=question.json_schema if self._keep_to_schema.get(question.model) else "",
            sampling=Sampling(temperature=0.0),
        )
        deadline_ms = max(1, int(question.seconds_max * 1000))
        said: list[str] = []
        salt = self._entropy(SALT_BYTES)
        with contextlib.ExitStack() as stack:
            place = stack.enter_context(
                self._engines.place(question.model, seconds_max=question.seconds_max, salt=salt)
            )
            while await place.wait() is not None:
                pass
            run = stack.enter_context(
                place.engine.start(prompt, cache_salt=salt, confidential=True, deadline_ms=deadline_ms, claim=Claim())
            )
            while not isinstance(piece := await run.take(), Finish):
                if isinstance(piece, TextDelta):
                    said.append(piece.text)
        if piece.reason is not FinishReason.STOP:
            raise PluginFailed("the model's answer was cut off")
        return "".join(said)
