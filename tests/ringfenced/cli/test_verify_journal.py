"""What the agent's own journal writes is what `ringfence audit verify` accepts: two writers of one format."""

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from fakes.egresslog import ORIGIN, write_key
from ringfence_agent.entry import Kind, Outcome, outcome
from ringfence_agent.journal import Journal
from ringfenced.cli.app import app

INTENT = {"request_id": "r", "permit_sha256": "p", "nonce_sha256": "n", "bytes_out": 9, "label": {"level": "INTERNAL"}}


async def run(directory, key, *work):
    """One run of an agent: it says that it starts, closes what it finds open, and does some work."""
    journal = Journal(directory, ORIGIN, key, lambda: 1_700_000_000_000)
    async with asyncio.TaskGroup() as group:
        group.create_task(journal.run())
        journal.resume({"agent": "test"})
        for kind, fields in work:
            await journal.append(kind, fields)
        journal.stop()


@pytest.fixture
def verified(tmp_path):
    def verify(*more):
        arguments = ["audit", "verify", "--log", str(tmp_path / "log"), "--key", str(tmp_path / "log.pub"), *more]
        return CliRunner().invoke(app, arguments, catch_exceptions=False)

    return verify


async def test_a_log_over_a_crash_and_a_restart_is_whole(tmp_path, verified):
    key = Ed25519PrivateKey.generate()
    write_key(tmp_path / "log.pub", key)
    answered = outcome(1, INTENT, Outcome.ANSWERED, reason="stop", bytes_in=4, usage={})
    refusal = {"permit_sha256": "q", "bytes_out": 0, "reasons": ["residual"]}
    open_intent = {**INTENT, "permit_sha256": "later", "nonce_sha256": "m"}
    await run(
        tmp_path / "log",
        key,
        (Kind.INTENT, INTENT),
        (Kind.OUTCOME, answered),
        (Kind.REFUSAL, refusal),
        (Kind.INTENT, open_intent),
    )
    (tmp_path / "kept").write_text((tmp_path / "log" / "checkpoint").read_text())
    await run(tmp_path / "log", key)
    result = verified("--checkpoint", str(tmp_path / "kept"))
    assert result.exit_code == 0, result.output
    for figure in ("intent: 2", "outcome: 2", "refusal: 1", "start: 2", "not closed yet: 0"):
        assert figure in result.stdout
