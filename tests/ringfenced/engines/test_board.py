"""What is told of engines: only one whose process is known counts as ready."""

from types import SimpleNamespace

from fakes.hosting import scripted
from ringfenced.engines.board import Known, plan_of, status_of
from ringfenced.schedule.placement_state import Engine, Phase, Placement

SPEC = scripted()


def replica(number, pid):
    engine = Engine(number, SPEC.name, 0, {}, 0.0, 0.0, phase=Phase.READY)
    client = SimpleNamespace(load=None, description=None)
    return SimpleNamespace(engine=engine, client=client, pid=pid, process_bytes=None, progress=None)


def status(*replicas):
    engines = {one.engine.number: one.engine for one in replicas}
    placement = Placement({SPEC.name: plan_of(SPEC)}, engines=engines)
    return status_of(Known(SPEC), placement, {one.engine.number: one for one in replicas})


def test_an_engine_is_told_with_who_must_listen_for_it():
    told = status(replica(4, 1004), replica(7, 1007))
    assert (told.ready, told.ready_pids) == ((4, 7), (1004, 1007))


def test_an_engine_whose_process_is_not_known_is_not_ready():
    """A worker would take whoever listens on its socket for it, and send it prompts."""
    told = status(replica(4, None), replica(7, 1007))
    assert (told.ready, told.ready_pids) == ((7,), (1007,))
