"""`ringfence feedback` and `ringfence routing`: what learning is told, and what it has learned."""

from __future__ import annotations

from typing import Annotated

import typer

from ringfence.v1.admin_pb2 import GetRoutingResponse, RoutingModel, RoutingSegment, RoutingVerifier
from ringfenced.cli import settings
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output, json_option

routing = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


def feedback(
    context: typer.Context,
    request_id: Annotated[str, typer.Argument(metavar="ID", help="The request's id, from its receipt.")],
    score: Annotated[float, typer.Argument(metavar="SCORE", min=0, max=1, help="From 0 (useless) to 1 (right).")],
    *,
    reason: Annotated[str, typer.Option(help="A word for machines, e.g. wrong_name; never content.")] = "",
    as_json: json_option = False,
) -> None:
    """Tell how good an earlier answer of your department was, days later too.

    What is said again replaces what was said before.

    Example: `ringfence feedback 3f9c0a1b2c3d4e5f00000007 0 --reason wrong_name`
    """
    output = Output.of(as_json=as_json)
    with settings.load(context.obj).client() as client:
        client.feedback(request_id, score, reason)
    if as_json:
        output.json({"requestId": request_id, "score": score, "reason": reason})
    else:
        output.remark(f"{request_id}: taken, {score:g}{f', {reason}' if reason else ''}")


@routing.callback()
def routing_group() -> None:
    """Show what was learned of the models' answers, or forget it."""


@routing.command()
def show(context: typer.Context, *, as_json: json_option = False) -> None:
    """Show, by kind of request and model, how good answers were and what is expected (role: operator or auditor).

    A kind is a task's name; requests without one are put into coarse kinds that begin with ~. Where the guard is on,
    the means of the kind count, and not the learned score of the single request.

    Example: `ringfence --certs run/certs --as operator routing show`
    """
    output = Output.of(as_json=as_json)
    with settings.load(context.obj).client() as client:
        standing = client.routing()
    if as_json:
        output.message(standing)
    else:
        _show(output, standing)


@routing.command()
def forget(
    context: typer.Context,
    *,
    model: Annotated[str, typer.Option(help="Only what is known of this model's answers.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Everything.")] = False,
    as_json: json_option = False,
) -> None:
    """Forget what was learned, and the outcomes that it came from (role: operator).

    Example: `ringfence --certs run/certs --as operator routing forget --model tiny`
    """
    if bool(model) == everything:
        raise Failure("say --model NAME or --all, one of the two", code=ExitCode.USAGE)
    output = Output.of(as_json=as_json)
    with settings.load(context.obj).client() as client:
        answers = client.forget_routing(model)
    if as_json:
        output.json({"answers": answers})
    else:
        output.line(f"{answers:,} answers forgotten")


def _show(output: Output, standing: GetRoutingResponse) -> None:
    if not standing.learns:
        output.line("this node does not learn from outcomes; [routing] learn turns it on")
        return
    if standing.failure:
        output.line(standing.failure, style="red")
    output.line(_refitted(standing))
    if standing.drifting:
        output.line(f"no longer as expected: {', '.join(standing.drifting)}; learned anew soon", style="yellow")
    if standing.HasField("verifier"):
        output.line(_verifier(standing.verifier))
    output.line(
        f"{standing.explore:.1%} of requests may try another target than the best; outcomes are kept "
        f"{standing.keep_days} days"
    )
    output.table(
        "learned",
        ("kind", "model", "answers", "scored", "by callers", "score", "configured", "learned", "guard"),
        (
            (segment.name if first else "", *_row(model), _guard(segment) if first else "")
            for segment in standing.segments
            for first, model in ((at == 0, model) for at, model in enumerate(segment.models))
        ),
        right=frozenset({"answers", "scored", "by callers", "score", "configured", "learned"}),
    )


def _refitted(standing: GetRoutingResponse) -> str:
    if not standing.refits:
        return "nothing was learned yet: too few answers were said to be good or bad"
    return (
        f"refit {standing.refits} at {standing.refitted_at.ToJsonString()} from {standing.outcomes:,} outcomes, in "
        f"{standing.seconds:.1f} s"
    )


def _verifier(verifier: RoutingVerifier) -> str:
    which = "refitted here" if verifier.refitted else "as shipped"
    return f"verifier of answers {which}, {verifier.labels:,} labels: {verifier.why}"


def _row(model: RoutingModel) -> tuple[str, ...]:
    counts = (f"{model.answers:,}", f"{model.labelled:,}", f"{model.rated:,}")
    score = f"{model.score:.2f}" if model.HasField("score") else ""
    configured = f"{model.quality_configured:.2f}" if model.HasField("quality_configured") else ""
    learned = f"{model.quality:.2f} ± {model.quality_uncertainty:.2f}" if model.HasField("quality") else ""
    return model.model, *counts, score, configured, learned


def _guard(segment: RoutingSegment) -> str:
    return f"{'on' if segment.guarded else 'off'}: {segment.why}"
