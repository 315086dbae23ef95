"""The measure: pure, over texts and what became of them."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ringfence.labels import Label
from ringfence.recognize import Scan
from ringfenced.deidentify import Mapping as Surrogates
from ringfenced.deidentify import Reidentifier, ResidualFindings, deidentify
from ringfenced.model import Message, Prompt, Role, Text

_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Made:
    """A text that was de-identified."""

    text: str
    """What leaves."""
    mapping: Surrogates
    """What stays."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many."""

    good: int
    """How many hold."""
    total: int
    """Of how many."""

    @property
    def percent(self) -> float:
        """100 for none of none."""
        return 100.0 * self.good / self.total if self.total else 100.0

    def __add__(self, other: Share) -> Share:
        """Both together."""
        return Share(self.good + other.good, self.total + other.total)


def make(text: str, scan: Scan, seed: bytes) -> Made | None:
    """`text` de-identified; None where it stays inside."""
    prompt = Prompt((Message(Role.USER, (Text(text),)),))
    try:
        made, mapping = deidentify(prompt, (), Label(), seed=seed, scan=scan)
    except ResidualFindings:
        return None
    part = made.prompt.messages[0].parts[0]
    return Made(part.text if isinstance(part, Text) else "", mapping)


def back(made: Made, answer: str, sizes: Sequence[int]) -> str:
    """`answer` with the originals in place, as it comes in chunks of `sizes` characters, again and again."""
    reidentifier = Reidentifier(made.mapping)
    edges = [0]
    while edges[-1] < len(answer):
        edges.append(min(len(answer), edges[-1] + sizes[len(edges) % len(sizes)]))
    return "".join(reidentifier.feed(answer[start:end]) for start, end in pairwise(edges)) + reidentifier.flush()


def survival(text: str, made: str, identifying: Iterable[tuple[int, int]]) -> Share:
    """The tokens outside of `identifying` that stand in `made` too, in the same order."""
    spans = sorted(identifying)
    tokens = list(_TOKEN.finditer(text))
    words = [token.group() for token in tokens]
    other = _TOKEN.findall(made)
    kept = set[int]()
    for block in difflib.SequenceMatcher(None, words, other, autojunk=False).get_matching_blocks():
        kept.update(range(block.a, block.a + block.size))
    free = [
        place for place, token in enumerate(tokens) if not any(s < token.end() and token.start() < e for s, e in spans)
    ]
    return Share(sum(place in kept for place in free), len(free))


def consistency(originals: Mapping[str, str]) -> Share:
    """Originals that have one surrogate whatever their case, of all."""
    surrogates: dict[str, set[str]] = defaultdict(set)
    for surrogate, original in originals.items():
        surrogates[original.casefold()].add(surrogate.casefold())
    return Share(sum(len(made) == 1 for made in surrogates.values()), len(surrogates))
