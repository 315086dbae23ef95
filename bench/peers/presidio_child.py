"""Presidio as a child process; see `peers.child`. Runs in .venv-peers, not in .venv."""

from __future__ import annotations

import argparse
import logging
import warnings
from pathlib import Path

import spacy
import tldextract
from answering import serve
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
    presidio = analyzer(options.mode, options.model)
    presidio.analyze("Call 212-555-0100 on 2024-01-02, jo@example.com", language="en")

    def scan(text: str, language: str) -> list[tuple[int, int, str, float]]:
        found = presidio.analyze(text, language=language)
        return [(one.start, one.end, one.entity_type, one.score) for one in found]

    serve(scan)


if __name__ == "__main__":
    main()
