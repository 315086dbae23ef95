"""`ringfence generate` and `ringfence plan`."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Annotated

import typer

from ringfence.client import Answer
from ringfence.client.answer import Collector
from ringfence.v1.inference_pb2 import Escalation, GenerateRequest, GenerateResponse, PlanResponse
from ringfence.v1.types_pb2 import Decision
from ringfenced.cli import settings
from ringfenced.cli.asking import asking
from ringfenced.cli.decided import decision_table
from ringfenced.cli.output import Output, json_option
from ringfenced.cli.tables import (
    contributions_table,
    credits_of,
    findings_table,
    label_of,
    receipt_table,
    target_of,
)


@asking
def generate(context: typer.Context, request: GenerateRequest, *, as_json: json_option = False) -> None:
    """Ask, and stream the answer to stdout.

    Decision and receipt go to stderr, so that a pipe gets the answer alone. With --json each event of the stream is one
    line on stdout: decision, text, toolCall, escalation, finish, receipt.

    Examples:
    - `ringfence generate "Which form does a transfer need?"`
    - `ringfence generate -f note.txt --schema note.schema.json --label restricted --category phi`
    - `ringfence generate -f note.txt --allow-deidentified --region eu --ceiling 0.05 --ladder 2`
    - `ringfence generate --json < note.txt`
    """
    output = Output.of(as_json=as_json)
    with settings.load(context.obj).client() as client, contextlib.closing(client.generate(request)) as events:
        if as_json:
            for event in events:
                output.message(event)
        else:
            answer = _Shown(output)
            for event in events:
                answer.show(event)
            answer.end()


@asking
def plan(
    context: typer.Context,
    request: GenerateRequest,
    *,
    values: Annotated[
        bool, typer.Option("--values", help="Show the text of each finding too, from what you sent.")
    ] = False,
    as_json: json_option = False,
) -> None:
    """Show what would happen to a request, without running it.

    Its label and what made it, the findings by type and place, and every target with its estimate and the reason for or
    against it. The daemon never tells the text of a finding; --values cuts it out of the prompt that was given here.

    Example: `ringfence plan -f note.txt --allow-deidentified`
    """
    output = Output.of(as_json=as_json)
    with settings.load(context.obj).client() as client:
        response = client.plan(request)
    if as_json:
        output.message(response)
    else:
        _show_plan(output, response, texts_of(request) if values else None)


class _Shown:
    """An answer on its way to the screen or into a pipe."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._collector = Collector()
        self._held: list[str] | None = None
        """Pieces that wait for the finish, because a later rung may void them and a pipe cannot take them back."""
        self._line_open = False

    def show(self, event: GenerateResponse) -> None:
        """Take the next event."""
        self._collector.add(event)
        match event.WhichOneof("event"):
            case "decision":
                self._decide(event.decision)
            case "text":
                self._piece(event.text.text)
            case "escalation":
                self._escalate(event.escalation)
            case "finish" if self._held is not None:
                pieces, self._held = self._held, None
                self._piece("".join(pieces))
            case _:
                pass  # what is left is shown at the end

    def end(self) -> None:
        """After the last event: tool calls and the receipt.

        Raises:
            RingfenceCallError: the stream broke its order.
        """
        answer = self._collector.answer()
        if self._line_open:
            self._output.text("\n")
        self._calls(answer)
        receipt_table(self._output, answer.receipt, answer.finish.usage)

    def _decide(self, decision: Decision) -> None:
        decision_table(self._output, decision, beside=True)
        if len(decision.ladder) > 1 and not self._output.stdout.isatty():
            self._held = []

    def _piece(self, text: str) -> None:
        if self._held is not None:
            self._held.append(text)
        elif text:
            self._output.text(text)
            self._line_open = not text.endswith("\n")

    def _escalate(self, escalation: Escalation) -> None:
        if self._held is not None:
            self._held.clear()
        elif self._line_open:
            self._output.text("\n")
            self._line_open = False
        source, destination = target_of(getattr(escalation, "from")), target_of(escalation.to)
        self._output.remark(
            f"escalated: {source} to {destination}, {escalation.reason}; the answer so far is void", style="yellow"
        )

    def _calls(self, answer: Answer) -> None:
        if answer.tool_calls:
            rows = [(call.id, call.name, call.arguments_json) for call in answer.tool_calls]
            self._output.table("tool calls", ("id", "tool", "arguments"), rows)


def texts_of(request: GenerateRequest) -> dict[str, str]:
    """The texts of a request's parts, by the paths that findings name."""
    return {
        f"messages[{at}].parts[{place}].{kind}": getattr(part, kind)
        for at, message in enumerate(request.messages)
        for place, part in enumerate(message.parts)
        if (kind := part.WhichOneof("content")) in {"text", "json"}
    }


def _show_plan(output: Output, response: PlanResponse, texts: Mapping[str, str] | None) -> None:
    """A plan for people; with `texts` also what was found."""
    output.line(f"label                {label_of(response.label)}")
    if response.HasField("label_deidentified"):
        output.line(f"after de-identifying {label_of(response.label_deidentified)}")
    output.line(f"wallet               {credits_of(response.wallet_available_microcredits)} credits available")
    contributions_table(output, response.contributions)
    findings_table(output, response.findings, texts)
    decision_table(output, response.decision, beside=False)
