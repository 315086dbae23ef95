"""What de-identification gives: a prompt that may leave, the mapping that stays, or the error that says why not."""

from __future__ import annotations

from collections.abc import Mapping as AbstractMapping
from collections.abc import Sequence
from dataclasses import InitVar, dataclass
from datetime import date
from types import MappingProxyType
from typing import Final, NoReturn

from ringfence.labels import Label
from ringfenced.deidentify import forms
from ringfenced.deidentify.index import Node, index
from ringfenced.errors import Refused
from ringfenced.model import Prompt

PASS: Final = object()
"""Held by this package alone: without it nobody makes a `Deidentified`."""


class ResidualFindings(Refused):
    """Something is left that no provider may see; the request stays inside."""

    default_reason = "residual_findings"

    def __init__(self, counts: AbstractMapping[str, int]) -> None:
        """Say what is left.

        Args:
            counts: how many findings of each entity type are left; ``UNREADABLE`` counts texts that no recogniser could
                read. Types and numbers only, never a value.
        """
        listed = ", ".join(f"{count} {entity_type}" for entity_type, count in sorted(counts.items()))
        super().__init__(
            f"De-identification leaves {listed}: run it locally, or take that out.", step=5, numbers=counts
        )
        self.counts = dict(counts)


@dataclass(frozen=True, slots=True)
class Deidentified:
    """A prompt that went through de-identification: the only type that fits the way out."""

    prompt: Prompt
    """What may leave: surrogates stand where identifiers stood, and a scan finds nothing else."""
    label: Label
    """Its label: what the caller asserted, and INTERNAL at least where something was replaced."""
    label_before: Label
    """The label of what it was made from."""
    token: InitVar[object]
    """`PASS`; anything else is refused."""

    def __post_init__(self, token: object) -> None:
        """Refuse every maker but this package."""
        if token is not PASS:
            raise TypeError("only ringfenced.deidentify.deidentify makes a Deidentified")


class Mapping:
    """Surrogates and what they stand for. Lives in memory, for one request or one run, and nowhere else."""

    __slots__ = ("_dates", "_day_first", "_index", "_originals", "_people", "_texts")

    def __init__(
        self,
        originals: AbstractMapping[str, str],
        dates: AbstractMapping[date, date] = MappingProxyType({}),
        people: Sequence[tuple[tuple[str, str], tuple[str, str]]] = (),
        texts: Sequence[str] = (),
        *,
        day_first: bool = False,
    ) -> None:
        """Hold what re-identification needs.

        Args:
            originals: surrogate, as it was placed, to the identifier that it replaced.
            dates: surrogate days to the days that they stand for.
            people: given name and surname of each surrogate person, and those of the original.
            texts: what leaves; a form that stands there stands for itself, not for a surrogate.
            day_first: how the texts write ``04/03/2024``.
        """
        self._originals = dict(originals)
        self._dates = dict(dates)
        self._people = tuple(people)
        self._texts = tuple(texts)
        self._day_first = day_first
        self._index: Node | None = None

    def __len__(self) -> int:
        """How many surrogates there are."""
        return len(self._originals)

    def __repr__(self) -> str:
        """Say nothing of what it holds."""
        return f"<Mapping of {len(self)}>"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        """Refuse to be written or copied."""
        raise TypeError("a mapping stays in memory")

    def originals(self) -> dict[str, str]:
        """Surrogate, as it was placed, to original. For re-identification only."""
        return dict(self._originals)

    @property
    def index(self) -> Node:
        """All surrogates, and other forms in which a model may write them. For re-identification only.

        The other forms are days in the common formats of four languages and names with initials; a form that could
        stand for two originals, or stands in the texts itself, is left out.
        """
        if self._index is None:
            further = forms.further(self._originals, self._dates, self._people, day_first=self._day_first)
            further = forms.absent(further, self._texts)
            self._index = index(self._originals.items(), further.items())
        return self._index
