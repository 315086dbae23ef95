"""Our figures of the GPUs beside nvidia-smi's in the same moment, and what a sample costs.

Runs on a bare Python with nvidia-ml-py: `PYTHONPATH=proto:daemon python bench/gpu_nvml.py`. What does not move must be
equal. What moves must lie within a small distance of what we read just before and just after nvidia-smi; one that does
not is looked at again, up to `--rounds` times. Exit code 1 where something differs, 2 where there is no GPU.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gpu_nvml_parts.compare import FIELDS, MIB, Row, rows
from gpu_nvml_parts.cost import samples_us, timed_calls
from gpu_nvml_parts.smi import Smi
from ringfenced.device import DeviceFacts
from ringfenced.devices.health import judge_all
from ringfenced.devices.nvml import GpuReader

RESULTS = Path(__file__).resolve().parent / "results"


def main() -> int:
    """Compare, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smi", default="nvidia-smi", help="the program")
    parser.add_argument("--rounds", type=int, default=5, help="how often what moves is looked at")
    parser.add_argument("--samples", type=int, default=200, help="how many samples are timed")
    parser.add_argument("--write", action="store_true", help="write gpu-nvml-<date>.txt into the folder of --results")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where results lie")
    options = parser.parse_args()
    reader = GpuReader(time.monotonic)
    began_s = time.perf_counter()
    if not reader.sample():
        print("no GPU, or no driver")
        return 2
    opened_ms = (time.perf_counter() - began_s) * 1e3
    smi = Smi(options.smi)
    found = compared(reader, smi, options.rounds)
    others = beside(reader, smi)
    today = datetime.now(UTC)  # noqa: TID251 - a benchmark dates its own result
    lines = [
        "# GPUs: our figures beside nvidia-smi's",
        "",
        f"bench/gpu_nvml.py --rounds {options.rounds} --samples {options.samples}, {today:%Y-%m-%d %H:%M} UTC",
        f"{_machine()}, nvidia-ml-py {_version('nvidia-ml-py')}",
        "",
        *table(found),
        *(f"{'same' if same else 'DIFFERS'}  {text}" for same, text in others),
        "",
        *told(reader),
        "",
        *cost(reader, opened_ms, options.samples),
    ]
    differing = [row for gpu in found for row in gpu if not row.agrees]
    wrong = len(differing) + sum(not same for same, _ in others)
    lines += ["", f"{sum(map(len, found)) + len(others)} figures, {wrong} differ"]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if options.write:
        options.results.mkdir(parents=True, exist_ok=True)
        (options.results / f"gpu-nvml-{today:%Y-%m-%d}.txt").write_text(text)
    return int(bool(wrong))


def whole(reader: GpuReader) -> list[DeviceFacts]:
    """The GPUs without their MIG instances."""
    return [facts for facts in reader.sample() if facts.mig is None]


def compared(reader: GpuReader, smi: Smi, rounds: int) -> list[list[Row]]:
    """Each GPU's figures; one that agreed in any round agrees."""
    best: list[list[Row]] = []
    for _ in range(rounds):
        before = whole(reader)
        theirs = smi.gpus(FIELDS)
        after = whole(reader)
        fresh = [rows(*each) for each in zip(theirs, before, after, strict=True)]
        if not best:
            best = fresh
        best = [
            [new if new.agrees or not old.agrees else old for old, new in zip(*gpu, strict=True)]
            for gpu in zip(best, fresh, strict=True)
        ]
        if all(row.agrees for gpu in best for row in gpu):
            break
    return best


