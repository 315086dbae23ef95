"""Between `ringfenced.model` and the messages of engine.proto: both directions, without I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ringfence.v1 import engine_pb2, types_pb2
from ringfenced import errors
from ringfenced.model import (
    Claim,
    Embedded,
    File,
    Finish,
    FinishReason,
    Image,
    Json,
    Message,
    Part,
    Priority,
    Prompt,
    Role,
    Sampling,
    Text,
    TokenLogprob,
    Tool,
    ToolCallDelta,
    ToolMode,
    Usage,
)
from ringfenced.weights.dryrun import DeviceUse

_ROLES = {
    Role.SYSTEM: types_pb2.ROLE_SYSTEM,
    Role.USER: types_pb2.ROLE_USER,
    Role.ASSISTANT: types_pb2.ROLE_ASSISTANT,
    Role.TOOL: types_pb2.ROLE_TOOL,
}

_TOOL_MODES = {
    ToolMode.AUTO: types_pb2.ToolChoice.MODE_AUTO,
    ToolMode.NONE: types_pb2.ToolChoice.MODE_NONE,
    ToolMode.REQUIRED: types_pb2.ToolChoice.MODE_REQUIRED,
}

_PRIORITIES = {
    Priority.INTERACTIVE: types_pb2.PRIORITY_INTERACTIVE,
    Priority.BATCH: types_pb2.PRIORITY_BATCH,
}

_REASONS = {
    types_pb2.FINISH_REASON_STOP: FinishReason.STOP,
    types_pb2.FINISH_REASON_LENGTH: FinishReason.LENGTH,
    types_pb2.FINISH_REASON_TOOL_CALLS: FinishReason.TOOL_CALLS,
    types_pb2.FINISH_REASON_CONTENT_FILTER: FinishReason.CONTENT_FILTER,
}

_SCALARS = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "repeat_penalty",
    "seed",
    "tokens_max",
    "logprobs",
)

OVERLOADED_RETRY_MS = 250
"""When to try again where a full engine does not say; a queue of short answers has moved by then."""


@dataclass(frozen=True, slots=True)
class Description:
    """What an engine hosts."""

    engine: str
    """For example ``llama.cpp``."""
    engine_version: str
    """As the engine's library reports it."""
    model_architecture: str
    """For example ``llama``."""
    context_tokens_max: int
    """Longest prompt and answer together of one sequence."""
    sequences_max: int
    """How many run at the same time; more wait."""
    model_bytes: int
    """Size of the weights; 0 where there are none."""
    supports_tools: bool
    """Tools and tool calls."""
    supports_json_schema: bool
    """Answers bound to a JSON Schema."""
    supports_embeddings: bool
    """Embeddings; an engine that makes them answers nothing else."""
    memory: tuple[DeviceUse, ...] = ()
    """What it uses, by device, as its library reports it; empty where it does not."""
    supports_grammar: bool = False
    """Answers bound to a caller's grammar."""
    supports_images: bool = False
    """Pictures in a message."""
    supports_logprobs: bool = False
    """Log-probabilities of each token."""
    adapters: tuple[str, ...] = ()
    """Names of its LoRA adapters."""
    embedding_dimensions: int | None = None
    """Length of an embedding; None where it makes none."""


@dataclass(frozen=True, slots=True)
class Load:
    """How busy an engine is, all its connections together."""

    running: int
    """Answers that have a place."""
    waiting_interactive: int
    """Answers that wait and that somebody waits for."""
    waiting_batch: int
    """The others that wait."""
    wait_interactive_ms: int
    """How long a new interactive request of an average kind would wait for its place."""
    wait_batch_ms: int
    """The same for a batch request."""
    wait_newcomer_ms: int
    """The same for an interactive one of a share that has nothing running."""
    first_token_ms: int | None
    """Measured from its place to the first token; None before any."""
    token_ms: float | None
    """Measured from one token to the next; None before any."""
    cells_running: int
    """Tokens that the cache holds for running answers; those that a kept prefix shares count as kept."""
    cells_kept: int
    """Tokens that it holds for prefixes that may be reused."""
    cells: int
    """Tokens that it can hold; 0 where that is not known."""
    asleep: bool
    """Whether its memory is given back."""


