"""What a decision is made from: one value, without content, that can be written down and decided again.

    Inputs = Asked (the request as the rules see it) + offers + Rating + Rulings + Circumstances
    decide(Inputs) → Decision

Whatever is not in here cannot change where a request goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from ringfence.labels import Label
from ringfenced.model import CallerRole, Offer, Permission, Priority, Target


class Ability(StrEnum):
    """What a request needs of a target."""

    TEXT = "text"
    EMBEDDINGS = "embeddings"
    TOOLS = "tools"
    JSON_SCHEMA = "json_schema"
    GRAMMAR = "grammar"
    LOGPROBS = "logprobs"
    IMAGES = "images"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as rules, policy and learning see it; no content."""

    caller: str
    """Identity of who asks."""
    department: str
    """Whose wallet pays."""
    tenant: str
    """Whose it is."""
    roles: frozenset[CallerRole]
    """What the caller may do."""
    model: str
    """The model that the caller wants; empty lets the decision choose."""
    task: str
    """The caller's name for this kind of work; empty for none."""
    permission: Permission
    """What the caller allows."""
    quality_min: float
    """Least expected quality, 0 to 1."""
    needs: frozenset[Ability]
    """What a target must be able to do."""
    inputs: int
    """How often the request may fill a context: once for each text to embed."""
    prompt_chars: int
    """Code points of all that a target would be given."""
    tokens_max: int
    """Upper bound on the answer, in tokens; 0 for none."""
    priority: Priority
    """Whether somebody waits for it."""
    label: Label
    """What it is."""
    label_deidentified: Label
    """What de-identification leaves of it, if it leaves no residual finding."""
    lowered: bool
    """De-identification has something to do, so that whatever leaves must go through it."""
    findings: frozenset[str] = frozenset()
    """Types that were found in it."""
    sources: tuple[str, ...] = ()
    """The upstream systems that it comes from, in alphabetical order: the one that it names and the one that its caller
    speaks for."""
    evaluators: tuple[str, ...] = ()
    """Evaluators that the request names for its answer, besides those of its target."""
    schema_checked: bool = False
    """Its answer is checked against a JSON schema, wherever it comes from."""
    task_found: bool = False
    """A recogniser found something in the task's name, or could not read it: nothing that is kept has that name."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the site's policy says of one target."""

    allowed: bool
    """Whether the request may go there, as far as the policy is concerned."""
    policies: tuple[str, ...] = ()
    """Names of the policies that decided; empty where none applied."""
    broken: bool = False
    """A policy could not be evaluated; therefore denied."""


@dataclass(frozen=True, slots=True)
class Rulings:
    """What the site's policy says of a request."""

    by_target: Mapping[Target, Ruling]
    """For each target; one that is missing is denied."""
    digest: str
    """SHA-256 of the policy in force, hex."""
    cost_microcredits_max: int | None = None
    """Ceiling on the whole request's cost; None for none. The caller's own holds as well."""
    ladder_length_max: int | None = None
    """Most rungs; None for none. The caller's own holds as well."""


@dataclass(frozen=True, slots=True)
class Rating:
    """What is expected of each target's answer: a value an offer, in their order."""

    quality: Sequence[float]
    """Expected quality, 0 to 1."""
    uncertainty: Sequence[float]
    """Standard deviation of that expectation; 0 where it is configured and nothing was learned."""
    learned: Sequence[bool]
    """Whether it was learned; configured otherwise."""
    explore: float = 0.0
    """Share of requests that may try another target than the best, so that something is learned of it; 0 to 1."""
    good_answer_microcredits: float = 0.0
    """What an answer that is good rather than not is worth; 0 takes the cheapest that is good enough."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else is true at that moment."""

    wallet_microcredits: int
    """What the caller's wallet has left."""
    time_left_ms: float | None
    """Until the caller stops waiting; None for no limit."""
    closed: Mapping[Target, str] = field(default_factory=lambda: MappingProxyType({}))
    """Targets that this tenant's requests are kept from for now, with the reason: an open breaker, a spent rate."""
    last: Target | None = None
    """The target of the conversation's last turn; None where there was none."""
    cached_chars: int = 0
    """Code points of this prompt that `last` has read before."""
    draw: float | None = None
    """A number from 0 to 1 for exploration; None decides without chance."""


@dataclass(frozen=True, slots=True)
class Judging:
    """An evaluator that asks a model of this node, so that judging takes time and costs what its tokens do."""

    name: str
    """As targets and requests name it."""
    model: str
    """The model that reads task and answer; empty where the one that answered is asked again."""
    samples: int
    """How many answers are asked for, at the same time."""
    chars: int
    """Code points of what stands around task and answer; 0 where the same is asked again."""
    tokens_max: int
    """Upper bound on each answer, in tokens; 0 where it is the request's own."""
    timeout_ms: float
    """How long it may take, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a decision is made from."""

    asked: Asked
    """What is asked."""
    offers: tuple[Offer, ...]
    """Every target of the site, as it stands now."""
    rating: Rating
    """What is expected of each, in the same order."""
    rulings: Rulings
    """What the policy says of each."""
    circumstances: Circumstances
    """What else is true."""
    judges: tuple[Judging, ...] = ()
    """Every evaluator of the site that costs something."""


def configured(offers: Sequence[Offer]) -> Rating:
    """The rating of a site that has learned nothing: each offer's configured quality."""
    return Rating(tuple(offer.quality for offer in offers), (0.0,) * len(offers), (False,) * len(offers))


def unruled(offers: Sequence[Offer], digest: str) -> Rulings:
    """The rulings of a site without a policy of its own: the built-in rules alone decide."""
    return Rulings({offer.target: Ruling(allowed=True) for offer in offers}, digest)
