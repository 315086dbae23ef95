"""`make demo`: real requests through daemon, engine, agent and a stand-in provider; ends by itself.

There is no internet in a first run, so the provider is a stand-in on this machine: `llama_cpp.server` behind TLS with
an authority of its own, with the same tiny model as the local engine: what it answers is no better, and how it is
reached is what counts here. It does not tell its usage, so that the whole estimate is booked. Everything else is what a
site would run.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ringfence.tls13 import require_tls13

# gRPC reads its cipher suites when it is imported.
require_tls13(os.environ)  # noqa: TID251 - the start of this process

from rich.console import Console  # noqa: E402
from rich.panel import Panel  # noqa: E402
from rich.table import Table  # noqa: E402
from stage import ROOT, Stage, stage  # noqa: E402

from ringfence.client import Answer, RingfenceCallError  # noqa: E402
from ringfence.labels import Label, Level  # noqa: E402
from ringfence.v1 import types_pb2 as types  # noqa: E402

EXAMPLES = ROOT / "examples"

TRIES_MAX = 3
"""How often a scene is played where the tiny model garbles its answer."""

CHECKPOINT_S = 1.5
"""The agent signs a checkpoint at least each second while its log grows; after this one covers every entry."""

LOGPROB_FLOOR = -0.25
"""Of the bundled model: answers whose least certain token lies under it are handed up (models/tiny/MODEL_CARD.md)."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One request of the demonstration."""

    title: str
    """What it shows."""
    expectation: str
    """What should come of it."""
    text: str
    caller: str = "caller-ward"
    label: Label | None = None
    permission: types.Permission | None = None
    quality_min: float = 0.0
    model: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a scene."""

    scene: Scene
    answer: Answer | None
    error: RingfenceCallError | None
    seconds: float
    arrived: list[str]
    """Request bodies that reached the provider meanwhile."""


def scenes() -> list[Scene]:
    """The requests, on inputs from this folder."""
    note = (EXAMPLES / "discharge-note.txt").read_text(encoding="utf-8")
    dispute = (EXAMPLES / "payment-dispute.txt").read_text(encoding="utf-8")
    question = (EXAMPLES / "public-question.txt").read_text(encoding="utf-8").strip()
    unfamiliar = (EXAMPLES / "unfamiliar-note.txt").read_text(encoding="utf-8")
    deidentified = types.Permission(deidentified_egress=True)
    return [
        Scene("a  a discharge note full of identifiers", "answered locally, nothing left", note),
        Scene(
            "b  a public question that asks for quality",
            "answered by the provider",
            question,
            label=Label(Level.PUBLIC),
            quality_min=0.9,
        ),
        Scene(
            "c  the same note as a heavy task, de-identified egress permitted",
            "the provider sees surrogates, the caller gets the originals",
            note,
            permission=deidentified,
            quality_min=0.9,
        ),
        Scene(
            "d  the same note for the provider, de-identified egress not permitted",
            "refused, with the reason",
            note,
            model="cloud-1",
        ),
        Scene(
            "e  a note of an unfamiliar form, with a ladder of two",
            "tried locally, found unsure, handed up de-identified",
            unfamiliar,
            caller="caller-billing",
            permission=types.Permission(deidentified_egress=True, ladder_length_max=2),
        ),
        Scene(
            "f  a payment dispute, with the same ladder",
            "tried locally, found sure, kept",
            dispute,
            caller="caller-billing",
            permission=types.Permission(deidentified_egress=True, ladder_length_max=2),
        ),
    ]


def main() -> int:
    """Play every scene; 0 if each came out as expected."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    floor = LOGPROB_FLOOR
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ringfence-demo-") as name:
        folder = Path(name)
        with console.status("setting the stage") as status:

            def tell(what: str) -> None:
                status.update(what)
                console.print(f"[dim]{time.monotonic() - began_s:5.1f} s  {what}[/dim]")

            curtain = stage(folder, floor, tell)
            made = curtain.__enter__()
        try:
            console.print(f"[dim]{time.monotonic() - began_s:5.1f} s  everything answers[/dim]\n")
            outcomes = [played(made, scene) for scene in scenes()]
            for outcome in outcomes:
                show(console, outcome)
            console.print(summary(outcomes))
            good = show_log(console, made)
        finally:
            curtain.__exit__(None, None, None)
    verdicts = [came_out(outcome) for outcome in outcomes]
    if all(verdicts) and good:
        console.print(f"\n[green]Everything came out as expected, in {time.monotonic() - began_s:.0f} s.[/green]")
        return 0
    wrong = [outcome.scene.title for outcome, well in zip(outcomes, verdicts, strict=True) if not well]
    console.print(f"\n[red]Not as expected: {', '.join(wrong) or 'the log'}[/red]")
    return 1


def played(made: Stage, scene: Scene) -> Outcome:
    """Send one request, and again where the tiny model garbled what it copied: with surrogates, 2 in 100 answers.

    What must never happen is not tried again: an identifier that arrived fails the demonstration at once.
    """
    outcome = play(made, scene)
    for _ in range(TRIES_MAX - 1):
        if leaked(outcome) or came_out(outcome):
            break
        outcome = play(made, scene)
    return outcome


def play(made: Stage, scene: Scene) -> Outcome:
    """Send one request."""
    before = len(made.seen_by_provider())
    began_s = time.monotonic()
    answer, error = None, None
    with made.client(scene.caller) as client:
        try:
            answer = client.generate_text(
                scene.text,
                model=scene.model,
                label=scene.label,
                permission=scene.permission,
                quality_min=scene.quality_min,
                sampling=types.Sampling(temperature=0, tokens_max=96),
                task="demo",
            )
        except RingfenceCallError as refused:
            error = refused
    return Outcome(scene, answer, error, time.monotonic() - began_s, made.seen_by_provider()[before:])


