"""A spaCy pipeline from a local folder."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from ringfence.recognize.plugins.claim import Claim, Reader
from ringfence.recognize.plugins.errors import PluginUnavailable


def load_spacy(folder: Path) -> Reader:
    """The entities (``Doc.ents``) of the pipeline that ``nlp.to_disk(folder)`` wrote.

    Raises:
        PluginUnavailable: spaCy is not installed, or the folder holds no pipeline that it can load.
    """
    try:
        spacy = import_module("spacy")
    except ImportError:
        raise PluginUnavailable("spaCy is not installed; pip install spacy") from None
    if not (folder / "config.cfg").is_file():
        raise PluginUnavailable(f"{folder}: holds no spaCy pipeline; write one there by nlp.to_disk")
    try:
        nlp = spacy.load(folder)
    except Exception as error:  # noqa: BLE001 - spaCy raises many kinds
        raise PluginUnavailable(f"{folder}: spaCy cannot load it: {type(error).__name__}") from None

    def read(text: str) -> Iterator[Claim]:
        for entity in nlp(text).ents:
            yield Claim(entity.start_char, entity.end_char, entity.label_, 1.0)

    return read
