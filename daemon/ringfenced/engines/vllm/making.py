"""From a command to a request that can begin: its prompt's tokens, how it is drawn, what binds it, where it goes."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ringfence.v1 import engine_pb2, types_pb2
from ringfenced.engines.llama.calls import CallParser, Style
from ringfenced.engines.llama.gbnf import BadGrammar
from ringfenced.engines.llama.grammar import BadSchema
from ringfenced.engines.llama.outlet import Outlet
from ringfenced.engines.llama.prompt import PromptReader, Unreadable
from ringfenced.engines.llama.template import TemplateRefused
from ringfenced.engines.llama.tools import ToolFacts, call_schema
from ringfenced.engines.server import EMBEDDING_BYTES_MAX, Connection
from ringfenced.engines.vllm.answer import Answer
from ringfenced.engines.vllm.embedding import Embedding
from ringfenced.engines.vllm.sampling import BadSampling, params_from_wire, structure_from_wire
from ringfenced.engines.vllm.vocabulary import HfVocabulary
from ringfenced.engines.vllm.work import Generation

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Facts:
    """What vLLM hosts."""

    version: str
    """vLLM's."""
    architecture: str
    """The model's, for example ``LlamaForCausalLM``."""
    model_bytes: int
    """Size of the weights' files."""
    context_tokens_max: int
    """Prompt and answer of one sequence."""
    tokens_n: int
    """Size of the vocabulary."""
    cells: int
    """Tokens that the cache holds."""
    defaults: Mapping[str, Any]
    """The sampling that the model's folder recommends, by vLLM's names."""
    adapters: tuple[str, ...] = ()
    """Names of its LoRA adapters."""
    dimensions: int = 0
    """Length of an embedding; 0 for a model that answers."""
    tells_logprobs: bool = True
    """Whether every answer's lowest log-probability is told, or only where log-probabilities are asked for."""


