"""A site's policy cases, as a table: read, decided as the daemon decides, shown.

TOML with ``[[case]]`` tables, or CSV with the same names as columns; lists in CSV are parted by blanks. A case is about
a request:

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

or, with `act`, about what somebody does with the daemon:

    name, who     as above
    act           "feedback", "rotate_key", …: an action of policies for people
    expect        "allowed" or "refused"
    by            "role", "policy" or the policy that must have decided
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from ringfence.configfile import ConfigError
from ringfence.labels import Category, Label, Level
from ringfence.recognize.settings_types import near
from ringfenced import policyfile
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output
from ringfenced.cli.policyrows import caller_of, failure, rows_of
from ringfenced.config import Config, Levels, read
from ringfenced.model import Offer
from ringfenced.policy import Act, Rulebook
from ringfenced.policy.acting import ActCase, ActTried, try_act
from ringfenced.policy.cases import SITE, Case, Tried, try_case

_LISTS: Final = ("categories", "findings")


class _Written(BaseModel):
    """What every case says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    who: str
    expect: Literal["allowed", "refused"]
    by: str = ""


class WrittenAct(_Written):
    """A case about what somebody does, as it is written."""

    act: str


class Written(_Written):
    """A case about a request, as it is written."""

    label: Levels
    categories: frozenset[Category] = frozenset()
    findings: frozenset[str] = frozenset()
    to: str
    deidentified: bool = False
    sent: Levels | None = None
    task: str = ""
    source: str = ""
    embeds: bool = False

    @field_validator(*_LISTS, mode="before")
    @classmethod
    def _parted(cls, value: Any) -> Any:
        return value.split() if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class _Site:
    """What cases are held to."""

    config: Config
    book: Rulebook
    targets: tuple[Offer, ...]

    def case(self, line: int, values: dict[str, Any]) -> Case | ActCase:
        """A case as a value.

        Raises:
            ValueError: it says what it must not, or names what is not there.
        """
        if "act" in values:
            return self._act(line, WrittenAct.model_validate(values))
        return self._request(line, Written.model_validate(values))

    def tried(self, case: Case | ActCase) -> Tried | ActTried:
        """What comes of a case."""
        if isinstance(case, ActCase):
            return try_act(case, self.book.people)
        return try_case(case, self.book, self.targets)

    def _act(self, line: int, written: WrittenAct) -> ActCase:
        acts = list(map(str, Act))
        if written.act not in acts:
            raise ValueError(f"act: there is no such action; write {near(written.act, acts)}")
        caller, is_allowed = caller_of(written.who, self.config), written.expect == "allowed"
        return ActCase(written.name or f"line {line}", caller, Act(written.act), is_allowed, written.by)

    def _request(self, line: int, written: Written) -> Case:
        names = {name for one in self.targets for name in (str(one.target), one.target.provider)} - {""} | {SITE}
        if written.to not in names:
            raise ValueError(f"to: there is no such target; write {near(written.to, sorted(names))}")
        return Case(
            name=written.name or f"line {line}",
            caller=caller_of(written.who, self.config),
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
    site = _Site(config, book, policyfile.targets(config))
    cases = [_case(site, path, line, values) for line, values in rows_of(path)]
    if not cases:
        raise Failure(f"{path}: holds no case; write [[case]] tables, or rows of CSV", code=ExitCode.USAGE)
    tried = [site.tried(case) for case in cases]
    if output.as_json:
        for one in tried:
            output.json(_object(one))
    else:
        _show(output, tried)
    return not any(one.problem for one in tried)


def _case(site: _Site, path: Path, line: int, values: dict[str, Any]) -> Case | ActCase:
    """A case as a value; what it names must be there."""
    try:
        return site.case(line, values)
    except ValidationError as error:
        one = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in one["loc"])
        told = "is unknown here; remove it" if one["type"] == "extra_forbidden" else one["msg"]
        raise Failure(f"{path}:{line}: {where}: {told}", code=ExitCode.USAGE) from None
    except ValueError as error:
        raise Failure(f"{path}:{line}: {error}", code=ExitCode.USAGE) from None


def _object(tried: Tried | ActTried) -> dict[str, Any]:
    """For programs."""
    case = tried.case
    return {
        "name": case.name,
        "ok": not tried.problem,
        "who": case.caller.identity,
        **({"act": str(case.act)} if isinstance(case, ActCase) else {"to": case.to}),
        "allowed": tried.allowed,
        "rule": tried.rule,
        "policies": list(tried.policies),
        "problem": tried.problem,
    }


def _show(output: Output, tried: list[Tried | ActTried]) -> None:
    """For people: a row a case."""
    columns = ("", "case", "who", "label", "to, or act", "", "by", "what is wrong")
    output.table("", columns, [_row(one) for one in tried])
    failed = sum(bool(one.problem) for one in tried)
    output.line(f"{len(tried) - failed} of {len(tried)} cases came out as they say")


def _row(tried: Tried | ActTried) -> tuple[str, ...]:
    case = tried.case
    return (
        "FAILED" if tried.problem else "ok",
        case.name,
        case.caller.identity.rpartition("/")[2],
        *(("", str(case.act)) if isinstance(case, ActCase) else (str(case.label), case.to)),
        "allowed" if tried.allowed else "refused",
        ", ".join(tried.policies) or tried.rule,
        tried.problem,
    )
