"""What a site's own recognisers cost: flat from 100 to 10,000 patterns, and from 1,000 to 100,000 terms?

    python bench/recognize_custom.py [--json] [--quick]

CPU time of one core for a note of 2 KB, everything generated here. `rows` is for other benches.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ringfence.recognize.custom import CustomSettings, Dictionary, load_custom
from ringfence.recognize.custom.hashed import build
from ringfence.recognize.custom.terms import read_terms

NOTE_BYTES = 2048
NOTES = 50
REPEATS = 20
KEY = bytes(range(32))
CONSONANTS, VOWELS = "bklmnrst", "aeio"
PROSE = """the patient was seen in clinic and reports that pain has improved since last week no fever chills or cough
blood pressure is stable on current medication continue with physical therapy twice a week and follow up in one month
lungs clear heart regular rate abdomen soft plan to repeat labs before discharge payment was received for order"""


class Row(NamedTuple):
    """One measurement."""

    what: str
    """``patterns``, ``dictionary``, ``variants`` or ``hashed``."""
    size: int
    """How many patterns or terms."""
    first_s: float
    """Seconds to load without a cache."""
    cached_s: float
    """Seconds to load from the cache."""
    us: float
    """Microseconds of CPU time for a note of 2 KB."""
    found: int
    """Findings in the notes: a stage that finds nothing is fast for no reason."""


def name(chance: random.Random) -> str:
    """A name that nobody has."""
    return " ".join(_word(chance) for _ in range(2))


def _word(chance: random.Random) -> str:
    syllables = range(chance.randint(2, 4))
    return "".join(chance.choice(CONSONANTS) + chance.choice(VOWELS) for _ in syllables).capitalize()


def names(count: int, seed: int = 1) -> list[str]:
    """So many different names; fewer of the same seed are the first of more."""
    chance = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        found[name(chance)] = None
    return list(found)


def notes(terms: Sequence[str], seed: int = 2) -> list[bytes]:
    """Notes of `NOTE_BYTES`, with one of `terms`, a number and a pattern's text in each."""
    chance = random.Random(seed)
    made = []
    for _ in range(NOTES):
        words = chance.choices(PROSE.split(), k=NOTE_BYTES // 4)
        words[7] = chance.choice(terms)
        words[40:43] = ["12 345 678,", "QAAA-123456", "on 120/80."]
        made.append(" ".join(words).encode()[:NOTE_BYTES])
    return made


def microseconds(stage: Callable[[bytes], Iterable[object]], texts: Sequence[bytes]) -> float:
    """CPU time for one text: the best of three rounds."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        for _ in range(REPEATS):
            for text in texts:
                stage(text)
        best = min(best, time.process_time() - started)
    return best / REPEATS / len(texts) * 1e6


def measure(what: str, size: int, settings: CustomSettings, folder: Path, texts: Sequence[bytes]) -> Row:
    """Load twice, scan."""
    times = []
    for _ in range(2):
        started = time.perf_counter()
        (stage,) = load_custom(settings, folder / f"cache-{what}-{size}").stages
        times.append(time.perf_counter() - started)
    found = sum(len(list(stage(text))) for text in texts)
    return Row(what, size, times[0], times[1], microseconds(stage, texts), found)


def pattern_settings(count: int, folder: Path) -> CustomSettings:
    """So many patterns, each with a prefix of its own."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    tables = []
    for number in range(count):
        prefix = "Q" + letters[number // 676 % 26] + letters[number // 26 % 26] + letters[number % 26]
        tables.append(f"[[pattern]]\nname = 'p{number}'\nexpression = '\\b{prefix}-\\d{{6}}\\b'\n")
    path = folder / f"patterns-{count}.toml"
    path.write_text("\n".join(tables))
    return CustomSettings(pattern_files=(path,))


def dictionary_settings(terms: Sequence[str], folder: Path, *, hashed: bool, variants: bool = False) -> CustomSettings:
    """One list."""
    path = folder / f"terms-{len(terms)}.txt"
    path.write_text("\n".join(terms))
    listed = Dictionary("names", path, "PERSON", person_variants=variants)
    if not hashed:
        return CustomSettings(dictionaries=(listed,))
    key = folder / "key"
    key.write_bytes(KEY)
    key.chmod(0o600)
    path = folder / f"terms-{len(terms)}.hashed"
    path.write_bytes(build(read_terms(listed), KEY, person_variants=False))
    return CustomSettings(dictionaries=(Dictionary("names", path, "PERSON", hashed=True),), key_file=key)


def rows(*, quick: bool = False) -> Iterator[Row]:
    """Every measurement; `quick` for a try that takes seconds."""
    patterns, sizes = ((10, 100), (100, 1000)) if quick else ((100, 1_000, 10_000), (1_000, 10_000, 100_000))
    everybody = names(max(sizes))
    texts = notes(everybody[: min(sizes)])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for size in sizes:
            terms = everybody[:size]
            yield measure("dictionary", size, dictionary_settings(terms, folder, hashed=False), folder, texts)
            yield measure("hashed", size, dictionary_settings(terms, folder, hashed=True), folder, texts)
        settings = dictionary_settings(everybody, folder, hashed=False, variants=True)
        yield measure("variants", max(sizes), settings, folder, texts)
        for size in patterns:
            yield measure("patterns", size, pattern_settings(size, folder), folder, texts)


def main() -> None:
    """Print a table, or JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if not options.json:
        print("| what | size | first load, s | from cache, s | µs for 2 KB | found |\n|---|---|---|---|---|---|")
    for row in rows(quick=options.quick):
        if options.json:
            print(json.dumps(row._asdict()), flush=True)
        else:
            print(
                f"| {row.what} | {row.size:,} | {row.first_s:.2f} | {row.cached_s:.3f} | {row.us:.0f} | {row.found} |",
                flush=True,
            )
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        json.dumps({"peak_mb": peak_mb})
        if options.json
        else f"\nPeak memory of all of it, compiling included: {peak_mb} MB"
    )


if __name__ == "__main__":
    main()
