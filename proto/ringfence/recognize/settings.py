"""The section ``[classification]`` of both processes' files: a template, and how a site narrows it.

A site can raise, add and count stricter. What it may turn off or lower besides is written in its template
(`templates.Template.optional`); none of `templates.BUILT_IN` is there. A file that asks for more is refused, with the
line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from ringfence.configfile import Section
from ringfence.labels import Category, Label, Level
from ringfence.recognize.entities import ENTITIES
from ringfence.recognize.policy import Policy
from ringfence.recognize.settings_custom import OwnFiles
from ringfence.recognize.settings_types import EntityType, Locale, SiteLevel, near
from ringfence.recognize.templates import TABLES, Template
from ringfence.recognize.together import Together

_TEMPLATES: Final = {template.name: template for template in TABLES}


def _template(info: ValidationInfo) -> Template | None:
    """The template of the section that is being read; None where that is wrong itself."""
    return _TEMPLATES.get(info.data.get("template", ""))


class RuleSetting(Section):
    """What findings of one entity type mean to this site."""

    entity: EntityType
    """The entity type, for example ``PERSON``; docs/labels.md lists them."""
    found: bool = True
    """false: do not look for it. Only types that the template calls optional can be turned off."""
    level: SiteLevel | None = None
    """PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED; unset for the template's. Only that of optional types can be lower
    than the template's. CONFIDENTIAL and above are replaced by surrogates before anything leaves."""
    categories: frozenset[Category] = frozenset()
    """Categories to add to the template's: any of PHI, PII, PCI, FINANCIAL, SECRET, CUSTOM."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> RuleSetting:
        if not self.found and (self.level is not None or self.categories):
            raise ValueError("a type that is not looked for has no level and no categories; remove them")
        return self

    def label(self, template: Template) -> Label:
        """What findings of the type imply: the template's label, raised or, where that is allowed, set anew."""
        shipped = template.rules.get(self.entity, ENTITIES[self.entity])
        level = shipped.level if self.level is None else self.level
        return Label(level, shipped.categories | self.categories)


def _allowed(rule: RuleSetting, info: ValidationInfo) -> RuleSetting:
    """Refuse a rule that would widen what may leave."""
    template = _template(info)
    if template is None or rule.entity in template.optional:
        return rule
    shipped = template.rules.get(rule.entity)
    if not rule.found and shipped is not None:
        raise ValueError(f"{rule.entity} cannot be turned off in {template.name}; {_optional(template)}")
    least = (shipped or ENTITIES[rule.entity]).level
    if rule.level is not None and rule.level < least:
        raise ValueError(f"{rule.entity} cannot be lower than {least.name} in {template.name}; {_optional(template)}")
    return rule


def _optional(template: Template) -> str:
    return "write it for " + ", ".join(sorted(template.optional & ENTITIES.keys())) + " alone, or remove this rule"


class TogetherSetting(Section):
    """What several findings mean together; adds to what each means alone."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=64)
    """Names it in plans; unique."""
    types: frozenset[EntityType] = Field(min_length=1)
    """Entity types that count."""
    kinds_min: int = Field(default=1, ge=1)
    """So many different types of `types` must be found."""
    count_min: int = Field(default=1, ge=1)
    """So many findings of one of `types` must be found."""
    beside: frozenset[EntityType] = frozenset()
    """A finding of one of these must stand in the same request; empty for none."""
    level: SiteLevel = Level.PUBLIC
    """The level that it raises to."""
    categories: frozenset[Category] = frozenset()
    """The categories that it adds."""

    def row(self) -> Together:
        """As a row of the table."""
        return Together(
            name=self.name,
            types=self.types,
            label=Label(self.level, self.categories),
            kinds_min=self.kinds_min,
            count_min=self.count_min,
            beside=self.beside,
            source="this site",
        )


class Tables(Section):
    """What is looked for in every request, and what it means."""

    template: Literal["hospital-us", "hospital-eu", "bank-us", "bank-eu"] = "hospital-us"
    """The shipped table to begin with; docs/labels.md prints them."""
    locales: frozenset[Locale] | None = Field(default=None, min_length=1)
    """Countries whose national numbers are looked for: us, gb, es, fr, de; unset for the template's."""
    rules: tuple[Annotated[RuleSetting, AfterValidator(_allowed)], ...] = ()
    """What single entity types mean to this site."""
    together: tuple[TogetherSetting, ...] = ()
    """What several findings mean together, besides the template's rules."""
    thresholds: Mapping[str, int] = Field(default_factory=dict)
    """Other numbers for the template's rules over several findings, for example ``many-people = 100``: lower ones, and
    for optional rules higher ones too, or 0 to turn the rule off."""

    @field_validator("rules")
    @classmethod
    def _once(cls, rules: tuple[RuleSetting, ...]) -> tuple[RuleSetting, ...]:
        names = [rule.entity for rule in rules]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"every entity type has one rule; make one of those for {', '.join(twice)}")
        return rules

    @field_validator("together")
    @classmethod
    def _named_apart(cls, rows: tuple[TogetherSetting, ...], info: ValidationInfo) -> tuple[TogetherSetting, ...]:
        template = _template(info)
        names = [row.name for row in rows] + [row.name for row in (template.together if template else ())]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"every rule has a name of its own; twice: {', '.join(twice)}")
        return rows

    @field_validator("thresholds")
    @classmethod
    def _stricter(cls, thresholds: Mapping[str, int], info: ValidationInfo) -> Mapping[str, int]:
        template = _template(info)
        if template is None:
            return thresholds
        rows = {row.name: row for row in template.together}
        for name, threshold in thresholds.items():
            if name not in rows or rows[name].threshold == 1:
                counting = [row.name for row in template.together if row.threshold > 1]
                raise ValueError(f"{template.name} has no such number; write {near(name, counting)}")
            if threshold < 0:
                raise ValueError(f"{name} counts findings; write 1 or more")
            if name not in template.optional and not 0 < threshold <= rows[name].threshold:
                raise ValueError(f"{name} can only be counted stricter; write 1 to {rows[name].threshold}")
        return thresholds

    def policy(self) -> Policy:
        """The table in force."""
        template = _TEMPLATES[self.template]
        rules = dict(template.rules)
        for rule in self.rules:
            if rule.found:
                rules[rule.entity] = rule.label(template)
            else:
                rules.pop(rule.entity, None)
        thresholds = {row.name: self.thresholds.get(row.name, row.threshold) for row in template.together}
        shipped = (row.at(thresholds[row.name]) for row in template.together if thresholds[row.name])
        return Policy(
            name=template.name,
            rules=MappingProxyType(rules),
            locales=template.locales if self.locales is None else self.locales,
            together=(*shipped, *(setting.row() for setting in self.together)),
        )


class Classification(OwnFiles, Tables):
    """What is looked for in every request, and what it means; and a site's own files."""

    def policy(self) -> Policy:
        """The table in force, with the pictures that the site approves.

        Raises:
            OSError: the list of pictures is gone.
            ValueError: it was changed since, and is no list any more.
        """
        return replace(super().policy(), pictures=self.pictures())

    def document(self) -> dict[str, object]:
        """The whole of it in plain values, for the policy's digest: the table in force, and digests of own files.

        Raises:
            OSError: a file is gone.
        """
        return {**self.policy().document(), "own": super().document()}

    def digest(self) -> str:
        """SHA-256 of `document` as canonical JSON, hex: what log entries name the table by.

        Raises:
            OSError: a file is gone.
        """
        text = json.dumps(self.document(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
