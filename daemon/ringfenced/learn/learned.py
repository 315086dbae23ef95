"""All that a site has learned, as one value that never changes: a refit makes a new one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ringfenced.learn.guard import GUARD_NONE, Guard
from ringfenced.learn.heads import Heads, no_heads
from ringfenced.learn.lineup import Lineup, Rated
from ringfenced.learn.outcome import BadState, Features
from ringfenced.learn.packed import pack, unpack
from ringfenced.made_once import MadeOnce

VERSION: Final = 1
"""Of the format."""
NAMES_MAX: Final = 4096
"""Most models or segments in stored state."""
_LINEUPS: Final = MadeOnce(Lineup, 4)
"""Of the models in use, and of those that a refit or a change of them replaces."""


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What a site knows of its models."""

    heads: Heads
    """What each model is expected to be worth on a question."""
    guard: Guard
    """In which segments that may be believed."""
    configured: Mapping[str, float]
    """Quality of each model as it was configured when this was made."""
    version: int
    """How many outcomes it was made from; 0 for none."""
    fitted_at: int
    """When its newest outcome was, in seconds of Unix time; 0 for none."""

    def rated(self, features: Features, segment: str, models: Sequence[str], quality_configured: NDArray[Any]) -> Rated:
        """What each model is expected to be worth for one request.

        Whoever asks again gives the same `models` and `quality_configured`, the very objects: they are laid out once.

        Args:
            features: of the prompt.
            segment: its kind of request.
            models: that could answer it.
            quality_configured: of each, 0 to 1; never changed afterwards.

        Raises:
            BadState: the features are of another version than those that this was made from.
        """
        # A guard that has seen nothing would hold everything back, the prior's word too.
        guard = self.guard if self.version else None
        return _LINEUPS.of(self.heads, guard, models, quality_configured).rated(features, segment)

    def to_bytes(self) -> bytes:
        """The same as bytes, with a digest."""
        configured = sorted(self.configured.items())
        return pack(
            {
                "format": np.array([VERSION, self.version, self.fitted_at], np.int64),
                "configured.names": np.frombuffer("\n".join(name for name, _ in configured).encode(), np.uint8),
                "configured.values": np.array([value for _, value in configured], np.float64),
                **self.heads.arrays(),
                **self.guard.arrays(),
            }
        )

    @classmethod
    def from_bytes(cls, content: bytes) -> Learned:
        """Read what `to_bytes` wrote.

        Raises:
            BadState: it is damaged, of another version, or something else.
        """
        arrays = unpack(content)
        try:
            version, count, at = (int(number) for number in arrays["format"])
            names = arrays["configured.names"].astype(np.uint8).tobytes().decode()
            values = arrays["configured.values"].astype(np.float64)
        except (KeyError, ValueError) as error:
            raise BadState("learned state is malformed; refit it from the outcomes") from error
        models = names.split("\n") if names else []
        if version != VERSION or len(models) != values.size or len(models) > NAMES_MAX:
            raise BadState("learned state of another version; refit it from the outcomes")
        configured = dict(zip(models, values.ravel().tolist(), strict=True))
        heads = Heads.of_arrays(arrays)
        _ = heads.forest  # made where state is read, not where the first request waits
        return cls(heads, Guard.of_arrays(arrays), MappingProxyType(configured), count, at)

    @classmethod
    def cold(cls, configured: Mapping[str, float]) -> Learned:
        """Of a site that has learned nothing: the prior's word, by each model's configured quality."""
        return cls(no_heads(), GUARD_NONE, MappingProxyType(dict(configured)), 0, 0)
