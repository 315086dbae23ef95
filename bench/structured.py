"""`python bench/structured.py`: what a grammar costs an answer of the llama.cpp engine, by size of the vocabulary.

Sample first: the token is drawn from the whole distribution and only then checked. Where the check fails the grammar is
laid over the 256 likeliest tokens, and over the whole vocabulary where these are not enough. Measured: one check, both
ways of laying it over, compiling and copying a grammar; and on the bundled model how many of an answer's tokens needed
the whole vocabulary.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import numpy as np

from fakes.random_gguf import BYTES_FROM, write_random_gguf
from flow_parts import machine
from ringfenced.engines.llama.binding import LlamaContext, LlamaModel
from ringfenced.engines.llama.grammar import schema_to_grammar
from ringfenced.engines.llama.matcher import CANDIDATE, Grammars, candidates_of
from ringfenced.engines.llama.sampler import Sampler, Settings
from ringfenced.weights.dryrun import LoadSettings

ROOT = Path(__file__).resolve().parents[1]
TINY = ROOT / "models/tiny/ringfence-tiny.gguf"
SCHEMA = {
    "type": "object",
    "properties": {
        "patient": {"type": "string", "maxLength": 40},
        "urgent": {"type": "boolean"},
        "kind": {"enum": ["laboratory", "referral", "discharge"]},
        "codes": {"type": "array", "items": {"type": "string", "pattern": "^[A-Z][0-9]{2}$"}, "maxItems": 5},
    },
    "required": ["patient", "urgent", "kind", "codes"],
}
NOTE = "<|user|>Lab results\nPatient name: Ann Smith\nMain problem: palpitations.<|end|><|assistant|>"


@dataclass(frozen=True, slots=True)
class Row:
    """One vocabulary."""

    tokens: int
    """Its size."""
    compile_ms: float
    """To check and compile the grammar."""
    copy_ms: float
    """To copy a compiled one."""
    check_us: float
    """To check one token."""
    lay_over_likely_ms: float
    """To lay the grammar over the 256 likeliest tokens."""
    lay_over_ms: float
    """To lay the grammar over the whole vocabulary."""


def seconds(work: Callable[[], object], times: int) -> float:
    """Median of so many runs."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return median(taken)


def measure(words: int, folder: Path) -> Row:
    """Measure a vocabulary of a byte a token and so many words besides."""
    path = write_random_gguf(folder / f"{words}.gguf", words=tuple(f" word{number}" for number in range(words)))
    model = LlamaModel(path, LoadSettings(cells=0))
    source = schema_to_grammar(json.dumps(SCHEMA))
    grammars = Grammars(model)
    compile_s = seconds(lambda: grammars.matcher(b"", "k", lambda: source, keep=False), 5)
    matcher = grammars.matcher(b"", "k", lambda: source, keep=True)
    assert matcher.accept_all([BYTES_FROM + byte for byte in b'{"patient": "'])  # inside a string most is allowed
    candidates = np.zeros(model.tokens_n, CANDIDATE)
    candidates["id"] = np.arange(model.tokens_n)
    array = candidates_of(candidates)
    return Row(
        tokens=model.tokens_n,
        compile_ms=compile_s * 1e3,
        copy_ms=seconds(matcher.copy, 20) * 1e3,
        check_us=seconds(lambda: matcher.allows(BYTES_FROM + 97), 200) * 1e6,
        lay_over_likely_ms=seconds(lambda: matcher.restrict(candidates_of(candidates[:256])), 50) * 1e3,
        lay_over_ms=seconds(lambda: matcher.restrict(array), 10) * 1e3,
    )


def share_of_laying_over() -> tuple[int, int]:
    """Tokens of an answer of the bundled model that keeps to the schema, and how many needed the whole vocabulary."""
    settings = LoadSettings(cells=1024)
    model = LlamaModel(TINY, settings)
    context = LlamaContext(model, settings, threads=1)
    matcher = Grammars(model).matcher(b"", "k", lambda: schema_to_grammar(json.dumps(SCHEMA)), keep=False)
    sampler = Sampler(model, context, Settings(), matcher, 64)
    tokens = model.tokenize(NOTE, is_control=True)
    context.decode(tokens, list(range(len(tokens))), [0] * len(tokens), [0] * (len(tokens) - 1) + [1])
    drawn = 0
    for position in range(len(tokens), 500):
        token = sampler.draw(-1, context.logits(1)[0])
        if model.piece(token) is None:
            break
        drawn += 1
        context.decode([token], [position], [0], [1])
    return drawn, sampler.full_applications


def main() -> None:
    """Measure, print, and keep the figures where that is asked for."""
    parser = argparse.ArgumentParser(description="What a grammar costs an answer.")
    parser.add_argument("--write", action="store_true", help="keep the figures in bench/results")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(words, Path(folder)) for words in (768, 32_000, 128_000)]
    drawn, full = share_of_laying_over()
    print("vocabulary  compile ms  copy ms  check us  over 256  lay over ms")
    for row in rows:
        times = f"{row.compile_ms:10.2f}  {row.copy_ms:7.3f}  {row.check_us:8.1f}"
        print(f"{row.tokens:10,}  {times}  {row.lay_over_likely_ms:8.2f}  {row.lay_over_ms:11.2f}")
    print(f"bundled model, which never learned JSON: {full} of {drawn} tokens needed the whole vocabulary")
    if arguments.write:
        now = datetime.now(UTC)  # noqa: TID251 - a benchmark dates its own result
        result = {
            "command": f"python {' '.join(sys.argv)}",
            "at": now.isoformat(timespec="seconds"),
            "machine": machine.describe(),
            "rows": [asdict(row) for row in rows],
            "bundled": {"tokens": drawn, "laid_over": full},
        }
        path = ROOT / f"bench/results/structured-{now:%Y-%m-%d}.json"
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
