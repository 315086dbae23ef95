"""The values that travel through a request: frozen, normalised at birth, without I/O.

Money is in microcredits: millionths of a credit, whole numbers. Times last in names bear their unit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from ringfence.labels import PUBLIC, Label, Level
from ringfenced.device import DeviceFacts as DeviceFacts  # noqa: PLC0414 - said to be exported

if TYPE_CHECKING:  # the package loads the recognisers, which an engine process has no use for
    from ringfence.recognize.finding import Finding

# ── who asks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class CallerRole(StrEnum):
    """What an identity may do."""

    CALLER = "caller"
    OPERATOR = "operator"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated identity behind a request."""

    identity: str
    """URI SAN of the verified certificate, for example ``spiffe://site.example/ward-app``."""
    tenant: str
    """The tenant that the department belongs to."""
    department: str
    """Whose wallet pays."""
    roles: frozenset[CallerRole]
    """What it may do."""
    label_default: Label
    """Label of a request that names none."""
    label_department: Label = PUBLIC
    """Least label of everything that its department sends."""
    source: str = ""
    """The upstream system that it speaks for; empty for none."""
    weight: int = 1
    """How much of a local model its department may claim against others, where requests wait."""


# ── what is asked ────────────────────────────────────────────────────────────────────────────────────────────────────


class Role(StrEnum):
    """Who speaks in a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Text:
    """Text."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON document, as text that parses."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Image:
    """A picture; nothing here can read it, so it counts as RESTRICTED unless the site approved these bytes."""

    data: bytes = field(repr=False)
    media_type: str


@dataclass(frozen=True, slots=True)
class File:
    """A file; text media types are decoded at the door, anything else counts as RESTRICTED."""

    data: bytes = field(repr=False)
    media_type: str
    name: str = field(repr=False)
    text: str | None = field(repr=False)
    """The decoded text; None where it is no text."""


Part = Text | Json | Image | File


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asked for."""

    id: str = field(repr=False)
    name: str = field(repr=False)
    arguments_json: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn."""

    role: Role
    parts: tuple[Part, ...]
    name: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the model may call."""

    name: str = field(repr=False)
    description: str = field(repr=False)
    parameters_json_schema: str = field(repr=False)


class ToolMode(StrEnum):
    """Whether a tool must be called."""

    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn; None takes the model's default."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None
    tokens_max: int | None = None
    stop: tuple[str, ...] = ()
    logit_bias: tuple[tuple[int, float], ...] = ()
    logprobs: int | None = None
    """Give each token's log-probability, and so many of the likeliest tokens beside it; None for none."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is given: all of the request that a target ever sees."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_mode: ToolMode = ToolMode.AUTO
    tool_name: str = ""
    json_schema: str = field(default="", repr=False)
    """JSON Schema of the answer; empty for free text."""
    schema_name: str = ""
    sampling: Sampling = Sampling()
    grammar: str = field(default="", repr=False)
    """Grammar of the answer, GBNF, instead of a schema; local targets only. Empty for free text."""
    embeds: bool = False
    """Each message is a text to embed; nothing is answered."""


class Priority(StrEnum):
    """Whose turn it is where requests wait for a local model."""

    INTERACTIVE = "interactive"
    """Somebody waits for the answer."""
    BATCH = "batch"
    """Nobody does: it runs where nothing interactive waits."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request claims where it waits for a local model."""

    priority: Priority = Priority.INTERACTIVE
    """Its class."""
    share: bytes = b""
    """Whose fair share it counts against: an opaque name; all that have none share one."""
    weight: int = 1
    """How much that share may claim against others."""


@dataclass(frozen=True, slots=True)
class Permission:
    """What the caller allows; policy can only narrow it."""

    deidentified_egress: bool = False
    providers: frozenset[str] = frozenset()
    """Empty for all."""
    regions: frozenset[str] = frozenset()
    """Empty for all."""
    cost_microcredits_max: int | None = None
    ladder_length_max: int = 1
    local_only: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One request, valid in itself."""

    id: str
    """Made by the daemon; unique."""
    prompt: Prompt
    model: str = ""
    """The model that the caller wants; empty lets the decision choose."""
    label: Label | None = None
    """What the caller says; None takes the caller's default."""
    permission: Permission = Permission()
    task: str = ""
    quality_min: float = 0.0
    """Least expected quality, 0 to 1."""
    conversation_id: str = ""
    run_id: str = ""
    idempotency_key: str = ""
    deadline_s: float | None = None
    """Monotonic time at which the caller stops waiting."""
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)
    source: str = ""
    """The upstream system that its content comes from; empty for none."""
    priority: Priority = Priority.INTERACTIVE
    """Whether somebody waits for it."""
    evaluators: tuple[str, ...] = ()
    """Evaluators of this site that judge its answer, besides those of its target."""


