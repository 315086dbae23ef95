"""From a command to an answer that can begin: its prompt's tokens, how it is drawn, what binds it, where it goes."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ringfence.v1 import engine_pb2, types_pb2
from ringfenced.engines.llama.answer import Answer
from ringfenced.engines.llama.batcher import Limits
from ringfenced.engines.llama.binding import LlamaContext, LlamaModel
from ringfenced.engines.llama.calls import CallParser
from ringfenced.engines.llama.gbnf import BadGrammar, check_grammar
from ringfenced.engines.llama.grammar import BadSchema, schema_to_grammar
from ringfenced.engines.llama.logprobs import LIKELIEST_MAX, Logprobs
from ringfenced.engines.llama.matcher import Grammars, Matcher
from ringfenced.engines.llama.outlet import Outlet
from ringfenced.engines.llama.prompt import PromptReader, Unreadable
from ringfenced.engines.llama.sampler import BadSampling, Sampler, Settings, defaults_of, settings_from_wire
from ringfenced.engines.llama.sights import BadPicture, PictureReader
from ringfenced.engines.llama.template import TemplateRefused
from ringfenced.engines.llama.tools import CALLS_MAX, ToolFacts, calls_grammar, choice_grammar
from ringfenced.engines.server import Connection

T = TypeVar("T")


class Refused(Exception):
    """A command that cannot become an answer; `reason` and `numbers` are engine.proto's."""

    def __init__(self, reason: str, **numbers: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.numbers = numbers


_SALT_BYTES = 16

_REASONS: dict[type[Exception], str] = {
    Unreadable: "unsupported",
    TemplateRefused: "template_refused",
    BadSchema: "bad_schema",
    BadGrammar: "bad_grammar",
    BadSampling: "bad_sampling",
    RecursionError: "bad_schema",  # what nests without end is a schema, of an answer or of a tool
    BadPicture: "bad_picture",
}


@dataclass(frozen=True, slots=True)
class _Bound:
    """What binds an answer."""

    matcher: Matcher | None
    """From its first token on; None for nothing."""
    later: Callable[[], Matcher] | None = None
    """From where a tool call opens; None where that is bound already, or no tools are shown."""


class AnswerMaker:
    """Makes the answers of one model."""

    def __init__(
        self,
        model: LlamaModel,
        context: LlamaContext,
        limits: Limits,
        adapters: Sequence[str],
        projector: PictureReader | None = None,
    ) -> None:
        """Take what all answers share.

        Args:
            model: the model.
            context: where it is decoded.
            limits: how much at once.
            adapters: names of the LoRA adapters that are loaded.
            projector: makes pictures readable; None where nothing does.
        """
        self._model = model
        self._context = context
        self._limits = limits
        self._adapters = frozenset(adapters)
        self._prompts = PromptReader(model, projector)
        self._grammars = Grammars(model)
        self._defaults = defaults_of(model)
        self._marks = _marks(model, self._prompts.style.marks)

    def count(self, messages: Sequence[types_pb2.Message], tools: Sequence[types_pb2.Tool]) -> int:
        """Return the number of a prompt's tokens.

        Raises:
            Refused: it cannot be read.
        """
        return len(_refusing(lambda: self._prompts.tokens(messages, _facts(tools))))

    def make(self, connection: Connection, command: engine_pb2.EngineSubmit) -> Answer:
        """Return the answer, which has not begun.

        Raises:
            Refused: it cannot begin.
        """
        return _refusing(lambda: self._make(connection, command))

    def _make(self, connection: Connection, command: engine_pb2.EngineSubmit) -> Answer:
        if command.adapter and command.adapter not in self._adapters:
            raise Refused("adapter_unknown")
        is_shown = command.tool_choice.mode != types_pb2.ToolChoice.MODE_NONE
        tools = _facts(command.tools) if is_shown else []
        read = self._prompts.read(command.messages, tools)
        prompt = read.tokens
        if read.sights:  # pictures have no tokens that tell them apart: nothing of them is shared
            command.cache_salt = secrets.token_bytes(_SALT_BYTES)
            command.confidential = True
        rest = self._limits.context_tokens_max - len(prompt)
        if rest < 1:
            raise Refused(
                "context_exceeded", prompt_tokens=len(prompt), context_tokens_max=self._limits.context_tokens_max
            )
        sampling = command.sampling
        settings = settings_from_wire(sampling, self._defaults)
        bound = self._bound(command, tools)
        sampler = None
        if bound.matcher is not None or not settings.is_plain:
            sampler = self._sampler(settings, bound.matcher)

        def bind(text: str) -> bool:
            """Bind the answer from where a call opens."""
            if bound.later is None:
                return bound.matcher is not None
            try:
                matcher = bound.later()
            except (BadSchema, BadGrammar, RecursionError):
                return False
            if not matcher.accept_all(self._model.tokenize(text, is_control=False)):
                return False
            if answer.sampler is None:
                answer.sampler = self._sampler(settings, matcher)
            else:
                answer.sampler.bind(matcher)
            return True

        calls = CallParser(self._prompts.style, [tool.name for tool in tools], bind) if tools else None
        likeliest = min(sampling.logprobs, LIKELIEST_MAX)
        answer = Answer(
            connection,
            command,
            prompt=prompt,
            sights=read.sights,
            tokens_max=min(sampling.tokens_max, rest) if sampling.HasField("tokens_max") else rest,
            sampler=sampler,
            outlet=Outlet(
                connection, command.sequence, sampling.stop, calls=calls, marks=self._marks if calls else None
            ),
            logprobs=Logprobs(self._model, likeliest) if sampling.HasField("logprobs") else None,
            now_s=time.monotonic(),
        )
        return answer

    def _sampler(self, settings: Settings, matcher: Matcher | None) -> Sampler:
        return Sampler(self._model, self._context, settings, matcher, self._limits.context_tokens_max)

    # ── what binds an answer ─────────────────────────────────────────────────────────────────────────────────────

    def _bound(self, command: engine_pb2.EngineSubmit, tools: Sequence[ToolFacts]) -> _Bound:
        form = command.response_format
        answer = self._form(command)
        if not tools:
            return _Bound(
                self._matcher(command, f"form\0{form.grammar}\0{form.json_schema}", answer) if answer else None
            )
        choice = command.tool_choice
        is_demanded = choice.mode == types_pb2.ToolChoice.MODE_REQUIRED
        callable_ = [tool for tool in tools if not is_demanded or choice.name in {"", tool.name}]
        if not callable_:
            raise Refused("unsupported")
        key = choice.name + "\0".join(part for tool in callable_ for part in ("tool", tool.name, tool.schema))

        def calls() -> str:
            return calls_grammar(self._prompts.style, callable_, calls_max=1 if choice.name else CALLS_MAX)

        if is_demanded:
            return _Bound(self._matcher(command, key, calls))
        if answer is not None:
            form_of = answer
            key = f"either\0{key}\0{form.grammar}\0{form.json_schema}"
            return _Bound(self._matcher(command, key, lambda: choice_grammar([calls(), form_of()])))
        return _Bound(None, lambda: self._matcher(command, key, calls))

    def _form(self, command: engine_pb2.EngineSubmit) -> Callable[[], str] | None:
        """What makes the grammar of the answer's own form; None for free text."""
        form = command.response_format
        if form.grammar:
            check_grammar(form.grammar)  # before it is put beside those of tools
            return lambda: form.grammar
        return (lambda: schema_to_grammar(form.json_schema)) if form.json_schema else None

    def _matcher(self, command: engine_pb2.EngineSubmit, key: str, source: Callable[[], str]) -> Matcher:
        try:
            return self._grammars.matcher(command.cache_salt, key, source, keep=not command.confidential)
        except BadGrammar as error:
            if command.response_format.grammar:
                raise
            raise BadSchema(str(error)) from None


def _refusing(make: Callable[[], T]) -> T:
    try:
        return make()
    except tuple(_REASONS) as error:
        raise Refused(_REASONS[type(error)]) from None


def _facts(tools: Sequence[types_pb2.Tool]) -> list[ToolFacts]:
    return [ToolFacts(tool.name, tool.description, tool.parameters_json_schema) for tool in tools]


def _marks(model: LlamaModel, texts: Sequence[str]) -> dict[int, bytes]:
    """Bytes of the tokens that stand for these texts and show nothing otherwise."""
    found: dict[int, bytes] = {}
    for text in texts:
        tokens = model.tokenize(text, is_control=True)
        if len(tokens) == 1 and not model.piece(tokens[0]):
            found[tokens[0]] = text.encode()
    return found
