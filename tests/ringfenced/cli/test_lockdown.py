"""`ringfence lockdown`: what is ordered, what is shown, and how a script sees that an order waits."""

import json

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from fakes.daemon import Fail
from ringfence.v1 import admin_pb2 as admin
from ringfence.v1.types_pb2 import ErrorDetail

ANNA, BEN = "spiffe://site.example/operator/anna", "spiffe://site.example/operator/ben"
STOPPED = admin.LockdownState(on=True, reason="ticket 4711", since=Timestamp(seconds=1_800_000_000), by=[ANNA])
WAITING = admin.LockdownState(
    on=True,
    reason="ticket 4711",
    by=[ANNA],
    confirmations_missing=1,
    waiting_by=[BEN],
    waiting_until=Timestamp(seconds=1_800_000_900),
)


def test_a_stop_is_ordered_with_its_reason_and_shown(daemon, ringfence):
    daemon.script["SetLockdown"] = [admin.SetLockdownResponse(state=STOPPED)]
    result = ringfence("lockdown", "on", "--reason", "ticket 4711", name="operator")
    assert result.exit_code == 0
    assert daemon.requests == [("SetLockdown", admin.SetLockdownRequest(on=True, reason="ticket 4711"))]
    for piece in ("nothing leaves since 2027-01-15 08:00:00 UTC", "ticket 4711", ANNA):
        assert piece in result.stdout


def test_an_order_that_waits_says_for_whom_and_fails_a_script(daemon, ringfence):
    daemon.script["SetLockdown"] = [admin.SetLockdownResponse(state=WAITING)]
    result = ringfence("lockdown", "off", "--reason", "over", name="operator")
    assert result.exit_code == 1
    assert daemon.requests[0][1] == admin.SetLockdownRequest(on=False, reason="over")
    for piece in ("1 more", "before 2027-01-15 08:15:00 UTC", BEN):
        assert piece in result.stdout


def test_status_tells_what_holds(daemon, ringfence):
    daemon.script["GetLockdown"] = [admin.GetLockdownResponse(state=admin.LockdownState())]
    assert ringfence("lockdown", "status", name="auditor").stdout == "egress is allowed\n"
    by_hand = admin.LockdownState(on=True, reason="the file lockdown lies in the log's folder")
    daemon.script["GetLockdown"] = [admin.GetLockdownResponse(state=by_hand)]
    assert "by hand" in ringfence("lockdown", "status", name="auditor").stdout


def test_json_keeps_its_shape(daemon, ringfence):
    daemon.script["GetLockdown"] = [admin.GetLockdownResponse(state=WAITING)]
    told = json.loads(ringfence("lockdown", "status", "--json", name="auditor").stdout)
    assert (told["on"], told["confirmationsMissing"], told["waitingBy"]) == (True, 1, [BEN])


def test_a_reason_is_asked_for_and_a_caller_may_not(daemon, ringfence):
    assert ringfence("lockdown", "on").exit_code == 2
    barred = Fail(grpc.StatusCode.PERMISSION_DENIED, "needs the role operator", ErrorDetail(reason="role_missing"))
    daemon.script["SetLockdown"] = [barred]
    assert ringfence("lockdown", "on", "--reason", "x").exit_code == 5