# ── what it is ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Located:
    """A finding and the string leaf that it stands in."""

    path: str
    """For example ``messages[0].parts[0].text``."""
    finding: Finding


@dataclass(frozen=True, slots=True)
class Inherited:
    """What earlier turns of a conversation, or earlier steps of a run, were labelled."""

    label: Label = PUBLIC
    """The join of their labels."""
    label_asserted: Label = PUBLIC
    """The join of what of them stays after de-identification."""
    target: Target | None = None
    """Where the conversation's last turn ran; None where that is not known."""
    chars: int = 0
    """How long that turn's prompt was, in code points."""


class Contributor(StrEnum):
    """What can make a label."""

    CALLER = "caller"
    """The caller's word, or its default where it says nothing."""
    DEPARTMENT = "department"
    """The least label of what its department sends."""
    SOURCE = "source"
    """The least label of what comes from an upstream system."""
    EARLIER = "earlier"
    """Earlier turns of the conversation, or earlier steps of the run."""
    FINDING = "finding"
    """Findings of one entity type."""
    RULE = "rule"
    """A rule over several findings."""
    UNREADABLE = "unreadable"
    """What nobody here can read, or what has too many findings to be de-identified."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """One thing that made a label; without content."""

    contributor: Contributor
    """What it is."""
    name: str
    """A department, a source, an entity type, a rule, or what could not be read; empty where there is but one."""
    count: int
    """How many findings, or unread inputs, it stands for; 0 for what cannot be counted."""
    label: Label
    """What it adds to the join."""
    stays: bool
    """Whether it is still there after de-identification."""


@dataclass(frozen=True, slots=True)
class Classification:
    """What step 2 found."""

    label: Label
    """The join of all contributions."""
    label_asserted: Label
    """The join of those that stay after de-identification: the caller's word, its department's and source's label, what
    could not be read, and findings that policy does not replace."""
    findings: tuple[Located, ...]
    """Every finding in every leaf; views of a text repeat what was found in it."""
    prompt_chars: int
    """Length of all string leaves together, in code points."""
    contributions: tuple[Contribution, ...] = ()
    """What made the label."""
    distinct: tuple[Located, ...] = ()
    """The findings at their place in what the caller sent, each once; no path holds a key of a document."""

    def findings_by_type(self) -> dict[str, int]:
        """How often each entity type was found, each place once; safe to log."""
        counts = Counter(located.finding.entity_type for located in self.distinct)
        for located in self.findings:  # a type whose every finding lies in one of another type still was found
            counts.setdefault(located.finding.entity_type, 1)
        return dict(counts)


# ── where it may go ──────────────────────────────────────────────────────────────────────────────────────────────────


class TargetKind(StrEnum):
    """Where a target runs."""

    LOCAL = "local"
    PEER = "peer"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Target:
    """One place where a request can run."""

    kind: TargetKind
    model: str
    provider: str = ""
    node: str = ""
    region: str = ""

    def __str__(self) -> str:
        """Print as people write it: ``local:tiny``, ``cloud/gpt``."""
        return f"{self.provider}/{self.model}" if self.provider else f"{self.kind}:{self.model}"


@dataclass(frozen=True, slots=True)
class Offer:
    """A target as it stands now: what a decision weighs."""

    target: Target
    available: bool
    """Loaded, or reachable with its breaker closed."""
    unavailable_reason: str
    """Why it is not; empty when it is."""
    quality: float
    """Expected quality, 0 to 1."""
    context_tokens_max: int
    """Prompt and answer together."""
    prompt_microcredits_per_1k_tokens: int
    completion_microcredits_per_1k_tokens: int
    first_token_ms: float
    """Expected time to the first token."""
    token_ms: float
    """Expected time per further token."""
    clearance: Label | None = None
    """Highest label that may go there; None for targets within the site, which may receive anything."""
    supports_tools: bool = True
    supports_json_schema: bool = True
    supports_images: bool = False
    supports_grammar: bool = False
    supports_logprobs: bool = False
    supports_embeddings: bool = False
    supports_text: bool = True
    """It answers; False for a model that only embeds."""
    logprob_floor: float | None = None
    """An answer whose lowest token log-probability is under this is handed up; None for no such evaluator."""
    prompt_token_ms: float = 0.0
    """Expected time per token of the prompt, on top of `first_token_ms`."""
    wait_ms: float = 0.0
    """Of `first_token_ms`, what passes before it works on the request: being loaded, the line before it."""
    evaluators: tuple[str, ...] = ()
    """Evaluators of this site that judge its answers."""
    cached_prompt_microcredits_per_1k_tokens: int | None = None
    """Price of the prompt's tokens that its cache answers; None where they cost as much as the others."""

    @property
    def is_judged(self) -> bool:
        """Whether its answers are judged, so that they are held back while a better rung remains."""
        return bool(self.evaluators) or self.logprob_floor is not None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a target is expected to take and to give."""

    cost_microcredits: int
    """What it is expected to cost."""
    cost_microcredits_max: int
    """What it can cost at most: every byte a token, and the whole of the allowed answer."""
    latency_ms: int
    """Expected time to the whole answer."""
    quality: float
    """Expected quality, 0 to 1."""
    prompt_tokens: int
    """Expected tokens of the prompt."""
    completion_tokens: int
    """Expected tokens of the answer."""
    quality_uncertainty: float = 0.0
    """Standard deviation of `quality`; 0 where it is configured and nothing was learned."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A target that was considered."""

    target: Target
    estimate: Estimate
    chosen: bool
    rule: str
    """The rule that took or removed it; see `ringfenced.decide.rules`."""
    reason: str
    """The same for people; no content."""
    deidentified: bool
    """The payload must be de-identified on its way there."""
    leave_ms: int = 0
    """Of the time left, what this rung must leave for the rungs above it."""
    policies: tuple[str, ...] = ()
    """Names of the site's policies that decided; empty where none did."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The target chosen, every target refused, and the reason of each."""

    label: Label
    ladder: tuple[Candidate, ...]
    """Rungs in order; empty when no target is open."""
    refused: Sequence[Candidate]
    """Every other target, each once; it may be made when it is read."""
    policy_digest: str
    """SHA-256 of the policy in force, hex."""
    fallbacks: tuple[Candidate, ...] = ()
    """Open targets that may take the place of a rung that gives no answer at all, in order; they are among `refused` as
    well. Each keeps to ceiling and wallet by itself."""
    expected: Estimate | None = None
    """The whole ladder's expected cost, time and quality, escalations weighed by how likely they are; None without."""
    propensity: float = 1.0
    """How likely this first rung was, exploration considered."""
    explored: bool = False
    """The first rung was taken to learn of it."""

    @property
    def target(self) -> Target | None:
        """The first rung's target."""
        return self.ladder[0].target if self.ladder else None

    def cost_microcredits_max(self) -> int:
        """What the whole ladder may cost: the amount to hold."""
        return sum(candidate.estimate.cost_microcredits_max for candidate in self.ladder)


