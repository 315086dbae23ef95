"""Who judges answers on this site: the sections ``[[evaluators]]`` of the daemon's file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

from pydantic import Field, field_validator, model_validator

from ringfence.configfile import Section
from ringfenced.config.types import LabelSetting, Name, Share, Tls
from ringfenced.evaluate import AGREEMENT
from ringfenced.evaluate.pattern import wrong

Kind = Literal[
    "schema",
    "tools",
    "logprobs",
    "format",
    "pattern",
    "arithmetic",
    "citations",
    "verifier",
    "grpc",
    "judge",
    "consistency",
]
"""What evaluators there are, in the order in which they are asked: the cheapest first."""

THRESHOLDS: Final[Mapping[Kind, float]] = {
    "schema": 1.0,
    "tools": 1.0,
    "logprobs": 1.0,
    "format": 1.0,
    "pattern": 1.0,
    "arithmetic": 1.0,
    "citations": 0.8,
    "verifier": 0.5,
    "grpc": 0.5,
    "judge": 0.6,
    "consistency": 0.6,
}
"""Least score of an answer that is good enough, where a site sets none: where 1 means that nothing was found wrong, 1;
one number in five may be a result of the answer's own; a judge's 6 of 10; more than half of the samples."""

BUILT_IN: Final[tuple[Kind, ...]] = ("schema", "tools", "format", "arithmetic", "citations", "verifier")
"""Kinds that need no setting and are there under their own names, unless a site gives such a name to its own."""

_OWN: Final[Mapping[Kind, frozenset[str]]] = {
    "pattern": frozenset({"must", "must_not"}),
    "logprobs": frozenset({"least", "mean", "tail"}),
    "format": frozenset({"chars_min", "chars_max", "language", "refuses", "repetition_max"}),
    "consistency": frozenset({"samples", "temperature"}),
    "judge": frozenset({"model", "rubric"}),
    "grpc": frozenset({"target", "server_name", "tls", "label_max"}),
}
_TAKEN: Final = frozenset({AGREEMENT, "filter"})
_ALL: Final = frozenset({"name", "kind", "threshold", "timeout_ms"})
_RUBRIC: Final = (
    "Is the answer right, complete and to the point, and does it do what was asked, no more and no less? "
    "An answer with a wrong fact, figure or conclusion gets at most 4."
)


class Evaluator(Section):
    """One way to judge answers. Models name theirs in ``evaluators``, requests in ``task.evaluators``."""

    name: Name
    """Unique among evaluators."""
    kind: Kind
    """schema, tools, logprobs, format, pattern, arithmetic, citations, verifier, grpc, judge or consistency;
    docs/evaluators.md says what each does."""
    threshold: Share | None = None
    """Least score, 0 to 1, of an answer that is good enough; unset for the kind's own (docs/evaluators.md)."""
    timeout_ms: int = Field(default=5000, ge=1, le=600_000)
    """How long it may take; then it is passed over. Never longer than the request leaves to its rung."""
    must: tuple[str, ...] = ()
    """With pattern: RE2 expressions that the answer must have, each."""
    must_not: tuple[str, ...] = ()
    """With pattern: RE2 expressions that the answer must not have."""
    least: float | None = Field(default=None, le=0)
    """With logprobs: floor of the log-probability of the answer's least certain token."""
    mean: float | None = Field(default=None, le=0)
    """With logprobs: floor of the mean log-probability of its tokens."""
    tail: float | None = Field(default=None, le=0)
    """With logprobs: floor of the mean of the least certain tenth of its tokens."""
    chars_min: int = Field(default=1, ge=0)
    """With format: characters that the answer has at least."""
    chars_max: int = Field(default=0, ge=0)
    """With format: characters that it has at most; 0 for any number."""
    language: Literal["", "same", "en", "de", "fr", "es", "it"] = ""
    """With format: the answer's language, ``same`` for the question's; empty for any."""
    refuses: bool = False
    """With format: whether it may refuse."""
    repetition_max: Share = 0.5
    """With format: share of it that may repeat itself."""
    samples: int = Field(default=3, ge=1, le=16)
    """With consistency: how many further answers are asked of the same model, for comparison; each is paid for."""
    temperature: float = Field(default=0.7, gt=0, le=2)
    """With consistency: how freely they are drawn."""
    model: str = ""
    """With judge: the model of this node that judges; load it beforehand (preload)."""
    rubric: str = Field(default=_RUBRIC, min_length=1, max_length=4000)
    """With judge: what a good answer is, for the model."""
    target: str = Field(default="", pattern=r"^(unix:/.+|[^\s:/]+:\d{1,5})?$")
    """With grpc: ``unix:/path`` or ``host:port`` of a process on this site that serves ringfence.v1.Evaluator."""
    server_name: str = ""
    """With grpc over TCP: DNS name that its certificate must bear; empty for the host's own."""
    tls: Tls | None = None
    """With grpc over TCP: our certificate, and the CA that its own chains to. A unix socket has none."""
    label_max: LabelSetting = LabelSetting()
    """With grpc: highest label that it is shown; what is above is not judged by it."""

    @field_validator("name")
    @classmethod
    def _free(cls, name: str) -> str:
        if name in _TAKEN:
            raise ValueError("this name is taken: verdicts say with it what is always asked; write another")
        return name

    @field_validator("must", "must_not")
    @classmethod
    def _readable(cls, expressions: tuple[str, ...]) -> tuple[str, ...]:
        for place, expression in enumerate(expressions, start=1):
            if problem := wrong(expression):
                raise ValueError(f"expression {place} is {problem}")
        return expressions

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Evaluator:
        if self.name in get_args(Kind) and self.name != self.kind:
            raise ValueError(f"an evaluator named {self.name} is of that kind; name this one otherwise")
        own = _OWN.get(self.kind, frozenset())
        if foreign := sorted(self.model_fields_set - _ALL - own):
            raise ValueError(f'{", ".join(foreign)}: nothing that kind "{self.kind}" heeds; remove it')
        if missing := self._missing():
            raise ValueError(f'kind "{self.kind}" needs {missing}')
        return self

    def _missing(self) -> str:
        """What its kind cannot do without; empty where it has it."""
        is_unix = self.target.startswith("unix:")
        needs: Mapping[Kind, tuple[bool, str]] = {
            "pattern": (bool(self.must or self.must_not), "must or must_not"),
            "logprobs": (any(floor is not None for floor in (self.least, self.mean, self.tail)), "least, mean or tail"),
            "judge": (bool(self.model), "model, a model of this node"),
            "grpc": (
                bool(self.target) and is_unix != (self.tls is not None),
                "target: unix:/path without tls, or host:port with tls",
            ),
        }
        has, what = needs.get(self.kind, (True, ""))
        return "" if has else what

    @property
    def least_score(self) -> float:
        """The threshold in force."""
        return THRESHOLDS[self.kind] if self.threshold is None else self.threshold


def with_built_in(evaluators: tuple[Evaluator, ...]) -> dict[str, Evaluator]:
    """Every evaluator of a site by name: its own, and those that need no setting."""
    built_in: dict[str, Evaluator] = {kind: Evaluator(name=kind, kind=kind) for kind in BUILT_IN}
    return {**built_in, **{evaluator.name: evaluator for evaluator in evaluators}}
