"""What stays on the node: scripted and real engines, answers and every way not to get one."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Sequence

from ringfence.client import generate_request
from ringfence.v1 import types_pb2 as types
from zero_parts.asking import ANSWERED, CANCELLED, OUT, PUBLIC, Case, End, streamed
from zero_parts.scene import Act, Scene, each, echoed, hanging, killed, left, long, note, too_long, whole
from zero_parts.stage import Stage, crash

REFUSED = frozenset({"refused"})
OK = frozenset({ANSWERED})
GONE = frozenset({"unavailable", "engine_died", "cancelled", "internal"})
LATE = frozenset({"deadline_exceeded"})
LEFT = frozenset({CANCELLED})


def _dies(model: str) -> Act:
    async def act(stage: Stage) -> None:
        engines = stage.engines(model)
        assert engines, f"no engine of {model} runs"
        for engine in engines:
            crash(engine)

    return act


async def _worker_dies(stage: Stage) -> None:
    for worker in stage.workers():
        crash(worker)


async def _daemon_dies(stage: Stage) -> None:
    stage.site.daemon.send_signal(signal.SIGSEGV)


async def _daemon_stops(stage: Stage) -> None:
    stage.site.daemon.send_signal(signal.SIGTERM)


async def _daemon_back(stage: Stage) -> None:
    await stage.again(daemon=True)


async def _back(stage: Stage) -> None:
    await stage.again()


def scripted() -> Iterator[Scene]:
    """On an engine that says what it is told to."""

    def broken(case: Case) -> str:
        return f"/script [{case.note}"

    def scene(
        end: str, expected: frozenset[str], model: str = "house", said: object = echoed, **options: object
    ) -> Scene:
        return Scene("local", end, each(whole(model, said, **options)), expected)

    yield scene("answered", OK)
    yield scene("refused, the provider is not allowed", REFUSED, "gpt")
    yield Scene("local", "refused, no credits", each(_poor), frozenset({"wallet_empty"}))
    yield scene("refused, nothing is good enough", REFUSED, "", quality_min=0.999)
    yield scene("refused, too long", frozenset({"context_exceeded"}), said=too_long)
    yield scene("failed in the engine", frozenset({"internal"}), said=broken)
    yield Scene("local", "cancelled", each(left("house", long)), LEFT)
    yield scene("timed out", LATE, said=hanging, deadline_s=0.8)
    yield Scene("local", "engine crashed", killed("house", hanging, _dies("house"), _back), GONE)
    yield Scene("local", "worker crashed", killed("house", hanging, _worker_dies, _back), GONE)
    yield Scene("local", "daemon crashed", killed("house", hanging, _daemon_dies, _daemon_back), GONE)
    yield Scene("local", "daemon stopped", killed("house", hanging, _daemon_stops, _daemon_back), GONE)


def llama() -> Iterator[Scene]:
    """On a real llama.cpp engine, with the model that comes along."""
    short = types.Sampling(temperature=0, tokens_max=24)
    told = types.Sampling(tokens_max=24, logprobs=3)
    endless = types.Sampling(temperature=1, tokens_max=700, logit_bias={2: -100})

    def scene(end: str, expected: frozenset[str], said: object = note, **options: object) -> Scene:
        return Scene("llama.cpp", end, each(whole("tiny", said, **options)), expected)

    yield scene("answered", OK, sampling=short)
    yield scene("answered, with log-probabilities", OK, sampling=told)
    yield Scene("llama.cpp", "a schema and grammars", each(_grammar), frozenset({"bad_grammar"}))
    yield scene("refused, too long", frozenset({"context_exceeded"}), said=too_long)
    yield Scene("llama.cpp", "cancelled", each(left("tiny", note, sampling=endless)), LEFT)
    yield scene("timed out", LATE, sampling=endless, deadline_s=0.3)
    # What had not begun is answered by the engine that comes next.
    yield Scene(
        "llama.cpp", "engine crashed", killed("tiny", note, _dies("tiny"), _back, sampling=endless), GONE | LATE | OK
    )


def others() -> Iterator[Scene]:
    """What is no generation, and what judges answers and learns from them."""
    yield Scene("plan", "answered", each(_plan), OK)
    yield Scene("plan", "answered, PUBLIC", each(_plan_public), OK)
    yield Scene("count tokens", "answered", each(_count), OK)
    yield Scene("embeddings", "answered", each(_embed), OK)
    yield Scene("embeddings", "refused", each(_embed_elsewhere), REFUSED)
    yield Scene("embeddings", "timed out", each(_embed_late), LATE)
    yield Scene("judged", "answered", each(whole("unsure", echoed)), OK)
    yield Scene("learned from", "feedback and a refit", _taught, OK)


async def _poor(case: Case) -> None:
    request = generate_request(case.messages(echoed(case)), model="house")
    async for _ in case.stage.client("caller-billing").generate(request):
        pass


async def _grammar(case: Case) -> None:
    """As a schema's key, as a grammar that parses, as one that does not."""
    word = case.canary.word
    schema = f'{{"type":"object","properties":{{"{word}":{{"type":"integer"}}}},"required":["{word}"]}}'
    for form in (
        types.ResponseFormat(json_schema=schema, name="form"),
        types.ResponseFormat(grammar=f'root ::= "{word}"'),
        types.ResponseFormat(grammar=f"root ::= {word} ::= ("),
    ):
        request = generate_request(case.messages(case.note), model="tiny", sampling=types.Sampling(tokens_max=40))
        request.response_format.CopyFrom(form)
        await streamed(case, request)


async def _plan(case: Case) -> None:
    await case.stage.client().plan(case.messages(case.note), permission=OUT)


async def _plan_public(case: Case) -> None:
    await case.stage.client().plan(case.messages(case.prose), label=PUBLIC, quality_min=0.9)


async def _count(case: Case) -> None:
    for model in ("house", "tiny"):
        await case.stage.client().count_tokens(case.note, model=model)


async def _embed(case: Case) -> None:
    await case.stage.client().embed([case.note, case.prose], model="vectors")


async def _embed_elsewhere(case: Case) -> None:
    await case.stage.client().embed([case.note], model="gpt", permission=OUT)


async def _embed_late(case: Case) -> None:
    await case.stage.client().embed([case.note] * 40, model="vectors", deadline_s=0.02)


async def _taught(cases: Sequence[Case]) -> list[End]:
    """Enough answers are called good or bad for a refit, which runs in a process of its own."""

    async def play(case: Case) -> None:
        client = case.stage.client()
        for score in (0.0, 1.0, 0.5):
            request = generate_request(f"/echo {case.prose}", model="house", task="triage")
            events = [event async for event in client.generate(request)]
            await client.feedback(events[-1].receipt.request_id, score, "wrong_name")

    ends = await each(play)(cases)
    await asyncio.sleep(3)
    return ends