def beside(reader: GpuReader, smi: Smi) -> list[tuple[bool, str]]:
    """What nvidia-smi tells in other queries: CUDA, remapped rows, processes."""
    gpus = whole(reader)
    told = []
    cuda = smi.cuda()
    told.append((cuda is None or cuda == gpus[0].cuda_version, f"CUDA: {cuda}, ours {gpus[0].cuda_version}"))
    theirs = smi.remapped_rows()
    for facts in gpus:
        errors = facts.errors
        ours = (
            *(None if each is None else str(each) for each in (errors.remapped_corrected, errors.remapped_uncorrected)),
            *(
                None if each is None else ("Yes" if each else "No")
                for each in (errors.remapping_pending, errors.remapping_failed)
            ),
        )
        said = theirs.get(facts.id)
        same = said is None or said == ours or (said[:2] == ours[:2] and _flags(said) == _flags(ours))
        told.append((same, f"remapped rows: {said}, ours {ours}"))
    by_uuid = {(facts.id, each.pid) for facts in gpus for each in facts.processes or ()}
    listed = smi.processes()
    missing = {(uuid, pid) for uuid, pid, _ in listed} - by_uuid
    told.append((not missing, f"processes that compute: {len(listed)}, of which we miss {len(missing)}"))
    return told


def _flags(row: tuple[str | None, ...]) -> tuple[bool | None, ...]:
    """Pending and failed, however they are written: Yes, No, 1, 0."""
    return tuple(None if each is None else each in ("Yes", "1") for each in row[2:])


def table(found: list[list[Row]]) -> list[str]:
    """A table for each GPU."""
    lines = []
    for number, gpu in enumerate(found):
        lines += [f"| GPU {number} | nvidia-smi | ours before | ours after | |", "|---|---|---|---|---|"]
        lines += [
            f"| {row.field} | {_cell(row.theirs)} | {_cell(row.before)} | {_cell(row.after)} | "
            f"{'same' if row.agrees else '**DIFFERS**'} |"
            for row in gpu
        ]
        lines.append("")
    return lines


def told(reader: GpuReader) -> list[str]:
    """What we tell besides, and whether each device would be used."""
    reader.linger()
    time.sleep(0.2)
    lines = []
    for facts in judge_all(reader.sample(), {}):
        pcie, topology = facts.pcie, facts.topology
        lines += [
            f"{facts.id}: {facts.excluded_rule or 'used'} {facts.excluded_reason}".rstrip(),
            f"  held back by {facts.clocks.held_back_by}",
            f"  recovery {facts.recovery or 'none'}, last Xid {facts.xid_last}, energy {facts.energy_millijoules} mJ",
            f"  PCIe bytes/s {pcie.sent_bytes_per_s} out, {pcie.received_bytes_per_s} in, {pcie.replays} replays",
            f"  NUMA node {topology.numa_node}, near processors {topology.cpus}",
            f"  NVLinks up {topology.nvlinks_up} of {topology.nvlinks}, between GPUs {topology.links}",
            f"  processes {[(each.pid, _mib(each.memory_used_bytes)) for each in facts.processes or ()]} (MiB)",
        ]
    return lines


def cost(reader: GpuReader, opened_ms: float, times: int) -> list[str]:
    """What opening, a sample, what takes long, and each call cost."""
    taken = samples_us(reader, times)
    with timed_calls() as calls:
        for _ in range(20):
            reader.sample()
    slowest = sorted(calls.items(), key=lambda item: -sum(item[1]))[:12]
    middle, late, most = statistics.median(taken), taken[int(len(taken) * 0.99)], taken[-1]
    lines = [
        f"opening and first sample {opened_ms:.1f} ms",
        f"a further sample: median {middle:.0f} us, p99 {late:.0f} us, most {most:.0f} us, over {times}",
        f"{sum(map(len, calls.values())) / 20:.0f} questions a sample; where the time goes:",
    ]
    lines += [
        f"  {name}: {sum(each) / 20:.0f} us a sample, {statistics.median(each):.1f} us a call" for name, each in slowest
    ]
    return lines


def _mib(value: int | None) -> float | None:
    return None if value is None else round(value / MIB, 1)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _machine() -> str:
    return f"{len(os.sched_getaffinity(0))} cores, kernel {platform.release()}, Python {platform.python_version()}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "?"


if __name__ == "__main__":
    sys.exit(main())
