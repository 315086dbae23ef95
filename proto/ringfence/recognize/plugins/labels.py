"""From the labels of others to our entity types."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ringfence.recognize.entities import ENTITIES
from ringfence.recognize.plugins.errors import PluginUnavailable

USUAL: Mapping[str, str] = MappingProxyType(
    {
        "PER": "PERSON",
        "PERSON": "PERSON",
        "LOC": "PLACE",
        "GPE": "PLACE",
        "FAC": "PLACE",
        "LOCATION": "PLACE",
        "ADDRESS": "ADDRESS",
        "ORG": "ORGANISATION",
        "ORGANIZATION": "ORGANISATION",
        "ORGANISATION": "ORGANISATION",
        "DATE": "DATE",
        "PHONE": "PHONE",
        "EMAIL": "EMAIL",
        "ID": "ID",
        "USERNAME": "USERNAME",
    }
)
"""Labels of CoNLL-2003 (PER, LOC, ORG), of OntoNotes 5 (GPE, FAC, DATE) and plain words; in capitals."""

ASKED = ("person", "location", "organization", "date", "address", "phone", "email", "username", "id")
"""What a model is asked for that takes its labels in words, where its settings name none."""


def label_map(labels: Mapping[str, str], name: str) -> Mapping[str, str]:
    """`labels` with keys in capitals, or `USUAL` where there are none.

    Raises:
        PluginUnavailable: one of them leads to no type of ours.
    """
    if not labels:
        return USUAL
    if unknown := sorted(set(labels.values()) - ENTITIES.keys()):
        raise PluginUnavailable(f"plug-in {name}: labels: {', '.join(unknown)}: write one of {', '.join(ENTITIES)}")
    return MappingProxyType({label.upper(): entity_type for label, entity_type in labels.items()})
