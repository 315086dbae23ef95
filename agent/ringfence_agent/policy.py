"""The agent's own policy, in Cedar: who may send what to whom, on top of what the gate's built-in floor leaves.

    Policy.load     a file's policies, parsed once and validated against ``policy.cedarschema``
    Policy.ruling   the ruling on one submission; pure

What no policy permits is denied. A ``forbid`` outweighs every ``permit``, and a policy that cannot be evaluated denies
as well: Cedar itself would pass over it, and a ``forbid`` that is passed over forbids nothing.

Source: https://docs.cedarpolicy.com (authorization, validation).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final, NamedTuple

import cedarpy

from ringfence.labels import Label

EVERYTHING: Final = '@id("cleared")\npermit(principal, action, resource);\n'
"""The policy of a configuration without one: what a provider is cleared for may go there."""
_POLICIES_MAX: Final = 1000


class PolicyError(ValueError):
    """A policy does not parse, or speaks of something that is not there; the text says which and why."""


class Resource(NamedTuple):
    """One model of a provider, as policies know it."""

    provider: str
    model: str
    task: str
    region: str
    contract: str
    clearance: Label


@dataclass(frozen=True, slots=True)
class Facts:
    """What a ruling is made from."""

    caller: str
    """Pseudonym of the caller, by the daemon's word."""
    department: str
    """Whose wallet pays, by the daemon's word."""
    provider: str
    """Where to."""
    model: str
    """Which of its models."""
    label: Label
    """After de-identification, by the daemon's word."""
    label_before: Label
    """Before it, by the daemon's word."""
    findings: frozenset[str]
    """Types that the agent's own scan found."""
    findings_before: frozenset[str]
    """Types that the daemon says it found before de-identification."""
    bytes_out: int
    """Length of the exact body."""
    cost_microcredits_max: int
    """What it may cost at most."""
    tools: bool
    """The model gets tools."""
    pictures: bool
    """The model gets pictures."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the policy says."""

    allowed: bool
    """Whether it may leave."""
    policies: tuple[str, ...]
    """Names of the policies that decided: their ``@id``, or their place in the file. Empty where none applied."""
    broken: bool = False
    """A policy could not be evaluated; therefore denied."""


class Policy:
    """The policies of one agent. Immutable; may be asked from several threads."""

    def __init__(self, text: str, resources_: Iterable[Resource]) -> None:
        """Parse and validate.

        Args:
            text: Cedar policies.
            resources_: every model that may be sent to.

        Raises:
            PolicyError: there is none, they do not parse, are too many, or do not fit the schema.
        """
        schema = _schema_text()
        try:
            self._schema = cedarpy.Schema.from_str(schema)
            self._policies = cedarpy.PolicySet.from_str(text)
        except ValueError as error:
            raise PolicyError(f"not Cedar: {error}") from None
        if len(self._policies) > _POLICIES_MAX:
            raise PolicyError(f"{len(self._policies)} policies; at most {_POLICIES_MAX} are allowed")
        if self._policies.templates():
            raise PolicyError("templates have nothing to link them; write whole policies")
        if not len(self._policies):
            raise PolicyError(
                "holds no policy, and what none permits stays; write one, or forbid(principal, action, resource); "
                "where nothing may leave"
            )
        checked = cedarpy.validate_policies(text, schema)
        if not checked.validation_passed:
            raise PolicyError("; ".join(str(error) for error in checked.errors))
        self._models = cedarpy.Entities.from_json_str(json.dumps(_entities(resources_)), self._schema)
        self.digest = hashlib.sha256(schema.encode() + b"\0" + text.encode()).hexdigest()
        """SHA-256 over schema and policies, hex."""

    def ruling(self, facts: Facts) -> Ruling:
        """What the policies say."""
        department = {"type": "Department", "id": facts.department}
        caller = {"type": "Caller", "id": facts.caller}
        asking = [
            {"uid": department, "attrs": {}, "parents": []},
            {"uid": caller, "attrs": {}, "parents": [department]},
        ]
        request = {
            "principal": caller,
            "action": {"type": "Action", "id": "send"},
            "resource": {"type": "Model", "id": f"{facts.provider}/{facts.model}"},
            "context": _context(facts),
        }
        try:
            entities = self._models.with_added_json_str(json.dumps(asking))
            answer = cedarpy.is_authorized(request, self._policies, entities, self._schema)
        except ValueError:
            return Ruling(allowed=False, policies=(), broken=True)
        diagnostics = answer.diagnostics
        names = diagnostics.id_annotations_by_reason
        decided = tuple(sorted(names.get(each) or each for each in diagnostics.reasons))
        broken = bool(diagnostics.errors)
        return Ruling(answer.decision is cedarpy.Decision.Allow and not broken, decided, broken)


def _schema_text() -> str:
    """The schema, which ships with the package."""
    return resources.files("ringfence_agent").joinpath("policy.cedarschema").read_text()


def _entities(listed: Iterable[Resource]) -> list[Mapping[str, object]]:
    """Providers and models as Cedar's JSON has them."""
    entities: dict[tuple[str, str], Mapping[str, object]] = {}
    for one in listed:
        provider = {"type": "Provider", "id": one.provider}
        entities["Provider", one.provider] = {
            "uid": provider,
            "attrs": {
                "region": one.region,
                "contract": one.contract,
                "level_rank": int(one.clearance.level),
                "categories": sorted(one.clearance.categories),
            },
            "parents": [],
        }
        model = {"type": "Model", "id": f"{one.provider}/{one.model}"}
        entities["Model", model["id"]] = {"uid": model, "attrs": {"task": one.task}, "parents": [provider]}
    return list(entities.values())


def _context(facts: Facts) -> Mapping[str, object]:
    """What the schema calls the context."""
    return {
        "level": facts.label.level.name,
        "level_rank": int(facts.label.level),
        "categories": sorted(facts.label.categories),
        "level_before": facts.label_before.level.name,
        "level_before_rank": int(facts.label_before.level),
        "categories_before": sorted(facts.label_before.categories),
        "findings": sorted(facts.findings),
        "findings_before": sorted(facts.findings_before),
        "bytes_out": facts.bytes_out,
        "cost_microcredits_max": min(facts.cost_microcredits_max, 2**63 - 1),
        "tools": facts.tools,
        "pictures": facts.pictures,
    }
