"""Step 1: who asks."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from ringfenced.errors import PermissionDenied, Unauthenticated
from ringfenced.model import Caller, CallerRole

PSEUDONYM_KEY_BYTES: Final = 32
"""As long as the digest that it keys (RFC 2104, section 3)."""
_PSEUDONYM_CHARS: Final = 32


def pseudonym(key: bytes, identity: str) -> str:
    """What an identity is called outside this node: who has no key can neither tell it nor try it.

    Args:
        key: the node's secret, `PSEUDONYM_KEY_BYTES` long.
        identity: whose.
    """
    return hmac.new(key, identity.encode(), hashlib.sha256).hexdigest()[:_PSEUDONYM_CHARS]


def identify(identity: str | None, callers: Mapping[str, Caller]) -> Caller:
    """The caller behind a verified peer.

    Args:
        identity: the one URI SAN of the verified client certificate; None where there is none. That the certificate
            was verified is the transport's duty.
        callers: every identity that this site knows.

    Raises:
        Unauthenticated: there is no identity, or the site does not know it.
    """
    if identity is None:
        raise Unauthenticated(
            "The connection carries no caller identity. Connect with a client certificate whose URI SAN is your "
            "SPIFFE id (for development: `ringfence dev-certs`).",
            reason="identity_missing",
            step=1,
        )
    caller = callers.get(identity)
    if caller is None:
        raise Unauthenticated(
            f"This site does not know {identity}. Ask its operator to add it under [[callers]].",
            reason="identity_unknown",
            step=1,
        )
    return caller


def demand(caller: Caller, *roles: CallerRole) -> None:
    """Pass if `caller` has one of `roles`.

    Raises:
        PermissionDenied: it has none of them.
    """
    if caller.roles.isdisjoint(roles):
        wanted = " or ".join(roles)
        raise PermissionDenied(
            f"{caller.identity} lacks the role {wanted}. Ask the site's operator for it.", reason="role_missing", step=1
        )
