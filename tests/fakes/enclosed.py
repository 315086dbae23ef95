"""A process that shuts itself in as told, tries attempts, and says what came of them: ``python -m fakes.enclosed``.

On stdin it takes JSON: the walls' fields, the attempts' names, and what they are given.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

from ringfence.confine import landlock, places
from ringfence.confine.attempts.outcome import Given
from ringfence.confine.attempts.run import tried
from ringfence.confine.attempts.table import ALL, named
from ringfence.confine.enclose import enclose
from ringfence.confine.walls import Walls, joined

SETS = ("families", "connects", "listens", "capabilities")


def lacking():
    """Why this kernel cannot show all of it; empty where it can."""
    version = landlock.version()
    needed = landlock.SCOPE_ABI
    return "" if version >= needed else f"this kernel's Landlock is version {version}; {needed} is tested"


def enclosed(*, walls, only=(), apply=True, threads=0, code="", **given):
    """What such a process says: what is in force, each attempt's outcome and detail, and what `code` set."""
    asked = {"walls": walls, "only": list(only), "apply": apply, "threads": threads, "code": code, "given": given}
    return heard("-m", "fakes.enclosed", said=json.dumps(asked))


def heard(*arguments, said=""):
    """What a Python that finds what this one does prints, from JSON, once it ended well."""
    done = subprocess.run(
        [sys.executable, "-P", *arguments],
        input=said,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def value_of(name, value):
    """A field of the walls, as JSON cannot say it."""
    if not isinstance(value, list):
        return value
    return frozenset(value) if name in SETS else tuple(value)


def main():
    """Be that process."""
    asked = json.load(sys.stdin)
    fields = {name: value_of(name, value) for name, value in asked["walls"].items()}
    own = joined(places.SYSTEM, places.python())
    walls = Walls(**fields)
    walls = Walls(
        **{
            **vars(walls),
            "reads": joined(walls.reads, own, places.LIBRARIES, ("/proc",)),
            "runs": joined(walls.runs, places.SYSTEM, places.interpreters()),
        }
    )
    over = threading.Event()
    for _ in range(asked["threads"]):
        threading.Thread(target=over.wait).start()
    said = {}
    if asked["apply"]:
        standing = enclose(walls)
        said |= {"landlock": standing.landlock, "seccomp": standing.seccomp, "missing": standing.missing}
    given = Given(
        **{name: tuple(value) if isinstance(value, list) else value for name, value in asked["given"].items()}
    )
    chosen = [named(name) for name in asked["only"]] if asked["only"] else list(ALL)
    results = [] if asked["only"] == ["none"] else tried(chosen, given)
    said["results"] = {attempt.name: [result.outcome.value, result.detail] for attempt, result in results}
    scope = {"said": said}
    exec(asked["code"], scope)
    over.set()
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main()
