"""What is measured of the targets: how fast they are, which of them are closed to whom."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ringfenced.inputs import Asked
from ringfenced.model import Candidate, Offer, Target
from ringfenced.way import Way

_NONE: Mapping[Target, str] = MappingProxyType({})


class NothingMeasured:
    """Implements `nouns.Outlook` for who goes by what is configured."""

    def offers(self, offers: tuple[Offer, ...]) -> tuple[Offer, ...]:
        """As they are."""
        return offers

    def closed(self, asked: Asked) -> Mapping[Target, str]:  # noqa: ARG002 - whoever asks
        """None."""
        return _NONE

    def ended(self, way: Way, rung: Candidate, error: BaseException | None) -> None:
        """Forget it."""
