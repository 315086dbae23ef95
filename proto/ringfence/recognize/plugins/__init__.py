"""Recognisers of others: spaCy, GLiNER, ONNX, a model of this node. They can only add findings."""

from ringfence.recognize.plugins.errors import PluginError, PluginFailed, PluginSlow, PluginUnavailable
from ringfence.recognize.plugins.llm_reader import Ask, Question
from ringfence.recognize.plugins.load import load_plugins
from ringfence.recognize.plugins.settings import Kind, Plugin

__all__ = [
    "Ask",
    "Kind",
    "Plugin",
    "PluginError",
    "PluginFailed",
    "PluginSlow",
    "PluginUnavailable",
    "Question",
    "load_plugins",
]
