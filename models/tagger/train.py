"""Trains the tagger: `python -m tagger.train` in `models/` (see MODEL_CARD.md for the whole command).

Reproducible: one seed, one thread of arithmetic, sorted inputs. `--held-out` leaves out every fifth row of each file
and writes the judge, which figures are measured with; without it the shipped model, which learned from all rows.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ringfence.recognize.fold import Folder
from ringfence.recognize.gazetteer import load_gazetteer
from ringfence.recognize.tagger.features import FLAGS, ROWS, SLICES, features
from ringfence.recognize.tagger.network import DILATIONS
from tagger.augment import Augmenter
from tagger.corpus import TYPES, Document, example, read_clean, read_folder, read_generated

HELD_OUT_EVERY = 5
"""Every fifth row of a file is the judge's to be measured on."""
GENERATED = 160
"""Generated documents of each kind and language in an epoch, new ones each time; twice as many in English."""
BATCH_TOKENS = 4096
LENGTHS = (16, 32, 64, 128, 256, 512, 1024)
"""Texts of a batch are padded to one of these; longer ones are cut."""


class Row(NamedTuple):
    """An example as arrays."""

    rows: np.ndarray
    flags: np.ndarray
    targets: np.ndarray
    mask: np.ndarray


def rows_of(documents: Sequence[Document]) -> list[Row]:
    """Features and targets of `documents`; longer ones in pieces."""
    folder, lookup = Folder(), load_gazetteer().lookup
    made = []
    for document in documents:
        one = example(document, folder)
        if not len(one.tokens):
            continue
        given = features(one.tokens, lookup)
        flags = given.flags.astype(np.uint8)
        for start in range(0, len(one.tokens), LENGTHS[-1]):
            cut = slice(start, start + LENGTHS[-1])
            made.append(
                Row(given.rows[cut], flags[cut], one.targets[cut].astype(np.uint8), one.mask[cut].astype(np.uint8))
            )
    return made


def batches(made: Sequence[Row], draw: random.Random) -> Iterator[tuple[np.ndarray, ...]]:
    """Padded batches of about `BATCH_TOKENS` tokens, in random order."""
    buckets: dict[int, list[Row]] = {}
    for row in made:
        length = next(size for size in LENGTHS if len(row.rows) <= size)
        buckets.setdefault(length, []).append(row)
    groups = []
    for length, rows in sorted(buckets.items()):
        draw.shuffle(rows)
        size = BATCH_TOKENS // length
        groups += [(length, rows[start : start + size]) for start in range(0, len(rows), size)]
    draw.shuffle(groups)
    for length, rows in groups:
        size = BATCH_TOKENS // length
        ids = np.zeros((size, length, len(SLICES)), np.int32)
        flags = np.zeros((size, length, FLAGS), np.float32)
        targets = np.zeros((size, length, len(TYPES)), np.float32)
        mask = np.zeros((size, length, len(TYPES)), np.float32)
        real = np.zeros((size, length, 1), np.float32)
        for index, row in enumerate(rows):
            count = len(row.rows)
            ids[index, :count] = row.rows
            flags[index, :count] = row.flags
            targets[index, :count] = row.targets
            mask[index, :count] = row.mask
            real[index, :count] = 1
        yield ids, flags, targets, mask, real


def start_weights(key: Any, width: int) -> dict[str, Any]:
    """Random weights."""
    keys = jax.random.split(key, 3 + len(DILATIONS))
    weights = {
        "table": jax.random.normal(keys[0], (ROWS, width)) * 0.1,
        "flags": jax.random.normal(keys[1], (FLAGS, width)) * 0.1,
        "out": jax.random.normal(keys[2], (width, len(TYPES))) * 0.1,
        "bias": jnp.full((len(TYPES),), -3.0),
    }
    for index in range(len(DILATIONS)):
        weights[f"w{index}"] = jax.random.normal(keys[3 + index], (3 * width, width)) * (2 / (3 * width)) ** 0.5
        weights[f"b{index}"] = jnp.zeros((width,))
        weights[f"g{index}"] = jnp.ones((width,))
        weights[f"s{index}"] = jnp.zeros((width,))
    return weights


