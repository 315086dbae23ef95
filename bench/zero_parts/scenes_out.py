"""What goes to the provider through the agent: de-identified or PUBLIC, and every way that fails."""

from __future__ import annotations

import hashlib
import json
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Sequence

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fakes.agent import client as agent_client
from ringfence import permit
from ringfence.client import generate_request
from ringfence.labels import Label, Level
from ringfence.v1 import admin_pb2, egress_pb2
from ringfence.v1 import types_pb2 as types
from zero_parts.asking import ANSWERED, CANCELLED, OUT, PUBLIC, Case, End, Ended, Play, streamed, user
from zero_parts.scene import Scene, Several, each, killed, left, note, whole
from zero_parts.stage import Stage
from zero_parts.ways import WAYS, Made, hangs

OK = frozenset({ANSWERED})
LATE = frozenset({"deadline_exceeded"})
FAILED = frozenset(
    {"provider_overloaded", "provider_rate_limited", "provider_bad_answer", "provider_rejected", "left_alone"}
)
_DEIDENTIFIED = {"permission": OUT}


def _prose(case: Case) -> str:
    return case.prose


def answered() -> Iterator[Scene]:
    """Answers, and refusals before anything leaves."""
    yield Scene("provider, PUBLIC", "answered", each(whole("gpt", _prose, label=PUBLIC)), OK)
    yield Scene("provider, de-identified", "answered", each(whole("gpt", note, **_DEIDENTIFIED)), OK)
    yield Scene("provider, de-identified", "tools and a schema", each(_tools), OK)
    yield Scene("provider, de-identified", "a run of two steps", each(_run), OK)
    yield Scene("ladder", "tried locally, handed up", each(_ladder), OK)
    yield Scene("provider", "refused by the daemon", each(whole("gpt", note)), frozenset({"refused"}))
    yield Scene("provider", "refused by the agent", each(_rogue), frozenset({"refused"}))
    # The daemon hears of a lockdown a moment after the agent, which refuses by itself until then.
    yield Scene("provider", "refused in a lockdown", _locked_down, frozenset({"unavailable", "agent_refused"}))


def failed() -> Iterator[Scene]:
    """Answers that do not come, or come wrong; each says the canary again where it can."""
    for name, make in WAYS.items():
        expected = OK if "tool" in name else FAILED  # a call of a tool is an answer like another
        yield Scene(
            "provider, PUBLIC", name, _while_it(make, whole("gpt", _prose, label=PUBLIC, deadline_s=8)), expected
        )
    yield Scene(
        "provider, de-identified",
        "failed with 500",
        _while_it(WAYS["failed with 500"], whole("gpt", note, deadline_s=8, **_DEIDENTIFIED)),
        FAILED | LATE,
    )
    hang = _while_it(hangs, whole("gpt", _prose, label=PUBLIC, deadline_s=1.5))
    yield Scene("provider, PUBLIC", "timed out", hang, LATE)
    gone = _while_it(hangs, left("gpt", _prose, label=PUBLIC))
    yield Scene("provider, PUBLIC", "cancelled", gone, frozenset({CANCELLED}))
    gone = _while_it(hangs, left("gpt", note, **_DEIDENTIFIED))
    yield Scene("provider, de-identified", "cancelled", gone, frozenset({CANCELLED}))


def crashed() -> Iterator[Scene]:
    """The agent, or the daemon, ends while an answer is on its way."""
    for name, number in (("crashed", signal.SIGSEGV), ("stopped", signal.SIGTERM)):

        async def agent_ends(stage: Stage, number: int = number) -> None:
            stage.site.agent.send_signal(number)

        async def agent_back(stage: Stage) -> None:
            await stage.again(agent=True)

        yield Scene(
            "provider, de-identified",
            f"agent {name}",
            _hanging(killed("gpt", note, agent_ends, agent_back, **_DEIDENTIFIED)),
            frozenset({"agent_unavailable"}),
        )

    async def daemon_ends(stage: Stage) -> None:
        stage.site.daemon.send_signal(signal.SIGSEGV)

    async def daemon_back(stage: Stage) -> None:
        await stage.again(daemon=True)

    yield Scene(
        "provider, de-identified",
        "daemon crashed",
        _hanging(killed("gpt", note, daemon_ends, daemon_back, **_DEIDENTIFIED)),
        frozenset({"unavailable"}),
    )


