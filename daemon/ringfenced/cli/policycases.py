"""A site's policy cases, as a table: read, decided as the daemon decides, shown.

TOML with ``[[case]]`` tables, or CSV with the same names as columns; lists in CSV are parted by blanks:

    name          for the report; the line where there is none
    who           identity of a [[callers]], or its last part where that is no other's: "ward-app"
    label         PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED, with its findings
    categories    of the label: PHI, PII, PCI, FINANCIAL, SECRET, CUSTOM
    findings      types that were found in it: MRN, PERSON
    to            "site", a provider, or a target as decisions print it: "cloud/large", "local:small"
    deidentified  true: the caller lets de-identified content leave
    sent          the level that de-identification leaves, where that is not what the caller asserts by default
    task, source  as in the request
    embeds        true: texts to embed
    expect        "allowed" or "refused"
    by            the rule or the policy that must have decided
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ringfence.configfile import ConfigError
from ringfence.labels import Category, Label, Level
from ringfence.recognize.settings_types import near
from ringfenced import policyfile
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output
from ringfenced.config import Config, Levels, read
from ringfenced.model import Caller
from ringfenced.policy.cases import SITE, Case, Tried, try_case

_HEADER: Final = re.compile(r"^\s*\[\[\s*case\s*\]\]", re.MULTILINE)
_TOML_LINE: Final = re.compile(r"line (\d+)")
_LISTS: Final = ("categories", "findings")


class Written(BaseModel):
    """A case as it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    who: str
    label: Levels
    categories: frozenset[Category] = frozenset()
    findings: frozenset[str] = frozenset()
    to: str
    deidentified: bool = False
    sent: Levels | None = None
    task: str = ""
    source: str = ""
    embeds: bool = False
    expect: Literal["allowed", "refused"]
    by: str = Field(default="")

    @field_validator(*_LISTS, mode="before")
    @classmethod
    def _parted(cls, value: Any) -> Any:
        return value.split() if isinstance(value, str) else value


def are_cases(path: Path) -> bool:
    """Whether a file holds cases, rather than examples for recognisers."""
    if path.suffix == ".csv":
        return True
    try:
        return path.suffix == ".toml" and bool(_HEADER.search(path.read_text("utf-8", errors="replace")))
    except OSError:
        return False


def run_cases(path: Path, config_path: Path, output: Output) -> bool:
    """Decide every case of a file and say what came of it; whether all came out as they say.

    Raises:
        Failure: a file cannot be used.
    """
    try:
        config = read(config_path)
        book = policyfile.load_unapproved(config, None)
    except ConfigError as error:
        raise failure(error) from None
    targets = policyfile.targets(config)
    names = {str(offer.target) for offer in targets} | {offer.target.provider for offer in targets} - {""} | {SITE}
    cases = [_case(path, line, values, config, names) for line, values in _rows(path)]
    if not cases:
        raise Failure(f"{path}: holds no case; write [[case]] tables, or rows of CSV", code=ExitCode.USAGE)
    tried = [try_case(case, book, targets) for case in cases]
    if output.as_json:
        for one in tried:
            output.json(_object(one))
    else:
        _show(output, tried)
    return not any(one.problem for one in tried)


def failure(error: Exception) -> Failure:
    """An error of several lines as the command line tells it."""
    first, *rest = str(error).splitlines()
    return Failure(first, code=ExitCode.USAGE, advice=tuple(rest))


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each case's line and what stands there."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{path}: cannot be read: {error}", code=ExitCode.USAGE) from None
    if path.suffix == ".csv":
        reader = csv.DictReader(io.StringIO(text), restkey="", skipinitialspace=True)
        for row in reader:
            yield reader.line_num, {key: value for key, value in row.items() if value}
        return
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _TOML_LINE.search(str(error))
        raise Failure(f"{path}:{line.group(1) if line else 1}: is no TOML", code=ExitCode.USAGE) from None
    if set(document) - {"case"}:
        raise Failure(f"{path}:1: must hold [[case]] tables and nothing else", code=ExitCode.USAGE)
    starts = [text.count("\n", 0, header.end()) + 1 for header in _HEADER.finditer(text)]
    yield from zip(starts, document.get("case", []), strict=False)


def _case(path: Path, line: int, values: dict[str, Any], config: Config, names: set[str]) -> Case:
    """A case as a value; what it names must be there."""
    try:
        written = Written.model_validate(values)
        _demand_target(written.to, names)
        caller = _caller(written.who, config)
    except ValidationError as error:
        one = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in one["loc"])
        told = "is unknown; remove it" if one["type"] == "extra_forbidden" else one["msg"]
        raise Failure(f"{path}:{line}: {where}: {told}", code=ExitCode.USAGE) from None
    except ValueError as error:
        raise Failure(f"{path}:{line}: {error}", code=ExitCode.USAGE) from None
    return Case(
        name=written.name or f"line {line}",
        caller=caller,
        label=Label(Level(written.label), written.categories),
        to=written.to,
        allowed=written.expect == "allowed",
        rule=written.by,
        sent=None if written.sent is None else Label(written.sent),
        findings=written.findings,
        deidentified=written.deidentified,
        task=written.task,
        source=written.source,
        embeds=written.embeds,
    )


def _demand_target(to: str, names: set[str]) -> None:
    if to not in names:
        raise ValueError(f"to: there is no such target; write {near(to, sorted(names))}")


def _caller(who: str, config: Config) -> Caller:
    callers = config.callers_by_identity()
    if who in callers:
        return callers[who]
    found = [identity for identity in callers if identity.rpartition("/")[2] == who]
    if len(found) != 1:
        short = [identity.rpartition("/")[2] for identity in callers] if not found else []
        what = "several callers end in that" if found else "there is no such caller"
        raise ValueError(f"who: {what}; write {near(who, sorted({*found, *short}))}")
    return callers[found[0]]


def _object(tried: Tried) -> dict[str, Any]:
    """For programs."""
    return {
        "name": tried.case.name,
        "ok": not tried.problem,
        "who": tried.case.caller.identity,
        "to": tried.case.to,
        "allowed": tried.allowed,
        "rule": tried.rule,
        "policies": list(tried.policies),
        "problem": tried.problem,
    }


def _show(output: Output, tried: list[Tried]) -> None:
    """For people: a row a case."""
    columns = ("", "case", "who", "label", "to", "", "by", "what is wrong")
    rows = [
        (
            "FAILED" if one.problem else "ok",
            one.case.name,
            one.case.caller.identity.rpartition("/")[2],
            str(one.case.label),
            one.case.to,
            "allowed" if one.allowed else "refused",
            ", ".join(one.policies) or one.rule,
            one.problem,
        )
        for one in tried
    ]
    output.table("", columns, rows)
    failed = sum(bool(one.problem) for one in tried)
    output.line(f"{len(tried) - failed} of {len(tried)} cases came out as they say")
