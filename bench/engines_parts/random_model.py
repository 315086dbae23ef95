"""Make a model with random weights: `python -m engines_parts.random_model FILE --preset llama-300m --weights q8_0`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from fakes.random_model import LLAMA_8B, LLAMA_70B, LLAMA_300M, SMALL, Recipe, write_model

PRESETS = {"llama-300m": LLAMA_300M, "llama-8b": LLAMA_8B, "llama-70b": LLAMA_70B} | SMALL
"""Recipes by name."""

__all__ = ["PRESETS", "Recipe", "write_model"]


def main() -> None:
    """Write the file and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="where to")
    parser.add_argument("--preset", choices=PRESETS, default="llama-300m", help="what to make")
    parser.add_argument("--weights", default="f16", help="type of the matrices: f32, f16, q8_0, q4_0")
    parser.add_argument("--sparse", action="store_true", help="no weights, a hole in the file: for dry runs")
    parser.add_argument("--tiny-tokenizer", action="store_true", help="the bundled model's vocabulary")
    options = parser.parse_args()
    recipe = PRESETS[options.preset]
    if options.tiny_tokenizer:
        recipe = replace(recipe, vocabulary=0)
    path = write_model(options.file, recipe, weights=options.weights, sparse=options.sparse)
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
