"""What a rogue daemon can still say: random bits as innocent texts, and how many get past the scan a request.

    words        each ten bits as one of 1,024 ordinary words of examination questions
    surrogates   telephone numbers of the reserved space: seven digits each, with words between
    numbers      a request's own numbers, as coarse as they leave (`ringfence_agent.numbers`)

Prints bits a byte of a text, and the share of requests that the recognisers let pass.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / name) for name in ("bench", "proto", "agent")]

from deid_parts.clean_prose import clean_prose  # noqa: E402 - the folders are on the path from here on
from ringfence.recognize import DEFAULT, load, residual, shipped  # noqa: E402
from ringfence_agent import numbers  # noqa: E402

WORDS = 1024
REQUESTS = 100
SAID_EACH = 100
"""Words, or surrogates, a request."""


def ordinary(folder: Path) -> list[str]:
    """The commonest small words of clinical questions that name nobody."""
    counts: dict[str, int] = {}
    for row in clean_prose(folder / "routing" / "mmlu_dev.csv.gz"):
        for word in re.findall(r"(?<![A-Za-z'-])[a-z]{3,12}(?![A-Za-z'-])", row.text):
            counts[word] = counts.get(word, 0) + 1
    return sorted(sorted(counts), key=lambda word: -counts[word])[:WORDS]


def words(vocabulary: list[str], rng: Random) -> tuple[str, float]:
    """A text of words, and its bits."""
    said = " ".join(rng.choice(vocabulary) for _ in range(SAID_EACH))
    return f"Please comment on this: {said}.", SAID_EACH * math.log2(len(vocabulary))


def surrogates(_vocabulary: list[str], rng: Random) -> tuple[str, float]:
    """A text of telephone numbers that can be nobody's, and its bits."""
    said = ", ".join(f"call 999-{rng.randrange(1000):03d}-{rng.randrange(10_000):04d}" for _ in range(SAID_EACH))
    return f"Please {said}.", SAID_EACH * math.log2(10**7)


def numbers_bits() -> dict[str, float]:
    """What each number of a request can say."""
    hundredths = 201 * 101 * 401 * 401
    asked = (step * 10**power for power in range(6) for step in range(1, 100))
    tokens = len({numbers.tokens(bound) for bound in asked})
    biases = math.log2(math.comb(numbers.TOKEN_ID_MAX + 1, numbers.BIASES_MAX)) + numbers.BIASES_MAX * math.log2(201)
    return {
        "temperature, top_p, penalties": math.log2(hundredths),
        "seed": math.log2(numbers.SEEDS),
        "tokens_max": math.log2(tokens),
        "logit_bias": biases,
    }


def main() -> int:
    """Measure and print."""
    folder = Path(sys.argv[1])
    recogniser = load(None, DEFAULT, shipped())
    vocabulary, rng = ordinary(folder), Random(6)
    made: dict[str, object] = {"vocabulary": len(vocabulary)}
    kinds: dict[str, Callable[[list[str], Random], tuple[str, float]]] = {"words": words, "surrogates": surrogates}
    for name, kind in kinds.items():
        passed = bits = size = 0.0
        for _ in range(REQUESTS):
            text, said = kind(vocabulary, rng)
            if not residual(recogniser.scan, text):
                passed, bits, size = passed + 1, bits + said, size + len(text.encode())
        made[name] = {
            "passed": passed / REQUESTS,
            "bits_a_request": round(bits / max(1, passed)),
            "bits_a_byte": round(bits / max(1, size), 2),
        }
    made["numbers"] = {name: round(value, 1) for name, value in numbers_bits().items()}
    print(json.dumps(made, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
