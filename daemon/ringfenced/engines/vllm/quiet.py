"""What vLLM's processes print: shown while they start, for who has to find out why they did not, and never after."""

from __future__ import annotations

import os
import threading

TAIL_BYTES = 256 * 1024
"""What is kept of the start; a worker's trace of calls is 10 KiB."""

NO_MEMORY = (
    b"out of memory",  # torch.OutOfMemoryError, and the CUDA runtime's error 2
    b"can't allocate memory",  # torch's allocator on processors
    b"No available memory for the cache blocks",  # vllm/v1/core/kv_cache_utils.py
    b"which is larger than the available KV cache memory",  # likewise
    b"is less than desired GPU memory utilization",  # vllm/v1/worker/utils.py
    b"is less than desired CPU memory utilization",  # vllm/v1/worker/cpu_worker.py
    b"allocation is less than requested memory for kv",  # likewise
)
"""How vLLM's processes say that memory does not suffice: nothing of it reaches the front end but by what they print."""


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
        self._tail = bytearray()
        threading.Thread(target=self._relay, name="stderr", daemon=True).start()

    def silence(self) -> None:
        """Show nothing from now on."""
        self.is_silent = True

    def ran_out(self) -> bool:
        """Whether something that was shown says that memory ran out; best asked once the start has failed."""
        shown = bytes(self._tail)
        return any(sign in shown for sign in NO_MEMORY)

    def last_words(self, text: str) -> None:
        """Show a line that holds no content, silent or not."""
        os.write(self._shown, text.encode() + b"\n")

    def _relay(self) -> None:
        while data := os.read(self._read, 65536):
            if not self.is_silent:
                self._tail += data
                del self._tail[:-TAIL_BYTES]
                os.write(self._shown, data)
