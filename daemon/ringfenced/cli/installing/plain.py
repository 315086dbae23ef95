"""`ringfence install` where no library for command lines is installed, as in the agent's set.

The same options, and what is done is the same; only it is told in plain lines.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.installing.installation import NEXT, Installation, Row


def main(arguments: Sequence[str]) -> int:
    """Run it.

    Args:
        arguments: what stands behind the program's name.

    Returns:
        The exit code.
    """
    options = _parser().parse_args(arguments)
    try:
        return _install(options)
    except Failure as failure:
        _remark(f"error: {failure.message}", *(f"  {line}" for line in failure.advice))
        return failure.code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ringfence",
        description="This environment has the agent's set alone, and of `ringfence` this one command. Every other one "
        "takes an environment with the daemon's set: pip install 'ringfence[daemon]', or images/install.sh daemon.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    install = commands.add_parser("install", help="units, users, folders and templates for systemd")
    install.add_argument("--root", type=Path, metavar="DIR", help="of this folder instead of this machine")
    install.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    install.add_argument("--json", action="store_true", help="JSON, one object a line")
    install.add_argument("--links", action=argparse.BooleanOptionalAction, help="links in /usr/bin to the programs")
    return parser


def _install(options: argparse.Namespace) -> int:
    planned = Installation(options.root, links=options.links)
    _tell(planned.rows(), as_json=options.json)
    if planned.doubt():
        _remark(planned.doubt())
    if not options.dry_run:
        _remark(*planned.carry_out(), *(NEXT if planned.is_machine else ()))
    return ExitCode.OK


def _tell(rows: Iterable[Row], *, as_json: bool) -> None:
    for deed, what, why in rows:
        line = json.dumps({"do": deed, "what": what, "why": why}) if as_json else f"{deed:7} {what}  {why}".rstrip()
        print(line)


def _remark(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr)
