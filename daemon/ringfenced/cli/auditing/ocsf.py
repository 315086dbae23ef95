"""An entry as an event of the Open Cybersecurity Schema Framework: API Activity, class 6003. Pure.

Version 1.6.0 (https://schema.ocsf.io/1.6.0/classes/api_activity). Required there: activity_id, category_uid, class_uid,
severity_id, time, type_uid, metadata (product, version), actor, api (operation), src_endpoint; the profile
security_control brings action_id and disposition_id. A field that OCSF has no place for stands in `unmapped` under its
own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ringfenced.cli.auditing.facts import PRODUCT, VENDOR, Facts
from ringfenced.cli.auditing.record import Record, sentence, severity
from ringfenced.cli.auditing.times import iso

VERSION: Final = "1.6.0"
CATEGORY_UID: Final = 6
"""Application Activity."""
CLASS_UID: Final = 6003
"""API Activity."""

_ACTIVITIES: Final = {
    "intent": (1, "Create"),
    "outcome": (1, "Create"),
    "refusal": (1, "Create"),
    "lockdown": (3, "Update"),
    "key": (3, "Update"),
}
"""A request to a provider's API creates an answer; an order and a new key change what is there."""
_OTHER: Final = 99

_STATUS: Final = {
    "answered": (1, "Success"),
    "failed": (2, "Failure"),
    "cancelled": (2, "Failure"),
    "unknown": (0, "Unknown"),
}
_ALLOWED: Final = {"action_id": 1, "action": "Allowed", "disposition_id": 1, "disposition": "Allowed"}
_DENIED: Final = {"action_id": 2, "action": "Denied", "disposition_id": 2, "disposition": "Blocked"}
_SEVERITIES: Final = {1: "Informational", 2: "Low", 3: "Medium", 4: "High"}

_MAPPED: Final = frozenset(
    {"kind", "time_unix_ms", "seq", "caller", "department", "provider", "model", "label", "request_id", "reasons"}
)
"""Fields that have a place of their own below."""


def event(record: Record, facts: Facts) -> dict[str, Any]:
    """The event of an entry."""
    activity_id, activity = _ACTIVITIES.get(record.kind, (_OTHER, record.kind))
    level = severity(record)
    return {
        "activity_id": activity_id,
        "activity_name": activity,
        "category_uid": CATEGORY_UID,
        "category_name": "Application Activity",
        "class_uid": CLASS_UID,
        "class_name": "API Activity",
        "type_uid": CLASS_UID * 100 + activity_id,
        "type_name": f"API Activity: {activity if activity_id != _OTHER else 'Other'}",
        "severity_id": int(level),
        "severity": _SEVERITIES[level],
        "time": record.time_unix_ms,
        "message": sentence(record),
        "metadata": _metadata(record, facts),
        "actor": _actor(record),
        "api": _api(record),
        "src_endpoint": {"name": facts.host, "svc_name": PRODUCT},
        **({"dst_endpoint": {"svc_name": record.text("provider")}} if record.text("provider") else {}),
        **({"resources": [_resource(record)]} if record.text("model") else {}),
        **_status(record),
        "unmapped": {name: value for name, value in record.fields.items() if name not in _MAPPED},
    }


def _metadata(record: Record, facts: Facts) -> dict[str, Any]:
    """Which entry of which log."""
    found = {
        "version": VERSION,
        "product": {"name": PRODUCT, "vendor_name": VENDOR, "version": facts.version},
        "log_name": facts.origin,
        "log_provider": PRODUCT,
        "uid": record.leaf,
        "sequence": record.index,
        "event_code": record.kind,
        "original_time": iso(record.time_unix_ms),
    }
    if record.text("request_id"):
        found["correlation_uid"] = record.text("request_id")
    if record.kind in {"intent", "refusal"}:
        found["profiles"] = ["security_control"]
    return found


def _actor(record: Record) -> dict[str, Any]:
    """The caller by its pseudonym, or the agent itself."""
    if not record.text("caller"):
        return {"app_name": PRODUCT}
    user: dict[str, Any] = {"uid": record.text("caller")}
    if record.text("department"):
        user["groups"] = [{"name": record.text("department")}]
    return {"user": user}


def _api(record: Record) -> dict[str, Any]:
    """The call: to a provider, or an order to the agent."""
    found: dict[str, Any] = {"operation": record.kind, "service": {"name": record.text("provider") or PRODUCT}}
    if record.text("request_id"):
        found["request"] = {"uid": record.text("request_id")}
    if record.kind == "outcome" and record.text("outcome") != "answered":
        found["response"] = {"error": ", ".join(record.reasons) or record.text("outcome")}
    return found


def _resource(record: Record) -> dict[str, Any]:
    """The model, and the label of what went to it."""
    labels = [record.level, *record.categories] if record.level else []
    return {"name": record.text("model"), "type": "model", **({"labels": labels} if labels else {})}


def _status(record: Record) -> Mapping[str, Any]:
    """What came of it."""
    match record.kind:
        case "intent":
            return _ALLOWED
        case "refusal":
            return {**_DENIED, "status_id": 2, "status": "Failure", "status_detail": ", ".join(record.reasons)}
        case "outcome":
            number, name = _STATUS.get(record.text("outcome"), (_OTHER, record.text("outcome")))
            detail = {"status_detail": ", ".join(record.reasons)} if record.reasons else {}
            return {"status_id": number, "status": name, **detail}
    return {}
