"""Train the tokenizer and the network on generated notes, on one CPU thread, with one seed.

The loss is taken on answers only, never on the notes. Three stages, each with its own share of the steps:
1. random tokens, repeated: the network learns to find and copy what it has never seen;
2. short notes, random tokens among them;
3. notes of full length, the public questions and random tokens among them.
Run it with `python -m tiny.train --out FOLDER`; the folder gets `tokenizer.json`, `weights.pt` and `training.json`.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Final

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from tiny import notes, questions, tokenizer
from tiny.names import KNOWN, Pool
from tiny.network import Network, Shape

SEED: Final = 20261
"""Seed of the training run; evaluation uses others."""
INSTRUCTIONS: Final = (
    "Read this note and answer in JSON.",
    "Extract name, case, department, urgency and topic.",
    "Summarise the following note.",
    "Route this note to the right department:",
    "Triage the note below.",
)
"""Lines that users put before or after a note."""
SYSTEMS: Final = (
    "You are a helpful assistant.",
    "You read notes of hospitals and banks.",
    "Answer with one line of JSON.",
)
"""System messages that applications send; the answer does not depend on them."""


@dataclass(frozen=True)
class Recipe:
    """How long and how fast to train."""

    steps_copy: int = 300
    """Steps of stage 1."""
    steps_short: int = 900
    """Steps of stage 2."""
    steps_full: int = 6000
    """Steps of stage 3."""
    batch_tokens: int = 4096
    """Tokens of a batch, padding included, at most."""
    rate_matrices: float = 0.012
    """Peak learning rate of Muon, for the matrices of the layers."""
    rate_rest: float = 0.004
    """Peak learning rate of AdamW, for embedding and norms."""
    copy_share: float = 0.15
    """Share of random tokens, repeated, among the examples of stages 2 and 3."""
    question_share: float = 0.06
    """Share of public questions among the examples of stage 3."""


@dataclass(frozen=True)
class Example:
    """Tokens of one chat and where the answer begins."""

    tokens: list[int]
    """The whole chat, the final end token included."""
    start: int
    """Index of the answer's first token."""


def note_example(rng: Random, encoder: Tokenizer, pool: Pool, full: bool) -> Example:
    """Draw a note, short or full, as a chat; some carry a system message or an instruction."""
    if full:
        note = notes.draw(rng, pool=pool, fields=(8, 14) if rng.random() < 0.1 else (1, 9))
    else:
        note = notes.draw(rng, pool=pool, fields=(0, 3), fillers=(0, 1))
    text, system = note.text, []
    if rng.random() < 0.12:
        line, gap = rng.choice(INSTRUCTIONS), rng.choice(("\n", "\n\n"))
        text = f"{line}{gap}{text}" if rng.random() < 0.7 else f"{text}{gap}{line}"
    if rng.random() < 0.1:
        system = [("system", rng.choice(SYSTEMS))]
    return encode(encoder, tokenizer.chat([*system, ("user", text)]), note.answer)


def question_example(rng: Random, encoder: Tokenizer) -> Example:
    """Draw a public question, written as it is or in lower case or without its question mark."""
    question, answer = rng.choice(questions.QUESTIONS)
    shape = rng.random()
    if shape < 0.15:
        question = question.lower()
    elif shape < 0.3:
        question = question.rstrip("?")
    system = [("system", rng.choice(SYSTEMS))] if rng.random() < 0.1 else []
    return encode(encoder, tokenizer.chat([*system, ("user", question)]), answer)


def copy_example(rng: Random) -> Example:
    """Draw a run of random tokens, then the same again; the second is the answer."""
    run = [rng.randrange(len(tokenizer.SPECIAL), tokenizer.VOCABULARY_SIZE) for _ in range(rng.randint(8, 40))]
    return Example([*run, *run], len(run) + 1)


def encode(encoder: Tokenizer, prompt: str, answer: str) -> Example:
    """Tokenise a formatted prompt and its answer; the answer ends with the end token."""
    head = encoder.encode(prompt).ids
    return Example([*head, *encoder.encode(answer).ids, tokenizer.SPECIAL.index(tokenizer.END)], len(head))


def fragments(encoder: Tokenizer) -> tuple[str, ...]:
    """Return the tokens of at most five letters, and letters with marks, in order; names can be of any of them."""
    texts = (encoder.decode([token]) for token in range(encoder.get_vocab_size()))
    marked = "àâãäåæçèêëìíîïñòóôõøùúûüýąćčďęěğłńňőřśşšťůűźżžđ"
    return tuple(sorted({text.lower() for text in (*texts, *marked) if text.isalpha() and len(text) <= 5}))