def _while_it(make: Callable[[str], Made], play: Play) -> Several:
    """Play while the provider answers so; then wait until it is asked again."""

    async def several(cases: Sequence[Case]) -> list[End]:
        with cases[0].stage.provider_says(make):
            ends = await each(play)(cases)
        await cases[0].stage.loaded()
        return ends

    return several


def _hanging(several: Several) -> Several:
    async def play(cases: Sequence[Case]) -> list[End]:
        with cases[0].stage.provider_says(hangs):
            return await several(cases)

    return play


async def _tools(case: Case) -> None:
    request = generate_request(case.messages(case.note), model="gpt", **_DEIDENTIFIED)
    schema = json.dumps({"type": "object", "properties": {"note": {"type": "string", "description": case.note}}})
    request.tools.add(name="look_up", description=case.note, parameters_json_schema=schema)
    await streamed(case, request)


async def _run(case: Case) -> None:
    for _ in range(2):
        request = generate_request(
            case.messages(case.note), model="gpt", run_id=f"run-{case.canary.encoding}", **_DEIDENTIFIED
        )
        await streamed(case, request)


async def _ladder(case: Case) -> None:
    permission = types.Permission(deidentified_egress=True, ladder_length_max=3)
    said = "/script " + json.dumps({"text": case.note, "logprob": -9}, ensure_ascii=False)
    options = {"permission": permission, "quality_min": 0.05, "sampling": types.Sampling(tokens_max=200)}
    await streamed(case, generate_request(case.messages(said), **options))


async def _locked_down(cases: Sequence[Case]) -> list[End]:
    stage = cases[0].stage
    async with stage.site.client("operator") as operator:
        await operator.set_lockdown(admin_pb2.SetLockdownRequest(on=True, reason="a drill"))
        try:
            return await each(whole("gpt", _prose, label=PUBLIC))(cases)
        finally:
            await operator.set_lockdown(admin_pb2.SetLockdownRequest(on=False, reason="a drill"))
            await stage.loaded()


async def _rogue(case: Case) -> None:
    """A daemon that lies hands the agent what nobody de-identified; the agent refuses, and says so in its log."""
    messages = [user(types.Part(text=case.note))]
    payload = egress_pb2.EgressPayload(messages=messages).SerializeToString()
    now_ms = time.time_ns() // 1_000_000
    statement = permit.Statement(
        payload_sha256=hashlib.sha256(payload).digest(),
        provider="cloud",
        model="gpt",
        label=Label(Level.INTERNAL),
        label_before=Label(Level.INTERNAL),
        caller_pseudonym="0" * 32,
        department="ward",
        request_id=secrets.token_hex(12),
        payload_bytes=len(payload),
        issued_at_unix_ms=now_ms,
        expires_at_unix_ms=now_ms + 20_000,
        nonce=secrets.token_bytes(16),
        findings_by_type={},
        decision_reason="a lie",
        cost_microcredits_max=1,
        key_id="permit",
    )
    folder = case.stage.site.folder
    signed = permit.sign(statement, load_pem_private_key((folder / "permit.key").read_bytes(), None))
    wire = egress_pb2.Permit(statement=signed.statement, signature=signed.signature)
    request = egress_pb2.SendRequest(permit=wire, payload=payload, deadline_ms=5000)
    async with agent_client(folder, case.stage.tracing.folder / f"rogue-{secrets.token_hex(4)}") as rogue:
        events = [event async for event in rogue._stub.Send(request)]  # noqa: SLF001 - what an honest client cannot say
    raise Ended(events[-1].WhichOneof("event"))
