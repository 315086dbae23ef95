"""One of our processes, which attacks at the moment at which it would serve.

``python inside.py daemon|agent RESULTS CONFIG ARGUMENT ...`` runs the program itself, with its own configuration; it
confines itself as it always does, and in place of serving it tries every way out. An engine is started by the daemon's
supervisor: `ENGINE` takes the place of its program, and what to do stands in `ORDERS`. RESULTS is opened before
anything is confined, for it may not be possible afterwards.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

ORDERS = "/etc/ringfence/attack.json"
"""``{"results": FILE, "words": [ARGUMENT, ...]}``."""

ENGINE = """
import sys

sys.path.append("/usr/lib/ringfence/tests/containment")

import inside

inside.engine()
"""
"""Stands where an engine's program stood, which is `worker_itself` now."""


def attacking(results: Path, words: list[str]) -> Callable[..., NoReturn]:
    """What is called in place of serving, whatever it is given: it tries everything, says what came of it, and ends."""
    said = results.open("w")

    def attack(*_served: object) -> NoReturn:
        from ringfence.confine.attempts.__main__ import main  # noqa: PLC0415 - as late as it is needed

        sys.argv = ["attempts", *words]
        with contextlib.redirect_stdout(said):
            main()
        said.write("done\n")
        said.close()
        os._exit(0)

    return attack


def daemon_or_agent(role: str, results: Path, config: str, words: list[str]) -> None:
    """Run its main, which hands over to its loop once it may serve."""
    attack = attacking(results, words)
    if role == "daemon":
        from ringfenced import __main__ as program  # noqa: PLC0415 - one of the two
    else:
        from ringfence_agent import __main__ as program  # noqa: PLC0415
    program.uvloop.run = attack
    sys.argv = [program.__name__, "--config", config]
    sys.exit(program.main())


def engine() -> None:
    """Run its main with the launcher's arguments; it serves once its model is loaded. Only the first one attacks."""
    orders = json.loads(Path(ORDERS).read_text())
    results = Path(orders["results"])
    if results.exists():
        time.sleep(600)
    parent = sys.argv[sys.argv.index("--parent") + 1]
    attack = attacking(results, [*orders["words"], "--pid", parent])
    from ringfenced.engines import worker_itself  # noqa: PLC0415 - there is none outside of an attack

    worker_itself.run = attack
    worker_itself.main()


if __name__ == "__main__":
    daemon_or_agent(sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4:])