def logits(weights: dict[str, Any], ids: Any, flags: Any, real: Any, key: Any | None) -> Any:
    """The network of `ringfence.recognize.tagger.network`, for batches; with dropout where there is a key."""
    embedded = weights["table"][ids]
    if key is not None:
        key, one, two, three = jax.random.split(key, 4)
        # Whole kinds of features vanish now and then, the word itself most often: the rest must tell an unknown name.
        keep = jnp.array([0.75, 0.9, 0.9, 0.9, 0.85, 0.9, 0.95, 0.95])
        embedded = embedded * jax.random.bernoulli(one, keep, embedded.shape[:3])[..., None] / keep[:, None]
        flags = flags * jax.random.bernoulli(two, 0.9, flags.shape[:2])[..., None]
    hidden = embedded.sum(axis=2) + flags @ weights["flags"]
    hidden = hidden * real
    if key is not None:
        hidden = hidden * jax.random.bernoulli(three, 0.8, hidden.shape) / 0.8
    for index, dilation in enumerate(DILATIONS):
        gap = jnp.zeros_like(hidden[:, :dilation])
        wide = jnp.concatenate(
            [
                jnp.concatenate([gap, hidden[:, :-dilation]], axis=1),
                hidden,
                jnp.concatenate([hidden[:, dilation:], gap], axis=1),
            ],
            axis=2,
        )
        new = hidden + jax.nn.relu(wide @ weights[f"w{index}"] + weights[f"b{index}"])
        if key is not None:
            key, one = jax.random.split(key)
            new = new * jax.random.bernoulli(one, 0.9, new.shape) / 0.9
        mean = new.mean(axis=2, keepdims=True)
        variance = ((new - mean) ** 2).mean(axis=2, keepdims=True)
        hidden = ((new - mean) / jnp.sqrt(variance + 1e-5) * weights[f"g{index}"] + weights[f"s{index}"]) * real
    return hidden @ weights["out"] + weights["bias"]


def train(
    documents: Sequence[Document], clean: Sequence[Document], *, epochs: int, seed: int, augment: bool, width: int
) -> dict[str, np.ndarray]:
    """Weights learned from `documents`, each epoch with fresh names and places in them."""
    draw = random.Random(seed)
    augmenter = Augmenter(documents, seed)
    fixed = rows_of(documents) + rows_of(clean)
    key = jax.random.key(seed)
    weights = start_weights(key, width)
    varied = [new for document in documents if augment and (new := augmenter.vary(document)) is not None]
    generated = list(read_generated(seed, GENERATED))
    steps = epochs * sum(1 for _ in batches(fixed + rows_of(varied) + rows_of(generated), random.Random(seed)))
    rate = optax.schedules.warmup_cosine_decay_schedule(1e-4, 3e-3, steps // 20 + 1, steps, 1e-5)
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(rate, weight_decay=0.01))
    state = optimiser.init(weights)

    def loss(weights: Any, key: Any, *batch: Any) -> Any:
        ids, flags, targets, mask, real = batch
        out = logits(weights, ids, flags, real, key)
        each = optax.sigmoid_binary_cross_entropy(out, targets) * jnp.where(targets > 0, 1.5, 1.0)
        return (each * mask * real).sum() / real.sum()

    @jax.jit
    def step(weights: Any, state: Any, key: Any, *batch: Any) -> Any:
        key, one = jax.random.split(key)
        value, gradient = jax.value_and_grad(loss)(weights, one, *batch)
        updates, state = optimiser.update(gradient, state, weights)
        return optax.apply_updates(weights, updates), state, key, value

    began = time.monotonic()
    done = 0
    for epoch in range(epochs):
        made = fixed + rows_of(list(read_generated(seed + epoch, GENERATED)))
        if augment:
            made += rows_of([new for document in documents if (new := augmenter.vary(document)) is not None])
        values = []
        for batch in batches(made, draw):
            weights, state, key, value = step(weights, state, key, *batch)
            values.append(float(value))
            done += 1
        print(
            f"epoch {epoch + 1}/{epochs}: loss {np.mean(values):.4f}, step {done}/{steps}, "
            f"{time.monotonic() - began:.0f} s",
            file=sys.stderr,
            flush=True,
        )
    return {name: np.asarray(value) for name, value in weights.items()}


def save(path: Path, weights: dict[str, np.ndarray]) -> None:
    """Write `weights` as inference reads them: the embeddings as bytes, with a scale for each row."""
    packed = {name: value for name, value in sorted(weights.items()) if name != "table"}
    scale = np.abs(weights["table"]).max(axis=1).clip(1e-8) / 127
    packed["scale"] = scale.astype(np.float32)
    packed["table"] = np.round(weights["table"] / scale[:, None]).astype(np.int8)
    digest = hashlib.sha256(b"".join(value.tobytes() for value in packed.values())).hexdigest()[:12]
    np.savez(path, types=np.array(TYPES), version=np.array(digest), **packed)


def main() -> None:
    """Read, train, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../../shared/data"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--held-out",
        type=int,
        nargs="?",
        const=0,
        metavar="K",
        help="leave every fifth row out, from row K (0): the judge",
    )
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--no-augment", action="store_true")
    parser.add_argument("--width", type=int, default=64, help="numbers a token")
    chosen = parser.parse_args()

    def learns(row: int) -> bool:
        return chosen.held_out is None or row % HELD_OUT_EVERY != chosen.held_out

    documents = [document for _, row, document in read_folder(chosen.data / "deid") if learns(row)]
    clean = [document for row, document in read_clean(chosen.data / "routing" / "mmlu_dev.csv.gz") if learns(row)]
    print(f"{len(documents)} annotated texts, {len(clean)} clean ones", file=sys.stderr)
    made = train(
        documents, clean, epochs=chosen.epochs, seed=chosen.seed, augment=not chosen.no_augment, width=chosen.width
    )
    save(chosen.out, made)


if __name__ == "__main__":
    main()