class Refused(Exception):
    """A command that cannot begin; `reason` and `numbers` are engine.proto's."""

    def __init__(self, reason: str, **numbers: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.numbers = numbers


_REASONS: dict[type[Exception], str] = {
    Unreadable: "unsupported",
    TemplateRefused: "template_refused",
    BadSchema: "bad_schema",
    BadGrammar: "bad_grammar",
    BadSampling: "bad_sampling",
    RecursionError: "bad_schema",  # what nests without end is a schema, of an answer or of a tool
}


class RequestMaker:
    """Makes the requests of one model. `read` may be called from several threads."""

    def __init__(self, vocabulary: HfVocabulary, facts: Facts, context_tokens_max: int) -> None:
        """Take what all requests share.

        Args:
            vocabulary: the model's.
            facts: what vLLM says of it.
            context_tokens_max: prompt and answer of one sequence.

        Raises:
            TemplateRefused: its chat template is none.
        """
        self._vocabulary = vocabulary
        self._facts = facts
        self._context_tokens_max = context_tokens_max
        self._prompts = PromptReader(vocabulary)
        self._marks = vocabulary.marks(self._prompts.style.marks)
        self._names = map(str, itertools.count())

    def read(self, command: engine_pb2.EngineSubmit | engine_pb2.EngineCount) -> list[int]:
        """Return the tokens of a prompt.

        Raises:
            Refused: it cannot be read.
        """
        return _refusing(lambda: self._prompts.tokens(command.messages, _tools(command)))

    def answer(self, connection: Connection, command: engine_pb2.EngineSubmit, prompt: list[int]) -> Answer:
        """Return the answer to a prompt that was read.

        Raises:
            Refused: it cannot begin.
        """
        return _refusing(lambda: self._answer(connection, command, prompt))

    def embedding(self, connection: Connection, command: engine_pb2.EngineEmbed) -> Embedding:
        """Return a request for embeddings.

        Raises:
            Refused: it cannot begin.
        """
        if not self._facts.dimensions:
            raise Refused("unsupported")
        inputs_max = EMBEDDING_BYTES_MAX // (4 * self._facts.dimensions)
        if len(command.inputs) > inputs_max:
            raise Refused("too_many_inputs", inputs=len(command.inputs), inputs_max=inputs_max)
        prompts = [self._vocabulary.to_embed(text) for text in command.inputs]
        for index, prompt in enumerate(prompts):
            if not 0 < len(prompt) <= self._context_tokens_max:
                reason = "context_exceeded" if prompt else "unsupported"
                raise Refused(
                    reason, prompt_tokens=len(prompt), context_tokens_max=self._context_tokens_max, index=index
                )
        is_batch = command.priority == types_pb2.PRIORITY_BATCH
        generations = [Generation(next(self._names), prompt, {}, is_batch=is_batch) for prompt in prompts]
        return Embedding(generations, connection=connection, sequence=command.sequence)

    def _answer(self, connection: Connection, command: engine_pb2.EngineSubmit, prompt: list[int]) -> Answer:
        facts, sampling = self._facts, command.sampling
        rest = self._context_tokens_max - len(prompt)
        if facts.dimensions:
            raise Refused("unsupported")
        if command.adapter and command.adapter not in facts.adapters:
            raise Refused("adapter_unknown")
        if rest < 1:
            raise Refused("context_exceeded", prompt_tokens=len(prompt), context_tokens_max=self._context_tokens_max)
        asked = min(sampling.tokens_max, rest) if sampling.HasField("tokens_max") else rest
        tools = _tools(command)
        demanded = _demanded(command, tools)
        structure = structure_from_wire(command.response_format)
        if demanded:
            structure = {"json": json.dumps(call_schema(Style.LLAMA, demanded))}
        calls = None
        if tools:  # one that is demanded is bound to JSON, and written as Llama writes it
            style = Style.LLAMA if demanded else self._prompts.style
            calls = CallParser(style, [tool.name for tool in tools], lambda _: False)
        generation = Generation(
            name=next(self._names),
            prompt=prompt,
            params=params_from_wire(
                sampling,
                facts.defaults,
                tokens_max=asked,
                tokens_n=facts.tokens_n,
                tells_logprobs=facts.tells_logprobs,
            ),
            structure=structure,
            salt=_salt(command),
            adapter=command.adapter,
            is_batch=command.priority == types_pb2.PRIORITY_BATCH,
        )
        marks = self._marks if calls else None
        outlet = Outlet(connection, command.sequence, sampling.stop, calls=calls, marks=marks)
        return Answer(
            outlet,
            generation,
            self._vocabulary.pieces,
            wants_logprobs=sampling.HasField("logprobs"),
            connection=connection,
            sequence=command.sequence,
        )


def _salt(command: engine_pb2.EngineSubmit) -> str | None:
    """Return what prefixes are shared within: with nobody at all where they are confidential."""
    if command.confidential:
        return secrets.token_hex(16)
    return command.cache_salt.hex() or None


def _tools(command: engine_pb2.EngineSubmit | engine_pb2.EngineCount) -> list[ToolFacts]:
    """Return the tools that the model is shown."""
    if isinstance(command, engine_pb2.EngineSubmit) and command.tool_choice.mode == types_pb2.ToolChoice.MODE_NONE:
        return []
    return [ToolFacts(tool.name, tool.description, tool.parameters_json_schema) for tool in command.tools]


def _demanded(command: engine_pb2.EngineSubmit, tools: Sequence[ToolFacts]) -> list[ToolFacts]:
    """Return the tools of which one must be called; none where the model may choose."""
    choice = command.tool_choice
    if not tools or choice.mode != types_pb2.ToolChoice.MODE_REQUIRED:
        return []
    demanded = [tool for tool in tools if choice.name in {"", tool.name}]
    if not demanded:
        raise Refused("unsupported")
    return demanded


def _refusing(make: Callable[[], T]) -> T:
    try:
        return make()
    except tuple(_REASONS) as error:
        raise Refused(_REASONS[type(error)]) from None
