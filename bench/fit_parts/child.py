"""Load a model as the engine does, compute a batch, and print what that took, as JSON.

`python -m fit_parts.child FILE CELLS SEQUENCES BATCH`
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from ringfenced.engines.llama.binding import LlamaContext, LlamaModel
from ringfenced.weights.dryrun import LoadSettings
from ringfenced.weights.files import verify_model_file

LARGE_BYTES = 100 << 20
"""Of larger models a short batch is computed."""


def resident() -> dict[str, int]:
    """Resident memory by kind, in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    pairs = (line.split(":") for line in lines if line.startswith("Rss"))
    return {name: int(value.split()[0]) * 1024 for name, value in pairs}


def main() -> None:
    path = Path(sys.argv[1])
    cells, sequences, batch = map(int, sys.argv[2:])
    shape = verify_model_file(path).shape
    before = resident()
    settings = LoadSettings(cells, sequences, batch)
    model = LlamaModel(path, settings)
    tied_bytes = shape.embeddings_bytes if shape.is_tied else 0
    context = LlamaContext(model, settings, threads=2, tied_bytes=tied_bytes)
    n = batch if model.bytes < LARGE_BYTES else 64
    tokens = [300 + (7 * number) % 700 for number in range(n)]
    result = context.decode(tokens, list(range(n)), [0] * n, [0] * (n - 1) + [1])
    assert result == 0, result
    after = resident()
    print(json.dumps({"uses": [asdict(use) for use in context.uses], "before": before, "after": after}))


if __name__ == "__main__":
    main()