def batches(rng: Random, encoder: Tokenizer, recipe: Recipe) -> Iterator[list[Example]]:
    """Yield the batches of the whole run; examples of like length share a batch, and batches come in random order."""
    pool = replace(KNOWN, pieces=fragments(encoder))
    for stage, steps in enumerate((recipe.steps_copy, recipe.steps_short, recipe.steps_full)):
        ready: list[list[Example]] = []
        for _ in range(steps):
            if not ready:
                drawn = [draw(rng, encoder, pool, stage, recipe) for _ in range(1024)]
                ready = pack(sorted(drawn, key=lambda example: len(example.tokens)), recipe.batch_tokens)
                rng.shuffle(ready)
            yield ready.pop()


def draw(rng: Random, encoder: Tokenizer, pool: Pool, stage: int, recipe: Recipe) -> Example:
    """Draw one example of a stage, counted from 0."""
    if stage == 0 or rng.random() < recipe.copy_share:
        return copy_example(rng)
    if stage == 2 and rng.random() < recipe.question_share:
        return question_example(rng, encoder)
    return note_example(rng, encoder, pool, full=stage == 2)


def pack(examples: list[Example], batch_tokens: int) -> list[list[Example]]:
    """Cut examples, sorted by length, into batches that fit `batch_tokens` with padding."""
    packed: list[list[Example]] = [[]]
    for example in examples:
        if (len(packed[-1]) + 1) * len(example.tokens) > batch_tokens:
            packed.append([])
        packed[-1].append(example)
    return packed


def tensors(batch: list[Example]) -> tuple[Tensor, Tensor, Tensor]:
    """Return inputs, the places whose prediction counts, and the tokens that are right there."""
    places = max(len(example.tokens) for example in batch) - 1
    inputs = torch.ones((len(batch), places), dtype=torch.long)
    wanted = torch.zeros((len(batch), places), dtype=torch.bool)
    for row, example in enumerate(batch):
        inputs[row, : len(example.tokens) - 1] = torch.tensor(example.tokens[:-1])
        wanted[row, example.start - 1 : len(example.tokens) - 1] = True
    targets = torch.tensor([token for example in batch for token in example.tokens[example.start :]])
    return inputs, wanted, targets


def train(encoder: Tokenizer, recipe: Recipe) -> tuple[Network, float]:
    """Train a network from the seed and return it with the CPU time in seconds that it took."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    network = Network(Shape())
    matrices = [
        weight for name, weight in network.named_parameters() if weight.dim() == 2 and name.startswith("layers")
    ]
    rest = [weight for name, weight in network.named_parameters() if weight.dim() == 1 or not name.startswith("layers")]
    optimisers = (
        torch.optim.Muon(matrices, lr=recipe.rate_matrices, weight_decay=0.01),
        torch.optim.AdamW(rest, lr=recipe.rate_rest, betas=(0.9, 0.98), weight_decay=0.0),
    )
    peaks = (recipe.rate_matrices, recipe.rate_rest)
    total = recipe.steps_copy + recipe.steps_short + recipe.steps_full
    begun, recent = time.process_time(), 0.0
    for step, batch in enumerate(batches(Random(SEED), encoder, recipe)):
        warm, left = min(1.0, (step + 1) / 100), (total - step) / total
        for optimiser, peak in zip(optimisers, peaks, strict=True):
            optimiser.param_groups[0]["lr"] = peak * warm * min(1.0, left / 0.5)
        inputs, wanted, targets = tensors(batch)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(inputs, wanted)
        loss = functional.cross_entropy(logits.float(), targets)
        for optimiser in optimisers:
            optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        for optimiser in optimisers:
            optimiser.step()  # type: ignore[no-untyped-call]
        recent += loss.item()
        if step % 50 == 49:
            print(
                f"step {step + 1} of {total}: loss {recent / 50:.4f}, {time.process_time() - begun:.0f} s CPU",
                flush=True,
            )
            recent = 0.0
    return network, time.process_time() - begun


def main() -> None:
    """Read the arguments, train, write the three files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for tokenizer.json, weights.pt and training.json"
    )
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    rng = Random(SEED)
    corpus = [text for note in (notes.draw(rng) for _ in range(6000)) for text in (note.text, note.answer)]
    corpus += [text for pair in questions.QUESTIONS * 20 for text in pair]
    encoder = tokenizer.learn(corpus)
    encoder.save(str(out / "tokenizer.json"))
    recipe = Recipe()
    network, seconds = train(encoder, recipe)
    torch.save(network.state_dict(), out / "weights.pt")
    record = {"seed": SEED, "torch": torch.__version__, "cpu_seconds": round(seconds), **asdict(recipe)}
    (out / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
