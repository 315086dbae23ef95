"""`make test-rotation`: every certificate of a site, renewed every ten seconds while calls run; none may fail.

A real daemon, a real agent, a scripted engine and a stand-in provider with real TLS. One long-lived client makes short
calls and streams that last longer than a rotation, locally and through the agent. At each rotation the authority is
replaced too, with an overlap of the old and the new one. A fresh handshake then says which certificate is shown.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from fakes.site import Site, site
from flow_parts import machine
from rotation_parts.load import Load, speak_slowly
from rotation_parts.renewing import renew

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass
class Run:
    """What came of it."""

    seconds: float = 0.0
    """How long certificates were being renewed."""
    rotations: int = 0
    """How often every certificate was replaced."""
    shown: int = 0
    """Fresh handshakes with the daemon, one after each rotation, that were shown the certificate in the file."""
    requests: dict[str, int] = field(default_factory=dict)
    """Ended well, by kind."""
    failures: dict[str, int] = field(default_factory=dict)
    """Ended badly, by kind, status and reason."""
    spanning: int = 0
    """Streams during which certificates were renewed."""
    certificates: dict[str, int] = field(default_factory=dict)
    """Different certificates that each process was shown in handshakes, by process and identity."""
    connections_left: int = 0
    """Connections of the client when all was done: renewed ones must not pile up."""


def main() -> int:
    """Run, print, write; 1 where a call failed or a renewed certificate was not used."""
    options = _parser().parse_args()
    facts = machine.describe()
    with tempfile.TemporaryDirectory(prefix="rf-") as folder:
        run = asyncio.run(
            measure(Path(folder), rotations=round(options.minutes * 60 / options.every), every_s=options.every)
        )
    today = datetime.now(UTC)  # noqa: TID251 - the date of a report
    facts |= {
        "date": today.isoformat(timespec="seconds"),
        "command": f"make test-rotation MINUTES={options.minutes:g}",
        "every_s": options.every,
    }
    text = markdown(facts, run)
    print(text)
    if options.write:
        stem = RESULTS / f"rotation-{today:%Y-%m-%d}"
        stem.with_suffix(".md").write_text(text)
        stem.with_suffix(".json").write_text(json.dumps({"facts": facts, "run": vars(run)}, indent=1) + "\n")
    return int(bool(failing(run)))


async def measure(folder: Path, *, rotations: int, every_s: float, unary: int = 2, streams: int = 2) -> Run:
    """Start a site, renew its certificates `rotations` times, and say what came of it."""
    async with site(folder) as made:
        return await under_load(made, rotations=rotations, every_s=every_s, unary=unary, streams=streams)


async def under_load(made: Site, *, rotations: int, every_s: float, unary: int, streams: int) -> Run:
    """The same with a site that stands."""
    run, times, clock = Run(), [], asyncio.get_running_loop().time
    speak_slowly(made.provider)
    client = made.client()
    load = Load(client, every_s * 1.3, times)
    began = clock()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(load.run(unary, streams))
        for number in range(rotations):
            await asyncio.sleep(max(0.0, began + number * every_s + every_s / 2 - clock()))
            await renew(made.folder, every_s)
            times.append(clock())
            run.shown += await _shown(made) == _certificate(made.folder / "daemon.pem")
        await asyncio.sleep(every_s / 2)
        run.seconds, run.rotations = round(clock() - began, 1), rotations
        load.stop()
        await running
    await client.plan("What is left of older connections is let go of?")
    run.requests, run.failures = dict(load.tally.requests), dict(load.tally.failures)
    run.spanning = load.tally.spanning
    run.certificates = {name: _peers(made.folder / f"{name}.log") for name in ("daemon", "agent")}
    run.connections_left = len(client._channel._lines.channels())  # noqa: SLF001 - nothing else tells
    return run


def failing(run: Run) -> list[str]:
    """What a run falls short of; empty where all is well."""
    enough = (
        ("no call failed", not run.failures),
        ("calls of every kind ran", len(run.requests) == 3 and min(run.requests.values()) > 0),
        ("streams outlasted rotations", run.spanning > 0),
        ("every fresh handshake was shown the renewed certificate", run.shown == run.rotations),
        ("the daemon met every certificate of the caller", run.certificates["daemon"] > run.rotations),
        ("the agent met every certificate of the daemon", run.certificates["agent"] > run.rotations),
        ("older connections were closed", run.connections_left == 1),
    )
    return [what for what, met in enough if not met]


def markdown(facts: dict[str, object], run: Run) -> str:
    """The report."""
    short = failing(run)
    rows = [
        ("rotations", run.rotations),
        ("seconds", run.seconds),
        *((f"{kind}: ended well", count) for kind, count in sorted(run.requests.items())),
        ("streams during which certificates were renewed", run.spanning),
        ("**failed calls**", sum(run.failures.values())),
        *((f"failed: {what}", count) for what, count in sorted(run.failures.items())),
        ("fresh handshakes that were shown the renewed certificate", run.shown),
        ("certificates of callers that the daemon met", run.certificates["daemon"]),
        ("certificates of the daemon that the agent met", run.certificates["agent"]),
        ("connections of the client at the end", run.connections_left),
    ]
    return "\n".join(
        (
            "# Certificates renewed under load",
            "",
            *(f"- {name}: {value}" for name, value in facts.items()),
            f"- result: {'passed' if not short else 'FAILED: ' + '; '.join(short)}",
            "",
            "| what | |",
            "|---|---:|",
            *(f"| {name} | {value:,} |" for name, value in rows),
            "",
        )
    )


async def _shown(made: Site) -> bytes:
    """The certificate that the daemon shows to whoever connects now (DER)."""
    context = ssl.create_default_context(cafile=str(made.folder / "ca.pem"))
    context.load_cert_chain(made.folder / "operator.pem", made.folder / "operator.key")
    context.set_alpn_protocols(["h2"])
    _reader, writer = await asyncio.open_connection("localhost", made.port, ssl=context)
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return certificate


def _certificate(path: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(path.read_text())


def _peers(log: Path) -> int:
    """How many different certificates a process was shown, by its own log: callers' or the daemon's."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if '"peer"' in line]
    return len({line["certificate"] for line in lines if line["identity"].endswith(("/caller/ward", "/daemon"))})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two rotations")
    parser.add_argument("--write", action="store_true", help="write bench/results/rotation-<date>")
    return parser


if __name__ == "__main__":
    sys.exit(main())
