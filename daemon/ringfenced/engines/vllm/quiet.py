"""What vLLM's processes print: shown while they start, for who has to find out why they did not, and never after."""

from __future__ import annotations

import os
import threading


class StderrRelay:
    """Stands between standard error and all processes that inherit it from here on.

    The front end could close its own after readiness; the processes that it started before could not be reached any
    more, and they print pieces of requests when something is wrong with one.
    """

    def __init__(self) -> None:
        """Take the place of standard error."""
        self.is_silent = False
        """Whether nothing is shown any more."""
        self._shown = os.dup(2)
        self._read, write = os.pipe()
        os.dup2(write, 2)
        os.close(write)
        threading.Thread(target=self._relay, name="stderr", daemon=True).start()

    def silence(self) -> None:
        """Show nothing from now on."""
        self.is_silent = True

    def last_words(self, text: str) -> None:
        """Show a line that holds no content, silent or not."""
        os.write(self._shown, text.encode() + b"\n")

    def _relay(self) -> None:
        while data := os.read(self._read, 65536):
            if not self.is_silent:
                os.write(self._shown, data)
