"""The nouns that `flow` speaks of, as Protocols: what touches the world, wired in `build`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ringfence.labels import Label
from ringfenced.classify import Scan
from ringfenced.deidentify import Deidentified
from ringfenced.inputs import Asked, Judging, Rating, Rulings
from ringfenced.model import (
    Answer,
    Caller,
    Candidate,
    Claim,
    Embedded,
    Finish,
    Inherited,
    Loading,
    Offer,
    Prompt,
    Request,
    Sent,
    Target,
    Terms,
    TextDelta,
    ToolCallDelta,
    Vectors,
    Verdict,
    Wallet,
)
from ringfenced.way import Way

T = TypeVar("T")


class Run(Protocol):
    """One answer in the making, on a local engine."""

    async def take(self) -> TextDelta | ToolCallDelta | Finish:
        """Everything that is ready, as one delta; waits only if nothing is. The finish comes once, last."""
        ...

    @property
    def tokens_received(self) -> int:
        """Tokens that came so far, read or not."""
        ...


class Engine(Protocol):
    """A local model."""

    def start(
        self, prompt: Prompt, *, cache_salt: bytes, confidential: bool, deadline_ms: int, claim: Claim
    ) -> AbstractContextManager[Run]:
        """Begin an answer; leaving the context frees its slot at once."""
        ...

    async def count(self, prompt: Prompt) -> int:
        """The prompt's tokens, template included."""
        ...

    async def embed(self, inputs: Sequence[str], *, deadline_ms: int, claim: Claim) -> Embedded:
        """The embedding of each text, in their order; who is cancelled gives its place back."""
        ...


class Place(AbstractContextManager["Place"], Protocol):
    """A place on a local model, or the way to it; leaving the context gives it back."""

    async def wait(self) -> Loading | None:
        """What has changed while it is waited for; None once it is had.

        Raises Unavailable where the model cannot be had, or not in time.
        """
        ...

    @property
    def engine(self) -> Engine:
        """The engine, once it is had."""
        ...


class Directory(Protocol):
    """What this node can run on, as it stands now."""

    @property
    def callers(self) -> dict[str, Caller]:
        """Every identity that the site knows."""
        ...

    def offers(self) -> tuple[Offer, ...]:
        """Every target, with what is known of it."""
        ...

    def place(self, model: str, *, seconds_max: float | None, salt: bytes) -> Place:
        """A place on an engine that hosts `model`, which is loaded where it is not.

        It is waited for at most `seconds_max`, None for as long as loading may take. Of several engines that are
        equally busy, the one that `salt` was last in is taken.
        """
        ...

    def default_model(self) -> str:
        """The local model that counts tokens where none is named."""
        ...

    def context_tokens_max(self, model: str) -> int:
        """Prompt and answer together, for a local model."""
        ...

    def check_model(self, name: str) -> None:
        """Pass if `name` is a model of this site; NotFound with the nearest names otherwise."""
        ...

    @property
    def sources(self) -> Mapping[str, Label]:
        """The label of every upstream system that the site knows."""
        ...

    def check_source(self, name: str) -> None:
        """Pass if `name` is an upstream system of this site; NotFound with the nearest names otherwise."""
        ...


class Policies(Protocol):
    """The site's policy in force: one value, replaced whole, so that a reload drops no request."""

    def rulings(self, asked: Asked, offers: tuple[Offer, ...]) -> Rulings:
        """What it says of each target for this request. Never raises: what cannot be evaluated denies."""
        ...


class Learning(Protocol):
    """What this site has learned of its targets' answers; without content."""

    async def rated(self, request: Request, asked: Asked, offers: tuple[Offer, ...]) -> Rating:
        """What is expected of each target's answer to this request. Never raises, and waits a moment at most."""
        ...

    def learn(self, way: Way) -> None:
        """Take what came of a finished way. Never raises, never waits."""
        ...

    def dismiss(self, request: Request) -> None:
        """Keep nothing more of a request that was rated and will not run. Never raises."""
        ...


class Outlook(Protocol):
    """What is measured of the targets: how fast they are, which of them are closed to whom."""

    def offers(self, offers: tuple[Offer, ...]) -> tuple[Offer, ...]:
        """The offers with measured times in place of configured ones; the same value until something changed."""
        ...

    def closed(self, asked: Asked) -> Mapping[Target, str]:
        """Targets that are kept from this caller's requests for now, with the reason."""
        ...

    def begins(self, way: Way, rung: Candidate) -> None:
        """Let a rung begin; Unavailable where its target was closed to this caller since it was decided on."""
        ...

    def ended(self, way: Way, rung: Candidate, error: BaseException | None) -> None:
        """Take how a rung that began ended: answered where there is no error. Never raises, never waits."""
        ...


