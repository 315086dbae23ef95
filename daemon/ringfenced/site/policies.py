"""The site's policy in force."""

from __future__ import annotations

from ringfenced.inputs import Asked, Rulings, unruled
from ringfenced.model import Offer


class OpenPolicies:
    """Implements `nouns.Policies` for a site that has no policy of its own: the built-in rules alone decide."""

    def __init__(self, digest: str) -> None:
        """Take the digest of what the configuration says."""
        self._digest = digest
        self._ruled_for: tuple[Offer, ...] = ()
        self._rulings = unruled((), digest)

    def rulings(self, asked: Asked, offers: tuple[Offer, ...]) -> Rulings:  # noqa: ARG002 - whoever asks
        """Every target is left to the built-in rules."""
        if offers is not self._ruled_for:
            self._ruled_for, self._rulings = offers, unruled(offers, self._digest)
        return self._rulings
