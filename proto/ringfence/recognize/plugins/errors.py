"""How a plug-in fails. No text that it read is in any of these, nor in what they came from."""

from __future__ import annotations


class PluginError(Exception):
    """A plug-in did not read a text, or cannot be loaded."""


class PluginUnavailable(PluginError):
    """It cannot be loaded: its library or its files are not there, or its settings make no sense."""


class PluginFailed(PluginError):
    """It raised, or answered what makes no sense; the text counts as unread."""


class PluginSlow(PluginError):
    """It took longer than it may; the text counts as unread."""
