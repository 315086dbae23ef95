"""`make bench-killed`: what callers notice of an engine that is killed, with the bundled model under its supervisor.

Each round is a supervisor of its own, so that each death is the first within a minute. Sixteen answers are running; the
engine is killed; told is when the last of them has its error, back is when the next question to the model is answered.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from flow_parts import machine
from flow_parts.stats import percentile
from ringfenced.engines.launch import EngineKind, EngineSpec
from ringfenced.engines.supervisor import EngineSupervisor
from ringfenced.errors import Unavailable
from ringfenced.model import Finish, Message, Prompt, Role, Sampling, Text

RESULTS = Path(__file__).resolve().parent / "results"
TINY = Path(__file__).resolve().parents[1] / "models/tiny/ringfence-tiny.gguf"
RUNNING = 16
TOLD_MS_MAX, BACK_MS_MAX = 100.0, 2000.0
SHORT = Sampling(temperature=0.0, tokens_max=4)
LONG = Sampling(temperature=0.0, tokens_max=4000, logit_bias=tuple((token, -100.0) for token in range(16)))


def main() -> None:
    """Kill, print, write."""
    parser = argparse.ArgumentParser(prog="bench/killed.py", description="What callers notice of a killed engine.")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--write", action="store_true", help="keep the result")
    options = parser.parse_args()
    rounds = [asyncio.run(_round()) for _ in range(options.rounds)]
    told, back = zip(*rounds, strict=True)
    rows = {
        "callers told, ms": (told, TOLD_MS_MAX),
        "the model answers again, ms": (back, BACK_MS_MAX),
    }
    lines = [f"| {options.rounds} rounds, {RUNNING} answers each | p50 | most | aim |", "|---|---:|---:|---|"]
    for name, (values, aim) in rows.items():
        met = "met" if max(values) <= aim else "MISSED"
        lines.append(f"| {name} | {percentile(values, 0.5):.1f} | {max(values):.1f} | ≤ {aim:g} {met} |")
    print("\n".join(lines))
    if options.write:
        facts = machine.describe()
        date = datetime.now(UTC).isoformat(timespec="seconds")  # noqa: TID251 - the date of a report
        facts |= {"date": date, "command": f'make bench-killed ARGS="{" ".join(sys.argv[1:])}"'}
        stem = RESULTS / f"killed-{date[:10]}"
        stem.with_suffix(".json").write_text(
            json.dumps({"facts": facts, "told_ms": told, "back_ms": back}, indent=1) + "\n"
        )
        head = "\n".join(f"- {name}: {value}" for name, value in facts.items())
        stem.with_suffix(".md").write_text(f"# A killed engine\n\n{head}\n\n" + "\n".join(lines) + "\n")


async def _round() -> tuple[float, float]:
    """Milliseconds until all were told, and until the model answers again."""
    arguments = ("--model", str(TINY), "--context", "4096", "--sequences", str(RUNNING), "--threads", "1")
    spec = EngineSpec("m", EngineKind.LLAMA_CPP, arguments)
    with tempfile.TemporaryDirectory(prefix="rfk-") as folder:
        supervisor = EngineSupervisor([spec], socket_dir=Path(folder))
        owning = asyncio.create_task(supervisor.run())  # noqa: TID251 - ended below
        await asyncio.sleep(0)  # it begins before anybody asks, as in the daemon
        await _ask(supervisor, SHORT)
        streams = [asyncio.create_task(_ask(supervisor, LONG)) for _ in range(RUNNING)]  # noqa: TID251 - awaited below
        await asyncio.sleep(0.05)  # the bundled model's answers are short: most are being generated now
        pid = supervisor.states()["m"].pid
        assert pid is not None
        assert not any(stream.done() for stream in streams)
        killed_s = time.perf_counter()
        os.kill(pid, signal.SIGKILL)
        ends = await asyncio.gather(*streams, return_exceptions=True)
        told_s = time.perf_counter()
        assert all(isinstance(end, Unavailable) for end in ends), ends
        await _ask(supervisor, SHORT)
        back_s = time.perf_counter()
        await supervisor.stop()
        owning.cancel()
        with suppress(asyncio.CancelledError):
            await owning
    return (told_s - killed_s) * 1000, (back_s - killed_s) * 1000


async def _ask(supervisor: EngineSupervisor, sampling: Sampling) -> None:
    prompt = Prompt((Message(Role.USER, (Text("Which ward is it?"),)),), sampling=sampling)
    with supervisor.place("m", seconds_max=60.0, salt=b"") as place:
        while await place.wait() is not None:
            pass
        with place.engine.start(prompt, cache_salt=b"", confidential=True, deadline_ms=0) as run:
            while not isinstance(await run.take(), Finish):
                pass


if __name__ == "__main__":
    main()
