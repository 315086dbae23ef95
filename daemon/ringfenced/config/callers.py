"""Who may call and whose content it is: ``[[callers]]``, ``[[departments]]`` and ``[[sources]]``."""

from __future__ import annotations

from pydantic import Field

from ringfence.configfile import Section
from ringfence.labels import Level
from ringfenced.config.types import Identity, LabelSetting, Levels, Name
from ringfenced.model import CallerRole


class DefaultLabel(LabelSetting):
    """A caller's default. One that says categories alone says no level, PUBLIC least of all."""

    level: Levels = Level.INTERNAL
    """PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED."""


class CallerSetting(Section):
    """One identity that may call."""

    identity: Identity
    """URI SAN of its certificate, for example ``spiffe://site.example/ward-app``."""
    department: Name
    """Whose wallet pays; a name of [[departments]]."""
    tenant: Name = "site"
    """The tenant that the department belongs to; caches are never shared between tenants."""
    roles: frozenset[CallerRole] = frozenset({CallerRole.CALLER})
    """caller, operator, auditor."""
    label_default: DefaultLabel = DefaultLabel()
    """Label of a request that says no level; categories that it says join it."""
    source: Name | None = None
    """The upstream system that this identity speaks for, a name of [[sources]]; its label and the policies about it
    always count, also where a request names another."""


class Department(Section):
    """One wallet."""

    name: Name
    """Unique."""
    grant_credits: int = Field(ge=0, le=10**12)
    """Credits granted in all; a credit is 1,000,000 microcredits."""
    label: LabelSetting = LabelSetting()
    """Least label of everything that it sends; a caller can raise it, never lower it."""
    weight: int = Field(default=1, ge=1, le=1000)
    """How much of a busy local model it may claim against other departments, which have 1 unless they say more."""


class Source(Section):
    """One upstream system that content comes from, for example a laboratory's.

    Requests name it in their field source; one that names a source that is not here is refused.
    """

    name: Name
    """Unique."""
    label: LabelSetting
    """Least label of what comes from it."""
