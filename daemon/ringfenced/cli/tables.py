"""Messages as tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ringfence.v1.admin_pb2 import Model, ModelSpeed, ModelState, Wallet
from ringfence.v1.types_pb2 import (
    Category,
    Contribution,
    Contributor,
    Finding,
    Label,
    Level,
    Receipt,
    Target,
    TargetKind,
    Usage,
    Verdict,
)
from ringfenced.cli.output import Output

MICRO: Final = 1_000_000
"""Microcredits in a credit."""


def credits_of(microcredits: int) -> str:
    """An amount in credits, with as many decimals as it needs and at least two."""
    sign, amount = ("-" if microcredits < 0 else ""), abs(microcredits)
    decimals = f"{amount % MICRO:06d}".rstrip("0").ljust(2, "0")
    return f"{sign}{amount // MICRO:,}.{decimals}"


def label_of(label: Label) -> str:
    """A label as people write it, for example ``CONFIDENTIAL {PHI, PII}``."""
    level = _name(Level, label.level, "LEVEL_")
    categories = ", ".join(sorted(_name(Category, category, "CATEGORY_") for category in label.categories))
    return f"{level} {{{categories}}}" if categories else level


def target_of(target: Target) -> str:
    """A target as people write it: ``local:tiny``, ``peer:node2/tiny``, ``cloud/gpt (eu)``."""
    kind = _name(TargetKind, target.kind, "TARGET_KIND_").lower()
    if target.provider:
        return f"{target.provider}/{target.model}" + (f" ({target.region})" if target.region else "")
    return f"{kind}:{target.node}/{target.model}" if target.node else f"{kind}:{target.model}"


def contributions_table(output: Output, contributions: Sequence[Contribution]) -> None:
    """What made a label, and what of it stays after de-identification."""
    output.table(
        "what made the label",
        ("who", "name", "count", "label", "stays"),
        (
            (
                _name(Contributor, each.contributor, "CONTRIBUTOR_").lower(),
                each.name,
                str(each.count or ""),
                label_of(each.label),
                "yes" if each.stays else "",
            )
            for each in contributions
        ),
        right=frozenset({"count"}),
    )


def findings_table(output: Output, findings: Sequence[Finding], texts: Mapping[str, str] | None = None) -> None:
    """What was found, by type and place.

    Args:
        output: where to.
        findings: they hold no text.
        texts: the caller's own texts by path, to show what was found too; None to show it by place alone.
    """
    columns = ("type", "where", "from", "to", "score", "recogniser")
    output.table(
        f"{len(findings)} findings",
        columns if texts is None else (*columns, "text"),
        (_finding_row(each) if texts is None else (*_finding_row(each), _found(each, texts)) for each in findings),
        right=frozenset({"from", "to", "score"}),
    )


def _finding_row(each: Finding) -> tuple[str, ...]:
    return each.entity_type, each.path, str(each.start), str(each.end), f"{each.score:.2f}", each.recogniser


def _found(each: Finding, texts: Mapping[str, str]) -> str:
    return texts.get(each.path, "")[each.start : each.end]


def receipt_table(output: Output, receipt: Receipt, usage: Usage | None) -> None:
    """What a request came to, on stderr."""
    found = ", ".join(f"{name} {receipt.findings_by_type[name]}" for name in sorted(receipt.findings_by_type))
    rows = [
        ("request", receipt.request_id),
        ("ran", " then ".join(target_of(target) for target in receipt.ran) or "-"),
        ("findings", found or "none"),
        ("cost", f"{credits_of(receipt.cost_microcredits)} credits"),
        ("left the site", _left(receipt)),
    ]
    rows.extend(("judged", _verdict(verdict)) for verdict in receipt.verdicts)
    if usage is not None:
        rows.insert(3, ("tokens", _usage(usage)))
    output.table("receipt", ("", ""), rows, beside=True)


def models_table(output: Output, models: Iterable[Model]) -> None:
    """Models with their state."""
    output.table(
        "models",
        (
            *("model", "kind", "engine", "state", "context", "quality", "running", "waiting"),
            *("credits/1k in", "out", "first, next ms", "measured", ""),
        ),
        (_model_row(model) for model in models),
        right=frozenset({"context", "quality", "running", "waiting", "credits/1k in", "out"}),
    )


def wallets_table(output: Output, wallets: Iterable[Wallet]) -> None:
    """Credits by department."""
    output.table(
        "credits",
        ("department", "granted", "spent", "held", "available"),
        (
            (
                wallet.department,
                credits_of(wallet.granted_microcredits),
                credits_of(wallet.spent_microcredits),
                credits_of(wallet.held_microcredits),
                credits_of(wallet.available_microcredits),
            )
            for wallet in wallets
        ),
        right=frozenset({"granted", "spent", "held", "available"}),
    )


def _model_row(model: Model) -> tuple[str, ...]:
    """One model."""
    return (
        model.name,
        _name(TargetKind, model.kind, "TARGET_KIND_").lower(),
        model.engine,
        _name(ModelState, model.state, "MODEL_STATE_").lower(),
        f"{model.context_tokens_max:,}",
        f"{model.quality:.2f}",
        str(model.requests_running),
        str(model.requests_waiting),
        credits_of(model.prompt_microcredits_per_1k_tokens),
        credits_of(model.completion_microcredits_per_1k_tokens),
        _speed(model.configured) if model.HasField("configured") else "-",
        _speed(model.measured) if model.HasField("measured") else "-",
        model.failure or "; ".join(f"left alone: {trouble}" for trouble in model.closed),
    )


def _verdict(verdict: Verdict) -> str:
    """What was said of one answer."""
    said = "good enough" if verdict.good else f"falls short: {verdict.reason}"
    return f"{target_of(verdict.target)} {said} ({verdict.evaluator} {verdict.score:.2f})"


def _speed(speed: ModelSpeed) -> str:
    """To the first token, what a hundred tokens of a prompt add to it, and for each further token."""
    prompt = f" + {speed.prompt_token_ms * 100:.1f}/100" if speed.prompt_token_ms else ""
    return f"{speed.first_token_ms:.0f}{prompt}, {speed.token_ms:.1f}"


def _left(receipt: Receipt) -> str:
    """What left, and where the log says so."""
    if not receipt.egress:
        return "nothing"
    return "de-identified or cleared; log " + ", ".join(f"#{proof.index}" for proof in receipt.egress)


def _usage(usage: Usage) -> str:
    """Tokens and time."""
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    first_ms, all_ms = usage.time_to_first_token_us / 1000, usage.duration_us / 1000
    return (
        f"{usage.prompt_tokens:,} in{cached}, {usage.completion_tokens:,} out; "
        f"first after {first_ms:,.0f} ms, all after {all_ms:,.0f} ms"
    )


def _name(enum: object, value: int, prefix: str) -> str:
    """An enum value without its prefix; its number where a later version added it."""
    names = getattr(enum, "DESCRIPTOR").values_by_number  # noqa: B009 - EnumTypeWrapper has no typed base
    return str(names[value].name).removeprefix(prefix) if value in names else str(value)
