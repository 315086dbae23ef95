"""`ringfence lockdown`: what is ordered, what is shown, and how a script sees that an order waits."""

import json

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.protobuf.timestamp_pb2 import Timestamp

from fakes.daemon import Fail
from ringfence.lift import Lift, verify
from ringfence.v1 import admin_pb2 as admin
from ringfence.v1.types_pb2 import ErrorDetail
from ringfenced.cli.lifting import LIFETIME_MS

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


def test_a_lift_is_signed_on_this_machine(daemon, ringfence, tmp_path):
    """What the agent checks: this log, this stop, this operator; and the key stays where it is."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "anna.key").write_bytes(pem)
    stopped = admin.LockdownState(
        on=True, reason="r", since=Timestamp(seconds=1_800_000_000, nanos=5_000_000), log_origin="site.example/egress"
    )
    daemon.script["GetLockdown"] = [admin.GetLockdownResponse(state=stopped)]
    daemon.script["SetLockdown"] = [admin.SetLockdownResponse(state=admin.LockdownState())]
    arguments = ("lockdown", "off", "--reason", "over", "--operator", "anna", "--key", str(tmp_path / "anna.key"))
    result = ringfence(*arguments, name="operator")
    assert result.exit_code == 0
    assert "site.example/egress" in result.stderr
    order = daemon.requests[1][1]
    said = Lift("site.example/egress", 1_800_000_000_005, "anna", order.expires_at_unix_ms)
    now_unix_ms = order.expires_at_unix_ms - LIFETIME_MS
    verify(said, order.signature, {"anna": key.public_key()}, now_unix_ms)


def test_half_a_signature_and_a_file_that_is_no_key_are_wrong_usage(daemon, ringfence, tmp_path):
    (tmp_path / "no.key").write_text("no key")
    off = ("lockdown", "off", "--reason", "over", "--operator", "anna")
    assert ringfence(*off, name="operator").exit_code == 2
    daemon.script["GetLockdown"] = [admin.GetLockdownResponse(state=STOPPED)]
    for name in ("no.key", "missing.key"):
        result = ringfence(*off, "--key", str(tmp_path / name), name="operator")
        assert (result.exit_code, name in result.stderr) == (2, True)
    assert not [each for each in daemon.requests if each[0] == "SetLockdown"]


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
