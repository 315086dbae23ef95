"""The process of `fakes.gpus.Machine`: JSON commands on stdin, one answer a line on stdout."""

from __future__ import annotations

import ctypes
import json
import sys
import time
from dataclasses import asdict

# Before pynvml's own dlopen("libnvidia-ml.so.1"), which then finds a library of that soname loaded.
LIBRARY = ctypes.CDLL(sys.argv[1], ctypes.RTLD_GLOBAL) if sys.argv[1] else None

from ringfenced.devices.health import judge_all  # noqa: E402
from ringfenced.devices.nvml import GpuReader  # noqa: E402


class Child:
    """A reader, and a clock that goes when it is told to."""

    def __init__(self):
        self.now_s = 1000.0
        self.reopen()

    def reopen(self, _=None):
        if hasattr(self, "reader"):
            self.reader.close()
        self.reader = GpuReader(lambda: self.now_s)
        self.before = {}

    def sample(self, _=None):
        judged = judge_all(self.reader.sample(), self.before)
        self.before = {facts.id: facts for facts in judged}
        return [asdict(facts) for facts in judged]

    def raw(self, _=None):
        return [asdict(facts) for facts in self.reader.sample()]

    def linger(self, _=None):
        self.reader.linger()

    def advance(self, seconds):
        self.now_s += seconds

    def calls(self, function):
        return LIBRARY.fake_calls(function.encode())

    def sample_us(self, times):
        self.reader.sample()
        began_s = time.perf_counter()
        for _ in range(times):
            self.reader.sample()
        return (time.perf_counter() - began_s) / times * 1e6


child = Child()
for line in sys.stdin:
    command, argument = json.loads(line)
    sys.stdout.write(json.dumps(getattr(child, command)(argument)) + "\n")
    sys.stdout.flush()
