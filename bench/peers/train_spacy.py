"""Trains the spaCy pipeline that Presidio is measured with: tok2vec and ner, one core, a fixed time.

Presidio's own models cannot be downloaded everywhere, so it gets one trained on what Ringfence's tagger is trained on:
every row of the development data but each fifth. Runs in .venv-peers: ``make peers`` or

    .venv-peers/bin/python bench/peers/train_spacy.py --data ../shared/data/deid --minutes 12
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import compounding, fix_random_seed, minibatch

MODEL = Path.home() / ".cache" / "ringfence" / "peers" / "spacy-ner"
"""Where the pipeline lies unless told otherwise; never in git."""
HELD_BACK = 5
"""Each row whose index in its file this divides is for measuring."""
CHARS_MAX = 1500
"""Texts are cut at a line end near this, so that batches stay even."""
LABELS = {
    "PERSON": "PERSON",
    "LOC": "LOCATION",
    "ORG": "ORGANIZATION",
    "DATE": "DATE_TIME",
    "AGE": "AGE",
    "CONTACT": "PHONE_NUMBER",
    "ID": "ID",
}
"""The data's groups as Presidio's entities; OTHER (events, products, things) is no identifier and left out."""

Row = tuple[str, list[tuple[int, int, str]]]


def main() -> None:
    """Train, save, say how well it does on what was held back."""
    parser = argparse.ArgumentParser(description="Train a small spaCy NER for Presidio.")
    parser.add_argument("--data", type=Path, required=True, help="folder of *.jsonl files")
    parser.add_argument("--out", type=Path, default=MODEL)
    parser.add_argument("--minutes", type=float, default=12.0, help="of training")
    options = parser.parse_args()
    fix_random_seed(0)
    random.seed(0)
    warnings.filterwarnings("ignore", message=r".*W030.*")  # spans that do not fit tokens are widened on purpose
    rows, held_back = split(options.data)
    nlp = spacy.blank("xx")
    examples = [example(nlp, row) for row in rows]
    began, epochs = time.monotonic(), train(nlp, examples, options.minutes * 60)
    scores = nlp.evaluate([example(nlp, row) for row in held_back])
    facts = {
        "rows": len(rows),
        "epochs": round(epochs, 2),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "cpu_minutes": round(resource.getrusage(resource.RUSAGE_SELF).ru_utime / 60, 1),
        "spacy": spacy.__version__,
        "held back": {name: round(scores[name], 3) for name in ("ents_p", "ents_r", "ents_f")},
    }
    shutil.rmtree(options.out, ignore_errors=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    nlp.to_disk(options.out)
    (options.out / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")
    print(json.dumps(facts))


def split(folder: Path) -> tuple[list[Row], list[Row]]:
    """Pieces of the rows to train on, and of those held back."""
    rows: tuple[list[Row], list[Row]] = ([], [])
    for file in sorted(folder.glob("*.jsonl")):
        for index, line in enumerate(file.read_text(encoding="utf-8").splitlines()):
            row = json.loads(line)
            spans = [(start, end, LABELS[group]) for start, end, _, group in row["spans"] if group in LABELS]
            rows[index % HELD_BACK == 0].extend(pieces(row["text"], spans))
    return rows


def pieces(text: str, spans: list[tuple[int, int, str]]) -> Iterator[Row]:
    """The text cut at line ends that lie in no span."""
    start = 0
    while start < len(text):
        end = min(len(text), start + CHARS_MAX)
        while end < len(text) and (text[end - 1] != "\n" or any(a < end < b for a, b, _ in spans)):
            end += 1
        yield text[start:end], [(a - start, b - start, name) for a, b, name in spans if start <= a and b <= end]
        start = end


def example(nlp: Language, row: Row) -> Example:
    """A row as spaCy trains on it; overlapping spans are left out, the longest kept."""
    doc = nlp.make_doc(row[0])
    found = [doc.char_span(start, end, label=name, alignment_mode="expand") for start, end, name in row[1]]
    reference = Doc(nlp.vocab, words=[token.text for token in doc], spaces=[bool(token.whitespace_) for token in doc])
    spans = spacy.util.filter_spans([span for span in found if span is not None])
    reference.ents = [Span(reference, span.start, span.end, label=span.label_) for span in spans]
    return Example(doc, reference)


def train(nlp: Language, examples: list[Example], seconds: float) -> float:
    """Train until the time is over; how often each example was seen."""
    ner = nlp.add_pipe("ner")
    for label in sorted(set(LABELS.values())):
        ner.add_label(label)
    optimizer = nlp.initialize(lambda: examples[:500])
    end, seen = time.monotonic() + seconds, 0
    sizes = compounding(16.0, 128.0, 1.002)
    while time.monotonic() < end:
        random.shuffle(examples)
        losses: dict[str, float] = {}
        for batch in minibatch(examples, size=sizes):
            nlp.update(batch, sgd=optimizer, drop=0.15, losses=losses)
            seen += len(batch)
            if time.monotonic() >= end:
                break
        print(f"seen {seen / len(examples):.2f} times, loss {losses['ner']:.0f}", flush=True)
    return seen / len(examples)


if __name__ == "__main__":
    main()