# ── what came of it ──────────────────────────────────────────────────────────────────────────────────────────────────


class FinishReason(StrEnum):
    """Why generation ended."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run used."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    time_to_first_token_us: int = 0
    duration_us: int = 0
    logprob_min: float | None = None
    """Lowest log-probability of a generated token; None where the target gives none."""


class TokenLogprob(NamedTuple):
    """One token of an answer, with how likely the model found it."""

    text: str
    """Empty for a token that is part of a character."""
    data: bytes
    logprob: float
    """Natural logarithm of its probability, in the model's own distribution."""
    likeliest: tuple[TokenLogprob, ...] = ()
    """The likeliest tokens in its place, likeliest first."""

    def __repr__(self) -> str:
        """Without the text."""
        return f"TokenLogprob(logprob={self.logprob})"


class TextDelta(NamedTuple):
    """A piece of the answer; a named tuple because one is made per message on the hot path."""

    text: str
    tokens: int
    logprobs: tuple[TokenLogprob, ...] = ()

    def __repr__(self) -> str:
        """Without the text."""
        return f"TextDelta(tokens={self.tokens})"


@dataclass(frozen=True, slots=True)
class Embedded:
    """What an engine made of texts to embed."""

    vectors: tuple[tuple[float, ...], ...] = field(repr=False)
    """One an input, of length 1."""
    usage: Usage
    """What making them used."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """The embeddings of a request's inputs, in their order."""

    values: tuple[tuple[float, ...], ...] = field(repr=False)
    """One an input."""


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call; `id` and `name` come with the first piece of each."""

    index: int
    id: str
    name: str = field(repr=False)
    arguments_json: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Escalation:
    """An evaluator found an answer wanting, or a target gave none; another follows."""

    source: Target
    destination: Target
    reason: str


@dataclass(frozen=True, slots=True)
class Loading:
    """A local model is being loaded for a request, which goes on once it is."""

    target: Target
    """The model."""
    progress: float
    """0 to 1, as far as it is known."""
    stage: str
    """What is being done, for people."""
    left_ms: int | None = None
    """Until it is expected to be ready; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Finish:
    """How a run ended."""

    reason: FinishReason
    usage: Usage


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rung answered, whole, for those who judge it."""

    text: str = field(repr=False)
    """Everything it said."""
    tool_calls: tuple[ToolCall, ...] = field(default=(), repr=False)
    """The calls that it asked for."""
    logprobs: tuple[float, ...] = ()
    """Of each token, where the target gave them."""

    @classmethod
    def of(cls, said: Iterable[object]) -> Answer:
        """What was said, put together from its deltas; other events are passed over."""
        texts: list[TextDelta] = []
        calls: dict[int, ToolCall] = {}
        for event in said:
            if isinstance(event, TextDelta):
                texts.append(event)
            elif isinstance(event, ToolCallDelta):
                before = calls.get(event.index, ToolCall("", "", ""))
                calls[event.index] = ToolCall(
                    before.id or event.id, before.name or event.name, before.arguments_json + event.arguments_json
                )
        return cls(
            text="".join(piece.text for piece in texts),
            tool_calls=tuple(calls[index] for index in sorted(calls)),
            logprobs=tuple(one.logprob for piece in texts for one in piece.logprobs),
        )


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of an answer, to learn from it how good ones look; no text."""

    features: bytes = field(repr=False)
    """Numbers of its form and keyed hashes, as they are kept (`learn.answers_kept`)."""
    beside: float | None = None
    """The least that evaluators who were asked after it was read say, 0 to 1; None where none said anything."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evaluators of a rung's answer say."""

    good: bool
    """It is good enough to be given."""
    score: float
    """How good, 0 to 1: what the one said that it falls short of, else the least of what they said."""
    evaluator: str = ""
    """Whose word that is; empty where nobody had anything to say."""
    reason: str = ""
    """Why it falls short, for people; no content. Empty where it does not."""
    scores: tuple[tuple[str, float], ...] = ()
    """What each evaluator said, in the order in which they were asked."""
    read: Read | None = None
    """What was read of the answer; None where the learned verifier was not asked, or nothing is learned."""


