"""What a caller says, as a `GenerateRequest`: used by both Python clients and by the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict, Unpack

from ringfence.labels import Category, Label, join
from ringfence.v1.inference_pb2 import EmbedRequest, GenerateRequest
from ringfence.v1.types_pb2 import Label as LabelMessage
from ringfence.v1.types_pb2 import (
    Message,
    Part,
    Permission,
    Priority,
    ResponseFormat,
    Role,
    Sampling,
    Task,
    Tool,
    ToolChoice,
)
from ringfence.wire import label_to

Prompt = str | Sequence[Message] | GenerateRequest
"""A question, a conversation, or a whole request that is sent as it is."""


class RequestOptions(TypedDict, total=False):
    """What may be said beside the prompt; everything has a default."""

    model: str
    """A model of the site; empty lets the decision choose."""
    label: Label | None
    """The caller's label, in place of the default that the site gave this caller; None for that default. A `Label` has
    a level always, PUBLIC where none is written: `Label(categories=...)` says PUBLIC, `categories` says none."""
    categories: Iterable[Category]
    """What kinds of sensitive content it holds, besides those of the label or of the default; they lower nothing."""
    permission: Permission | None
    """What the caller allows; None allows nothing to leave that is not clean as it stands."""
    task: str
    """A stable name for this kind of work; quality is learned by it."""
    quality_min: float
    """Least expected quality, 0 to 1."""
    evaluators: Sequence[str]
    """Evaluators of the site that judge the answer, besides those of its target."""
    json_schema: str
    """JSON Schema that the answer must satisfy; empty for free text."""
    grammar: str
    """Grammar (llama.cpp's GBNF) that the answer must keep to, instead of a schema; such a request stays on site."""
    sampling: Sampling | None
    """How tokens are drawn; None for the model's defaults."""
    tools: Sequence[Tool]
    """Tools that the model may call."""
    tool_choice: ToolChoice | None
    """Whether and which tool must be called."""
    conversation_id: str
    """Turns of one conversation share their labels and prefer one target."""
    run_id: str
    """Steps of one workflow run share their labels and surrogates."""
    idempotency_key: str
    """A repeat with the same key within an hour is refused, so that nothing runs or is charged twice."""
    deadline_s: float | None
    """Seconds for the whole request; None for no limit of the caller's."""
    metadata: Mapping[str, str]
    """The caller's own tags; scanned like any other string, kept nowhere."""
    source: str
    """The upstream system that the content comes from, a name that the site knows; its label counts."""
    is_batch: bool
    """Nobody waits for the answer: it runs where nothing else waits."""


class EmbedOptions(TypedDict, total=False):
    """What may be said beside texts to embed; the words are those of `RequestOptions`."""

    model: str
    label: Label | None
    categories: Iterable[Category]
    permission: Permission | None
    deadline_s: float | None
    source: str
    is_batch: bool


def generate_request(prompt: Prompt, **options: Unpack[RequestOptions]) -> GenerateRequest:
    """Build the request; a `GenerateRequest` is passed through and then takes no options.

    What it asks for is not checked here: the daemon does, and says what is wrong.

    Raises:
        TypeError: options beside a whole request.
        ValueError: a deadline that is not positive, or that is longer than 49 days (32 bits of milliseconds).
    """
    if isinstance(prompt, GenerateRequest):
        if options:
            raise TypeError(f"a whole GenerateRequest takes no further options, got {', '.join(options)}")
        return prompt
    form = ResponseFormat()
    form.json_schema, form.grammar = options.get("json_schema", ""), options.get("grammar", "")
    task = Task(name=options.get("task", ""), quality_min=options.get("quality_min", 0.0))
    task.evaluators.extend(options.get("evaluators", ()))
    return GenerateRequest(
        model=options.get("model", ""),
        messages=[user_message(prompt)] if isinstance(prompt, str) else prompt,
        tools=options.get("tools", ()),
        tool_choice=options.get("tool_choice"),
        response_format=form if form.json_schema or form.grammar else None,
        sampling=options.get("sampling"),
        label=_label(options.get("label"), options.get("categories", ())),
        permission=options.get("permission"),
        task=task if task.name or task.quality_min or task.evaluators else None,
        conversation_id=options.get("conversation_id", ""),
        run_id=options.get("run_id", ""),
        idempotency_key=options.get("idempotency_key", ""),
        deadline_ms=_milliseconds(options.get("deadline_s")),
        metadata=options.get("metadata", {}),
        source=options.get("source", ""),
        priority=_priority(is_batch=options.get("is_batch", False)),
    )


def embed_request(inputs: Sequence[str], **options: Unpack[EmbedOptions]) -> EmbedRequest:
    """Build the request for embeddings.

    Raises:
        ValueError: as `generate_request`.
    """
    return EmbedRequest(
        model=options.get("model", ""),
        inputs=inputs,
        label=_label(options.get("label"), options.get("categories", ())),
        permission=options.get("permission"),
        priority=_priority(is_batch=options.get("is_batch", False)),
        deadline_ms=_milliseconds(options.get("deadline_s")),
        source=options.get("source", ""),
    )


def _label(label: Label | None, categories: Iterable[Category]) -> LabelMessage | None:
    """What is said of the label; None for nothing. Without a level the caller's default counts."""
    alone = Label(categories=frozenset(categories))
    if label is not None:
        return label_to(join((label, alone)))
    return LabelMessage(categories=label_to(alone).categories) if alone.categories else None


def _priority(*, is_batch: bool) -> Priority.ValueType:
    return Priority.PRIORITY_BATCH if is_batch else Priority.PRIORITY_UNSPECIFIED


def user_message(text: str) -> Message:
    """One turn of the user, one part of text."""
    return Message(role=Role.ROLE_USER, parts=[Part(text=text)])


def _milliseconds(deadline_s: float | None) -> int:
    """Whole milliseconds, at least one; 0 for none."""
    if deadline_s is None:
        return 0
    if not 0 < deadline_s < 2**32 / 1000:
        raise ValueError(f"deadline_s must be positive and under 49 days, got {deadline_s:g}")
    return max(1, int(deadline_s * 1000))
