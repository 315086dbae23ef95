"""`make eval-utility`: what a prompt is still good for after de-identification, over generated documents.

For each kind and language: the share of tokens that identify nobody and stand there unchanged, the share of originals
with one surrogate in all their forms, the share of documents that come back character by character over random chunks,
and the share that stays inside. Then questions on generated records: is the answer on the surrogate text, with the
originals put back, the answer on the original? `--gold` takes the generators' own marks for findings too, so that it
measures de-identification alone; without it, recognisers are measured with it.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from deid_parts.generate import KINDS, LANGUAGES, OPTIONAL, Document, generate
from flow_parts import machine
from ringfence.recognize import Finding, Recogniser, Scan, load
from ringfence.recognize.merge import merge
from ringfence.recognize.span import Span
from ringfence.recognize.stages import shipped
from utility_parts.answers import QUESTIONS
from utility_parts.measure import Made, Share, back, consistency, make, survival
from utility_parts.records import records

RESULTS = Path(__file__).resolve().parent / "results"
CHUNKS = (1, 3, 2, 7, 4)
"""Characters of an answer's chunks, in turn."""


def main() -> None:
    """Measure, print, write."""
    options = _parser().parse_args()
    recogniser = _recogniser(patterns=options.patterns)
    today = datetime.now(UTC)  # noqa: TID251 - a benchmark dates its own result
    began = time.process_time()
    document_rows = [_documents(recogniser, lang, options.documents, gold=options.gold) for lang in LANGUAGES]
    question_rows = _questions(recogniser.scan, options.records)
    facts = {
        **machine.describe(),
        "date": today.isoformat(timespec="seconds"),
        "command": "bench/utility.py"
        + (" --gold" if options.gold else "")
        + (" --patterns" if options.patterns else ""),
        "documents_per_kind": options.documents,
        "records": options.records,
        "cpu_seconds": round(time.process_time() - began, 1),
    }
    text = _markdown(facts, document_rows, question_rows)
    print(text)
    if options.write:
        stem = RESULTS / f"utility-{today:%Y-%m-%d}"
        stem.with_suffix(".md").write_text(text)
        stem.with_suffix(".json").write_text(
            json.dumps({"facts": facts, "documents": document_rows, "questions": question_rows}, indent=1) + "\n"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=25, help="documents of each kind and language")
    parser.add_argument("--records", type=int, default=300, help="records that questions are asked of")
    parser.add_argument("--gold", action="store_true", help="the generators' marks are findings too")
    parser.add_argument("--patterns", action="store_true", help="without the tagger")
    parser.add_argument("--write", action="store_true", help="write bench/results/utility-<date>")
    return parser


def _recogniser(*, patterns: bool) -> Recogniser:
    cache = Path.home() / ".cache" / "ringfence" / "bench"
    return load(cache) if patterns else load(cache, stages=shipped())


def _with_marks(scan: Scan, document: Document) -> Scan:
    """`scan`, which also finds the marks of `document` in its own text."""
    marks = [
        Span(mark.start, mark.end, {"HOSPITAL": "PLACE"}.get(mark.label, mark.label), 1.0, "gold")
        for mark in document.spans
        if mark.label not in OPTIONAL
    ]

    def both(text: str) -> tuple[Finding, ...]:
        found = [Span(one.start, one.end, one.entity_type, one.score, one.recogniser) for one in scan(text)]
        return tuple(Finding(*span) for span in merge([*found, *(marks if text == document.text else ())]))

    return both


def _documents(recogniser: Recogniser, lang: str, count: int, *, gold: bool) -> dict[str, object]:
    rng = random.Random(f"utility-{lang}")
    kept, same, whole = Share(0, 0), Share(0, 0), Share(0, 0)
    inside = Counter[bool]()
    for kind in KINDS:
        for document in generate(kind, lang, 1, count, "eval"):
            scan = _with_marks(recogniser.scan, document) if gold else recogniser.scan
            made = make(document.text, scan, rng.randbytes(32))
            inside[made is None] += 1
            if made is None:
                continue
            marks = [(mark.start, mark.end) for mark in document.spans if mark.label not in OPTIONAL]
            kept += survival(document.text, made.text, marks)
            same += consistency(made.mapping.originals())
            whole += Share(int(back(made, made.text, [rng.randint(1, 9) for _ in range(7)]) == document.text), 1)
    return {
        "what": f"documents, {lang}",
        "documents": inside.total(),
        "tokens_kept_percent": round(kept.percent, 2),
        "one_surrogate_percent": round(same.percent, 2),
        "back_whole_percent": round(whole.percent, 2),
        "stay_inside_percent": round(Share(inside[True], inside.total()).percent, 2),
    }


def _questions(scan: Scan, count: int) -> list[dict[str, object]]:
    right = dict.fromkeys(QUESTIONS, Share(0, 0))
    unknown = Counter[str]()
    for number, record in enumerate(records(count, 1)):
        made = make(record.text, scan, number.to_bytes(8, "big"))
        for question, answer in QUESTIONS.items():
            expected = answer(record.text)
            if "unknown" in expected:
                unknown[question] += 1
            elif made is not None:
                right[question] += Share(int(_answered(made, answer) == expected), 1)
            else:
                right[question] += Share(0, 1)
    return [
        {"question": question, "asked": share.total, "same_percent": round(share.percent, 2)}
        for question, share in right.items()
    ]


def _answered(made: Made, answer: Callable[[str], str]) -> str:
    return back(made, answer(made.text), CHUNKS)


def _markdown(facts: dict[str, object], documents: list[dict[str, object]], questions: list[dict[str, object]]) -> str:
    lines = ["# What de-identified prompts are still good for", ""]
    lines += [f"- {name}: {value}" for name, value in facts.items()]
    for rows in (documents, questions):
        lines += ["", "| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
        lines += ["| " + " | ".join(map(str, row.values())) + " |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