GOOD = Verdict(good=True, score=1.0)
"""The verdict on an answer that nobody judges."""


@dataclass(frozen=True, slots=True)
class EntryProof:
    """One log entry with the proof that the log holds it."""

    entry: bytes
    """Canonical JSON, the exact bytes of the Merkle leaf; no content."""
    index: int
    inclusion_path: tuple[bytes, ...]
    """RFC 6962, 32 bytes each, leaf to root."""
    checkpoint: str
    """C2SP signed checkpoint that the path leads to."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the caller gets with an answer."""

    request_id: str
    decision: Decision
    cost_microcredits: int
    egress: tuple[EntryProof, ...]
    """One entry for each thing that left the site."""
    findings_by_type: Mapping[str, int]
    finished_at_unix_ms: int
    ran: tuple[Target, ...]
    """Targets that ran; the last one gave the answer."""
    verdicts: tuple[tuple[Target, Verdict], ...] = ()
    """What was said of each rung's answer, in order."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a release permit says besides the payload."""

    provider: str
    model: str
    """The model's name at the provider's target, as the agent's configuration lists it."""
    caller_pseudonym: str
    """Keyed hash of the caller's identity; the agent never learns the identity."""
    department: str
    request_id: str
    findings_by_type: Mapping[str, int]
    """What was found before de-identification."""
    decision_reason: str
    cost_microcredits_max: int
    label_before: Label = PUBLIC
    """What the request was labelled, earlier turns included; joined with what de-identification found by itself."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a provider's run ends with, and the proofs of what left."""

    finish: Finish
    proofs: tuple[EntryProof, ...]


@dataclass(frozen=True, slots=True)
class RotatedKey:
    """A provider's key that the agent read anew."""

    changed: bool
    """Whether it is another than before."""
    fingerprint: str
    """Keyed; it tells nothing of the key."""


Event = Decision | Loading | TextDelta | ToolCallDelta | Vectors | Escalation | Finish | Receipt
"""What a caller sees, in this order: decision, perhaps loading, deltas or vectors, finish, receipt."""

Delta = TextDelta | ToolCallDelta


# ── what it costs ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Wallet:
    """A department's credits."""

    department: str
    granted_microcredits: int
    spent_microcredits: int
    held_microcredits: int

    @property
    def available_microcredits(self) -> int:
        """What a new hold may take."""
        return self.granted_microcredits - self.spent_microcredits - self.held_microcredits


