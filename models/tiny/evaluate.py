"""Measure the GGUF file through llama-cpp-python: how many answers are right, and whether the model knows which.

An answer is right when it equals the expected line byte for byte. Its confidence is the lowest natural log-probability
among its tokens, the end token included, in greedy decoding. Run it with `python -m tiny.evaluate FILE.gguf`; it
prints one table.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import llama_cpp
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tiny import notes, questions, tokenizer
from tiny.names import RESERVED
from tiny.surrogates import replaced

SEED: Final = 7
"""Seed of the evaluation sets; training has another."""
FLOOR: Final = -0.25
"""Answers whose lowest token log-probability is below this are not to be kept.

Chosen on notes of another seed than those that the model card reports."""
UNKNOWN: Final = (
    "What is the capital of Mongolia?",
    "How does an aeroplane stay in the air?",
    "What is photosynthesis?",
    "Who wrote the first novel?",
    "How far is the moon?",
    "What does a stent do?",
    "What is a hedge fund?",
    "Write a poem about rain.",
    "Translate good morning to Spanish.",
    "What is the boiling point of water?",
)
"""Questions that the model was not taught; each answer to them counts as wrong."""


@dataclass(frozen=True)
class Reply:
    """What the model said."""

    text: str
    """The answer without the end token."""
    lowest: float
    """Lowest natural log-probability of its tokens, the end token included."""


@dataclass(frozen=True)
class Outcome:
    """A reply that was compared with what is right."""

    right: bool
    """Whether it was equal to the expected answer."""
    lowest: float
    """The reply's confidence."""


def last_logits(model: llama_cpp.Llama) -> NDArray[np.float64]:
    """Return the logits after the last token that was evaluated; the binding has no public name for them."""
    pointer = model._ctx.get_logits_ith(-1)  # noqa: SLF001 - see above
    return np.ctypeslib.as_array(pointer, shape=(model.n_vocab(),)).astype(np.float64)


def generate(model: llama_cpp.Llama, prompt: str, limit: int = 160) -> Reply:
    """Answer a formatted prompt greedily, with at most `limit` tokens.

    An answer that does not end by itself gets the lowest confidence, minus infinity.
    """
    tokens = model.tokenize(prompt.encode(), add_bos=False, special=True)
    model.reset()  # type: ignore[no-untyped-call, unused-ignore]
    model.eval(tokens)
    said: list[int] = []
    lowest = 0.0
    for _ in range(limit):
        logits = last_logits(model)
        token = int(logits.argmax())
        lowest = min(lowest, float(-np.log(np.exp(logits - logits[token]).sum())))
        if token == model.token_eos():
            return Reply(model.detokenize(said).decode("utf-8", "replace"), lowest)
        said.append(token)
        model.eval([token])
    return Reply(model.detokenize(said).decode("utf-8", "replace"), float("-inf"))


def judge(model: llama_cpp.Llama, pairs: Iterable[tuple[str, str]]) -> list[Outcome]:
    """Answer each text and compare with what is right."""
    outcomes = []
    for text, expected in pairs:
        reply = generate(model, tokenizer.chat([("user", text)]))
        outcomes.append(Outcome(reply.text == expected, reply.lowest))
    return outcomes


def auroc(outcomes: Sequence[Outcome]) -> float:
    """Return the chance that a right answer is surer than a wrong one: Mann-Whitney U, ties count half.

    It is NaN where all answers are right or all are wrong.
    """
    right = [outcome.lowest for outcome in outcomes if outcome.right]
    wrong = [outcome.lowest for outcome in outcomes if not outcome.right]
    if not right or not wrong:
        return float("nan")
    return sum((a > b) + 0.5 * (a == b) for a in right for b in wrong) / (len(right) * len(wrong))


def report(name: str, outcomes: Sequence[Outcome], floor: float) -> str:
    """Return one row: answers, right ones, AUROC, share kept above the floor, share of wrong ones among the kept."""
    kept = [outcome for outcome in outcomes if outcome.lowest >= floor]
    errors = sum(not outcome.right for outcome in kept) / len(kept) if kept else float("nan")
    right = sum(outcome.right for outcome in outcomes)
    share = len(kept) / len(outcomes)
    return f"{name:12} {right:5} of {len(outcomes):<5} {auroc(outcomes):9.3f} {share:9.1%} {errors:9.1%}"


