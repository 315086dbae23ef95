"""What the daemon is asked, and what becomes of its answers."""

import grpc
import pytest

from fakes.certs import write_fresh
from fakes.daemon import Fail, FakeDaemon
from ringfence.v1 import admin_pb2 as admin
from ringfence.v1 import audit_pb2 as audit
from ringfence.v1 import types_pb2 as types
from ringfenced.cli.doctoring import look_daemon
from ringfenced.cli.doctoring.site import CheckFacts, ProviderFacts

MODELS = admin.ListModelsResponse(
    models=[
        admin.Model(name="house", kind=types.TARGET_KIND_LOCAL, failure="not a provider"),
        admin.Model(name="gpt", kind=types.TARGET_KIND_PROVIDER, state=admin.MODEL_STATE_READY),
        admin.Model(name="shut", kind=types.TARGET_KIND_PROVIDER, state=admin.MODEL_STATE_FAILED, failure="lockdown"),
        admin.Model(name="rests", kind=types.TARGET_KIND_PROVIDER, closed=["it failed too often"]),
    ]
)
BARRED = Fail(grpc.StatusCode.PERMISSION_DENIED, "needs a role")


@pytest.fixture
def asked(tmp_path):
    """A daemon, and a way to ask it."""
    certs = write_fresh(tmp_path)
    with FakeDaemon(certs) as daemon:
        options = {"target": daemon.target, "certs": str(certs), "as": "operator"}
        yield daemon, lambda: look_daemon.ask(options)


def test_everything_that_may_be_seen_is_told(asked):
    daemon, ask = asked
    health = admin.GetHealthResponse(version="0.1.0", checks=[admin.Check(name="disk", ok=True)])
    gpus = [
        admin.Device(id="0", kind="gpu"),
        admin.Device(id="1", kind="gpu", excluded_reason="ecc"),
        admin.Device(id="c", kind="cpu"),
    ]
    daemon.script |= {
        "ListModels": [MODELS],
        "GetHealth": [health],
        "ListDevices": [admin.ListDevicesResponse(devices=gpus)],
        "GetLockdown": [admin.GetLockdownResponse(state=admin.LockdownState(on=True, reason="an incident"))],
        "GetCheckpoint": [audit.GetCheckpointResponse(checkpoint="log\n3\n", witnessed_checkpoint="log\n2\n")],
        "GetEntry": [audit.GetEntryResponse(proof=types.EntryProof(index=2, entry=b'{"time_unix_ms":7}'))],
    }
    told = ask()
    assert told.daemon.version == "0.1.0"
    assert told.daemon.checks == (CheckFacts("disk", True, ""),)
    assert told.daemon.gpus == 1
    assert told.daemon.lockdown == "an incident"
    assert told.daemon.providers == (
        ProviderFacts("gpt", ""),
        ProviderFacts("shut", "lockdown"),
        ProviderFacts("rests", "it failed too often"),
    )
    assert (told.checkpoint, told.witnessed, told.log_unix_ms) == ("log\n3\n", "log\n2\n", 7)
    assert next(request.index for name, request in daemon.requests if name == "GetEntry") == 2


def test_what_this_identity_may_not_see_is_not_known(asked):
    daemon, ask = asked
    daemon.script |= {"ListModels": [MODELS], "GetHealth": [BARRED], "GetCheckpoint": [BARRED]}
    told = ask()
    assert (told.daemon.problem, told.daemon.checks, told.daemon.gpus, told.daemon.lockdown) == ("", None, None, None)
    assert (told.checkpoint, told.log_unix_ms) == (None, None)


def test_a_daemon_that_fails_is_away(asked):
    daemon, ask = asked
    daemon.script["ListModels"] = [Fail(grpc.StatusCode.INTERNAL, "broken")]
    assert (ask().daemon.problem, ask().daemon.is_away) == ("broken", True)


def test_without_an_identity_nobody_is_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    told = look_daemon.ask({})
    assert told.daemon.problem.startswith("not asked: who asks is not said")
    assert not told.daemon.is_away


@pytest.mark.parametrize("entry", [b"[]", b"{", b'{"time_unix_ms":"soon"}', b"{}"])
def test_an_entry_that_is_none_tells_no_time(asked, entry):
    daemon, ask = asked
    daemon.script |= {
        "ListModels": [MODELS],
        "GetCheckpoint": [audit.GetCheckpointResponse(checkpoint="log\n3\n")],
        "GetEntry": [audit.GetEntryResponse(proof=types.EntryProof(entry=entry))],
    }
    assert ask().log_unix_ms is None
