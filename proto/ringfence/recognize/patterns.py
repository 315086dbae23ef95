"""All triggers of the one hyperscan database: the tables, and which of their rows a policy needs."""

from __future__ import annotations

from ringfence.recognize import (
    table_dates,
    table_fields,
    table_names,
    table_national,
    table_numbers,
    table_places,
    table_quasi,
    table_secrets,
)
from ringfence.recognize.policy import DEFAULT, Policy
from ringfence.recognize.trigger import Trigger

__all__ = ["Trigger", "triggers"]


def triggers(policy: Policy = DEFAULT) -> tuple[Trigger, ...]:
    """Every trigger that can find what `policy` wants in its locales, in the order of their hyperscan ids."""
    tables = (
        table_numbers,
        table_dates,
        table_places,
        table_fields,
        table_names,
        table_national,
        table_secrets,
        table_quasi,
    )
    return tuple(trigger for table in tables for trigger in table.triggers() if trigger.serves(policy))