def sets(seed: int, count: int) -> dict[str, list[tuple[str, str]]]:
    """Return the evaluation sets as pairs of text and right answer.

    They are notes with names never trained on, in trained layouts and in layouts never trained on, and questions
    that were learned and that were not.
    """
    rng = Random(seed)
    held_out = [notes.draw(rng, pool=RESERVED) for _ in range(count)]
    strange = [notes.draw(rng, layouts=notes.UNFAMILIAR, pool=RESERVED) for _ in range(count)]
    return {
        "held-out": [(note.text, note.answer) for note in held_out],
        "unfamiliar": [(note.text, note.answer) for note in strange],
        "learned": list(questions.QUESTIONS),
        "unknown": [(question, "") for question in UNKNOWN],
    }


def each_layout(seed: int, count: int) -> dict[str, list[tuple[str, str]]]:
    """Return `count` notes in each layout by itself, trained layouts first."""
    rng = Random(seed)
    pairs = {}
    for layout in dict.fromkeys(notes.FAMILIAR + notes.UNFAMILIAR):
        drawn = [notes.draw(rng, layouts=[layout], pool=RESERVED) for _ in range(count)]
        pairs[layout.__name__] = [(note.text, note.answer) for note in drawn]
    return pairs


def disguised(rng: Random, note: str, count: int) -> list[tuple[str, str]]:
    """Return the bundled discharge note with `count` sets of surrogates, and the right answers."""
    names = ("Margarete Ellison-Varga", "Ruben Castellan", "Tobias Varga")
    pairs = []
    for _ in range(count):
        text, people, case = replaced(rng, note, names, "H-2291-40873", "She presented")
        pairs.append((text, notes.Note(text, people[0], case, "cardiology", "soon", "discharge").answer))
    return pairs


def odd_texts(rng: Random, count: int) -> list[str]:
    """Return random texts of letters, marks, blanks, signs and special tokens, in which tokenizers like to differ."""
    kinds = ((1, 127), (1, 0x2FF), (0x2000, 0x206F), (0x20, 0x2F), (0x30, 0x39), (0x4E00, 0x4EFF), (0x1F600, 0x1F64F))
    whole = ("\n", " ", "  ", "'s", "'LL", "\u00a0", "\u0301", "\ufeff", "<|end|>", "<|user|>")
    texts = []
    for _ in range(count):
        parts = [rng.choice(whole) if rng.random() < 0.2 else chr(rng.randint(*rng.choice(kinds))) for _ in range(40)]
        texts.append("".join(parts))
    return texts


def disagreements(model: llama_cpp.Llama, encoder: Tokenizer, texts: Sequence[str]) -> int:
    """Return how many texts llama.cpp cuts into other tokens than the tokenizer of the training."""
    return sum(encoder.encode(text).ids != model.tokenize(text.encode(), add_bos=False, special=True) for text in texts)


def load(path: Path) -> llama_cpp.Llama:
    """Load a model for one sequence on one thread."""
    return llama_cpp.Llama(str(path), n_ctx=1024, n_threads=1, n_threads_batch=1, verbose=False)


def main() -> None:
    """Read the arguments, run the sets, print the table and, with --json, the outcomes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--count", type=int, default=300, help="notes a set")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--floor", type=float, default=FLOOR, help="lowest token log-probability that is kept")
    parser.add_argument("--example", type=Path, help="examples/discharge-note.txt, to try with 50 sets of surrogates")
    parser.add_argument("--layouts", action="store_true", help="also each layout by itself, 100 notes")
    parser.add_argument("--tokenizer", type=Path, help="tokenizer.json of the training, to compare with llama.cpp's")
    parser.add_argument("--json", type=Path, help="write every outcome there")
    arguments = parser.parse_args()
    model = load(arguments.model)
    drawn = sets(arguments.seed, arguments.count)
    results = {name: judge(model, pairs) for name, pairs in drawn.items()}
    if arguments.example:
        results["surrogates"] = judge(
            model, disguised(Random(arguments.seed), arguments.example.read_text("utf-8"), 50)
        )
    results["all"] = [outcome for outcomes in results.values() for outcome in outcomes]
    if arguments.layouts:
        by_layout = each_layout(arguments.seed, 100)
        results |= {name: judge(model, pairs) for name, pairs in by_layout.items()}
    print(f"floor {arguments.floor}\n{'set':12} {'right':>5}    {'':5} {'AUROC':>9} {'kept':>9} {'wrong':>9}")
    for name, outcomes in results.items():
        print(report(name, outcomes, arguments.floor))
    if arguments.tokenizer:
        texts = odd_texts(Random(arguments.seed), 3000) + [text for pairs in drawn.values() for text, _ in pairs]
        count = disagreements(model, tokenizer.load(arguments.tokenizer), texts)
        print(f"llama.cpp and the tokenizer of the training differ on {count} of {len(texts)} texts")
    if arguments.json:
        rows = {name: [(outcome.right, outcome.lowest) for outcome in outcomes] for name, outcomes in results.items()}
        arguments.json.write_text(json.dumps(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
