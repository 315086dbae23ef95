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
from ringfenced.learn.outcome import BadState, Features
from ringfenced.learn.packed import pack, unpack
from ringfenced.learn.prior import SURE

VERSION: Final = 1
"""Of the format."""
NAMES_MAX: Final = 4096
"""Most models or segments in stored state."""


@dataclass(frozen=True, slots=True, eq=False)
class Rated:
    """What is expected of some models for one request, in the order in which they were given."""

    quality: NDArray[np.float32]
    """P(good), 0 to 1."""
    uncertainty: NDArray[np.float32]
    """A standard deviation of `quality`, 0 to 0.5."""
    learned: NDArray[np.bool_]
    """Whether it was learned here; otherwise it is the model's configured quality, or the prior's word on it."""


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

        Where the guard does not trust the heads, every question of the segment gets the same: each model's mean quality
        there, so that the choice is a fixed one. Where it does, it says how much of their word counts beside that.

        Args:
            features: of the prompt.
            segment: its kind of request.
            models: that could answer it.
            quality_configured: of each, 0 to 1.

        Raises:
            BadState: the features are of another version than those that this was made from.
        """
        quality, doubt, learned = self.heads.expected(features, segment, models, quality_configured)
        mixed: NDArray[Any] = quality
        if self.version:
            mixed = np.where(learned, self.guard.mixed(segment, models, quality, quality_configured), quality)
        return Rated(np.clip(mixed, SURE / 2, 1 - SURE / 2).astype(np.float32), doubt, learned)

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
