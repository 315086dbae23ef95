"""The daemon's errors, typed once and carried whole to the edge.

    RingfenceError                 reason, step, model, input, numbers, suggestions, retry_after_ms, decision, proofs
    ├── Unauthenticated            no caller, or one that this site does not know
    ├── PermissionDenied           the caller lacks the role
    ├── InvalidRequest             the request cannot be what the caller meant
    │   └── ContextExceeded        prompt longer than the model's context; carries both lengths
    ├── NotFound                   unknown model, wallet, entry; carries the nearest names
    ├── Refused                    label or policy leave no target; carries the decision
    ├── WalletEmpty                the hold would overdraw the wallet; carries the numbers
    ├── Overloaded                 queues are full; carries when to try again
    ├── Unavailable                an engine died, the agent is away; carries when to try again
    ├── DeadlineExceeded           the time that the caller gave ran out
    ├── Unsupported                this build does not do that yet
    └── Internal                   a defect; the message says nothing of its insides

A message says what was wrong and what to do, and never holds content of a request or an answer. The one table from
these types to gRPC statuses stands in `ringfenced.api.status`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ringfenced.model import Decision, EntryProof


class RingfenceError(Exception):
    """What every error of the daemon has in common."""

    default_reason = "internal"
    """The `reason` of an error that names none."""

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        step: int = 0,
        model: str = "",
        input_path: str = "",
        numbers: Mapping[str, int] | None = None,
        suggestions: tuple[str, ...] = (),
        retry_after_ms: int | None = None,
        decision: Decision | None = None,
        proofs: tuple[EntryProof, ...] = (),
    ) -> None:
        """Describe what happened.

        Args:
            message: what was wrong and what to do; for people; without content.
            reason: stable and machine-readable; a class has a default.
            step: 1 to 9, the step of the request's way (DESIGN.md); 0 before the first.
            model: the model or provider that it concerns.
            input_path: which input, for example ``messages[2].parts[0].file``.
            numbers: the numbers that the message names.
            suggestions: nearest valid names.
            retry_after_ms: when to try again, in milliseconds; None where that does not help.
            decision: what had been decided.
            proofs: entries of the egress log that tell of it: what left before it failed, or what was refused.
        """
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.step = step
        self.model = model
        self.input_path = input_path
        self.numbers = dict(numbers or {})
        self.suggestions = suggestions
        self.retry_after_ms = retry_after_ms
        self.decision = decision
        self.proofs = proofs
        self.request_id = ""
        """The request that it ended; empty before it had an id."""


class Unauthenticated(RingfenceError):
    """No caller, or one that this site does not know."""

    default_reason = "unauthenticated"


class PermissionDenied(RingfenceError):
    """The caller lacks the role."""

    default_reason = "permission_denied"


class InvalidRequest(RingfenceError):
    """The request cannot be what the caller meant."""

    default_reason = "invalid_request"


class ContextExceeded(InvalidRequest):
    """The prompt is longer than the model's context."""

    default_reason = "context_exceeded"


class NotFound(RingfenceError):
    """An unknown name."""

    default_reason = "not_found"


class Refused(RingfenceError):
    """Label or policy leave no target."""

    default_reason = "refused"


class WalletEmpty(RingfenceError):
    """The hold would overdraw the wallet."""

    default_reason = "wallet_empty"


class Overloaded(RingfenceError):
    """Queues are full."""

    default_reason = "overloaded"


class Unavailable(RingfenceError):
    """Something that the request needs is away."""

    default_reason = "unavailable"


class DeadlineExceeded(RingfenceError):
    """The time that the caller gave ran out."""

    default_reason = "deadline_exceeded"


class Unsupported(RingfenceError):
    """This build does not do that yet."""

    default_reason = "unsupported"


class Internal(RingfenceError):
    """A defect of Ringfence."""

    default_reason = "internal"
