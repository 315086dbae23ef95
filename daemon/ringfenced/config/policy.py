"""Who may do what, and which label may go where: the section ``[policy]`` of the daemon's file."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, model_validator

from ringfence.configfile import Section
from ringfence.labels import Category
from ringfence.recognize.settings_types import EntityType, near
from ringfenced.config.types import FilePath, Identity, Levels, Name
from ringfenced.policy import EVERYTHING, TEMPLATES, Ceiling, Row, Source, cedar, template

_Text = Annotated[str, Field(min_length=1, max_length=200)]
_Word = Annotated[str, Field(min_length=1)]
_T = TypeVar("_T", bound=Hashable)


def _known(name: str) -> str:
    if name and name not in TEMPLATES:
        raise ValueError(f"there is no such template; write {near(name, TEMPLATES)}")
    return name


def _speaks(names: frozenset[_T]) -> frozenset[_T]:
    if not names:
        raise ValueError("an empty list speaks of nothing: name one, or remove the line")
    return names


def _leaves(names: frozenset[_T]) -> frozenset[_T]:
    """An empty list would say nothing, so that what a program fills in for nobody would be left to everybody."""
    if not names:
        raise ValueError(
            "an empty list leaves nobody: name one, write only_site = true for the site's own models alone"
        )
    return names


_Of = Annotated[frozenset[_T], AfterValidator(_speaks), Field(json_schema_extra={"minItems": 1})]
"""Of whom or what a row speaks; unset for everybody and everything."""
_Only = Annotated[frozenset[_T], AfterValidator(_leaves), Field(json_schema_extra={"minItems": 1})]
"""Who alone may have it; unset for no such bound."""


class PolicyRule(Section):
    """One row of the everyday table: what it speaks of may go only where it says. What is unset says nothing."""

    name: _Text
    """Unique; stands in every decision that it made."""
    callers: _Of[Identity] = frozenset()
    """It speaks of these callers, names of [[callers]]; with `departments`, of whoever is either."""
    departments: _Of[Name] = frozenset()
    """It speaks of these departments."""
    tasks: _Of[_Text] = frozenset()
    """It speaks of requests that name one of these tasks."""
    sources: _Of[Name] = frozenset()
    """It speaks of what comes from these systems, names of [[sources]]: a request names one, its caller may speak for
    another."""
    findings: _Of[EntityType] = frozenset()
    """It speaks of requests in which any of these types was found, for example ``MRN``."""
    level_min: Levels | None = None
    """It speaks of requests at this level or above."""
    categories: _Of[Category] = frozenset()
    """It speaks of requests with any of these categories."""
    sent: bool = False
    """true: level and categories are those that de-identification leaves; false: those of the request itself."""
    only_site: bool = False
    """Only models of this site may have it."""
    only_providers: _Only[Name] = frozenset()
    """Only models of this site and of these providers may have it."""
    only_regions: _Only[_Word] = frozenset()
    """Only models of this site and of providers in these regions may have it, for example ``eu``."""
    only_contracts: _Only[_Word] = frozenset()
    """Only models of this site and of providers with one of these contracts may have it, for example ``BAA``."""
    only_models: _Only[_Word] = frozenset()
    """Only these models may have it, as decisions print them: ``local:small``, ``cloud/large``."""

    @model_validator(mode="after")
    def _says_something(self) -> PolicyRule:
        if not any(getattr(self, said) for said in self.model_fields_set - {"name", "sent"}):
            raise ValueError("the rule would forbid everything to everybody; say what it speaks of, or what it leaves")
        if self.sent and self.level_min is None and not self.categories:
            raise ValueError("sent says which label is meant: set level_min or categories, or remove it")
        return self

    def row(self) -> Row:
        """As a value."""
        return Row(
            name=self.name,
            callers=self.callers,
            departments=self.departments,
            tasks=self.tasks,
            sources=self.sources,
            findings=self.findings,
            level_min=self.level_min,
            categories=frozenset(map(str, self.categories)),
            sent=self.sent,
            only_site=self.only_site,
            only_providers=self.only_providers,
            only_regions=self.only_regions,
            only_contracts=self.only_contracts,
            only_models=self.only_models,
        )


class PolicyCeiling(Section):
    """Most that a request may cost, and climb. Of several that hold for a request the lowest counts."""

    department: Name | None = None
    """It holds for this department; unset for all."""
    caller: Identity | None = None
    """It holds for this caller; unset for all."""
    task: _Text | None = None
    """It holds for requests that name this task; unset for all."""
    cost_microcredits_max: int | None = Field(default=None, ge=0)
    """Ceiling on the whole request's cost, in microcredits; unset for none."""
    ladder_length_max: int | None = Field(default=None, ge=1)
    """Most rungs of the ladder; unset for none."""

    @model_validator(mode="after")
    def _limits_something(self) -> PolicyCeiling:
        if self.cost_microcredits_max is None and self.ladder_length_max is None:
            raise ValueError("limits nothing; set cost_microcredits_max or ladder_length_max")
        return self

    def ceiling(self) -> Ceiling:
        """As a value."""
        return Ceiling(
            caller=self.caller or "",
            department=self.department or "",
            task=self.task or "",
            cost_microcredits_max=self.cost_microcredits_max,
            ladder_length_max=self.ladder_length_max,
        )


class Approver(Section):
    """Somebody whose signature a policy needs."""

    name: Name
    """Unique."""
    public_key: FilePath
    """Their Ed25519 public key, PEM."""


class Policies(Section):
    """The site's own policy; it can only narrow what the built-in rules leave."""

    template: Annotated[str, AfterValidator(_known)] = ""
    """Starter policies that ship: hospital-us, hospital-eu, bank-us or bank-eu; empty for none."""
    file: FilePath | None = None
    """Cedar policies of the site, beside the template's; read again when they change. With neither, everything is
    permitted that the built-in rules leave."""
    people: FilePath | None = None
    """Cedar policies about what people do with the daemon: plan, look, operate, stop, audit; read again when they
    change. Unset: roles alone decide."""
    rules: tuple[PolicyRule, ...] = ()
    """The everyday table: each row forbids."""
    ceilings: tuple[PolicyCeiling, ...] = ()
    """Most that requests may cost."""
    approvals: int = Field(default=0, ge=0, le=10)
    """How many approvers must have signed `file`, and `people`, before they take effect (``ringfence policy
    approve``); 2 for the four-eyes principle, 0 for none."""
    approvers: tuple[Approver, ...] = ()
    """Who can sign."""

    @model_validator(mode="after")
    def _enough_approvers(self) -> Policies:
        if self.approvals and self.file is None and self.people is None:
            raise ValueError("approvals are signatures under a file; set file or people, or remove approvals")
        if self.file is not None and self.file == self.people:
            raise ValueError("file and people speak of different things; give each a file of its own")
        if self.approvals > len(self.approvers):
            raise ValueError(
                f"takes {self.approvals} approvals and names {len(self.approvers)} approvers; add [[policy.approvers]]"
            )
        for kind, names in (("rule", [one.name for one in self.rules]), ("approver", [x.name for x in self.approvers])):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"every {kind} needs a name of its own; twice: {', '.join(twice)}")
        return self

    def sources(self, text: str) -> tuple[Source, ...]:
        """All policies in force, with `text` as the file's."""
        sources = [template(self.template)] if self.template else []
        if self.file is not None:
            sources.append(Source(str(self.file), text))
        if not sources:
            sources.append(EVERYTHING)
        if self.rules:
            sources.append(cedar(rule.row() for rule in self.rules))
        return tuple(sources)
