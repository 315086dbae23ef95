"""Presidio as a child process: a line of JSON in, a line of JSON out. Runs in .venv-peers, not in .venv.

In: ``{"text": ..., "language": "en"}``. Out: ``{"spans": [[start, end, label, score], ...], "cpu_s": ...}``; cpu_s
is this process's own CPU time for the text, or ``{"refused": name of the exception, "cpu_s": ...}``.
The first line out is ``{"ready": true}``.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
import warnings
from pathlib import Path

import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NerModelConfiguration, NlpEngine, NoOpNlpEngine, SpacyNlpEngine

LANGUAGES = ["en", "es", "fr", "de"]


class Loaded(SpacyNlpEngine):
    """Presidio's own spaCy engine with pipelines that are there already."""

    def __init__(self, pipelines: dict[str, spacy.Language]) -> None:
        labels = {name for nlp in pipelines.values() for name in nlp.pipe_labels.get("ner", ())}
        mapping = {name: name for name in labels} or {"PERSON": "PERSON"}
        super().__init__(ner_model_configuration=NerModelConfiguration(model_to_presidio_entity_mapping=mapping))
        self.nlp = pipelines


def engine(mode: str, model: Path | None) -> NlpEngine:
    """The NLP engine of a mode: see `peers.presidio.Mode`."""
    if mode == "bare":
        return NoOpNlpEngine([{"lang_code": language, "model_name": ""} for language in LANGUAGES])
    if mode == "regex":
        return Loaded({language: spacy.blank(language) for language in LANGUAGES})
    pipeline = spacy.load(model)
    return Loaded(dict.fromkeys(LANGUAGES, pipeline))


def analyzer(mode: str, model: Path | None) -> AnalyzerEngine:
    """Presidio with all recognisers that it loads by default."""
    nlp = engine(mode, model)
    registry = RecognizerRegistry(supported_languages=LANGUAGES)
    registry.load_predefined_recognizers(languages=LANGUAGES, nlp_engine=nlp if mode == "spacy" else None)
    if mode != "spacy":
        registry.recognizers = [one for one in registry.recognizers if "Spacy" not in type(one).__name__]
    return AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=LANGUAGES)


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description="Presidio behind JSON lines.")
    parser.add_argument("mode", choices=("bare", "regex", "spacy"))
    parser.add_argument("--model", type=Path, default=None)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    warnings.filterwarnings("ignore")
    # Its recogniser of e-mail addresses would fetch the list of public suffixes from the network; a copy comes with it.
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    out, sys.stdout = sys.stdout, sys.stderr
    presidio = analyzer(options.mode, options.model)
    presidio.analyze("Call 212-555-0100 on 2024-01-02, jo@example.com", language="en")
    print('{"ready": true}', file=out, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(answer(presidio, asked["text"], asked["language"])), file=out, flush=True)


def answer(presidio: AnalyzerEngine, text: str, language: str) -> dict[str, object]:
    """What Presidio says of a text."""
    began = time.process_time()
    try:
        found = presidio.analyze(text, language=language)
    except Exception as error:  # noqa: BLE001 - whatever it raises is its answer
        return {"refused": type(error).__name__, "cpu_s": time.process_time() - began}
    spent = time.process_time() - began
    return {"spans": [[one.start, one.end, one.entity_type, one.score] for one in found], "cpu_s": spent}


if __name__ == "__main__":
    main()
