"""Where a request can run, and what a place offers now."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ringfence.labels import Label


class TargetKind(StrEnum):
    """Where a target runs."""

    LOCAL = "local"
    PEER = "peer"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Target:
    """One place where a request can run."""

    kind: TargetKind
    """On this node, on a peer, or at a provider."""
    model: str
    """The model's name, unique within the site."""
    provider: str = ""
    """The provider's name; empty within the site."""
    node: str = ""
    """The peer's name; empty for this node and for providers."""
    region: str = ""
    """Where the provider runs it, for example ``eu``; empty where that is not said."""

    def __str__(self) -> str:
        """Print as people write it: ``local:tiny``, ``cloud/gpt``."""
        return f"{self.provider}/{self.model}" if self.provider else f"{self.kind}:{self.model}"


@dataclass(frozen=True, slots=True)
class Offer:
    """A target as it stands now: what a decision weighs."""

    target: Target
    """The target."""
    available: bool
    """Loaded, or reachable with its breaker closed."""
    unavailable_reason: str
    """Why it is not; empty when it is."""
    quality: float
    """Expected quality, 0 to 1."""
    context_tokens_max: int
    """Prompt and answer together."""
    prompt_microcredits_per_1k_tokens: int
    """Price of the prompt."""
    completion_microcredits_per_1k_tokens: int
    """Price of the answer."""
    first_token_ms: float
    """Expected time to the first token."""
    token_ms: float
    """Expected time per further token."""
    clearance: Label | None = None
    """Highest label that may go there; None for targets within the site, which may receive anything."""
    supports_tools: bool = True
    """It can call tools."""
    supports_json_schema: bool = True
    """It keeps to a JSON schema."""
    supports_images: bool = False
    """It reads pictures."""
    supports_grammar: bool = False
    """It keeps to a grammar."""
    supports_logprobs: bool = False
    """It tells tokens' log-probabilities."""
    supports_embeddings: bool = False
    """It embeds texts."""
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
