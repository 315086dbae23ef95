"""``python -m ringfence.confine.attempts``: try every way out from where this runs.

Exit codes: 0 nothing escaped, 1 something did, 2 the command line is wrong, 3 nothing could be tried.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Final

from ringfence.confine.attempts.outcome import DISCARD, METADATA, TEST_NET_4, TEST_NET_6, Given, Outcome
from ringfence.confine.attempts.run import tried
from ringfence.confine.attempts.table import ALL, named

_NOTHING_TRIED: Final = 3


def main() -> int:
    """Try what the command line names, and print what came of it."""
    options = _parser().parse_args()
    if options.list:
        sys.stdout.writelines(f"{attempt.name:24} {attempt.what}\n" for attempt in ALL)
        return 0
    chosen = [named(name) for name in options.only] if options.only else list(ALL)
    outcomes: set[Outcome] = set()
    for attempt, result in tried(chosen, _given(options), at_once=options.at_once):
        outcomes.add(result.outcome)
        line = {"name": attempt.name, "outcome": result.outcome.value, "detail": result.detail}
        text = json.dumps(line) if options.json else f"{result.outcome.value:9} {attempt.name:24} {result.detail}"
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    if Outcome.ESCAPED in outcomes:
        return 1
    return 0 if Outcome.BLOCKED in outcomes else _NOTHING_TRIED


def _given(options: argparse.Namespace) -> Given:
    return Given(
        address4=options.address4 or TEST_NET_4,
        address6=options.address6 or TEST_NET_6,
        port=options.port,
        udp_port=options.udp_port,
        metadata=tuple(options.metadata or [METADATA]),
        name=options.name,
        abstract=options.abstract,
        unix=tuple(options.unix),
        helper=options.helper,
        beside=tuple(options.beside),
        pid=options.pid,
        writable=tuple(options.writable),
        environment=dict(os.environ),  # noqa: TID251 - the start of this process
        is_answered=options.answered,
        wait_s=options.wait_s,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ringfence.confine.attempts", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--json", action="store_true", help="a JSON line for each: name, outcome, detail")
    add("--list", action="store_true", help="print the attempts and try none")
    add("--only", action="append", default=[], choices=[attempt.name for attempt in ALL], metavar="NAME")
    add("--address4", default="", help=f"IPv4 address to be reached ({TEST_NET_4})")
    add("--address6", default="", help=f"IPv6 address to be reached ({TEST_NET_6})")
    add("--port", type=int, default=DISCARD, help=f"TCP port there ({DISCARD})")
    add("--udp-port", type=int, default=DISCARD, help=f"UDP port there ({DISCARD})")
    add("--answered", action="store_true", help="somebody answers there: silence means that nothing arrived")
    add("--wait-s", type=float, default=Given.wait_s, help="seconds to wait for an answer (%(default)s)")
    add("--metadata", action="append", default=[], metavar="ADDRESS", help=f"stands for a cloud's ({METADATA})")
    add("--name", default=Given.name, help="host name that a resolver is asked for (%(default)s)")
    add("--abstract", default="", metavar="NAME", help="abstract unix socket on which somebody listens")
    add("--unix", action="append", default=[], metavar="PATH", help="unix socket on which somebody listens")
    add("--helper", default="", metavar="PATH", help="unix socket on which somebody hands a connected socket over")
    add("--beside", action="append", default=[], metavar="FOLDER", help="where others have their unix sockets")
    add("--pid", type=int, default=1, help="a process outside (%(default)s)")
    add("--writable", action="append", default=[], metavar="FOLDER", help="where this process may write")
    add("--at-once", type=int, default=8, help="attempts at the same time (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
