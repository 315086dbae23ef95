"""The way of one request, in nine steps; the numbers are DESIGN.md's.

    1. identify   the caller from the verified peer; refuse the unknown
    2. classify   the caller's label, joined with the findings and with the labels of earlier turns
    3. decide     which targets are open, which is taken, and why each other is not
    4. reserve    what the ladder may cost, in the department's wallet
    5. run        locally, or: de-identify → verify no residual → permit → agent → provider → re-identify
    6. evaluate   the answer; if it falls short, take the next rung
    7. settle     the hold
    8. record     on every exit, the failed and refused ones too, without content
    9. answer     with the receipt

`Flow` is the sentence, and `Rungs` runs what step 5 names; the verbs are pure, and the nouns come in as the Protocols
of `nouns`, wired in `build`. Where a request may go is fixed in step 3: the ladder, and who may stand in for a rung,
are computed once from the label, and every later step only takes from them (invariant 8). The transport still owes the
verification of the peer's certificate, and a bound on a request's size and time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Collection, Iterator
from contextlib import aclosing, suppress
from dataclasses import replace

from ringfence import reasons
from ringfence.recognize.policy import Policy
from ringfenced.classify import chars_of, classify
from ringfenced.decide import asked_of, decide
from ringfenced.decide.refusal import demand_target
from ringfenced.decide.rules import ceiling
from ringfenced.errors import RingfenceError, WalletEmpty
from ringfenced.evaluate import AGREEMENT
from ringfenced.evaluate.agreement import same
from ringfenced.identify import demand, identify
from ringfenced.inputs import Circumstances, Inputs
from ringfenced.model import (
    GOOD,
    Answer,
    CallerRole,
    Candidate,
    Classification,
    Decision,
    Escalation,
    Event,
    Inherited,
    Loading,
    Receipt,
    Request,
    Target,
    TextDelta,
    Verdict,
    Wallet,
)
from ringfenced.nouns import (
    Directory,
    Egress,
    Evaluating,
    Learning,
    Ledger,
    Memory,
    Outlook,
    Policies,
    Recorder,
    Scanning,
    World,
)
from ringfenced.rungs import Rungs
from ringfenced.schedule import claim
from ringfenced.schedule.hedge import hedge_of
from ringfenced.schedule.standin import NO_ANSWER, Left, stand_in
from ringfenced.way import Way


class Flow:
    """Takes requests along the nine steps. Safe to call from many tasks: each request owns its `Way`."""

    def __init__(
        self,
        *,
        directory: Directory,
        outlook: Outlook,
        scanning: Scanning,
        policy: Policy,
        policies: Policies,
        learning: Learning,
        evaluating: Evaluating,
        ledger: Ledger,
        egress: Egress,
        memory: Memory,
        recorder: Recorder,
        world: World,
        hedge_after_s: float = 0.0,
    ) -> None:
        """Wire the nouns.

        Args:
            directory: callers, targets, engines.
            outlook: what is measured of the targets.
            scanning: the recognisers.
            policy: what each finding implies.
            policies: who may do what, and which label may go where.
            learning: what is expected of each target's answer.
            evaluating: who judges answers.
            ledger: the wallets.
            egress: the way out.
            memory: labels of earlier turns.
            recorder: where finished ways are written.
            world: clocks and randomness.
            hedge_after_s: start a second local target where an interactive request has no first token after so many
                seconds; 0 for never.
        """
        self._directory = directory
        self._outlook = outlook
        self._scanning = scanning
        self._policy = policy
        self._policies = policies
        self._learning = learning
        self._evaluating = evaluating
        self._ledger = ledger
        self._memory = memory
        self._recorder = recorder
        self._world = world
        self._hedge_after_s = hedge_after_s
        self._rungs = Rungs(
            directory=directory,
            scanning=scanning,
            policy=policy,
            policies=policies,
            evaluating=evaluating,
            ledger=ledger,
            egress=egress,
            world=world,
            hedge_after_s=hedge_after_s,
        )
        self._running = 0

    def running(self) -> int:
        """Requests that are on their way."""
        return self._running

    async def plan(self, request: Request, identity: str | None) -> tuple[Classification, Decision, Wallet]:
        """Steps 1 to 3 alone: what the request is, where it would run and at what price.

        Nothing is held, run, remembered or counted; a decision without a target is an answer like any other.
        """
        way = Way(request, self._world.clock())
        try:
            wallet = await self._choose(way, identity)
        finally:
            self._learning.dismiss(request)
        assert way.classification is not None
        assert way.decision is not None
        return way.classification, way.decision, wallet

    async def generate(self, request: Request, identity: str | None) -> AsyncGenerator[Event, None]:
        """Take one request its whole way.

        Args:
            request: valid in itself (`ringfenced.api.decode` is the door).
            identity: URI SAN of the verified peer; None where it has none.

        Yields:
            The decision, deltas, a finish and the receipt, in this order.

        Raises:
            RingfenceError: typed, with the step it happened in; nothing is held or running after it.
        """
        way = Way(request, self._world.clock())
        self._running += 1
        try:
            wallet = await self._choose(way, identity)  # steps 1 to 3
            assert way.caller is not None
            assert way.classification is not None
            assert way.decision is not None
            demand_target(way.decision, wallet)
            assert way.inputs is not None
            turn = Inherited(
                way.classification.label,
                way.classification.label_asserted,
                way.decision.target,
                way.classification.prompt_chars,
                frozenset(way.inputs.asked.sources) - {""},
            )
            await self._memory.remember(way.caller, request, turn)
            yield way.decision

            way.step = 4
            await self._reserve(way)

            async with aclosing(self._climb(way)) as events:  # steps 5 and 6
                async for event in events:
                    yield event

            way.step = 7
            self._settle(way)
        except RingfenceError as error:
            way.error = error
            error.step = error.step or way.step
            error.decision = error.decision or way.decision
            error.request_id = request.id
            raise
        except BaseException as error:
            way.error = error
            raise
        finally:
            self._running -= 1
            self._settle(way)
            self._record(way)  # step 8
            way.error = None  # its traceback holds the way: the request would stay until cycles are collected
        yield self._receipt(way)  # step 9

    # ── steps 1 to 3 ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _choose(self, way: Way, identity: str | None) -> Wallet:
        request, directory = way.request, self._directory

        way.step = 1
        way.caller = caller = identify(identity, directory.callers)
        demand(caller, CallerRole.CALLER)

        way.step = 2
        if request.source:
            directory.check_source(request.source)
        inherited = await self._memory.inherited(caller, request)
        way.classification = await self._scanning.run(
            lambda scan: classify(request, caller, scan, inherited, self._policy, sources=directory.sources),
            chars_of(request),
            way.left_s(self._world.clock()),
            claim(caller, request.priority),
        )

        way.step = 3
        if request.model:
            directory.check_model(request.model)
        if request.evaluators:
            self._evaluating.check(request.evaluators)
        wallet = await self._ledger.glance(caller.department)
        asked = asked_of(request, caller, way.classification, inherited.sources)
        offers = self._outlook.offers(directory.offers())
        way.offers = {offer.target: offer for offer in offers}
        way.inputs = Inputs(
            asked=asked,
            offers=offers,
            rating=await self._learning.rated(request, asked, offers),
            rulings=self._policies.rulings(asked, offers),
            circumstances=Circumstances(
                wallet_microcredits=max(0, wallet.available_microcredits),
                time_left_ms=way.left_ms(self._world.clock()),
                closed=self._outlook.closed(asked),
                last=inherited.target,
                cached_chars=inherited.chars,
                draw=self._world.draw(),
            ),
            judges=self._evaluating.judges,
        )
        way.decision = decide(way.inputs)
        return wallet

    # ── step 4 ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _reserve(self, way: Way) -> None:
        """Hold what ladder and judges may cost, and what a hedge may where all fit."""
        assert way.caller is not None
        assert way.decision is not None
        assert way.inputs is not None
        held = way.decision.cost_microcredits_max() + self._judging_microcredits_max(way)
        if self._hedge_after_s and (hedge := hedge_of(way.inputs, way.decision, held)) is not None:
            both = held + hedge.estimate.cost_microcredits_max
            with suppress(WalletEmpty):  # the wallet has less than a moment ago: then nothing is hedged
                await self._ledger.reserve(way.caller.department, way.request.id, both)
                way.held_microcredits, way.hedge = both, hedge
                return
        await self._ledger.reserve(way.caller.department, way.request.id, held)
        way.held_microcredits = held

    # ── steps 5 and 6 ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _climb(self, way: Way) -> AsyncGenerator[Event, None]:
        """Walk the ladder: an answer that may still be judged wanting is held back until it is judged.

        A rung that gives no answer at all is stood in for where that is allowed, or followed by the next one: the set
        of targets is the decision's, and it only shrinks.
        """
        assert way.decision is not None
        ladder = deque(way.decision.ladder)
        short: list[tuple[Target, Answer]] = []  # what rungs answered that fell short
        while ladder:
            rung = ladder.popleft()
            above = ladder[0] if ladder else None
            said: list[Event] = []
            try:
                async with aclosing(self._try(way, rung, said, is_shown=above is None)) as events:
                    async for event in events:
                        yield event
            except NO_ANSWER as error:
                if way.first_delta_s is not None or self._is_late(way):  # what was seen cannot be taken back
                    raise
                if (other := await self._stand_in(way, rung, error, ladder)) is not None:
                    ladder.appendleft(other)
                if not ladder:
                    raise
                way.unanswered.append((rung.target, error.reason))
                yield Escalation(rung.target, ladder[0].target, error.message)
                continue
            way.step = 6
            assert way.rung is not None
            rung = way.rung  # who answered, if it was hedged
            answer = Answer.of(said)
            verdict = await self._judge(way, rung, answer, is_last=above is None)
            way.verdicts.extend(_compared(way, short, answer))
            if above is not None and not verdict.good:
                short.append((rung.target, answer))
                yield Escalation(rung.target, above.target, verdict.reason)
                continue
            if above is not None:
                for event in said:
                    yield self._shown(way, event)
            return

    async def _try(
        self, way: Way, rung: Candidate, said: list[Event], *, is_shown: bool
    ) -> AsyncGenerator[Event, None]:
        """Run one rung; its answer is shown as it comes, or not. In `said` is what is held back, judged or compared."""
        way.step = 5
        self._outlook.begins(way, rung)
        way.begin_rung(rung, self._world.clock())
        is_judged = any(way.is_judged(one) for one in (rung, way.hedge) if one is not None)
        is_kept = not is_shown or is_judged or len(way.ran) > 1
        ended: BaseException | None = None
        try:
            async with aclosing(self._rungs.run(way, rung)) as events:
                async for event in events:
                    if type(event) is Loading:  # no part of an answer
                        yield event
                        continue
                    if way.rung_first_s is None:
                        way.rung_first_s = self._world.clock()
                    if is_kept:
                        said.append(event)
                    if is_shown:
                        yield self._shown(way, event)
        except BaseException as error:
            ended = error
            raise
        finally:
            assert way.rung is not None
            self._outlook.ended(way, way.rung, ended)
            ended = None  # its traceback holds this frame

    async def _stand_in(
        self, way: Way, rung: Candidate, error: RingfenceError, above: Collection[Candidate]
    ) -> Candidate | None:
        """Who takes the place of a rung that gave no answer; what it may cost is held."""
        assert way.caller is not None
        assert way.decision is not None
        assert way.inputs is not None
        assert way.held_microcredits is not None
        owed = way.cost_microcredits + sum(one.estimate.cost_microcredits_max for one in above)
        left_ms = way.left_ms(self._world.clock())
        for most in (ceiling(way.inputs.asked, way.inputs.rulings), way.held_microcredits):
            other = stand_in(
                rung,
                error,
                way.decision.fallbacks,
                tried={*way.ran, rung.target, *(one.target for one in above)},
                offers=way.offers,
                closed=self._outlook.closed(way.inputs.asked),
                left=Left(None if most is None else most - owed, None if left_ms is None else left_ms - rung.leave_ms),
                embeds=way.request.prompt.embeds,
            )
            if other is None:
                return None
            needed = owed + other.estimate.cost_microcredits_max
            with suppress(WalletEmpty):  # then what fits into the hold may still stand in
                if needed > way.held_microcredits:
                    await self._ledger.raise_hold(way.caller.department, way.request.id, needed)
                    way.held_microcredits = needed
                return replace(other, chosen=True, rule="chosen", reason=reasons.STANDS_IN, leave_ms=rung.leave_ms)
        return None

    def _shown(self, way: Way, event: Event) -> Event:
        """An event as the caller asked for it: log-probabilities that only judges needed are taken out."""
        if way.first_delta_s is None:
            way.first_delta_s = self._world.clock()
        if type(event) is TextDelta and event.logprobs and way.request.prompt.sampling.logprobs is None:
            return event._replace(logprobs=())
        return event

    async def _judge(self, way: Way, rung: Candidate, answer: Answer, *, is_last: bool) -> Verdict:
        """What is said of a rung's answer; what is said of the last one changes nothing, and is learned from."""
        if not way.is_judged(rung):
            return GOOD
        left_s = way.left_s(self._world.clock())
        seconds_max = None if left_s is None else left_s - rung.leave_ms / 1000
        verdict = await self._evaluating.judge(way, rung, answer, seconds_max=seconds_max, is_last=is_last)
        if verdict.evaluator:
            way.verdicts.append((rung.target, verdict))
        return verdict

    # ── steps 7 to 9 ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _settle(self, way: Way) -> None:
        """Book the real cost, at most the hold, and release the rest; once."""
        if way.held_microcredits is None or way.caller is None:
            return
        booked = min(way.cost_microcredits, way.held_microcredits)
        way.cost_microcredits, way.held_microcredits = booked, None
        self._ledger.settle(way.caller.department, way.request.id, booked)

    def _record(self, way: Way) -> None:
        way.finished_s = self._world.clock()
        self._learning.learn(way)
        self._recorder.record(way)

    def _receipt(self, way: Way) -> Receipt:
        way.step = 9
        assert way.decision is not None
        assert way.classification is not None
        return Receipt(
            request_id=way.request.id,
            decision=way.decision,
            cost_microcredits=way.cost_microcredits,
            egress=tuple(way.proofs),
            findings_by_type=way.classification.findings_by_type(),
            finished_at_unix_ms=self._world.wall_clock_ms(),
            ran=tuple(way.ran),
            verdicts=tuple(way.verdicts),
        )

    # ── small facts ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _judging_microcredits_max(self, way: Way) -> int:
        """What is held for judging: what it may cost, as far as ceiling and wallet have room for it."""
        assert way.inputs is not None
        assert way.decision is not None
        most = self._evaluating.cost_microcredits_max(way)
        if not most:
            return 0
        budget = way.inputs.circumstances.wallet_microcredits
        if (limit := ceiling(way.inputs.asked, way.inputs.rulings)) is not None:
            budget = min(budget, limit)
        return max(0, min(most, budget - way.decision.cost_microcredits_max()))

    def _is_late(self, way: Way) -> bool:
        """Whether no time is left for anything more."""
        left_s = way.left_s(self._world.clock())
        return left_s is not None and left_s <= 0


def _compared(way: Way, short: list[tuple[Target, Answer]], answer: Answer) -> Iterator[tuple[Target, Verdict]]:
    """Whether answers that fell short came to the same as a later one: a label that needs no person."""
    for target, before in short:
        agreed = same(way.request.prompt, before, answer)
        if agreed is not None:
            reason = "" if agreed else "a later rung came to something else"
            yield target, Verdict(good=agreed, score=float(agreed), evaluator=AGREEMENT, reason=reason)
