"""Our vLLM engine beside `vllm serve`, on the same GPU, the same model and with the same settings of vLLM.

    python -m gpu_parts.serve --folder FOLDER

Both are started at once and asked in turns, so that neither has a better moment. A side that does not start is told of
with its last lines, and the other is measured alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any

from engines_parts.asked import Side, measure, questions
from flow_parts.stats import percentile
from gpu_parts import device
from gpu_parts.processes import free_port, ready, start
from gpu_parts.sides import Engine, Server
from ringfenced.engines.client import EngineClient

SERVE = "vllm serve"
OURS = "ringfence vllm engine"
AIM = 0.97
"""Share of `vllm serve`'s throughput that our engine is to reach (issue 5)."""
MEMORY_SHARE = 0.2
"""Of the GPU's memory, for each side: both are on one GPU."""
CACHE_BYTES = 8 << 30
"""Of keys and values; told, because two that measure what is free at the same time mislead each other."""
GRAPHS = {"mode": 0, "cudagraph_mode": "FULL_DECODE_ONLY", "cudagraph_capture_sizes": [1, 2, 4, 8, 16, 32]}
"""CUDA graphs without torch.compile: starts in a fraction of the time."""
WORDS = ("loading took", "ttention backend", "Model loading took", "GPU KV cache size", "Graph capturing", "compile")
"""What is worth showing of vLLM's own log."""


def main() -> None:
    """Make the model, measure, print; fail where neither side answers."""
    parser = argparse.ArgumentParser(description="Our vLLM engine beside vllm serve.")
    parser.add_argument("--folder", type=Path, help="a model's folder; made on the spot if not given")
    parser.add_argument("--layers", type=int, default=16, help="of the model that is made")
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 8, 32], help="levels")
    parser.add_argument("--tokens", type=int, default=128, help="most of each answer")
    parser.add_argument("--words", type=int, default=60, help="of each prompt")
    parser.add_argument("--repetitions", type=int, default=3, help="of everything")
    parser.add_argument("--compiled", action="store_true", help="vLLM's defaults, torch.compile included")
    parser.add_argument("--attention-backend", help="vLLM's name of one; its own choice if not given")
    parser.add_argument("--start-s", type=float, default=150.0, help="how long a side may take to start")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has vLLM")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rfv-") as scratch:
        folder = options.folder or Path(scratch) / "model"
        if not (folder / "config.json").is_file():
            maker = (options.python, "-m", "gpu_parts.hf_model", str(folder), "--layers", str(options.layers))
            subprocess.run(maker, check=True)
        size = (folder / "model.safetensors").stat().st_size
        print(f"model: llama, bf16, {device.mib(size)}, {'compiled' if options.compiled else 'not compiled'}")
        if not asyncio.run(_measure(folder, Path(scratch), options)):
            sys.exit("neither side answered")


async def _measure(folder: Path, scratch: Path, options: argparse.Namespace) -> bool:
    async with AsyncExitStack() as stack:
        starting = {SERVE: _serve(stack, folder, scratch, options), OURS: _ours(stack, folder, scratch, options)}
        started = await asyncio.gather(*starting.values(), return_exceptions=True)
        sides: list[Side] = []
        for name, side in zip(starting, started, strict=True):
            if isinstance(side, BaseException):
                print(f"{name}: {type(side).__name__}: {side}", flush=True)
            else:
                sides.append(side)
        for side in sides:
            held = device.read().of({process.pid for process in side.processes()})
            print(f"{side.name}: NVML gives its processes {device.mib(held)}", flush=True)
        rates: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
        firsts: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
        for side in sides:  # what is lazy is done before it is measured
            await measure(side, 4, questions(8, options.words, 8, seed=-1))
        for repetition in range(options.repetitions):
            for callers in options.callers:
                seed = 100 * repetition + callers
                for side in sides if repetition % 2 else reversed(sides):
                    asked = questions(2 * callers, options.words, options.tokens, seed=seed)
                    outcome = await measure(side, callers, asked)
                    rates[side.name, callers].append(outcome.tokens / outcome.seconds)
                    firsts[side.name, callers] += outcome.first_ms
        _report(sides, options.callers, rates, firsts)
        return bool(sides)


def _report(sides: Sequence[Side], levels: Sequence[int], rates: Any, firsts: Any) -> None:
    print("callers  side                    tokens/s (lowest to highest)        first token p50, ms  p99, ms")
    for level in levels:
        for side in sides:
            found, first = rates[side.name, level], firsts[side.name, level]
            spread = f"{median(found):.0f} ({min(found):.0f} to {max(found):.0f})"
            half, most = percentile(first, 0.5), percentile(first, 0.99)
            print(f"{level:7}  {side.name:22}  {spread:34}  {half:19.1f}  {most:7.1f}")
        if len(sides) > 1:
            pairs = zip(rates[OURS, level], rates[SERVE, level], strict=True)
            ratio = median(ours / theirs for ours, theirs in pairs)
            print(f"{level:7}  {OURS} / {SERVE}: {ratio:.3f}, aim ≥ {AIM} {'met' if ratio >= AIM else 'MISSED'}")


async def _serve(stack: AsyncExitStack, folder: Path, scratch: Path, options: argparse.Namespace) -> Server:
    port, log = free_port(), scratch / "serve.log"
    further: list[str] = [] if options.compiled else ["--compilation-config", json.dumps(GRAPHS)]
    if options.attention_backend:
        further += ["--attention-backend", options.attention_backend]
    process = start(
        stack,
        log,
        *(options.python, "-m", "vllm.entrypoints.cli.main", "serve", str(folder), "--served-model-name", "m"),
        *("--host", "127.0.0.1", "--port", str(port), "--max-model-len", "2048", "--max-num-seqs", "32"),
        *("--gpu-memory-utilization", str(MEMORY_SHARE), "--kv-cache-memory-bytes", str(CACHE_BYTES), *further),
    )
    side = Server(SERVE, port, process.pid, model="m", stream_options={"include_usage": True})
    seconds = await ready(side.answers, process, log, options.start_s)
    print(f"{SERVE}: ready in {seconds:.1f} s", flush=True)
    for line in log.read_text(errors="replace").splitlines():
        if any(word in line for word in WORDS):
            print(f"  {line[:200]}")
    return side


async def _ours(stack: AsyncExitStack, folder: Path, scratch: Path, options: argparse.Namespace) -> Engine:
    socket, log = scratch / "engine.sock", scratch / "engine.log"
    further: dict[str, object] = {"kv_cache_memory_bytes": CACHE_BYTES}
    if not options.compiled:
        further["compilation_config"] = GRAPHS
    if options.attention_backend:
        further["attention_backend"] = options.attention_backend
    process = start(
        stack,
        log,
        *(options.python, "-P", "-m", "ringfenced.engines.vllm", "--socket", str(socket), "--model", str(folder)),
        *("--context", "2048", "--sequences", "32", "--memory-share", str(MEMORY_SHARE)),
        *(part for name, value in further.items() for part in ("--argument", f"{name}={json.dumps(value)}")),
    )

    async def is_ready() -> bool:
        return socket.exists()

    seconds = await ready(is_ready, process, log, options.start_s)
    print(f"{OURS}: ready in {seconds:.1f} s", flush=True)
    client = await EngineClient.connect(socket, model="m")
    stack.callback(client.close)
    print(f"  {client.description}")
    return Engine(OURS, client, process.pid)


if __name__ == "__main__":
    main()