def load_from_wire(wire: engine_pb2.EngineLoad) -> Load:
    """Read how busy an engine is."""
    return Load(
        running=wire.running,
        waiting_interactive=wire.waiting_interactive,
        waiting_batch=wire.waiting_batch,
        wait_interactive_ms=wire.wait_interactive_ms,
        wait_batch_ms=wire.wait_batch_ms,
        wait_newcomer_ms=wire.wait_newcomer_ms,
        first_token_ms=wire.first_token_ms or None,
        token_ms=wire.token_ms or None,
        cells_running=wire.cells_running,
        cells_kept=wire.cells_kept,
        cells=wire.cells,
        asleep=wire.asleep,
    )


def uses_to_wire(uses: Iterable[DeviceUse]) -> list[engine_pb2.EngineMemory]:
    """Write what an engine uses, by device."""
    return [
        engine_pb2.EngineMemory(
            device=use.device,
            weights_bytes=use.weights_bytes,
            cache_bytes=use.cache_bytes,
            compute_bytes=use.compute_bytes,
        )
        for use in uses
    ]


def description_from_wire(wire: engine_pb2.EngineDescription) -> Description:
    """Read what an engine says of itself."""
    return Description(
        engine=wire.engine,
        engine_version=wire.engine_version,
        model_architecture=wire.model_architecture,
        context_tokens_max=wire.context_tokens_max,
        sequences_max=wire.sequences_max,
        model_bytes=wire.model_bytes,
        supports_tools=wire.supports_tools,
        supports_json_schema=wire.supports_json_schema,
        supports_embeddings=wire.supports_embeddings,
        memory=tuple(
            DeviceUse(memory.device, memory.weights_bytes, memory.cache_bytes, memory.compute_bytes)
            for memory in wire.memory
        ),
        supports_grammar=wire.supports_grammar,
        supports_images=wire.supports_images,
        supports_logprobs=wire.supports_logprobs,
        adapters=tuple(wire.adapters),
        embedding_dimensions=wire.embedding_dimensions or None,
    )


def submit_to_wire(
    prompt: Prompt,
    *,
    sequence: int,
    cache_salt: bytes,
    confidential: bool,
    deadline_ms: int,
    claim: Claim,
    adapter: str,
) -> engine_pb2.EngineCommand:
    """Write the command that begins a sequence.

    Args:
        prompt: what the model is given.
        sequence: number of the sequence, unique on its connection.
        cache_salt: prefix caches are shared only within one salt.
        confidential: the engine clears the sequence's memory when it ends.
        deadline_ms: milliseconds left; 0 for none.
        claim: whose turn it is.
        adapter: the LoRA adapter to answer with; empty for none.
    """
    command = engine_pb2.EngineCommand()
    submit = command.submit
    submit.sequence = sequence
    submit.deadline_ms = deadline_ms
    submit.cache_salt = cache_salt
    submit.confidential = confidential
    submit.priority = _PRIORITIES[claim.priority]
    submit.share = claim.share
    submit.weight = claim.weight
    submit.adapter = adapter
    submit.messages.extend(map(message_to_wire, prompt.messages))
    if prompt.tools:
        submit.tools.extend(map(_tool, prompt.tools))
        submit.tool_choice.mode = _TOOL_MODES[prompt.tool_mode]
        submit.tool_choice.name = prompt.tool_name
    if prompt.json_schema:
        submit.response_format.json_schema = prompt.json_schema
        submit.response_format.name = prompt.schema_name
    if prompt.grammar:
        submit.response_format.grammar = prompt.grammar
    if prompt.sampling != _SAMPLING_DEFAULT:
        _write_sampling(prompt.sampling, submit.sampling)
    return command


