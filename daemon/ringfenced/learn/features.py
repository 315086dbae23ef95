"""From a prompt's text to numbers that hold none of it."""

from __future__ import annotations

import numpy as np

from ringfenced.learn.values import Features

CHARS_MAX = 6000
"""How much of a prompt is read: its beginning and its end, half each."""


def featured(text: str, *, salt: bytes, chars_max: int = CHARS_MAX) -> Features:
    """What there is to know of a prompt before it runs.

    Args:
        text: the prompt; its last turn matters most and comes last.
        salt: 16 bytes of the site's own that key the hashing, so that nobody else can look words up in stored state.
        chars_max: characters read at most, half from the beginning and half from the end.
    """
    del salt
    words = len(text[:chars_max].split())
    return Features(np.array([len(text), words], np.float32), np.zeros(0, np.uint32), np.zeros(0, np.float32))
