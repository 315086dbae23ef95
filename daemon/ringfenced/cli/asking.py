"""The options with which `generate` and `plan` describe a request, read once for both."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ringfence.client import generate_request
from ringfence.labels import Category
from ringfence.v1 import types_pb2 as types
from ringfence.v1.inference_pb2 import GenerateRequest
from ringfenced.cli.exits import ExitCode, Failure

MICROCREDITS: Final = 1_000_000
"""Millionths in a credit."""


class LevelName(StrEnum):
    """Levels as typed on the command line, in their order."""

    PUBLIC = "PUBLIC"
    INTERNAL = "INTERNAL"
    CONFIDENTIAL = "CONFIDENTIAL"
    RESTRICTED = "RESTRICTED"


_WHAT: Final = "What is asked"
_LABEL: Final = "Label and permission"
_HOW: Final = "How it is answered"


def build_request(
    prompt: Annotated[
        str | None, typer.Argument(help="The question; - or nothing for standard input.", show_default=False)
    ] = None,
    *,
    file: Annotated[
        Path | None, typer.Option("-f", "--file", help="Take the prompt from this file.", rich_help_panel=_WHAT)
    ] = None,
    schema: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON Schema of the answer.", rich_help_panel=_WHAT)
    ] = None,
    task: Annotated[str, typer.Option(help="Name of this kind of work.", rich_help_panel=_WHAT)] = "",
    label: Annotated[
        LevelName | None,
        typer.Option(help="How sensitive it is; can raise, never lower.", case_sensitive=False, rich_help_panel=_LABEL),
    ] = None,
    category: Annotated[
        list[Category] | None,
        typer.Option(help="What kind of sensitive; repeatable.", case_sensitive=False, rich_help_panel=_LABEL),
    ] = None,
    source: Annotated[
        str, typer.Option(help="The upstream system that the content comes from.", rich_help_panel=_LABEL)
    ] = "",
    allow_deidentified: Annotated[
        bool,
        typer.Option("--allow-deidentified", help="It may leave once de-identified.", rich_help_panel=_LABEL),
    ] = False,
    local_only: Annotated[
        bool, typer.Option("--local-only", help="Nothing may leave, whatever the label.", rich_help_panel=_LABEL)
    ] = False,
    provider: Annotated[
        list[str] | None, typer.Option(help="Only these providers; repeatable.", rich_help_panel=_LABEL)
    ] = None,
    region: Annotated[
        list[str] | None, typer.Option(help="Only these regions, e.g. eu; repeatable.", rich_help_panel=_LABEL)
    ] = None,
    ceiling: Annotated[
        str | None, typer.Option(metavar="CREDITS", help="It may cost at most this, e.g. 0.05.", rich_help_panel=_LABEL)
    ] = None,
    ladder: Annotated[
        int, typer.Option(min=0, max=16, help="How many rungs may be tried; 0 means 1.", rich_help_panel=_LABEL)
    ] = 0,
    model: Annotated[str, typer.Option(help="A model of the site; else decided.", rich_help_panel=_HOW)] = "",
    quality: Annotated[float, typer.Option(min=0, max=1, help="Least expected quality.", rich_help_panel=_HOW)] = 0.0,
    evaluator: Annotated[
        list[str] | None, typer.Option(help="Who judges the answer; repeatable.", rich_help_panel=_HOW)
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="Longest answer.", show_default=False, rich_help_panel=_HOW)
    ] = None,
    temperature: Annotated[float | None, typer.Option(min=0, help="0 is greedy.", rich_help_panel=_HOW)] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the sampling.", rich_help_panel=_HOW)] = None,
    stop: Annotated[
        list[str] | None, typer.Option(help="End before this text; repeatable.", rich_help_panel=_HOW)
    ] = None,
    deadline: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0.001, max=4_000_000, help="For the whole request.", rich_help_panel=_HOW),
    ] = None,
) -> GenerateRequest:
    """Build the request from what was typed.

    Raises:
        Failure: a file cannot be read, is no UTF-8, or an amount is none; nothing was sent.
    """
    request = generate_request(
        read_prompt(prompt, file),
        model=model,
        task=task,
        quality_min=quality,
        evaluators=evaluator or (),
        json_schema=read_text(schema) if schema else "",
        deadline_s=deadline,
        source=source,
        sampling=types.Sampling(temperature=temperature, seed=seed, tokens_max=max_tokens, stop=stop or ()),
        permission=types.Permission(
            deidentified_egress=allow_deidentified,
            providers=provider or (),
            regions=region or (),
            cost_microcredits_max=microcredits(ceiling) if ceiling else None,
            ladder_length_max=ladder,
            local_only=local_only,
        ),
    )
    if label or category:
        request.label.level = types.Level.Value(f"LEVEL_{label}" if label else "LEVEL_UNSPECIFIED")
        request.label.categories.extend(types.Category.Value(f"CATEGORY_{each}") for each in category or ())
    return request


def asking(run: Callable[..., None]) -> Callable[..., None]:
    """Turn ``run(context, request, **rest)`` into a command that takes every option of `build_request`, then `rest`."""
    asked = inspect.signature(build_request, eval_str=True).parameters
    context, _, *rest = inspect.signature(run, eval_str=True).parameters.values()

    def command(ctx: typer.Context, **given: Any) -> None:
        request = build_request(**{name: given.pop(name) for name in asked})
        run(ctx, request, **given)

    command.__name__, command.__doc__ = run.__name__, run.__doc__
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined] # what inspect reads, typer's source
        [context.replace(name="ctx"), *asked.values(), *rest]
    )
    return command


def read_prompt(argument: str | None, file: Path | None) -> str:
    """The prompt: from the argument, the file or standard input.

    Raises:
        Failure: said twice, not at all, empty, or unreadable.
    """
    if argument not in {None, "-"} and file is not None:
        raise Failure("the prompt is given twice: as an argument and with --file", code=ExitCode.USAGE)
    if file is not None:
        text = read_text(file)
    elif argument not in {None, "-"}:
        text = str(argument)
    elif sys.stdin.isatty() and argument is None:
        raise Failure("no prompt", code=ExitCode.USAGE, advice=("give it as an argument, with -f FILE, or on stdin",))
    else:
        text = decode(sys.stdin.buffer.read(), "standard input")
    if not text.strip():
        raise Failure("the prompt is empty", code=ExitCode.USAGE)
    return text


def read_text(path: Path) -> str:
    """A file's text.

    Raises:
        Failure: it cannot be read or is no UTF-8.
    """
    try:
        return decode(path.read_bytes(), str(path))
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}", code=ExitCode.USAGE) from error


def decode(data: bytes, source: str) -> str:
    """UTF-8, strictly.

    Raises:
        Failure: it is not; from None, because the original exception holds the content.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Failure(
            f"{source} is no UTF-8 text: byte {error.start} cannot be read",
            code=ExitCode.USAGE,
            advice=("convert it first, for example with iconv -f LATIN1 -t UTF-8",),
        ) from None


def microcredits(credits_text: str) -> int:
    """Credits as typed, in whole millionths.

    Raises:
        Failure: no number, negative, or finer than a millionth.
    """
    try:
        amount = Decimal(credits_text) * MICROCREDITS
    except ArithmeticError:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0 or amount != amount.to_integral_value() or amount >= 2**63:
        raise Failure(
            "--ceiling takes credits: a number of 0 or more with at most six decimals, for example 0.05",
            code=ExitCode.USAGE,
        )
    return int(amount)
