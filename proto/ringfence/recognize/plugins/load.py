"""All plug-ins of a site, loaded once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ringfence.recognize.plugins.claim import Reader
from ringfence.recognize.plugins.errors import PluginUnavailable
from ringfence.recognize.plugins.gliner_reader import load_gliner
from ringfence.recognize.plugins.guard import Guarded
from ringfence.recognize.plugins.labels import ASKED, label_map
from ringfence.recognize.plugins.llm_reader import Ask, load_llm
from ringfence.recognize.plugins.onnx_reader import load_onnx
from ringfence.recognize.plugins.settings import Kind, Plugin
from ringfence.recognize.plugins.spacy_reader import load_spacy
from ringfence.recognize.span import Span

TURNS_LLM = 8
"""How many texts a model of the node is asked about at once: engines work on several together. Libraries get one."""


def load_plugins(plugins: Sequence[Plugin], ask: Ask | None = None) -> tuple[Callable[[str], Iterable[Span]], ...]:
    """Readings, for ``Stages.readings``, in the order of `plugins`.

    Args:
        plugins: which.
        ask: how a model of this node is asked; needed by plug-ins of kind LLM. Must not leave the node.

    Raises:
        PluginUnavailable: one cannot be loaded; the text names what to install or to write. A process that is to have a
            plug-in must not start without it.
    """
    return tuple(_load(plugin, ask) for plugin in plugins)


def _load(plugin: Plugin, ask: Ask | None) -> Guarded:
    labels = label_map(plugin.labels, plugin.name)
    if plugin.seconds_max <= 0 or plugin.chars_max < 1:
        raise PluginUnavailable(f"plug-in {plugin.name}: seconds_max and chars_max must be above 0")
    turns = TURNS_LLM if plugin.kind is Kind.LLM else 1
    return Guarded(plugin, _reader(plugin, tuple(plugin.labels) or ASKED, ask), labels, turns)


def _reader(plugin: Plugin, labels: tuple[str, ...], ask: Ask | None) -> Reader:
    if plugin.kind is Kind.LLM:
        if ask is None:
            raise PluginUnavailable(
                f"plug-in {plugin.name}: only a running daemon can ask a model; remove it from this file"
            )
        return load_llm(ask, plugin, labels)
    folder = _folder(plugin)
    if plugin.kind is Kind.GLINER:
        return load_gliner(folder, labels, plugin.score_min)
    return load_spacy(folder) if plugin.kind is Kind.SPACY else load_onnx(folder)


def _folder(plugin: Plugin) -> Path:
    if plugin.path is None or not plugin.path.is_dir():
        raise PluginUnavailable(f"plug-in {plugin.name}: path must be a folder on this machine: nothing is downloaded")
    return plugin.path