def count_to_wire(prompt: Prompt, *, sequence: int) -> engine_pb2.EngineCommand:
    """Write the command that counts a prompt's tokens."""
    command = engine_pb2.EngineCommand()
    command.count.sequence = sequence
    command.count.messages.extend(map(message_to_wire, prompt.messages))
    if prompt.tool_mode is not ToolMode.NONE:
        command.count.tools.extend(map(_tool, prompt.tools))
    return command


def embed_to_wire(inputs: Sequence[str], *, sequence: int, deadline_ms: int, claim: Claim) -> engine_pb2.EngineCommand:
    """Write the command that embeds texts."""
    command = engine_pb2.EngineCommand()
    embed = command.embed
    embed.sequence = sequence
    embed.inputs.extend(inputs)
    embed.deadline_ms = deadline_ms
    embed.priority = _PRIORITIES[claim.priority]
    embed.share = claim.share
    embed.weight = claim.weight
    return command


def embedded_from_wire(wire: engine_pb2.EngineEmbedding) -> Embedded:
    """Read the embeddings of one command."""
    usage = Usage(prompt_tokens=wire.prompt_tokens, completion_tokens=0, duration_us=wire.duration_us)
    return Embedded(tuple(tuple(vector.values) for vector in wire.vectors), usage)


def call_from_wire(wire: engine_pb2.EngineToolCallDelta) -> ToolCallDelta:
    """Read a piece of a tool call."""
    return ToolCallDelta(wire.index, wire.id, wire.name, wire.arguments_json)


def logprobs_from_wire(wire: Sequence[types_pb2.TokenLogprob]) -> tuple[TokenLogprob, ...]:
    """Read tokens' log-probabilities; mostly there are none."""
    return (
        tuple(TokenLogprob(one.text, one.data, one.logprob, logprobs_from_wire(one.likeliest)) for one in wire)
        if wire
        else ()
    )


def finish_from_wire(wire: engine_pb2.EngineFinish) -> Finish:
    """Read how a sequence ended. An engine that names no reason is taken to have stopped by itself."""
    return Finish(
        reason=_REASONS.get(wire.reason, FinishReason.STOP),
        usage=Usage(
            prompt_tokens=wire.prompt_tokens,
            completion_tokens=wire.completion_tokens,
            cached_tokens=wire.cached_tokens,
            time_to_first_token_us=wire.time_to_first_token_us,
            duration_us=wire.duration_us,
            logprob_min=wire.logprob_min if wire.HasField("logprob_min") else None,
        ),
    )


def error_from_wire(wire: engine_pb2.EngineFailure, *, model: str) -> errors.RingfenceError:
    """Make the daemon's error of an engine's failure.

    The engine's own message is left out on purpose: every message is written here, so that no engine, not even a
    defective one, can carry content into an error or a log.
    """
    return failure(wire.reason, wire.numbers, model=model)


def failure(reason: str, numbers: Mapping[str, int], *, model: str) -> errors.RingfenceError:
    """Make the error for a reason of engine.proto; an unknown reason is a defect of the engine."""
    known = _FAILURES.get(reason)
    if known is None:
        return errors.Internal("the engine failed on this request", model=model)
    retry_after_ms = numbers.get("retry_after_ms", OVERLOADED_RETRY_MS) if known.kind is errors.Overloaded else None
    return known.kind(
        known.message.format_map(defaultdict(int, numbers)),
        reason=reason if known.kind is errors.InvalidRequest else "",
        model=model,
        input_path=known.input_path,
        numbers=numbers,
        retry_after_ms=retry_after_ms,
    )


@dataclass(frozen=True, slots=True)
class _Failure:
    """What one of an engine's reasons becomes."""

    kind: type[errors.RingfenceError]
    message: str
    input_path: str = ""


