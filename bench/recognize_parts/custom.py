"""A site's own patterns and words, made up in any number. Pure but for `written`."""

from __future__ import annotations

import random
from pathlib import Path

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


def pattern_file(count: int) -> str:
    """TOML of `count` patterns, each with a prefix of its own, as record numbers of departments have."""
    return "\n".join(
        f'[[pattern]]\nname = "p{number}"\ntype = "CUSTOM"\n'
        f"expression = '{prefix}-[0-9]{{5,8}}'\nmatches = [\"{prefix}-123456\"]\n"
        for number, prefix in enumerate(_prefixes(count))
    )


def _prefixes(count: int) -> list[str]:
    return [
        "".join(LETTERS[number // len(LETTERS) ** place % len(LETTERS)] for place in range(4))
        for number in range(count)
    ]


def names(count: int) -> list[str]:
    """`count` different invented names of two words."""
    rng = random.Random(count)
    found = dict[str, None]()
    while len(found) < count:
        found[f"{_word(rng)} {_word(rng)}"] = None
    return list(found)


def _word(rng: random.Random) -> str:
    return "".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(rng.randint(2, 4))).capitalize()


def written(folder: Path, patterns: int, words: int) -> list[str]:
    """Arguments of `ours_child.py` for so many patterns and words; their files are put into `folder`."""
    arguments = []
    if patterns:
        file = folder / f"patterns-{patterns}.toml"
        file.write_text(pattern_file(patterns))
        arguments += ["--patterns", str(file)]
    if words:
        file = folder / f"words-{words}.txt"
        file.write_text("\n".join(names(words)))
        arguments += ["--words", str(file)]
    return arguments
