"""What a request claims where it waits for a local model."""

from __future__ import annotations

import hashlib

from ringfenced.model import Caller, Claim, Priority

SHARE_BYTES = 8
"""Length of a share's name: of a thousand departments two have the same with a chance of one in 10^13."""


def claim(caller: Caller, priority: Priority) -> Claim:
    """Return the claim of a caller's request: all requests of its department share one part of an engine.

    Args:
        caller: who asks.
        priority: whether somebody waits for the answer.
    """
    name = f"{caller.tenant}\0{caller.department}".encode()
    return Claim(priority, hashlib.sha256(name).digest()[:SHARE_BYTES], caller.weight)
