"""Step 5: how one rung runs, on this node or through the agent, and what it owes.

    run ──▶ local engine, perhaps a second one beside it (hedged)
        └─▶ de-identify → verify no residual → permit → agent → provider → re-identify

The rung is one that the decision opened; what is found on the way can only close it. What a run owes is in `way`
however it ends: `Flow` settles it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from ringfence.labels import covers, join, may_leave
from ringfence.recognize.policy import Policy
from ringfenced.account import cost, price
from ringfenced.decide import label_deidentified, tokens_max
from ringfenced.decide.rules import is_cleared
from ringfenced.deidentify import Deidentified, deidentify, reidentified
from ringfenced.errors import Refused, RingfenceError, Unavailable
from ringfenced.hedging import hedged
from ringfenced.model import (
    Candidate,
    Event,
    Finish,
    FinishReason,
    Prompt,
    Sent,
    TargetKind,
    Terms,
    Text,
    Vectors,
)
from ringfenced.nouns import (
    Directory,
    Egress,
    Engine,
    Evaluating,
    Ledger,
    Policies,
    Scanning,
    World,
)
from ringfenced.schedule import claim
from ringfenced.way import Way

PROVIDER_MS_MAX = 300_000
"""How long a provider may take for a request without a deadline, in milliseconds: nothing that left is waited for
without end."""

ENGINE_DIED = "engine_died"
"""Reason of a request that ended because its engine did."""


class Rungs:
    """Runs rungs. Safe to call from many tasks: each request owns its `Way`."""

    def __init__(
        self,
        *,
        directory: Directory,
        scanning: Scanning,
        policy: Policy,
        policies: Policies,
        evaluating: Evaluating,
        ledger: Ledger,
        egress: Egress,
        world: World,
        hedge_after_s: float,
    ) -> None:
        """Wire the nouns; they are those of `Flow`."""
        self._directory = directory
        self._scanning = scanning
        self._policy = policy
        self._policies = policies
        self._evaluating = evaluating
        self._ledger = ledger
        self._egress = egress
        self._world = world
        self._hedge_after_s = hedge_after_s

    def run(self, way: Way, rung: Candidate) -> AsyncGenerator[Event, None]:
        """Run it; deltas, perhaps loading before them, and a finish. What it owes is in `way` however it ends."""
        if rung.target.kind is TargetKind.PROVIDER:
            return self._run_provider(way, rung)
        hedge, way.hedge = way.hedge, None  # the first rung's alone
        return self._run_local(way, rung) if hedge is None else self._run_hedged(way, rung, hedge)

    def _run_hedged(self, way: Way, rung: Candidate, hedge: Candidate) -> AsyncGenerator[Event, None]:
        """On a second local model as well, where the first token is late; whoever loses is paid for what came."""
        other = replace(hedge, leave_ms=rung.leave_ms)

        def second() -> AsyncGenerator[Event, None]:
            way.ran.insert(-1, other.target)
            return self._run_local(way, other)

        def won() -> None:
            way.rung = other
            way.ran[-2:] = [rung.target, other.target]

        return hedged(self._run_local(way, rung), second, self._hedge_after_s, won)

    async def _run_local(self, way: Way, rung: Candidate) -> AsyncGenerator[Event, None]:
        """On a place of the model, which is loaded where it is not.

        An engine that dies before it said anything is no answer: the same request is tried once more on another of the
        same model, unless nobody else was in the engine, for then the request itself may have ended it. A stream that
        has begun ends there, since it could not be continued exactly.
        """
        answer = self._embed if way.request.prompt.embeds else self._answer
        begun = False
        for is_last in (False, True):
            seconds_max, salt = way.left_s(self._world.clock()), way.salt()
            with self._directory.place(rung.target.model, seconds_max=seconds_max, salt=salt) as place:
                try:
                    while (loading := await place.wait()) is not None:
                        yield loading
                    async with aclosing(answer(way, rung, place.engine)) as events:
                        async for event in events:
                            begun = True
                            yield event
                except Unavailable as error:
                    if begun or is_last or error.reason != ENGINE_DIED or error.numbers.get("alone"):
                        raise
                else:
                    return

    async def _embed(self, way: Way, rung: Candidate, engine: Engine) -> AsyncGenerator[Event, None]:
        assert way.caller is not None
        inputs = [part.text for turn in way.request.prompt.messages for part in turn.parts if isinstance(part, Text)]
        claimed = claim(way.caller, way.request.priority)
        embedded = await engine.embed(inputs, deadline_ms=way.deadline_ms(rung, self._world.clock()), claim=claimed)
        way.finish = Finish(FinishReason.STOP, embedded.usage)
        way.cost_microcredits += cost(way.offers[rung.target], embedded.usage)
        yield Vectors(embedded.vectors)
        yield way.finish

    async def _answer(self, way: Way, rung: Candidate, engine: Engine) -> AsyncGenerator[Event, None]:
        assert way.caller is not None
        prompt, deadline_ms = _bounded(way), way.deadline_ms(rung, self._world.clock())
        offer, piece = way.offers[rung.target], None
        if offer.supports_logprobs and prompt.sampling.logprobs is None and self._evaluating.needs_logprobs(way, rung):
            prompt = replace(prompt, sampling=replace(prompt.sampling, logprobs=0))
        with engine.start(
            prompt,
            cache_salt=way.salt(),
            confidential=way.is_confidential(),
            deadline_ms=deadline_ms,
            claim=claim(way.caller, way.request.priority),
        ) as run:
            try:
                while type(piece := await run.take()) is not Finish:
                    yield piece
                way.finish = piece
                way.cost_microcredits += cost(offer, piece.usage)
            finally:
                # Who hangs up pays for what came; without a finish the prompt's tokens are as estimated.
                if type(piece) is not Finish and run.tokens_received:
                    way.cost_microcredits += price(offer, rung.estimate.prompt_tokens, run.tokens_received)
        yield piece

    async def _run_provider(self, way: Way, rung: Candidate) -> AsyncGenerator[Event, None]:
        assert way.caller is not None
        classification = way.classification
        assert classification is not None
        offer = way.offers[rung.target]
        prompt, label, seed = _bounded(way), label_deidentified(classification), self._world.entropy(32)
        payload, mapping = await self._scanning.run(
            lambda scan: deidentify(prompt, classification.findings, label, seed=seed, scan=scan, policy=self._policy),
            classification.prompt_chars,
            way.left_s(self._world.clock()),
            claim(way.caller, way.request.priority),
            anew=True,
        )
        # De-identification may leave more than the decision expected; then this rung is not open after all.
        if offer.clearance is None or not may_leave(payload.label, offer.clearance):
            raise Refused(
                f"After de-identification the payload is still {payload.label}; it may not go to {rung.target}.",
                reason="label",
                model=str(rung.target),
            )
        self._demand_permitted(way, rung, payload)
        terms = Terms(
            provider=rung.target.provider,
            model=rung.target.model,
            caller_pseudonym=self._world.pseudonym(way.caller.identity),
            department=way.caller.department,
            request_id=way.request.id,
            findings_by_type=classification.findings_by_type(),
            decision_reason=rung.reason,
            cost_microcredits_max=rung.estimate.cost_microcredits_max,
            label_before=classification.label,
        )
        # From here on bytes may leave: unless the provider tells what it used, the whole estimate counts as spent, also
        # where this daemon does not live to hear of it.
        most = rung.estimate.cost_microcredits_max
        await self._ledger.secure(way.caller.department, way.request.id, way.cost_microcredits + most)
        way.cost_microcredits += most
        try:
            deadline_ms = way.deadline_ms(rung, self._world.clock()) or PROVIDER_MS_MAX
            async with aclosing(self._egress.send(payload, terms, deadline_ms)) as answer:
                async for event in reidentified(answer, mapping, json=bool(way.request.prompt.json_schema)):
                    if isinstance(event, Sent):
                        way.proofs.extend(event.proofs)
                        way.finish = event.finish
                        if event.finish.usage.prompt_tokens:
                            way.cost_microcredits += cost(offer, event.finish.usage) - most
                        yield event.finish
                    else:
                        yield event
        except RingfenceError as error:
            way.proofs.extend(error.proofs)
            # Nothing left, or the provider failed before it generated anything: nothing is owed.
            if error.numbers.get("left", 1) == 0 or error.numbers.get("nothing_generated", 0) == 1:
                way.cost_microcredits -= most
            raise

    def _demand_permitted(self, way: Way, rung: Candidate, payload: Deidentified) -> None:
        """Pass if caller and policy permit a payload of which more was found than they were asked about.

        De-identification reads once more, and may find what classification did not.
        """
        assert way.inputs is not None
        asked, offers, clearance = way.inputs.asked, way.inputs.offers, way.offers[rung.target].clearance
        if payload.label == asked.label_deidentified and covers(asked.label, payload.label_before):
            return
        label = join((asked.label, payload.label_before))
        asked = replace(asked, label=label, label_deidentified=payload.label, lowered=True)
        ruling = self._policies.rulings(asked, offers).by_target.get(rung.target)
        if clearance is None or not is_cleared(clearance, asked) or ruling is None or not ruling.allowed:
            raise Refused(
                f"De-identification found more than was known: the request is {label}, and {payload.label} without "
                f"what was found. Its caller or this site's policy keeps that from {rung.target}.",
                reason="label",
                model=str(rung.target),
            )


def _bounded(way: Way) -> Prompt:
    """The prompt with the token limit that was priced."""
    prompt = way.request.prompt
    if prompt.sampling.tokens_max is not None or prompt.embeds:
        return prompt
    return replace(prompt, sampling=replace(prompt.sampling, tokens_max=tokens_max(way.request)))
