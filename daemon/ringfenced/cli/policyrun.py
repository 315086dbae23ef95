"""What `ringfence policy` does: examples through a site's recognisers, keys and hashed dictionaries."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field

from ringfence import configfile
from ringfence.configfile import Section
from ringfence.recognize.custom import CustomError, Dictionary
from ringfence.recognize.custom.hashed import KEY_BYTES_MIN, build, read_key
from ringfence.recognize.custom.terms import read_terms
from ringfence.recognize.plugins import PluginUnavailable
from ringfence.recognize.policy import Policy
from ringfence.recognize.recogniser import Scan
from ringfence.recognize.settings import Classification
from ringfence.recognize.site import load_site
from ringfenced.cli.examples import read_examples
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output
from ringfenced.cli.policytest import Tried, try_example


class _File(Section):
    """The part of the daemon's or the agent's file that says what is found."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    classification: Classification = Field(default_factory=Classification)
    """What is looked for in every request, and what it means."""


def run_examples(examples: Path, config: Path, output: Output, *, show: bool) -> bool:
    """Try every example of a file and say what came of it; whether all came out as they say.

    Raises:
        Failure: a file cannot be used.
    """
    placed = read_examples(examples)
    policy, scan = _recogniser(config)
    tried = [try_example(one, scan, policy) for one in placed]
    if output.as_json:
        for one in tried:
            output.json(_object(one, show=show))
    else:
        _show(output, tried, show=show)
    return not any(one.problems for one in tried)


def _recogniser(config: Path) -> tuple[Policy, Scan]:
    """The policy and the scan that `config` describes; compiled here, so that the daemon's cache stays its own."""
    try:
        section = configfile.load(config, _File).classification
        recogniser = load_site(None, section.policy(), section.custom(), section.others())
    except (configfile.ConfigError, CustomError, PluginUnavailable) as error:
        raise _failure(error) from None
    return recogniser.policy, recogniser.scan


def _object(tried: Tried, *, show: bool) -> dict[str, Any]:
    """For programs."""
    text = tried.placed.example.text
    return {
        "line": tried.placed.line,
        "name": tried.placed.example.name,
        "ok": not tried.problems,
        "label": {"level": tried.label.level.name, "categories": sorted(tried.label.categories)},
        "problems": [
            {"what": one.what}
            | ({"start": one.start, "end": one.end} if one.start >= 0 else {})
            | ({"text": text[one.start : one.end]} if show and one.start >= 0 else {})
            for one in tried.problems
        ],
        "findings": [
            {"type": one.entity_type, "start": one.start, "end": one.end, "recogniser": one.recogniser}
            | ({"text": text[one.start : one.end]} if show else {})
            for one in tried.findings
        ],
    }


def _show(output: Output, tried: list[Tried], *, show: bool) -> None:
    """For people: a row for each example that passed, and for each problem of one that did not."""
    rows: list[tuple[str, ...]] = []
    for one in tried:
        label = str(one.label)
        if not one.problems:
            rows.append(("ok", one.placed.title, label, "", "", ""))
        for problem in one.problems:
            place = f"{problem.start}..{problem.end}" if problem.start >= 0 else ""
            piece = one.placed.example.text[problem.start : problem.end] if show and problem.start >= 0 else ""
            rows.append(("FAILED", one.placed.title, label, problem.what, place, piece))
    columns = ("", "example", "label", "what", "characters", "text")
    width = len(columns) - (not show)
    output.table("", columns[:width], [row[:width] for row in rows])
    failed = sum(bool(one.problems) for one in tried)
    output.line(f"{len(tried) - failed} of {len(tried)} examples came out as they say")


def make_key(path: Path) -> None:
    """Write a new site key to `path`.

    Raises:
        Failure: it is there already, or cannot be written.
    """
    _write(path, secrets.token_bytes(KEY_BYTES_MIN), os.O_EXCL)


def make_hashed(terms: Path, hashed: Path, key: Path, *, column: str, person_variants: bool) -> int:
    """Write the hashed dictionary of a list; its size in bytes.

    Raises:
        Failure: the list or the key is wrong, or the file cannot be written.
    """
    try:
        listed = Dictionary("list", terms, column=column, person_variants=person_variants)
        blob = build(read_terms(listed), read_key(key), person_variants=person_variants)
    except CustomError as error:
        raise _failure(error) from None
    _write(hashed, blob, os.O_TRUNC)
    return len(blob)


def _failure(error: Exception) -> Failure:
    """An error of several lines as the command line tells it."""
    first, *rest = str(error).splitlines()
    return Failure(first, code=ExitCode.USAGE, advice=tuple(rest))


def _write(path: Path, content: bytes, how: int) -> None:
    """Write a private file; links are not followed.

    Raises:
        Failure: it cannot be written, or is there already and must not be.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | how
    try:
        descriptor = os.open(path, flags, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(descriptor, 0o600)
            stream.write(content)
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}", code=ExitCode.USAGE) from None
