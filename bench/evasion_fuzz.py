"""Looks for evasions that are not caught, and for texts that make a recogniser raise.

Two kinds of executions take turns:

* an identifier that is found plainly is written as one family has it, that as another, and sometimes that as a third;
  where nothing is found any more, the case is told, with the line that would add it to the public list;
* bytes, decoded in some way or made of fragments of every family, are scanned and classified; an exception, or a
  position outside of the text, is told with the seed that makes it again.

Every execution follows from `--seed` and its number, so any can be repeated alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from random import Random

from evasion import RESULTS, recogniser
from evasion_parts.families import FAMILIES, Family, compose
from evasion_parts.judge import is_held, plain_is_found
from evasion_parts.seeds import CARRIERS, CLEAN, seeds
from flow_parts.machine import describe
from ringfence.recognize import TEMPLATES, Recogniser

CODECS = ("latin-1", "utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "cp1252", "cp437", "shift_jis", "utf-7")
EVERY = 4
"""One execution in so many looks for an evasion; the others for an exception."""
TOLD_MAX = 40


def composed(rng: Random) -> Family:
    """Two families in one, or three."""
    some = [family for family in FAMILIES if not family.whole]
    chosen = [rng.choice(some)]
    # What is made for numbers or names alone would lose half of what another family has written.
    chosen += rng.sample([family for family in some if family.types is None], 1 if rng.random() < 0.8 else 2)
    types = chosen[0].types
    return Family(
        " of ".join(one.name for one in reversed(chosen)), compose(*(one.disguise for one in chosen)), types=types
    )


def any_text(rng: Random) -> str:
    """A text of bytes decoded somehow, of one alphabet, or of pieces of disguises."""
    kind = rng.randrange(4)
    if kind == 0:
        return rng.randbytes(rng.randrange(200)).decode(rng.choice(CODECS), "replace")
    if kind == 1:
        low = rng.choice((0, 0x80, 0x300, 0x400, 0x2000, 0xFE00, 0x1D400, 0x1F100, 0xE0000))
        return "".join(chr(low + rng.randrange(0x120)) for _ in range(rng.randrange(120)))
    if kind == 2:
        alphabet = rng.choice(
            (
                "0123456789-. ",
                "01 ",
                ".- /",
                "abcdefghij0123456789+/=",
                "<>/b-!",
                "\\xuU{}0123456789abcdef",
                "&#;x0123456789",
                "%=0123456789ABCDEF",
                "@. atdo",
                "\n\t |>-*",
            )
        )
        return "".join(rng.choice(alphabet) for _ in range(rng.randrange(300)))
    pieces = []
    for _ in range(rng.randrange(1, 6)):
        family = rng.choice(FAMILIES)
        written = family.disguise(rng.choice(CLEAN)[: rng.randrange(2, 40)], rng)
        at = rng.randrange(len(written) + 1)
        pieces.append(written[:at] if rng.random() < 0.3 else written)
    return rng.choice(("", " ", "\n")).join(pieces)


def check_any(scanner: Recogniser, text: str) -> None:
    """Scan `text`; raises where a position lies outside of it or findings overlap."""
    at = 0
    for finding in scanner.scan(text):
        if not at <= finding.start < finding.end <= len(text):
            raise ValueError("a finding out of place")
        at = finding.end


def main() -> int:
    """Run, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--executions", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=None, help="stop after so many, too")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--policy", default="hospital-us", choices=sorted(TEMPLATES))
    parser.add_argument("--without-tagger", action="store_true")
    parser.add_argument("--write", action="store_true", help="add the count to bench/results/evasion-fuzz.json")
    options = parser.parse_args()
    scanner = recogniser(options.policy, tagger=not options.without_tagger)
    started = time.perf_counter()
    count, evasions, tries, raised = 0, Counter[str](), 0, 0
    for count in range(1, options.executions + 1):
        rng = Random(f"{options.seed}:{count}")
        if count % EVERY:
            text = any_text(rng)
            try:
                check_any(scanner, text)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
                raised += 1
                print(f"execution {options.seed}:{count} raises {type(error).__name__}: {error}; text {text!r}")
        else:
            tries += _evades(scanner, rng, evasions, f"{options.seed}:{count}")
        if options.seconds is not None and time.perf_counter() - started > options.seconds:
            break
    record = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - the date of a report
        "command": f"bench/evasion_fuzz.py --executions {options.executions} --seed {options.seed}",
        "machine": {key: describe()[key] for key in ("cpu", "cores", "memory_gb", "python", "commit")},
        "recogniser": scanner.version,
        "executions": count,
        "seconds": round(time.perf_counter() - started, 1),
        "raised": raised,
        "compositions": tries,
        "compositions_missed": sum(evasions.values()),
    }
    print(json.dumps(record))
    if options.write:
        path = RESULTS / "evasion-fuzz.json"
        runs = json.loads(path.read_text(encoding="utf-8"))["runs"] if path.exists() else []
        runs.append(record)
        total = sum(run["executions"] for run in runs)
        path.write_text(json.dumps({"executions": total, "runs": runs}, indent=1) + "\n", encoding="utf-8")
    return 1 if raised else 0


def _evades(scanner: Recogniser, rng: Random, evasions: Counter[str], number: str) -> int:
    """Try one composition on one identifier; how many were tried."""
    family = composed(rng)
    types = sorted(CARRIERS if family.types is None else family.types)
    if not types:
        return 0
    seed = next(one for one in seeds(1, rng) if one.entity_type == rng.choice(types) or one.entity_type in types)
    if not plain_is_found(scanner, seed):
        return 0
    try:
        held = is_held(scanner, family, seed, rng)[1]
    except ValueError:  # one family writes what the other has no way for: a character beyond the last
        return 0
    if not held:
        if not evasions[family.name] and len(evasions) <= TOLD_MAX:
            written = family.disguise(seed.value, Random(number))
            print(f"{number} {seed.entity_type} missed as {family.name}: {written[:160]!r}")
        evasions[family.name] += 1
    return 1


if __name__ == "__main__":
    sys.exit(main())
