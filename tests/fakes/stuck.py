"""A disk that does not answer until it is let go."""

import asyncio
import os
import threading


class Stuck:
    """While the context is open, one of `os`'s functions blocks whoever calls it."""

    def __init__(self, monkeypatch, name):
        self._monkeypatch = monkeypatch
        self._name = name
        self._reached = threading.Event()
        self._go = threading.Event()

    def __enter__(self):
        real = getattr(os, self._name)

        def block(*arguments):
            self._reached.set()
            self._go.wait(30)
            return real(*arguments)

        self._monkeypatch.setattr(os, self._name, block)
        return self

    def __exit__(self, *_error):
        self._go.set()

    async def reached(self):
        """Wait until somebody is stuck."""
        await asyncio.to_thread(self._reached.wait, 10)
