"""What this site has learned of its targets' answers."""

from __future__ import annotations

from ringfenced.inputs import Asked, Rating, configured
from ringfenced.model import Offer, Request
from ringfenced.way import Way


class NothingLearned:
    """Implements `nouns.Learning` for a site that does not learn: configured quality counts."""

    def __init__(self) -> None:
        """Begin without offers."""
        self._rated_for: tuple[Offer, ...] = ()
        self._rating = configured(())

    def rated(self, request: Request, asked: Asked, offers: tuple[Offer, ...]) -> Rating:  # noqa: ARG002 - whoever asks
        """As configured."""
        if offers is not self._rated_for:
            self._rated_for, self._rating = offers, configured(offers)
        return self._rating

    def learn(self, way: Way) -> None:
        """Nothing."""
