"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ringfence.labels import PUBLIC, Label


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
