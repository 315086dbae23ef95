"""Mutations of headers: each is read, or ends in the typed error; anything else is a finding."""

from __future__ import annotations

import random
import struct
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from fakes.random_model import SMALL, write_model
from ringfenced.weights import BadModelFile
from ringfenced.weights.from_gguf import shape_of_gguf
from ringfenced.weights.gguf import read_gguf_header
from ringfenced.weights.safetensors import read_safetensors_header

TINY = Path(__file__).resolve().parents[2] / "models/tiny/ringfence-tiny.gguf"
EDGES = (0, 1, 2, 2**7, 2**8 - 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1)


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What came of all mutations."""

    mutations: int
    """How many."""
    read: int
    """Of these, still a model."""
    refused: dict[str, int]
    """By the typed error's reason."""
    findings: list[str]
    """Anything else; there may be none."""
    seconds: float
    """All together."""
    slowest_ms: float
    """The slowest of them."""


def seeds() -> list[tuple[bytes, int, bool]]:
    """Valid headers with their files' lengths, and whether they are GGUF's."""
    found = [(_head(TINY), TINY.stat().st_size, True)]
    with tempfile.TemporaryDirectory() as folder:
        for kind, recipe in SMALL.items():
            path = write_model(Path(folder) / f"{kind}.gguf", replace(recipe, layers=2, vocabulary=1200), sparse=True)
            found.append((_head(path), path.stat().st_size, True))
    text = (
        b'{"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]},'
        b'"b":{"dtype":"F32","shape":[4],"data_offsets":[12,28]}}'
    )
    return [*found, (struct.pack("<Q", len(text)) + text, 8 + len(text) + 28, False)]


def _head(path: Path) -> bytes:
    data = path.read_bytes()
    return data[: read_gguf_header(data).data_offset]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Return a mutation: bytes changed, figures set to edges, pieces cut out, doubled or swapped, the end cut off."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
        at = chance.randrange(len(changed)) if chance.random() < 0.5 else chance.randrange(min(200, len(changed)))
        match chance.randrange(7):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                changed[at] ^= 1 << chance.randrange(8)
            case 2:
                changed[at : at + 8] = struct.pack("<Q", chance.choice(EDGES))
            case 3:
                changed[at : at + 4] = struct.pack("<I", chance.choice(EDGES) & 0xFFFFFFFF)
            case 4:
                del changed[at : at + chance.randrange(1, 64)]
            case 5:
                end = at + chance.randrange(1, 64)
                changed[at:at] = changed[at:end]
            case 6:
                del changed[max(8, at) :]
        if not changed:
            return b""
    return bytes(changed)


def fuzz(mutations: int, seed: int) -> Fuzzed:
    """Try them all.

    Args:
        mutations: how many.
        seed: the same gives the same.
    """
    chance, all_seeds = random.Random(seed), seeds()
    refused, findings = Counter[str](), []
    read, slowest_s, began_s = 0, 0.0, time.monotonic()
    for number in range(mutations):
        data, length, is_gguf = chance.choice(all_seeds)
        changed = mutated(data, chance)
        at_s = time.process_time()
        try:
            if is_gguf:
                shape_of_gguf(read_gguf_header(changed, max(len(changed), length)))
            else:
                read_safetensors_header(changed, length)
            read += 1
        except BadModelFile as error:
            refused[error.reason] += 1
        except Exception as error:  # noqa: BLE001 - the very thing that is looked for
            findings.append(f"{number}: {type(error).__name__}: {error}")
        slowest_s = max(slowest_s, time.process_time() - at_s)
    return Fuzzed(mutations, read, dict(refused.most_common()), findings, time.monotonic() - began_s, slowest_s * 1000)