def show(console: Console, outcome: Outcome) -> None:
    """One scene: what was asked, decided, answered, and what the provider saw."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    decision = decision_of(outcome)
    if decision is not None:
        table.add_row("label", words(decision.label))
        for candidate in decision.candidates:
            mark = "[green]taken[/green]" if candidate.chosen else f"[yellow]{candidate.rule}[/yellow]"
            table.add_row(name_of(candidate.target), f"{mark}  {candidate.reason}")
    if outcome.answer is not None:
        counts = sorted(outcome.answer.receipt.findings_by_type.items())
        table.add_row("findings", ", ".join(f"{kind} {count}" for kind, count in counts) or "none")
        table.add_row("answer", outcome.answer.text.strip())
    if outcome.error is not None:
        table.add_row("refused", f"{outcome.error.code.name}: {outcome.error.message}")
    for body in outcome.arrived:
        table.add_row("provider saw", f"[magenta]{json.loads(body)['messages'][-1]['content'].strip()}[/magenta]")
    console.print(Panel(table, title=outcome.scene.title, subtitle=outcome.scene.expectation, title_align="left"))


def summary(outcomes: list[Outcome]) -> Table:
    """A row a scene."""
    table = Table(title="What became of each request", title_justify="left")
    for column in ("", "label", "findings", "ran on", "left the site", "tokens", "microcredits", "time"):
        table.add_column(
            column, justify="right" if column in ("tokens", "microcredits", "time", "findings") else "left"
        )
    for outcome in outcomes:
        decision = decision_of(outcome)
        label = words(decision.label) if decision is not None else "?"
        took = f"{outcome.seconds:.2f} s"
        if outcome.answer is None:
            table.add_row(outcome.scene.title[0], label, "", "refused", "nothing", "", "0", took)
            continue
        receipt, usage = outcome.answer.receipt, outcome.answer.finish.usage
        table.add_row(
            outcome.scene.title[0],
            label,
            str(sum(receipt.findings_by_type.values())),
            " → ".join(name_of(target) for target in receipt.ran),
            "nothing" if not receipt.egress else f"log entry {receipt.egress[0].index}",
            f"{usage.prompt_tokens} + {usage.completion_tokens}" if usage.prompt_tokens else "not told",
            str(receipt.cost_microcredits),
            took,
        )
    return table


def show_log(console: Console, made: Stage) -> bool:
    """The egress log's entries, and whether it verifies."""
    connection = (
        "--target",
        f"localhost:{made.daemon_port}",
        "--certs",
        str(made.folder / "certs"),
        "--as",
        "auditor",
    )
    tail = made.ringfence(*connection, "audit", "tail")
    console.print("\n[bold]ringfence audit tail[/bold]")
    console.print(tail.stdout or tail.stderr, highlight=False)
    time.sleep(CHECKPOINT_S)
    verify = made.ringfence(
        *("audit", "verify", "--log", str(made.folder / "log"), "--key", str(made.folder / "certs" / "log.pub"))
    )
    console.print("[bold]ringfence audit verify[/bold]")
    console.print(verify.stdout or verify.stderr, highlight=False)
    return tail.returncode == 0 and verify.returncode == 0


def identifiers() -> list[str]:
    """The note's identifiers that must not leave: name, record number, social security number, phone."""
    note = (EXAMPLES / "discharge-note.txt").read_text(encoding="utf-8")
    named = ("Patient", "MRN", "SSN", "Phone")
    return [line.partition(": ")[2] for line in note.splitlines() if line.startswith(named)]


def leaked(outcome: Outcome) -> bool:
    """Whether one of them reached the provider."""
    return any(identifier in body for identifier in identifiers() for body in outcome.arrived)


def came_out(outcome: Outcome) -> bool:
    """Whether a scene came out as its letter promises."""
    if leaked(outcome):
        return False
    kind = outcome.scene.title[0]
    if kind == "d":
        return outcome.error is not None and outcome.error.code.name == "FAILED_PRECONDITION" and not outcome.arrived
    if outcome.answer is None:
        return False
    ran = [name_of(target) for target in outcome.answer.receipt.ran]
    expected = {
        "a": ["local:tiny"],
        "b": ["standin/cloud-1"],
        "c": ["standin/cloud-1"],
        "e": ["local:tiny", "standin/cloud-1"],
        "f": ["local:tiny"],
    }[kind]
    restored = kind != "c" or any(identifier in outcome.answer.text for identifier in identifiers()[:2])
    return ran == expected and restored and bool(outcome.arrived) == (ran[-1] == "standin/cloud-1")


def decision_of(outcome: Outcome) -> types.Decision | None:
    """The decision, from the answer or from the refusal."""
    if outcome.answer is not None:
        return outcome.answer.receipt.decision
    detail = outcome.error.detail if outcome.error else None
    return detail.decision if detail is not None and detail.HasField("decision") else None


def words(label: types.Label) -> str:
    """A label as people write it."""
    kinds = ", ".join(types.Category.Name(category).removeprefix("CATEGORY_") for category in label.categories)
    return types.Level.Name(label.level).removeprefix("LEVEL_") + (f" {{{kinds}}}" if kinds else "")


def name_of(target: types.Target) -> str:
    """A target as people write it."""
    return f"{target.provider}/{target.model}" if target.provider else f"local:{target.model}"


if __name__ == "__main__":
    sys.exit(main())
