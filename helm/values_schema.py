"""Prints the chart's values.schema.json.

That is values.schema.in.json, and in it the settings of the two TOML files as daemon and agent themselves define and
describe them:

    .venv/bin/python helm/values_schema.py > helm/ringfence/values.schema.json

What is shipped in values.yaml must be there: who takes a value away by a null is told so. A test compares the two, so
that the chart never offers a setting that a process does not know.
"""  # noqa: INP001 - a script

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from ringfence.labels import Level
from ringfence_agent import config as agent
from ringfenced import config as daemon

TEMPLATE = Path(__file__).with_name("values.schema.in.json")
SHIPPED = Path(__file__).parent / "ringfence/values.yaml"

FILLED_IN = {
    "daemonConfig": (("state",), ("runtime",), ("listen",), ("agent",), ("$defs", "Telemetry", "metrics_listen")),
    "agentConfig": (
        ("listen",),
        ("cache_directory",),
        ("policy",),
        ("$defs", "Daemon", "permit_keys"),
        ("$defs", "LockdownConfig", "operators"),
        ("$defs", "Log", "directory"),
        ("$defs", "Log", "signing_key"),
        ("$defs", "Log", "salt_key"),
        ("$defs", "ProviderConfig", "authority"),
        ("$defs", "ProviderConfig", "api_key_file"),
        ("$defs", "ProviderConfig", "api_key_credential"),
        ("$defs", "ProviderConfig", "api_key_pkcs11"),
    ),
}
"""Settings that the chart's templates give, because they are paths and addresses of its own making."""

GIVEN_ELSEWHERE = {"daemonConfig": (), "agentConfig": (("daemon",), ("$defs", "Daemon", "identities"))}
"""Settings that may be left out, because the chart makes them from other values; values.schema.in.json says when."""


def values_schema() -> dict[str, Any]:
    """The whole schema."""
    schema: dict[str, Any] = json.loads(TEMPLATE.read_text())
    schema["$defs"] |= {"daemonConfig": settings("daemonConfig", daemon.Config)}
    schema["$defs"] |= {"agentConfig": settings("agentConfig", agent.Config)}
    _demand(schema, schema, yaml.safe_load(SHIPPED.read_text()))
    return schema


def settings(name: str, model: type[BaseModel]) -> dict[str, Any]:
    """The schema of one file, to stand under `name`, without what the chart fills in."""
    schema = model.model_json_schema(ref_template=f"#/$defs/{name}/$defs/{{model}}")
    for *table, key in FILLED_IN[name]:
        _drop(_inner(schema, table), key)
    for *table, key in GIVEN_ELSEWHERE[name]:
        _inner(schema, table)["required"].remove(key)
    # People write a level by its name; pydantic sees the number that it becomes.
    schema["$defs"]["Level"] = {"enum": list(Level.__members__)}
    used = json.dumps(schema)
    schema["$defs"] = {one: inner for one, inner in schema["$defs"].items() if f'/$defs/{one}"' in used}
    plain: dict[str, Any] = _plain(schema)
    return plain


def _demand(schema: dict[str, Any], table: dict[str, Any], shipped: dict[str, Any]) -> None:
    """Demand of `table` all that is shipped: Helm merges before it checks, so that only a null can take it away."""
    if "$ref" in table:
        name = table["$ref"].removeprefix("#/$defs/")
        if name not in {"image", "nodes"}:
            return
        table = schema["$defs"][name]
    if "properties" not in table:
        return
    table["required"] = list(shipped)
    for key, value in shipped.items():
        if isinstance(value, dict):
            _demand(schema, table["properties"][key], value)


def _inner(schema: dict[str, Any], path: list[str]) -> dict[str, Any]:
    inner: Any = schema
    for step in path:
        inner = inner[step]
    assert isinstance(inner, dict)
    return inner


def _drop(table: dict[str, Any], key: str) -> None:
    table["properties"].pop(key)
    table["required"] = [name for name in table.get("required", ()) if name != key]


def _plain(schema: Any) -> Any:
    """Without titles, which repeat names, and defaults, which are the process's to choose."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _plain(inner) for name, inner in value.items()} if key == "properties" else _plain(value)
        for key, value in schema.items()
        if key not in {"title", "default"}
    }


if __name__ == "__main__":
    json.dump(values_schema(), sys.stdout, indent=2)
    sys.stdout.write("\n")
