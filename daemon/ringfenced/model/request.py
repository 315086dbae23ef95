"""What is asked, with what the caller allows and claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ringfence.labels import Category, Label
from ringfenced.model.prompt import Prompt


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
    """The payload may leave the site once it is de-identified and nothing is left to find."""
    providers: frozenset[str] = frozenset()
    """Empty for all."""
    regions: frozenset[str] = frozenset()
    """Empty for all."""
    cost_microcredits_max: int | None = None
    """Ceiling on the whole request's cost; None for what the wallet has."""
    ladder_length_max: int = 1
    """Most rungs of the ladder."""
    local_only: bool = False
    """Nothing may leave, whatever the label says."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, valid in itself."""

    id: str
    """Made by the daemon; unique."""
    prompt: Prompt
    """What a model is given."""
    model: str = ""
    """The model that the caller wants; empty lets the decision choose."""
    label: Label | None = None
    """What the caller says; None, where it says no level, takes the caller's default."""
    categories: frozenset[Category] = frozenset()
    """What the caller says without a level: it joins `label`, or the default that stands in for it."""
    permission: Permission = Permission()
    """What the caller allows."""
    task: str = ""
    """A name for this kind of work, by which quality is learned; empty for none."""
    quality_min: float = 0.0
    """Least expected quality, 0 to 1."""
    conversation_id: str = field(default="", repr=False)
    """Turns of one conversation share their labels and prefer one target; empty for none."""
    run_id: str = field(default="", repr=False)
    """Steps of one run share their labels and surrogates; empty for none."""
    idempotency_key: str = field(default="", repr=False)
    """A repeat with the same key is refused for an hour; empty for none."""
    deadline_s: float | None = None
    """Monotonic time at which the caller stops waiting."""
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The caller's own tags; scanned like the prompt, kept nowhere."""
    source: str = ""
    """The upstream system that its content comes from; empty for none."""
    priority: Priority = Priority.INTERACTIVE
    """Whether somebody waits for it."""
    evaluators: tuple[str, ...] = ()
    """Evaluators of this site that judge its answer, besides those of its target."""
