"""Which models are in memory: rules by example, and what must hold whatever happens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from ringfenced.schedule import placement
from ringfenced.schedule.placement import decide, impossible, next_tick_s
from ringfenced.schedule.placement_room import GRACE_S, PATIENCE_S, PREEMPT_S
from ringfenced.schedule.placement_state import (
    Asker,
    Began,
    BudgetChanged,
    EngineGone,
    EngineReady,
    Grant,
    Left,
    Phase,
    Placement,
    Plan,
    Refuse,
    RequestBegan,
    RequestEnded,
    Revised,
    Start,
    Stop,
    Tell,
    Tick,
    UnloadAsked,
    Want,
    Wanted,
)


def plan(name, need=1, **values):
    return Plan(name, ({"cpu": need},), **values)


@dataclass
class World:
    """Carries effects out when it is told to, and checks each decision."""

    placement: Placement
    now_s: float = 0.0
    numbers: int = 0
    granted: dict = field(default_factory=dict)
    refused: dict = field(default_factory=dict)
    told: list = field(default_factory=list)
    started: list = field(default_factory=list)
    stopped: list = field(default_factory=list)

    def do(self, event):
        self.placement, effects = decide(self.placement, event, self.now_s)
        for effect in effects:
            match effect:
                case Start(engine):
                    self.started.append(engine)
                case Stop(number):
                    self.stopped.append(number)
                case Grant(number, engine):
                    assert number not in self.granted
                    self.granted[number] = engine
                case Refuse(number):
                    assert number not in self.refused
                    self.refused[number] = effect
                case Tell():
                    self.told.append(effect)
        return effects

    def want(self, model, **values):
        self.numbers += 1
        self.do(Wanted(model, Want(self.numbers, self.now_s, **values)))
        return self.numbers

    def wait(self, seconds):
        self.now_s += seconds
        self.do(Tick())

    def end(self, number):
        self.do(RequestEnded(self.granted[number]))

    def ready(self, model):
        """Let what starts of a model get ready; its engine."""
        [engine] = [e for e in self.placement.engines.values() if e.model == model and e.phase is Phase.STARTING]
        self.do(EngineReady(engine.number))
        return engine.number

    def gone(self, number, **values):
        self.do(EngineGone(number, **values))

    def load(self, model):
        """Want it, load it, serve once."""
        number = self.want(model)
        engine = self.ready(model)
        self.end(number)
        return engine

    def phase(self, engine):
        return self.placement.engines[engine].phase

    @property
    def live(self):
        return sorted(e.model for e in self.placement.engines.values())


def world(*plans, cpu=2):
    return World(Placement({one.name: one for one in plans}, {"cpu": cpu}))


def test_everybody_who_waits_for_a_model_gets_it_from_one_start():
    w = world(plan("a"))
    wants = [w.want("a") for _ in range(3)]
    assert [engine.model for engine in w.started] == ["a"]
    assert [told.stage for told in w.told] == ["loading"]
    engine = w.ready("a")
    assert w.granted == dict.fromkeys(wants, engine)
    assert w.placement.engines[engine].running == 3
    assert not w.placement.queues


def test_the_one_used_longest_ago_makes_room():
    w = world(plan("a"), plan("b"), plan("c"))
    first = w.load("a")
    w.now_s = 1
    w.load("b")
    w.now_s = 2
    number = w.want("c")
    assert w.stopped == [first]
    assert w.told[-1] == Tell("c", "waiting for the memory of a")
    assert [e.model for e in w.started] == ["a", "b"]
    w.gone(first)
    assert w.live == ["b", "c"]
    w.ready("c")
    assert number in w.granted


def test_the_lower_rank_makes_room_first():
    w = world(plan("a", rank=1), plan("b"), plan("c"))
    w.load("a")
    w.now_s = 1
    second = w.load("b")
    w.want("c")
    assert w.stopped == [second]


def test_a_model_with_running_requests_is_left_alone_until_they_end():
    w = world(plan("a"), plan("b"), cpu=1)
    running = w.want("a")
    first = w.ready("a")
    w.want("b")
    w.wait(PATIENCE_S - 0.1)
    assert w.phase(first) is Phase.READY
    late = w.want("a")
    assert late in w.granted
    w.end(running)
    assert not w.stopped
    w.end(late)
    assert w.stopped == [first]


def test_after_some_patience_a_busy_model_takes_nothing_new_and_serves_again_later():
    w = world(plan("a"), plan("b"), cpu=1)
    running = w.want("a")
    first = w.ready("a")
    waiting = w.want("b")
    assert next_tick_s(w.placement, w.now_s) == PATIENCE_S
    w.wait(PATIENCE_S)
    assert w.phase(first) is Phase.DRAINING
    late = w.want("a")
    w.end(running)
    assert w.stopped == [first]
    w.gone(first)
    w.ready("b")
    w.end(waiting)
    assert late not in w.granted
    w.gone(w.stopped[-1])
    w.ready("a")
    assert late in w.granted


def test_room_that_nobody_wants_any_more_is_not_made():
    w = world(plan("a"), plan("b"), cpu=1)
    w.want("a")
    first = w.ready("a")
    waiting = w.want("b")
    w.wait(PATIENCE_S)
    late = w.want("a")
    w.do(Left("b", waiting))
    assert w.phase(first) is Phase.READY
    assert late in w.granted


def test_a_higher_rank_ends_the_requests_of_a_lower_after_a_grace():
    w = world(plan("a"), plan("b", rank=1), cpu=1)
    w.want("a")
    first = w.ready("a")
    w.want("b")
    assert w.phase(first) is Phase.DRAINING
    assert not w.stopped
    w.wait(PREEMPT_S)
    assert w.stopped == [first]


def test_a_pinned_model_never_makes_room_and_the_refusal_says_so():
    w = world(plan("a", pin=True), plan("b", 2, rank=5))
    w.load("a")
    number = w.want("b")
    assert w.refused[number].reason == "no_room"
    assert w.refused[number].numbers == {"needed_bytes": 2, "budget_bytes": 2, "pinned_bytes": 1}
    assert "of which pinned models hold 1" in w.refused[number].why
    assert not w.stopped


def test_an_idle_pinned_model_stays_where_another_can_go():
    w = world(plan("a", pin=True), plan("b", rank=9), plan("c"))
    w.load("a")
    w.now_s = 1
    second = w.load("b")
    w.want("c")
    assert w.stopped == [second]


def test_a_model_just_loaded_is_not_evicted_before_it_served_or_had_its_grace():
    w = world(plan("a"), plan("b"), cpu=1)
    w.want("a", asker=Asker.OPERATOR)
    first = w.ready("a")
    w.want("b")
    assert not w.stopped
    w.wait(GRACE_S - 0.1)
    assert not w.stopped
    w.wait(0.1)
    assert w.stopped == [first]


def test_memory_that_one_waits_for_is_not_given_to_another_behind_it():
    w = world(plan("a"), plan("big", 2), plan("c"), cpu=2)
    running = w.want("a")
    w.ready("a")
    w.want("big")
    w.wait(PATIENCE_S)
    w.want("c")
    assert [e.model for e in w.started] == ["a"]
    w.end(running)
    w.gone(w.stopped[0])
    assert [e.model for e in w.started] == ["a", "big"]


def test_an_idle_model_is_unloaded_after_its_time():
    w = world(plan("a", idle_unload_s=60.0))
    engine = w.load("a")
    w.wait(59)
    assert not w.stopped
    assert next_tick_s(w.placement, w.now_s) == 60
    w.wait(1)
    assert w.stopped == [engine]
    w.gone(engine)
    assert w.live == []


def test_preloading_fills_memory_and_evicts_nobody():
    w = world(plan("a", preload=True), plan("b", preload=True, rank=1), plan("c", preload=True, pin=True), plan("d"))
    w.do(Began())
    assert w.live == ["b", "c"]
    for name in ("b", "c"):
        w.ready(name)
    w.wait(100)
    assert w.live == ["b", "c"]


def test_what_does_not_fit_at_the_start_is_loaded_once_it_does():
    """After a crash the memory of the engines before may still be taken."""
    w = world(plan("a", preload=True), cpu=0)
    w.do(Began())
    assert w.live == []
    w.do(BudgetChanged({"cpu": 2}))
    assert w.live == ["a"]


def test_what_is_asked_for_before_the_start_is_not_loaded_twice():
    w = world(plan("a", preload=True))
    w.want("a")
    w.do(Began())
    assert w.live == ["a"]


def test_an_engine_that_dies_is_started_again_and_its_callers_wait():
    w = world(plan("a", preload=True))
    w.do(Began())
    w.gone(w.ready("a"), why="it died", retry_at_s=0.5)
    assert w.live == []
    number = w.want("a")
    assert w.told[-1].stage == "waiting to be started again after a failure"
    w.wait(0.5)
    w.ready("a")
    assert number in w.granted


def test_a_quarantined_model_is_refused_until_an_operator_asks():
    w = world(plan("a"))
    waiting = w.want("a")
    w.gone(w.started[0].number, why="it keeps dying", retry_at_s=None)
    assert (w.refused[waiting].reason, w.refused[waiting].why) == ("quarantined", "it keeps dying")
    assert w.want("a") in w.refused
    w.want("a", asker=Asker.OPERATOR)
    assert len(w.started) == 2


def test_out_of_memory_halves_the_context_down_to_the_least():
    w = world(plan("a", context_tokens=4096, context_tokens_min=1024))
    number = w.want("a")
    for context_tokens in (4096, 2048, 1024):
        assert w.started[-1].context_tokens == context_tokens
        w.gone(w.started[-1].number, why="no memory", is_memory=True)
    assert w.refused[number].reason == "quarantined"
    assert "smaller context_tokens" in w.refused[number].why


def test_a_smaller_context_is_kept_for_the_next_start():
    w = world(plan("a", context_tokens=4096, context_tokens_min=1024))
    w.want("a")
    w.gone(w.started[0].number, is_memory=True)
    w.gone(w.ready("a"))
    assert [engine.context_tokens for engine in w.started] == [4096, 2048, 2048]


def test_replicas_come_as_memory_allows_and_share_requests():
    w = world(plan("a", replicas=3), plan("b"))
    w.want("a")
    assert w.live == ["a", "a"]
    for engine in list(w.placement.engines):
        w.do(EngineReady(engine))
    used = [w.granted[w.want("a")] for _ in range(3)]
    assert sorted(used) == [1, 2, 2]


def test_a_spare_replica_makes_room_before_another_model():
    w = world(plan("a", replicas=2), plan("b"), plan("c"), cpu=3)
    w.load("b")
    w.now_s = 5
    number = w.want("a")
    for engine in list(w.placement.engines):
        w.do(EngineReady(engine))
    w.end(number)
    w.want("c")
    assert [w.placement.engines[number].model for number in w.stopped] == ["a"]


def test_among_equally_busy_replicas_the_preferred_one_is_taken():
    w = world(plan("a", replicas=2))
    w.want("a")
    for engine in list(w.placement.engines):
        w.do(EngineReady(engine))
    w.end(1)
    assert w.granted[w.want("a", prefer=2)] == 2


def test_unloading_drains_or_ends():
    w = world(plan("a"), plan("b"))
    number = w.want("a")
    engine = w.ready("a")
    w.do(UnloadAsked("a", force=False))
    assert w.phase(engine) is Phase.DRAINING
    w.end(number)
    assert w.stopped == [engine]
    w.want("b")
    other = w.ready("b")
    waiting = w.want("b")
    w.do(UnloadAsked("b", force=True))
    assert w.stopped == [engine, other]
    assert waiting in w.granted


def test_who_waits_for_a_model_that_is_unloaded_is_told():
    w = world(plan("a"))
    number = w.want("a")
    w.do(UnloadAsked("a", force=False))
    assert w.refused[number].reason == "unloaded"
    assert w.stopped == [1]


def test_new_weights_are_loaded_beside_the_old_which_end_what_they_began():
    w = world(plan("a"))
    number = w.want("a")
    old = w.ready("a")
    w.do(Revised(plan("a", version=1)))
    assert w.granted[w.want("a")] == old
    new = w.ready("a")
    assert w.phase(old) is Phase.DRAINING
    assert w.granted[w.want("a")] == new
    w.end(number)
    w.end(2)
    assert w.stopped == [old]


def test_where_memory_does_not_hold_both_the_old_weights_end_first_and_callers_wait():
    w = world(plan("a"), cpu=1)
    number = w.want("a")
    old = w.ready("a")
    w.do(Revised(plan("a", version=1)))
    assert w.phase(old) is Phase.DRAINING
    waiting = w.want("a")
    w.end(number)
    w.gone(old)
    w.ready("a")
    assert waiting in w.granted
    assert not w.refused


def test_old_weights_are_taken_back():
    w = world(plan("a"))
    w.want("a")
    old = w.ready("a")
    w.do(Revised(plan("a", version=1)))
    w.do(Revised(plan("a")))
    assert w.stopped == [2]
    assert w.phase(old) is Phase.READY


def test_what_can_never_fit_is_said_beforehand():
    w = world(plan("a"))
    assert impossible(w.placement, plan("a", 2)) is None
    why, numbers = impossible(w.placement, plan("a", 3))
    assert (why, numbers["needed_bytes"]) == ("it needs 3 bytes of cpu; engines may take 2", 3)
    assert "gpu7 is not usable" in impossible(w.placement, Plan("x", ({"gpu7": 1},)))[0]


def test_the_first_way_that_fits_is_taken():
    w = World(Placement({"a": Plan("a", ({"gpu0": 2}, {"gpu1": 2}))}, {"gpu0": 1, "gpu1": 2}))
    w.want("a")
    assert w.started[0].need == {"gpu1": 2}


def test_a_device_that_is_taken_out_is_not_used():
    w = world(plan("a"))
    w.do(BudgetChanged({}))
    assert w.refused[w.want("a")].why == "cpu is not usable"


def test_a_want_ends_with_its_deadline():
    w = world(plan("a"))
    number = w.want("a", deadline_s=3.0)
    assert next_tick_s(w.placement, 0.0) == 3.0
    w.wait(3)
    assert w.refused[number].reason == "deadline"


def test_a_model_that_is_unknown_is_refused():
    w = world(plan("a"))
    assert w.refused[w.want("other")].reason == "model_unknown"


# ── whatever happens ─────────────────────────────────────────────────────────────────────────────────────────────────

plans = st.lists(
    st.builds(
        plan,
        st.just("?"),
        st.integers(1, 4),
        preload=st.booleans(),
        pin=st.sampled_from([False, False, False, True]),
        rank=st.integers(0, 2),
        replicas=st.integers(1, 3),
        idle_unload_s=st.sampled_from([0.0, 0.0, 3.0]),
        context_tokens=st.just(1024),
        context_tokens_min=st.sampled_from([256, 1024]),
    ),
    min_size=1,
    max_size=6,
)
steps = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 1000), st.floats(0.0, 4.0)), max_size=60)


class Anything(World):
    """Random events, with the invariants after each."""

    def do(self, event):
        before = self.placement
        effects = super().do(event)
        usual, placement._usual = placement._usual, lambda *_: None
        try:
            assert decide(before, event, self.now_s) == (self.placement, effects), "the short way is another way"
        finally:
            placement._usual = usual
        self.check(before, effects, event)
        return effects

    def check(self, before, effects, event):
        used = {}
        for engine in self.placement.engines.values():
            for device, count in engine.need.items():
                used[device] = used.get(device, 0) + count
        is_starting = any(isinstance(effect, Start) for effect in effects)
        if is_starting:
            assert all(used[device] <= self.placement.budget.get(device, 0) for device in used), "over budget"
        for effect in effects:
            if isinstance(effect, Stop) and not isinstance(event, (UnloadAsked, Revised)):
                self.check_stop(before.engines.get(effect.engine) or self.placement.engines[effect.engine], event)
        numbers = [want.number for queue in self.placement.queues.values() for want in queue]
        assert len(numbers) == len(set(numbers))
        for model in self.placement.queues:
            assert model in self.placement.told, "somebody waits without a reason"
        first = [e for e in self.placement.engines.values() if e.phase is Phase.STARTING]
        for engine in first:
            same = [e for e in first if e.model == engine.model and e.version == engine.version]
            assert len(same) <= self.placement.plans[engine.model].replicas, "more starts than replicas"

    def check_stop(self, engine, event):
        if isinstance(event, RequestEnded) and event.engine == engine.number:
            engine = replace(engine, running=engine.running - 1, served=engine.served + 1)
        waiting = [self.placement.plans[model].rank for model in self.placement.queues]
        mine = self.placement.plans[engine.model]
        if engine.running:
            assert engine.stop_by_s is not None, "requests ended for an equal"
            assert engine.stop_by_s <= self.now_s, "requests ended without a grace"
            assert any(rank > mine.rank for rank in waiting), "requests ended for nobody of a higher rank"
        elif engine.cause is None and engine.phase is Phase.READY and not engine.served and not mine.idle_unload_s:
            others = [e for e in self.placement.engines.values() if e.model == engine.model and e is not engine]
            spare = [e for e in others if e.phase is Phase.READY or e.served]  # its model has served, or still can
            is_old = engine.version != mine.version
            assert self.now_s - engine.since_s >= GRACE_S or spare or is_old, "thrash"
            assert not mine.pin or is_old, "a pinned model made room"

    def act(self, kind, pick, seconds):  # noqa: C901 - a table of what may happen
        names = sorted(self.placement.plans)
        name = names[pick % len(names)]
        engines = list(self.placement.engines.values())
        engine = engines[pick % len(engines)] if engines else None
        waiting = [(m, want.number) for m, queue in self.placement.queues.items() for want in queue]
        running = [n for n, e in self.granted.items() if n not in self.ended]
        match kind:
            case 0 | 1 | 2:
                self.want(name, deadline_s=self.now_s + 10 * seconds + 1 if pick % 3 else None)
            case 3:
                self.numbers += 1
                self.operator.add(self.numbers)
                self.do(Wanted(name, Want(self.numbers, self.now_s, asker=Asker.OPERATOR)))
            case 4 | 5 if engine is not None and engine.phase is Phase.STARTING:
                self.do(EngineReady(engine.number))
            case 6 if engine is not None:
                retry_at_s = None if pick % 7 == 0 else self.now_s + seconds
                self.do(EngineGone(engine.number, "died", retry_at_s, is_memory=pick % 5 == 0))
            case 7 if self.stopping():
                self.do(EngineGone(self.stopping()[0]))
            case 8 | 9 if running:
                number = running[pick % len(running)]
                self.ended.add(number)
                if number not in self.operator:
                    self.end(number)
            case 10 if waiting:
                model, number = waiting[pick % len(waiting)]
                self.left.add(number)
                self.do(Left(model, number))
            case 11:
                self.do(UnloadAsked(name, force=pick % 2 == 0))
            case 12:
                known = self.placement.plans[name]
                self.do(Revised(replace(known, version=known.version + pick % 2)))
            case _:
                self.wait(seconds)

    def stopping(self):
        return [e.number for e in self.placement.engines.values() if e.phase is Phase.STOPPING]

    operator: set
    ended: set
    left: set


@settings(max_examples=300)
@given(plans, st.integers(2, 8), steps)
def test_whatever_happens(some, cpu, events):
    """Never over budget, no second start, no thrash, no request ended for its equal, and everybody gets an end."""
    known = {f"m{place}": replace(one, name=f"m{place}") for place, one in enumerate(some)}
    w = Anything(Placement(known, {"cpu": cpu}))
    w.operator, w.ended, w.left = set(), set(), set()
    w.do(Began())
    for kind, pick, seconds in events:
        w.now_s += 0.001
        w.act(kind, pick, seconds)
    # From here on all goes well: everybody is served or refused after some time.
    for _ in range(400):
        for engine in list(w.placement.engines.values()):
            if engine.phase is Phase.STARTING:
                w.do(EngineReady(engine.number))
            elif engine.phase is Phase.STOPPING:
                w.do(EngineGone(engine.number))
        for number in [n for n in w.granted if n not in w.ended]:
            w.ended.add(number)
            if number not in w.operator:
                w.end(number)
        w.wait(0.5)
        if not w.placement.queues:
            break
    assert not w.placement.queues
    assert set(range(1, w.numbers + 1)) == set(w.granted) | set(w.refused) | w.left
    assert not set(w.granted) & set(w.refused)
    assert all(not engine.running for engine in w.placement.engines.values())


@given(plans, steps)
def test_the_same_events_give_the_same_placement(some, events):
    """Pure: nothing but the events counts, and what came before is not changed by what comes after."""
    known = {f"m{place}": replace(one, name=f"m{place}") for place, one in enumerate(some)}
    outcomes = []
    for _ in range(2):
        w = Anything(Placement(known, {"cpu": 5}))
        w.operator, w.ended, w.left = set(), set(), set()
        first = w.placement
        for kind, pick, seconds in events:
            w.act(kind, pick, seconds)
        outcomes.append(w.placement)
        assert first == Placement(known, {"cpu": 5})
    assert outcomes[0] == outcomes[1]


def test_requests_that_a_worker_tells_of_count_too():
    w = world(plan("a"), plan("b"), cpu=1)
    engine = w.load("a")
    w.do(RequestBegan(engine))
    w.want("b")
    assert not w.stopped
    w.do(RequestEnded(engine))
    assert w.stopped == [engine]
