"""A GLiNER model from a local folder: it is asked for labels in words, for example ``person``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from ringfence.recognize.plugins.claim import Claim, Reader
from ringfence.recognize.plugins.errors import PluginUnavailable


def load_gliner(folder: Path, labels: Sequence[str], score_min: float) -> Reader:
    """A reader that asks the model in `folder` for `labels`.

    Raises:
        PluginUnavailable: gliner is not installed, or the folder holds no model that it can load.
    """
    try:
        gliner = import_module("gliner")
    except ImportError:
        raise PluginUnavailable("GLiNER is not installed; pip install gliner") from None
    if not (folder / "gliner_config.json").is_file():
        raise PluginUnavailable(f"{folder}: holds no GLiNER model; put gliner_config.json and its weights there")
    try:
        model = gliner.GLiNER.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:  # noqa: BLE001 - torch, transformers and gliner raise many kinds
        raise PluginUnavailable(f"{folder}: GLiNER cannot load it: {type(error).__name__}") from None
    asked = list(labels)

    def read(text: str) -> Iterator[Claim]:
        for entity in model.predict_entities(text, asked, threshold=score_min):
            yield Claim(int(entity["start"]), int(entity["end"]), str(entity["label"]), float(entity["score"]))

    return read
