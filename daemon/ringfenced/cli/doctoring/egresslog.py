"""The egress log's newest checkpoint, beside what was witnessed of it. Pure.

Not the whole log: `ringfence audit verify` reads every entry, and needs nothing of this node's word.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ringfence.translog import ProofError, open_checkpoint
from ringfenced.cli.doctoring.finding import Finding, error, ok, unseen, warning


@dataclass(frozen=True, slots=True)
class LogFacts:
    """What the site tells of its log."""

    origin: str
    """The log's name, by the daemon's configuration."""
    key: Ed25519PublicKey | None
    """The log's public key, by the daemon's configuration; None where it cannot be read."""
    checkpoint: str | None = None
    """The newest, from the daemon or from the agent's folder; None where neither told one."""
    witnessed: str | None = None
    """The newest that this daemon witnessed; None where it told none."""
    condemned: str = ""
    """Where the daemon laid down the proof that the log contradicts itself; empty where there is none."""
    witnesses: int | None = None
    """How many others cosign it, by the agent's configuration; None where that cannot be read."""
    unseen: str = ""
    """Why nobody can tell whether there is such a proof; empty where somebody can."""


def judge(facts: LogFacts) -> tuple[Finding, ...]:
    """How the log and its witness stand."""
    if facts.condemned:
        advice = "stop egress (`ringfence lockdown on`), keep both hosts as they are, docs/operations.md, Incidents"
        return (error("egress log", f"it contradicts itself: the proof is {facts.condemned}", advice),)
    if facts.unseen:
        return (unseen("egress log", f"nobody can tell whether it contradicts itself: {facts.unseen}"),)
    if facts.key is None:
        return (unseen("egress log", "its public key cannot be read", "see agent.log_public_key of the daemon's file"),)
    if facts.checkpoint is None:
        return (unseen("egress log", "nobody told its checkpoint", "ask with a certificate whose role is auditor"),)
    try:
        newest = open_checkpoint(facts.checkpoint, facts.origin, facts.key)
    except ProofError as problem:
        return (error("egress log", str(problem), "see that log_public_key and log_origin are this log's"),)
    return (ok("egress log", f"{newest.size:,} entries, signed by its key"), _witnessed(facts, newest.size))


def _witnessed(facts: LogFacts, newest: int) -> Finding:
    others = "" if facts.witnesses is None else f"; {facts.witnesses} others cosign it"
    if not facts.witnessed or facts.key is None:
        advice = (
            "see that the agent runs: the daemon looks every second; `ringfence audit witness` is one on another host"
        )
        return warning("witness", f"this daemon has witnessed nothing yet{others}", advice)
    try:
        seen = open_checkpoint(facts.witnessed, facts.origin, facts.key).size
    except ProofError as problem:
        return error(
            "witness", str(problem), "the file witnessed.checkpoint is not this log's: find out who changed it"
        )
    if seen > newest:
        told = f"{seen:,} entries were witnessed, and the log has {newest:,}"
        return error("witness", told, "entries are gone: docs/operations.md, Incidents")
    return ok("witness", f"{seen:,} entries witnessed by this daemon{others}")
