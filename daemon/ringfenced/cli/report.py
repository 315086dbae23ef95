"""How a command ends badly: the daemon's typed error, or a failure of its own, in words, JSON and an exit code."""

from __future__ import annotations

from typing import Any, Final

import grpc

from ringfence.client import RingfenceCallError
from ringfence.v1.types_pb2 import ErrorDetail
from ringfenced.cli.decided import decision_table
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output, to_dict
from ringfenced.cli.tables import credits_of

STEPS: Final = (
    "before the first step",
    "identify",
    "classify",
    "decide",
    "reserve",
    "run",
    "evaluate",
    "settle",
    "record",
    "answer",
)
"""The steps of a request's way by number (DESIGN.md)."""

_EXITS: Final = {
    grpc.StatusCode.UNAUTHENTICATED: ExitCode.FORBIDDEN,
    grpc.StatusCode.PERMISSION_DENIED: ExitCode.FORBIDDEN,
    grpc.StatusCode.FAILED_PRECONDITION: ExitCode.REFUSED,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ExitCode.UNAVAILABLE,
    grpc.StatusCode.UNAVAILABLE: ExitCode.UNAVAILABLE,
    grpc.StatusCode.ABORTED: ExitCode.UNAVAILABLE,
    grpc.StatusCode.INVALID_ARGUMENT: ExitCode.INVALID,
    grpc.StatusCode.OUT_OF_RANGE: ExitCode.INVALID,
    grpc.StatusCode.ALREADY_EXISTS: ExitCode.INVALID,
    grpc.StatusCode.NOT_FOUND: ExitCode.INVALID,
    grpc.StatusCode.UNIMPLEMENTED: ExitCode.INVALID,
    grpc.StatusCode.DEADLINE_EXCEEDED: ExitCode.DEADLINE,
}

_HINTS: Final = {
    grpc.StatusCode.UNAUTHENTICATED: "use the certificate of an identity that the daemon's configuration names",
    grpc.StatusCode.PERMISSION_DENIED: "use an identity that has the role, for example --as operator or --as auditor",
    grpc.StatusCode.DEADLINE_EXCEEDED: "give it more time with --deadline, or ask for less with --max-tokens",
    grpc.StatusCode.UNIMPLEMENTED: "this daemon does not do that; compare its version in `ringfence status`",
    grpc.StatusCode.INTERNAL: "this is a defect: tell the operator, with the request's id where one was shown",
}

_NO_ANSWER: Final = (
    "is the daemon running there, and is --target right?",
    "are the certificates of one authority, and still valid? (ringfence dev-certs DIR --force makes new ones)",
)


def exit_code(error: RingfenceCallError) -> ExitCode:
    """The exit code of a call's error; an empty wallet is told apart from a full queue by its reason."""
    if error.code is grpc.StatusCode.RESOURCE_EXHAUSTED and error.reason.startswith("wallet"):
        return ExitCode.WALLET_EMPTY
    return _EXITS.get(error.code, ExitCode.FAILED)


def advice(error: RingfenceCallError) -> tuple[str, ...]:
    """What to do, a line each: numbers, nearest names, when to try again, where it happened."""
    detail = error.detail
    if detail is None:
        return _NO_ANSWER if error.code is grpc.StatusCode.UNAVAILABLE else _hint(error)
    lines = []
    if detail.numbers:
        lines.append(", ".join(_number(name, detail.numbers[name]) for name in sorted(detail.numbers)))
    if detail.suggestions:
        word = "nearest" if error.code is grpc.StatusCode.NOT_FOUND else "namely"
        lines.append(f"{word}: {', '.join(detail.suggestions)}")
    if error.retry_after_s is not None:
        lines.append(f"try again in {error.retry_after_s:g} s")
    return (*lines, *_hint(error), _where(error.reason, detail))


def report_call(error: RingfenceCallError, *, as_json: bool) -> ExitCode:
    """Tell of a call that did not succeed; returns the exit code."""
    output, code = Output.of(as_json=as_json), exit_code(error)
    if as_json:
        detail = to_dict(error.detail) if error.detail else None
        _report_json(output, code, error.message, {"status": error.code.name, "reason": error.reason, "detail": detail})
    report(Failure(error.message or error.code.name, code=code, advice=advice(error)))
    if error.detail is not None and error.detail.HasField("decision"):
        decision_table(output, error.detail.decision, beside=True)
    return code


def report_failure(failure: Failure, *, as_json: bool) -> ExitCode:
    """Tell of a failure of the command's own; returns the exit code."""
    if as_json:
        _report_json(Output.of(as_json=True), failure.code, failure.message, {})
    report(failure)
    return failure.code


def report(failure: Failure) -> None:
    """Say on stderr what was wrong and what to do."""
    output = Output.of(as_json=False)
    output.remark(f"error: {failure.message}", style="bold red")
    for line in failure.advice:
        output.remark(f"  {line}")


def _report_json(output: Output, code: ExitCode, message: str, more: dict[str, Any]) -> None:
    """The last line of a command with --json that ended badly."""
    output.json({"error": {"exitCode": int(code), "message": message, **more}})


def _number(name: str, value: int) -> str:
    """A figure with its name; amounts of money in credits."""
    words = name.removesuffix("_microcredits").replace("_", " ")
    return f"{words}: {credits_of(value)} credits" if name.endswith("_microcredits") else f"{words}: {value:,}"


def _hint(error: RingfenceCallError) -> tuple[str, ...]:
    """The usual advice for a status; none where the message says it all."""
    return (_HINTS[error.code],) if error.code in _HINTS else ()


def _where(reason: str, detail: ErrorDetail) -> str:
    """One line for whoever looks it up: reason, step, model, input."""
    named = (("model", detail.model), ("input", detail.input))
    step = f"step {detail.step} ({STEPS[detail.step]})" if 0 < detail.step < len(STEPS) else ""
    places = [step, *(f"{name} {value}" for name, value in named if value)]
    return f"reason {reason}" + "".join(f", {place}" for place in places if place)
