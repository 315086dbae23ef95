"""The llama.cpp engine with all layers on the GPU, beside none: speed, memory, and llama.cpp alone.

    python -m gpu_parts.llama --preset llama-300m --weights f16

The model has random weights and is made on the spot. Fails where nothing was offloaded: where the GPU's memory did not
grow by the weights.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engines_parts.asked import Outcome, measure, questions
from flow_parts.stats import percentile
from gpu_parts import device
from gpu_parts.processes import ready, start
from gpu_parts.sides import Engine
from ringfenced.engines.client import EngineClient

LOAD_S = 120.0
"""How long loading may take."""
CPU_LESS = 4
"""How many times shorter answers are without the GPU: its time is what there is little of."""


@dataclass(slots=True)
class Run:
    """What came of one number of layers."""

    layers: int
    """Layers on the GPU; -1 for all."""
    load_s: float = 0.0
    """From the start of the process to its socket."""
    grown_bytes: int = 0
    """How much more of the GPU's memory was used with the engine than before it."""
    process_bytes: int | None = None
    """What NVML says of the engine's process; None where it does not."""
    memory: Sequence[Any] = ()
    """What the engine says that it uses."""
    planned: Sequence[Any] = ()
    """What it was to use."""
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    """By callers."""


def main() -> None:
    """Make the model, measure, print."""
    parser = argparse.ArgumentParser(description="The llama.cpp engine on the GPU, beside the processor.")
    parser.add_argument("--model", type=Path, help="a GGUF file; made on the spot if not given")
    parser.add_argument("--preset", default="llama-300m", help="what to make (engines_parts/random_model.py)")
    parser.add_argument("--weights", default="f16", help="type of its matrices")
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 4, 8, 16], help="levels")
    parser.add_argument("--tokens", type=int, default=128, help="most of each answer")
    parser.add_argument("--words", type=int, default=60, help="of each prompt")
    parser.add_argument("--layers", type=int, nargs="+", default=[-1, 0], help="layers on the GPU; each is measured")
    parser.add_argument("--rounds", type=int, default=2, help="questions of each caller")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rfg-") as folder:
        path = options.model or _made(Path(folder) / "random.gguf", options.preset, options.weights)
        print(f"model: {options.preset} {options.weights}, {device.mib(path.stat().st_size)}", flush=True)
        runs = [asyncio.run(_run(path, layers, options)) for layers in options.layers]
        _report(runs, options.callers)
        for layers in options.layers:
            _bare(path, layers, options.callers, next(run for run in runs if run.layers == layers))
        whole = [run for run in runs if run.layers == -1]
        if whole and whole[0].grown_bytes < 0.9 * path.stat().st_size:
            sys.exit("nothing was offloaded: the GPU's memory did not grow by the weights")


def _made(path: Path, preset: str, weights: str) -> Path:
    command = (sys.executable, "-m", "engines_parts.random_model", str(path), "--preset", preset, "--weights", weights)
    subprocess.run(command, check=True)
    return path


async def _run(path: Path, layers: int, options: argparse.Namespace) -> Run:
    run = Run(layers)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rfg-")))
        before = device.read()
        log, socket = folder / "engine.log", folder / "engine.sock"
        process = start(
            stack,
            log,
            *(sys.executable, "-P", "-m", "ringfenced.engines.worker", "--socket", str(socket), "--model", str(path)),
            *("--context", "1024", "--sequences", str(max(options.callers)), "--gpu-layers", str(layers)),
        )

        async def is_ready() -> bool:
            return socket.exists()

        run.load_s = await ready(is_ready, process, log, LOAD_S)
        client = await EngineClient.connect(socket, model="m")
        stack.callback(client.close)
        side = Engine(f"{layers} layers", client, process.pid)
        await measure(side, 2, questions(2, options.words, 8, seed=-1))  # what is lazy is done before it is measured
        after = device.read()
        run.grown_bytes = after.used_bytes - before.used_bytes
        run.process_bytes = after.of({process.pid})
        run.memory = tuple(getattr(client.description, "memory", ()))
        run.planned = tuple(getattr(client.description, "planned", ()))
        for callers in options.callers:
            tokens = options.tokens if layers else options.tokens // CPU_LESS
            asked = questions(options.rounds * callers, options.words, tokens, seed=callers)
            run.outcomes[callers] = await measure(side, callers, asked)
    return run


def _report(runs: Sequence[Run], levels: Sequence[int]) -> None:
    for run in runs:
        print(
            f"gpu_layers {run.layers}: loaded in {run.load_s:.1f} s; the GPU's memory grew by "
            f"{device.mib(run.grown_bytes)}; NVML gives the process {device.mib(run.process_bytes)}"
        )
        for name, uses in (("measured", run.memory), ("planned", run.planned)):
            for use in uses:
                print(f"  the engine says, {name}: {use}")
    print("callers  layers  tokens/s  tokens/CPU s  first token p50, ms  p99, ms")
    for level in levels:
        for run in runs:
            outcome = run.outcomes[level]
            print(
                f"{level:7}  {run.layers:6}  {outcome.tokens / outcome.seconds:8.1f}"
                f"  {outcome.tokens / max(outcome.cpu_s, 0.01):12.1f}"
                f"  {percentile(outcome.first_ms, 0.5):19.1f}  {percentile(outcome.first_ms, 0.99):7.1f}"
            )
    if len(runs) > 1:
        first, second = runs[0], runs[1]
        ratios = [_rate(first, level) / _rate(second, level) for level in levels]
        print(
            f"tokens/s, gpu_layers {first.layers} / {second.layers}, by callers: "
            + ", ".join(f"{ratio:.1f} at {level}" for level, ratio in zip(levels, ratios, strict=True))
        )


def _rate(run: Run, level: int) -> float:
    return run.outcomes[level].tokens / run.outcomes[level].seconds


def _bare(path: Path, layers: int, levels: Sequence[int], run: Run) -> None:
    """Print llama.cpp's own figures beside the engine's."""
    command = (sys.executable, "-m", "gpu_parts.bare", str(path), "--gpu-layers", str(layers), "--callers")
    steps = ("--steps", "200" if layers else "40")
    done = subprocess.run((*command, *map(str, levels), *steps), check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        print(f"llama.cpp alone, gpu_layers {layers}: failed")
        return
    for line in done.stdout.splitlines():
        level, alone = int(line.split()[0]), float(line.split()[1])
        print(
            f"llama.cpp alone, gpu_layers {layers}, {level} sequences: {alone:.1f} tokens/s;"
            f" the engine, prompts included: {_rate(run, level) / alone:.2f} of it"
        )


if __name__ == "__main__":
    main()
