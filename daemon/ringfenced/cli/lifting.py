"""An operator's signature under a lift, made on the operator's own machine."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from google.protobuf.timestamp_pb2 import Timestamp

from ringfence.lift import LIFETIME_MS_MAX, Lift, LiftError, sign
from ringfence.v1.admin_pb2 import LockdownState, SetLockdownRequest
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.output import Output

LIFETIME_MS = LIFETIME_MS_MAX - 60_000
"""How long a signature made here may be used: a minute less than agents take, for clocks that differ."""


def put_word(order: SetLockdownRequest, state: LockdownState, operator: str, key: Path, now_unix_ms: int) -> None:
    """Put the operator's own word to a lift, and say on stderr what was signed.

    Args:
        order: the lift.
        state: what stands, by the daemon's word; a false one makes a signature that no agent takes.
        operator: the operator's name in the agent's configuration.
        key: file of their private key.
        now_unix_ms: the clock.

    Raises:
        Failure: the key cannot be used.
    """
    lift = Lift(state.log_origin, state.since.ToMilliseconds(), operator, now_unix_ms + LIFETIME_MS)
    try:
        order.signature = sign(lift, private_key(key))
    except LiftError as error:
        raise Failure(str(error), code=ExitCode.USAGE) from None
    order.operator, order.expires_at_unix_ms = operator, lift.expires_at_unix_ms
    remark = (
        f"signed as {operator}: what leaves by the log {lift.origin}, stopped {time_of(state.since)}, may leave again"
    )
    Output.of(as_json=True).remark(remark)


def time_of(at: Timestamp) -> str:
    """A time as people write it."""
    return datetime.fromtimestamp(at.seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def private_key(path: Path) -> Ed25519PrivateKey:
    """An operator's key."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}", code=ExitCode.USAGE) from error
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise Failure(
            f"{path}: no Ed25519 private key in PEM",
            code=ExitCode.USAGE,
            advice=(f"make one: openssl genpkey -algorithm ed25519 -out {path}",),
        )
    return key