_FAILURES: Final[Mapping[str, _Failure]] = {
    "context_exceeded": _Failure(
        errors.ContextExceeded,
        "the prompt has {prompt_tokens} tokens and the model's context {context_tokens_max}, the answer included; "
        "shorten the prompt or ask for a model with a longer context",
        "messages",
    ),
    "bad_schema": _Failure(
        errors.InvalidRequest,
        "the JSON Schema of the answer cannot be turned into a grammar; correct it or use plainer keywords",
        "response_format.json_schema",
    ),
    "bad_grammar": _Failure(
        errors.InvalidRequest,
        "the grammar of the answer cannot be read; correct it (llama.cpp's GBNF)",
        "response_format.grammar",
    ),
    "input_too_long": _Failure(
        errors.ContextExceeded,
        "input {index} has {prompt_tokens} tokens and the model's context {context_tokens_max}; shorten it or ask for "
        "a model with a longer context",
        "inputs",
    ),
    "too_many_inputs": _Failure(
        errors.InvalidRequest,
        "{inputs} inputs are more than the {inputs_max} that this model embeds at once; send them in several requests",
        "inputs",
    ),
    "bad_picture": _Failure(
        errors.InvalidRequest,
        "a picture cannot be read, or is too large; send at most 16, PNG or JPEG, of 16 MiB and 8 million pixels",
        "messages",
    ),
    "input_empty": _Failure(
        errors.InvalidRequest, "input {index} makes no tokens; leave it out or send text", "inputs"
    ),
    "adapter_unknown": _Failure(errors.Internal, "the engine does not have the adapter that the model names"),
    "too_late": _Failure(
        errors.Overloaded,
        "the request would have to wait {wait_ms} ms for its first token, longer than its deadline leaves; try again "
        "later, or allow more time",
    ),
    "bad_sampling": _Failure(
        errors.InvalidRequest, "a sampling value is not finite or out of its range; correct it", "sampling"
    ),
    "template_refused": _Failure(
        errors.InvalidRequest,
        "the model's chat template does not take these messages, most often for the order of roles; begin with the "
        "system's or the user's message and let user and assistant take turns",
        "messages",
    ),
    "overloaded": _Failure(errors.Overloaded, "the engine's queue is full; try again later"),
    "deadline": _Failure(errors.DeadlineExceeded, "the deadline passed before the answer was complete"),
    "unsupported": _Failure(
        errors.Unsupported,
        "the model cannot take what the request holds (pictures, binary files, tools); leave that out or ask for "
        "another model",
        "messages",
    ),
}


_SAMPLING_DEFAULT = Sampling()


def message_to_wire(message: Message) -> types_pb2.Message:
    """One turn."""
    wire = types_pb2.Message(role=_ROLES[message.role], parts=[_part(part) for part in message.parts])
    if message.name:
        wire.name = message.name
    if message.tool_call_id:
        wire.tool_call_id = message.tool_call_id
    for call in message.tool_calls:
        wire.tool_calls.add(id=call.id, name=call.name, arguments_json=call.arguments_json)
    return wire


def _part(part: Part) -> types_pb2.Part:
    """Write one part; a file that was read as text goes as that text, which may have been de-identified since."""
    match part:
        case Text():
            return types_pb2.Part(text=part.text)
        case Json():
            return types_pb2.Part(json=part.text)
        case Image():
            return types_pb2.Part(image=types_pb2.Image(data=part.data, media_type=part.media_type))
        case File():
            data = part.data if part.text is None else part.text.encode()
            return types_pb2.Part(file=types_pb2.File(data=data, media_type=part.media_type, name=part.name))


def _tool(tool: Tool) -> types_pb2.Tool:
    return types_pb2.Tool(
        name=tool.name, description=tool.description, parameters_json_schema=tool.parameters_json_schema
    )


def _write_sampling(sampling: Sampling, wire: types_pb2.Sampling) -> None:
    for name in _SCALARS:
        value = getattr(sampling, name)
        if value is not None:
            setattr(wire, name, value)
    wire.stop.extend(sampling.stop)
    for token, bias in sampling.logit_bias:
        wire.logit_bias[token] = bias