class Evaluating(Protocol):
    """Who judges answers."""

    @property
    def judges(self) -> tuple[Judging, ...]:
        """What evaluators ask of models, for decisions to count with."""
        ...

    def check(self, names: Sequence[str]) -> None:
        """Pass if all are evaluators of this site; NotFound with the nearest names otherwise."""
        ...

    def needs_logprobs(self, way: Way, rung: Candidate) -> bool:
        """Whether somebody who judges the rung's answer goes by the log-probabilities of all its tokens."""
        ...

    def cost_microcredits_max(self, way: Way) -> int:
        """What judging the answers of the decision's rungs may cost at most, besides the rungs themselves."""
        ...

    async def judge(
        self, way: Way, rung: Candidate, answer: Answer, *, seconds_max: float | None, is_last: bool
    ) -> Verdict:
        """What the rung's evaluators and the request's say of its answer; GOOD where nobody has anything to say.

        An evaluator that fails or is slow is passed over, and its failure counted: it never ends a request. What it is
        shown stays where the request may go: a model that judges is one of this node that policy allows.

        Args:
            way: how far the request has come; what judging costs is added to its cost, and stays within its hold.
            rung: who answered.
            answer: what it answered.
            seconds_max: what judging may take, so that the rungs above still have their time; None for no limit.
            is_last: no rung is above it, and the caller has the answer: only who costs nothing is asked.
        """
        ...


class Ledger(Protocol):
    """The wallets; one writer in the site."""

    async def wallet(self, department: str) -> Wallet:
        """A department's wallet."""
        ...

    async def glance(self, department: str) -> Wallet:
        """The same, perhaps a moment old: what a decision goes by. `reserve` goes by the true one."""
        ...

    async def reserve(self, department: str, request_id: str, amount_microcredits: int) -> None:
        """Hold an amount; WalletEmpty if it would overdraw."""
        ...

    async def raise_hold(self, department: str, request_id: str, amount_microcredits: int) -> None:
        """Hold so much in all for a request that holds; WalletEmpty, its hold as before, if that would overdraw."""
        ...

    async def secure(self, department: str, request_id: str, amount_microcredits: int) -> None:
        """Write down what a request that holds may owe once bytes left; booked if its process dies before it settles.

        A later amount replaces an earlier. Unavailable if it cannot be written: then nothing may leave.
        """
        ...

    def settle(self, department: str, request_id: str, amount_microcredits: int) -> None:
        """Book what a run really cost and release the rest of its hold; 0 releases it whole. Never raises."""
        ...


class Egress(Protocol):
    """The only way out."""

    def send(
        self, payload: Deidentified, terms: Terms, deadline_ms: int
    ) -> AsyncGenerator[TextDelta | ToolCallDelta | Vectors | Sent, None]:
        """Ask the agent to send `payload`; its answer's deltas, then what was sent with the proofs."""
        ...


class Memory(Protocol):
    """Labels of earlier turns and runs, and idempotency keys; no content."""

    async def inherited(self, caller: Caller, request: Request) -> Inherited:
        """The join of what earlier turns of this conversation or run were labelled."""
        ...

    async def remember(self, caller: Caller, request: Request, turn: Inherited) -> None:
        """Keep a turn's labels for the turns that follow; InvalidRequest where its key was seen."""
        ...


class Scanning(Protocol):
    """The recognisers, and where the verbs run that scan with them."""

    async def run(
        self, work: Callable[[Scan], T], chars: int, seconds_max: float | None, claim: Claim, *, anew: bool = False
    ) -> T:
        """The outcome of `work`, which is given the scan and reads `chars` characters; what `work` raises.

        Holds the loop for short texts alone; others share what reads beside it by `claim`, and raise DeadlineExceeded
        where they take longer than `seconds_max`. With `anew`, nothing that was read before counts.
        """
        ...


class Recorder(Protocol):
    """Where a finished way is written down."""

    def record(self, way: Way) -> None:
        """Write one line and count; without content. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """The effects that the verbs must not have, as functions."""

    clock: Callable[[], float]
    """Monotonic seconds."""
    wall_clock_ms: Callable[[], int]
    """Unix time in milliseconds."""
    entropy: Callable[[int], bytes]
    """Random bytes."""
    pseudonym: Callable[[str], str]
    """Identity to keyed pseudonym."""
    draw: Callable[[], float | None] = lambda: None
    """A number from 0 to 1 for exploration; None decides without chance."""
