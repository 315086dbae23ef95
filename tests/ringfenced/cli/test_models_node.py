"""`ringfence models`, `ps`, `load`, `unload`, `swap`: what the daemon has in memory, over a real channel."""

import json

import grpc

from fakes.daemon import Fail
from ringfence.v1 import admin_pb2 as admin
from ringfence.v1 import types_pb2 as types
from ringfence.v1.types_pb2 import ErrorDetail

LOCAL = types.TARGET_KIND_LOCAL
MEMORY = [
    admin.ModelMemory(device="GPU-0", planned_bytes=2**30, measured_bytes=3 * 2**29),
    admin.ModelMemory(device="host", planned_bytes=2**20),
]
TINY = admin.Model(name="tiny", kind=LOCAL, engine="llama.cpp", state=admin.MODEL_STATE_READY, requests_running=2)
TINY.MergeFrom(admin.Model(replicas=2, replicas_ready=1, wait_ms=40, memory=MEMORY))
COLD = admin.Model(name="cold", kind=LOCAL, state=admin.MODEL_STATE_LOADING, progress=0.4, stage="reading weights")
PINNED = admin.Model(name="pin", kind=LOCAL, engine="vllm", state=admin.MODEL_STATE_READY, pinned=True)
CLOUD = admin.Model(name="cloud", kind=types.TARGET_KIND_PROVIDER)
LISTED = admin.ListModelsResponse(models=[TINY, COLD, PINNED, CLOUD])


def row(output, name):
    return next(line for line in output.splitlines() if line.strip().startswith(name))


def test_models_alone_lists_them_all_as_before(daemon, ringfence):
    daemon.script["ListModels"] = [LISTED]
    assert "cloud" in ringfence("models").stdout
    assert [json.loads(line)["name"] for line in ringfence("models", "--json").stdout.splitlines()] == [
        "tiny",
        "cold",
        "pin",
        "cloud",
    ]


def test_ps_shows_memory_measured_before_planned_and_what_would_give_way(daemon, ringfence):
    daemon.script["ListModels"] = [LISTED]
    shown = ringfence("models", "ps").stdout
    assert "cloud" not in shown
    tiny = row(shown, "tiny")
    for piece in ("ready 1/2", "GPU-0 1.50 GiB", "host 1.0 MiB planned", "busy", "40"):
        assert piece in tiny
    assert "loading 40%" in row(shown, "cold")
    assert "reading weights" in row(shown, "cold")
    assert "pinned" in row(shown, "pin")


def test_an_unknown_fact_is_a_dash_and_never_0(daemon, ringfence):
    daemon.script["ListModels"] = [admin.ListModelsResponse(models=[PINNED])]
    assert row(ringfence("models", "ps").stdout, "pin").split()[6:8] == ["-", "-"]


def test_ps_can_watch(daemon, ringfence):
    daemon.script["WatchModels"] = [admin.WatchModelsResponse(models=[COLD]), admin.WatchModelsResponse(models=[TINY])]
    names = [json.loads(line)["name"] for line in ringfence("models", "ps", "--watch", "--json").stdout.splitlines()]
    assert names == ["cold", "tiny"]


def test_loading_tells_each_stage_once_and_ends_when_ready(daemon, ringfence):
    daemon.script["LoadModel"] = [
        admin.LoadModelResponse(progress=0.1, stage="waiting for memory", model=COLD),
        admin.LoadModelResponse(progress=0.2, stage="reading weights", model=COLD),
        admin.LoadModelResponse(progress=0.6, stage="reading weights", model=COLD),
        admin.LoadModelResponse(progress=1.0, stage="ready", model=TINY),
    ]
    result = ringfence("models", "load", "tiny", name="operator")
    assert result.exit_code == 0
    assert daemon.requests[0][1].name == "tiny"
    assert result.stderr.count("reading weights") == 1
    assert result.stdout == "tiny: ready\n"
    assert len(ringfence("models", "load", "tiny", "--json").stdout.splitlines()) == 4


def test_a_model_that_does_not_become_ready_fails_the_command_with_the_reason(daemon, ringfence):
    failed = admin.Model(name="tiny", kind=LOCAL, state=admin.MODEL_STATE_FAILED, failure="3 GiB are missing")
    daemon.script["LoadModel"] = [admin.LoadModelResponse(stage="x", model=COLD), admin.LoadModelResponse(model=failed)]
    result = ringfence("models", "load", "tiny")
    assert result.exit_code == 1
    assert "3 GiB are missing" in result.stderr
    daemon.script["LoadModel"] = []
    assert ringfence("models", "load", "tiny").exit_code == 1


def test_unloading_says_whether_to_wait_for_requests(daemon, ringfence):
    gone = admin.Model(name="tiny", state=admin.MODEL_STATE_UNLOADED)
    daemon.script["UnloadModel"] = [admin.UnloadModelResponse(model=gone)]
    assert ringfence("models", "unload", "tiny").stdout == "tiny: unloaded\n"
    ringfence("models", "unload", "tiny", "--force")
    assert [request.force for _, request in daemon.requests] == [False, True]


def test_swapping_names_the_other_weights(daemon, ringfence):
    daemon.script["ReplaceModel"] = [admin.ReplaceModelResponse(progress=1, stage="ready", model=TINY)]
    assert ringfence("models", "swap", "tiny", "new-weights").exit_code == 0
    assert (daemon.requests[0][1].name, daemon.requests[0][1].library) == ("tiny", "new-weights")


def test_without_the_role_the_exit_code_says_so(daemon, ringfence):
    barred = Fail(grpc.StatusCode.PERMISSION_DENIED, "needs the role operator", ErrorDetail(reason="role_missing"))
    daemon.script |= {"LoadModel": [barred], "UnloadModel": [barred]}
    assert ringfence("models", "load", "tiny").exit_code == 5
    assert ringfence("models", "unload", "tiny").exit_code == 5
