"""What the configuration says of models, devices and policy, and what the daemon says of itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ringfenced.cli.doctoring.finding import Finding, error, ok, unseen, warning

WALLS: Final = "confinement"
"""The daemon's check of its own walls."""


@dataclass(frozen=True, slots=True)
class WeightsFacts:
    """The files of one configured model."""

    name: str
    """The model's name."""
    problem: str = ""
    """What is wrong with them; empty where nothing is."""
    has_digest: bool = True
    """Somebody said what they must be: the library's manifest, or sha256 in the configuration."""
    is_read: bool = False
    """They were read whole just now, and are what they must be."""
    read_at: str = ""
    """When they were last, by the library's memory; empty where it does not know."""


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """One of the daemon's own checks."""

    name: str
    """Its name."""
    is_ok: bool
    """How it stands."""
    told: str
    """What is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """One model of a provider, as the agent tells the daemon of it."""

    name: str
    """The name that callers use."""
    problem: str
    """Why nothing goes there now; empty where something may."""


@dataclass(frozen=True, slots=True)
class DaemonFacts:
    """What the daemon answered."""

    problem: str = ""
    """Why it was not asked, or gave no answer; empty where it did."""
    advice: str = ""
    """What to do about that."""
    is_away: bool = False
    """It was asked, and gave no answer."""
    version: str = ""
    """What it is."""
    checks: tuple[CheckFacts, ...] | None = None
    """Its own checks; None where this identity may not see them."""
    gpus: int | None = None
    """How many GPUs it uses; None where this identity may not see them."""
    providers: tuple[ProviderFacts, ...] = ()
    """Every provider."""
    lockdown: str | None = None
    """Why egress is stopped; empty where it is not, None where that was not told."""


def weights(facts: Iterable[WeightsFacts]) -> tuple[Finding, ...]:
    """Whether each model's files are what they must be."""
    return tuple(_weights(each) for each in facts)


def policy(problem: str, digest: str) -> Finding:
    """Whether the daemon's configuration and policy parse.

    Args:
        problem: what is wrong with them; empty where nothing is.
        digest: SHA-256 of the policy, hex.
    """
    if problem:
        return error(
            "configuration and policy", problem, "ringfenced --config FILE --check-config says it line by line"
        )
    return ok("configuration and policy", f"parse; policy digest {digest[:16]}")


def gpus(wanted: bool, driver: str, seen: int | None) -> tuple[Finding, ...]:
    """Whether the GPUs that the configuration counts on are there.

    Args:
        wanted: a model is to run on one.
        driver: the version of the driver that the kernel has loaded; empty for none.
        seen: how many the daemon uses; None where it did not say.
    """
    if not wanted and not driver:
        return ()
    if not driver:
        advice = "run `nvidia-smi`; load the driver (`modprobe nvidia`), or set gpu_layers to 0"
        return (error("GPU driver", "a model is to run on a GPU, and no driver is loaded", advice),)
    if wanted and seen == 0:
        advice = "`ringfence node` says why each is left out; under systemd it takes drop-ins/nvidia.conf"
        return (error("GPU", "the daemon uses none", advice),)
    return (ok("GPU driver", f"{driver}" + ("" if seen is None else f"; the daemon uses {seen}")),)


def daemon(facts: DaemonFacts) -> tuple[Finding, ...]:
    """How the daemon says that it is, and what the agent told it of each provider."""
    if facts.problem:
        kind = error if facts.is_away else unseen
        return (kind("daemon", facts.problem, facts.advice),)
    findings = [ok("daemon", f"answers; ringfence {facts.version}")]
    if facts.checks is None:
        findings.append(unseen("daemon's checks", "not shown to this identity", "ask with one whose role is operator"))
    findings += [_check(each) for each in facts.checks or ()]
    if facts.lockdown:
        findings.append(warning("lockdown", f"egress is stopped: {facts.lockdown}", "`ringfence lockdown status`"))
    return (*findings, *(_provider(each) for each in facts.providers))


def _weights(each: WeightsFacts) -> Finding:
    check = f"model {each.name}"
    if each.problem:
        return error(check, each.problem, "fetch it again (`ringfence models pull`), or correct the configuration")
    if not each.has_digest:
        advice = "set sha256 of it in the configuration, or bring it into the library (`ringfence models import`)"
        return warning(check, "nothing says what its file must be", advice)
    if each.is_read:
        return ok(check, "every byte read: as it must be")
    read = f"last read whole {each.read_at}" if each.read_at else "the daemon reads it when it starts"
    return ok(check, f"there; {read} (--deep reads every byte now)")


def _check(each: CheckFacts) -> Finding:
    name = f"daemon: {each.name}"
    if not each.is_ok:
        return error(name, each.told, "as it says; docs/errors.md has more")
    if each.name == WALLS and each.told:  # held as it is configured, and a person should know with what less
        return warning(name, each.told, "docs/confinement.md says what to do about it")
    return ok(name, each.told or "well")


def _provider(each: ProviderFacts) -> Finding:
    check = f"provider's {each.name}"
    if not each.problem:
        return ok(check, "open, as the agent tells")
    return warning(check, each.problem, "see the agent's log, its drop-in of addresses, and the provider's own status")
