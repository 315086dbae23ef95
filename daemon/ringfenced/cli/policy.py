"""`ringfence policy`: try a site's own recognisers, and make hashed dictionaries. Needs no daemon."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ConfigDict, Field

from ringfence import configfile
from ringfence.configfile import Section
from ringfence.recognize.custom import CustomError, Dictionary
from ringfence.recognize.custom.hashed import KEY_BYTES_MIN, build, read_key
from ringfence.recognize.custom.terms import read_terms
from ringfence.recognize.settings import Classification
from ringfence.recognize.site import load_site
from ringfenced.cli.examples import read_examples
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output, json_option
from ringfenced.cli.policytest import Tried, try_example

policy = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


class _File(Section):
    """The part of the daemon's or the agent's file that says what is found."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    classification: Classification = Field(default_factory=Classification)
    """What is looked for in every request, and what it means."""


@policy.callback()
def policy_group() -> None:
    """Try a site's own recognisers on its examples; make hashed dictionaries."""


@policy.command("test")
def run_examples(
    examples: Annotated[Path, typer.Argument(metavar="FILE", help="Labelled examples: TOML, or JSON lines (.jsonl).")],
    *,
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="The daemon's or the agent's file.")],
    show: Annotated[bool, typer.Option("--show", help="Print the pieces of text in question too.")] = False,
    as_json: json_option = False,
) -> None:
    """Run labelled examples through the recognisers that a configuration describes.

    Prints types and positions, and text only with --show. Exit code 1 when an example does not come out as it says.

    Example: `ringfence policy test examples.toml --config /etc/ringfence/ringfenced.toml`
    """
    placed = read_examples(examples)
    table, scan = _recogniser(config)
    tried = [try_example(one, scan, table) for one in placed]
    output = Output.of(as_json=as_json)
    if as_json:
        for one in tried:
            output.json(_object(one, show=show))
    else:
        _show(output, tried, show=show)
    if any(one.problems for one in tried):
        raise typer.Exit(ExitCode.FAILED)


def _recogniser(config: Path) -> tuple[Any, Any]:
    """The policy and the scan that `config` describes; compiled here, so that the daemon's cache stays its own."""
    try:
        section = configfile.load(config, _File).classification
        recogniser = load_site(None, section.policy(), section.custom())
    except (configfile.ConfigError, CustomError) as error:
        first, *rest = str(error).splitlines()
        raise Failure(first, code=ExitCode.USAGE, advice=tuple(rest)) from None
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


@policy.command("key")
def make_key(path: Annotated[Path, typer.Argument(metavar="FILE", help="Where to put it; must not exist.")]) -> None:
    """Make a site key for hashed dictionaries: 32 random bytes, mode 0600.

    Keep it apart from the hashed files: who has both can try names.

    Example: `ringfence policy key /etc/ringfence/lists.key`
    """
    _write(path, secrets.token_bytes(KEY_BYTES_MIN), os.O_EXCL)
    Output.of(as_json=False).remark(f"{path} written, mode 0600")


@policy.command("hash")
def make_hashed(
    terms: Annotated[Path, typer.Argument(metavar="LIST", help="Terms, one a line, or CSV with a header.")],
    hashed: Annotated[Path, typer.Argument(metavar="OUT", help="The hashed file to write, mode 0600.")],
    *,
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="The site key; see `ringfence policy key`.")],
    column: Annotated[str, typer.Option(help="The CSV column that holds the terms.")] = "",
    person_variants: Annotated[
        bool, typer.Option("--person-variants", help="Terms are names, given name first: find other orders, initials.")
    ] = False,
) -> None:
    """Make a hashed dictionary of a plain list, so that the list itself need not lie on the node.

    Example: `ringfence policy hash staff.csv staff.hashed --key lists.key --column name --person-variants`
    """
    try:
        listed = Dictionary("list", terms, column=column, person_variants=person_variants)
        blob = build(read_terms(listed), read_key(key), person_variants=person_variants)
    except CustomError as error:
        first, *rest = str(error).splitlines()
        raise Failure(first, code=ExitCode.USAGE, advice=tuple(rest)) from None
    _write(hashed, blob, os.O_TRUNC)
    Output.of(as_json=False).remark(f"{hashed} written, mode 0600, {len(blob):,} bytes")


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
