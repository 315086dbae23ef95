"""Every status has its exit code, and its error says what to do."""

import grpc
import pytest

from ringfence.client import RingfenceCallError
from ringfence.v1.types_pb2 import ErrorDetail
from ringfenced import errors
from ringfenced.api.status import CODES
from ringfenced.cli.report import advice, exit_code

EXITS = {
    errors.Unauthenticated: 5,
    errors.PermissionDenied: 5,
    errors.InvalidRequest: 7,
    errors.ContextExceeded: 7,
    errors.NotFound: 7,
    errors.Refused: 3,
    errors.WalletEmpty: 4,
    errors.Overloaded: 6,
    errors.Unavailable: 6,
    errors.DeadlineExceeded: 8,
    errors.Unsupported: 7,
    errors.Internal: 1,
}


@pytest.mark.parametrize("error", CODES)
def test_every_error_of_the_daemon_has_an_exit_code(error):
    raised = RingfenceCallError(CODES[error], "message", ErrorDetail(reason=error.default_reason))
    assert exit_code(raised) == EXITS[error]


@pytest.mark.parametrize("code", grpc.StatusCode)
def test_no_status_ends_well_or_without_a_code(code):
    assert exit_code(RingfenceCallError(code, "message")) != 0


def test_advice_has_the_numbers_the_nearest_names_and_when_to_try_again():
    detail = ErrorDetail(
        reason="overloaded",
        step=5,
        model="tiny",
        input="messages[0]",
        numbers={"waiting": 1200, "at_most": 64, "needed_microcredits": 1200},
        suggestions=["small", "large"],
        retry_after_ms=1500,
    )
    assert advice(RingfenceCallError(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", detail)) == (
        "at most: 64, needed: 0.0012 credits, waiting: 1,200",
        "namely: small, large",
        "try again in 1.5 s",
        "reason overloaded, step 5 (run), model tiny, input messages[0]",
    )


def test_nearest_names_are_called_so():
    detail = ErrorDetail(reason="model_unknown", suggestions=["tiny"])
    assert advice(RingfenceCallError(grpc.StatusCode.NOT_FOUND, "m", detail))[0] == "nearest: tiny"


def test_no_daemon_at_all_points_at_target_and_certificates():
    said = " ".join(advice(RingfenceCallError(grpc.StatusCode.UNAVAILABLE, "connection refused")))
    assert "--target" in said
    assert "certificates" in said


def test_a_step_that_does_not_exist_is_left_out():
    detail = ErrorDetail(reason="x", step=77)
    assert advice(RingfenceCallError(grpc.StatusCode.NOT_FOUND, "m", detail)) == ("reason x",)
