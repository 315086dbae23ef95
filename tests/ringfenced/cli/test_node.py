"""`status` and `wallet`."""

import json

import grpc

from fakes.daemon import Fail
from ringfence.v1 import admin_pb2 as admin
from ringfence.v1 import types_pb2 as types
from ringfence.v1.types_pb2 import ErrorDetail

MODELS = admin.ListModelsResponse(
    models=[
        admin.Model(name="tiny", kind=types.TARGET_KIND_LOCAL, engine="llama.cpp", state=admin.MODEL_STATE_READY),
        admin.Model(name="big", kind=types.TARGET_KIND_LOCAL, state=admin.MODEL_STATE_FAILED, failure="no memory"),
    ]
)
WALLET = admin.Wallet(department="ward", granted_microcredits=3_000_000, available_microcredits=2_999_999)
CHECKS = [admin.Check(name="agent", ok=False, message="the agent is away: start it"), admin.Check(name="disk", ok=True)]
HEALTH = admin.GetHealthResponse(ok=False, checks=CHECKS, version="0.1.0", node="n1")
DEVICE = admin.Device(id="0", kind="gpu", name="H200", memory_total_bytes=141 * 2**30)


def full(daemon):
    daemon.script |= {
        "GetHealth": [HEALTH],
        "ListModels": [MODELS],
        "ListDevices": [admin.ListDevicesResponse(devices=[DEVICE])],
        "GetWallet": [admin.GetWalletResponse(wallet=WALLET)],
    }


def test_status_shows_everything_and_fails_with_a_failing_check(daemon, ringfence):
    full(daemon)
    result = ringfence("status", name="operator")
    assert result.exit_code == 1
    for piece in ("n1", "FAILED", "start it", "tiny", "ready", "no memory", "H200", "-/141.0", "ward", "2.999999"):
        assert piece in result.stdout


def test_an_unknown_fact_of_a_device_is_a_dash_and_never_0(daemon, ringfence):
    full(daemon)
    row = next(line for line in ringfence("status").stdout.splitlines() if "H200" in line)
    assert row.split()[-3:] == ["-", "-", "-"]


def test_a_caller_sees_its_own_part_and_is_told_of_the_rest(daemon, ringfence):
    full(daemon)
    barred = Fail(grpc.StatusCode.PERMISSION_DENIED, "needs the role operator", ErrorDetail(reason="role_missing"))
    daemon.script |= {"GetHealth": [barred], "ListDevices": [barred]}
    result = ringfence("status")
    assert result.exit_code == 0
    assert "tiny" in result.stdout
    assert "health not shown: needs the role operator" in result.stderr


def test_status_in_json_keeps_its_shape(daemon, ringfence):
    daemon.script["ListModels"] = [MODELS]
    told = json.loads(ringfence("status", "--json").stdout)
    assert set(told) == {"health", "models", "devices", "wallet", "hidden"}
    assert told["health"] is None
    assert set(told["hidden"]) == {"health", "devices", "wallet"}


def test_a_daemon_in_trouble_is_not_hidden(daemon, ringfence):
    daemon.script["GetHealth"] = [Fail(grpc.StatusCode.INTERNAL, "broken")]
    assert ringfence("status").exit_code == 1


def test_wallets_in_both_forms(daemon, ringfence):
    daemon.script["GetWallet"] = [admin.GetWalletResponse(wallet=WALLET)]
    daemon.script["ListWallets"] = [admin.ListWalletsResponse(wallets=[WALLET, WALLET])]
    assert "2.999999" in ringfence("wallet", "ward").stdout
    assert daemon.requests[0][1].department == "ward"
    assert len(ringfence("wallet", "--all", "--json").stdout.splitlines()) == 2
