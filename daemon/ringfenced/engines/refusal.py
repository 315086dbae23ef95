"""Why a place cannot be had, as the error that a request gets."""

from __future__ import annotations

from ringfenced import errors
from ringfenced.schedule.placement_state import Refuse

RETRY_MS = 5000
"""When to try again where a model was not loaded in time, in milliseconds."""


def refusal_of(refuse: Refuse) -> errors.RingfenceError:
    """The error; what an engine printed is for operators and not in it."""
    why = refuse.why.partition("\n")[0]
    match refuse.reason:
        case "model_unknown":
            return errors.NotFound("This node hosts no such model.", reason="model_unknown")
        case "deadline":
            told = f"The model could not be loaded in time ({why}). Try again, or give it more time."
            return errors.Unavailable(told, reason="not_loaded", retry_after_ms=RETRY_MS)
        case "no_room":
            told = f"The model does not fit on this node: {why}. Ask an operator, or ask for a smaller model."
            return errors.Unavailable(told, reason="no_room", numbers=refuse.numbers)
        case "quarantined":
            told = f"The model cannot be loaded: {why}. Ask an operator."
            return errors.Unavailable(told, reason="engine_failed")
        case _:
            told = "An operator has unloaded the model. Ask again to have it loaded again."
            return errors.Unavailable(told, reason=refuse.reason, retry_after_ms=RETRY_MS)
