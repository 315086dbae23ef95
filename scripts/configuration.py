"""Writes docs/configuration.md from the configuration classes; `--check` compares, so that it cannot fall behind."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ringfence_agent.config import Config as AgentConfig
from ringfenced.config import Config as DaemonConfig

PAGE = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"

INTRODUCTION = """\
# Configuration

Made by `make docs` from the configuration classes; do not edit. Each process reads one TOML file, once. Unknown keys
are refused, and `--check-config` says file, line and what to write instead. Relative paths start at the file's folder.
"""


def main() -> int:
    """Write the page, or compare it; 1 if it is behind."""
    page = INTRODUCTION + "".join(
        f"\n## {title}\n\n{intro}\n" + "".join(_tables(model))
        for title, intro, model in (
            ("ringfenced", "`ringfenced --config FILE`, `systemd/ringfenced.toml` is one.", DaemonConfig),
            (
                "ringfence-agent",
                "`ringfence-agent --config FILE`, `systemd/ringfence-agent.toml` is one.",
                AgentConfig,
            ),
        )
    )
    if "--check" in sys.argv:
        behind = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page
        if behind:
            print("docs/configuration.md is behind the code: run `make docs`", file=sys.stderr)
        return int(behind)
    PAGE.write_text(page, encoding="utf-8")
    return 0


def _tables(model: type[BaseModel], place: str = "") -> list[str]:
    """A table for `model` and one for each table inside it."""
    rows = ["| key | default | what it is |", "|---|---|---|"]
    inner: list[tuple[str, type[BaseModel]]] = []
    for name, field in model.model_fields.items():
        nested = _model(field.annotation)
        text = " ".join((field.description or "").split()).replace("|", "\\|")
        rows.append(f"| `{name}` | {_default(field)} | {text} |")
        if nested is not None:
            inner.append((f"{place}.{name}".lstrip("."), nested))
    heading = f"\n### `[{place}]`\n\n" if place else "\n"
    tables = [heading + "\n".join(rows) + "\n"]
    for name, nested in inner:
        tables.extend(_tables(nested, name))
    return tables


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "see below"
    if value is None or value in ("", ()):
        return "none"
    if isinstance(value, frozenset):
        return ", ".join(f"`{item}`" for item in sorted(value)) or "none"
    return f"`{getattr(value, 'name', value)}`"


def _model(annotation: Any) -> type[BaseModel] | None:
    """The model inside ``Model``, ``tuple[Model, ...]`` or ``Model | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        if (found := _model(argument)) is not None:
            return found
    return None


if __name__ == "__main__":
    sys.exit(main())