# ── what the node tells of itself ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Speed:
    """What a target takes."""

    first_token_ms: float
    """To the first token of an empty prompt, in milliseconds; what is waited before it works is not in it."""
    prompt_token_ms: float
    """For each token of the prompt that is read, on top."""
    token_ms: float
    """For each further token."""
    answers: int = 0
    """Measured from so many answers; 0 where it is configured."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model as an operator sees it."""

    name: str
    kind: TargetKind
    engine: str
    """For example ``llama.cpp``; the provider's name for a cloud model."""
    state: str
    """``unloaded``, ``loading``, ``ready`` or ``failed``."""
    context_tokens_max: int
    quality: float
    prompt_microcredits_per_1k_tokens: int
    completion_microcredits_per_1k_tokens: int
    requests_running: int = 0
    requests_waiting: int = 0
    failure: str = ""
    """Why it failed."""
    progress: float = 0.0
    """0 to 1, while it is loading."""
    stage: str = ""
    """What is being done or waited for, for people."""
    pinned: bool = False
    """Never unloaded to make room."""
    replicas: int = 1
    """Engine processes wanted."""
    replicas_ready: int = 0
    """Of these, ready."""
    memory: tuple[ModelMemory, ...] = ()
    """What it uses or would use, by device."""
    last_used_unix_ms: int | None = None
    """When the last request began in it; None where none did."""
    deaths: int = 0
    """How often its engines died since the daemon started."""
    wait_ms: int | None = None
    """How long a new interactive request is expected to wait for its place; None where not known."""
    requests_waiting_batch: int = 0
    """Of those that wait, the ones that nobody waits for."""
    supports_tools: bool = False
    supports_json_schema: bool = False
    supports_images: bool = False
    supports_embeddings: bool = False
    idle_unload_s: int = 0
    """Unloaded after so many seconds without a request; 0 for never."""
    process_bytes: int | None = None
    """Memory of its process groups by the kernel's account; None where not known."""
    weights: str = ""
    """Name of the file or folder that its weights come from."""
    configured: Speed | None = None
    """What it is expected to take by the configuration."""
    measured: Speed | None = None
    """What it was measured to take lately; None where too little is known, so that the configured counts."""
    closed: tuple[str, ...] = ()
    """The troubles for which it is left alone now, with the number of tenants; empty where it is not."""


@dataclass(frozen=True, slots=True)
class ModelMemory:
    """What a model takes on one device."""

    device: str
    """As `DeviceFacts.id`."""
    planned_bytes: int | None = None
    """Weights, cache and compute buffers together, as planned; None where nothing was planned."""
    measured_bytes: int | None = None
    """The same as measured once it was loaded; None before."""


@dataclass(frozen=True, slots=True)
class LockdownFacts:
    """The emergency stop of egress, as the agent has it."""

    on: bool
    """Nothing leaves."""
    reason: str = ""
    """Why; empty while egress is allowed."""
    since_unix_ms: int = 0
    """Since when; 0 while egress is allowed."""
    by: tuple[str, ...] = ()
    """Pseudonyms of the operators who ordered what holds."""
    missing: int = 0
    """An order of the opposite waits for so many further operators; 0 when none waits."""
    waiting_by: tuple[str, ...] = ()
    """Pseudonyms of those who gave it so far."""
    waiting_until_unix_ms: int = 0
    """Until when it waits."""
    log_origin: str = ""
    """Name of the agent's log, which a signature names."""
    signatures_needed: bool = False
    """Lifting takes signatures of operators."""


@dataclass(frozen=True, slots=True)
class OperatorWord:
    """An operator's own word for a lift; the agent checks it."""

    operator: str = ""
    """Their name in the agent's configuration; empty where none was given."""
    signature: bytes = b""
    """By their own key (`ringfence.lift`)."""
    expires_at_unix_ms: int = 0
    """Until when it may be used."""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One thing that can be well or not."""

    name: str
    ok: bool
    message: str = ""
    """What is wrong and what to do; empty when ok."""


@dataclass(frozen=True, slots=True)
class EntryQuery:
    """Which entries of the egress log an auditor asks for."""

    from_index: int = 0
    until_index: int = 0
    """One past the last; 0 to the end."""
    from_unix_ms: int = 0
    until_unix_ms: int = 0
    """0 for no bound."""
    department: str = ""
    provider: str = ""
    request_id: str = ""
    caller_pseudonym: str = ""
    level_min: Level | None = None
    """The lowest label, after de-identification; None for any, and for what bears none."""
    kind: str = ""
    model: str = ""
    entries_max: int = 1000
