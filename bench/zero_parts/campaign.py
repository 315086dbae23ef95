"""The run: every scene with every canary, then the search of all that was kept, then the run that must be found out."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from zero_parts.asking import Case
from zero_parts.canaries import Canary, canary, stem
from zero_parts.encodings import ENCODINGS
from zero_parts.gather import Blob, Seen, add_up, files, held, shared_memory, shared_names
from zero_parts.places import BETWEEN
from zero_parts.plants import plant
from zero_parts.scene import Scene
from zero_parts.scenes_edges import commands, fields, heads
from zero_parts.scenes_local import llama, others, scripted
from zero_parts.scenes_out import answered, crashed, failed
from zero_parts.search import Search, whose
from zero_parts.stage import Stage, stage
from zero_parts.tracing import Tracing

_REFIT = b"ringfenced.site.refit"
"""The module that a refit's own process runs."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A canary where none may be."""

    place: str
    """One of `places.PLACES`."""
    where: str
    """The file, socket or page."""
    encoding: str
    """As what it was found."""
    scene: str
    """Whose it was; empty where that cannot be told."""


@dataclass
class Outcome:
    """What came of a run."""

    ends: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Scene to how its requests ended."""
    unplayed: list[str] = field(default_factory=list)
    """Scenes whose plain request ended otherwise than it should: they prove nothing."""
    leaks: list[Leak] = field(default_factory=list)
    searched: Counter[str] = field(default_factory=Counter)
    """Place to bytes."""
    between: int = 0
    """How many scenes' canaries were seen between processes: the search sees what there is."""
    writes: int = 0
    """System calls whose bytes were searched."""
    threads: int = 0
    """Of all processes that were traced."""
    unseen: Counter[str] = field(default_factory=Counter)
    """Why bytes may have gone unseen, and how often."""
    planted: dict[str, dict[str, bool]] = field(default_factory=dict)
    """Place to encoding to whether the planted canary was found."""
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Nothing was found, everything was played and seen, and all that was planted was found."""
        planted = all(found for encodings in self.planted.values() for found in encodings.values())
        return not self.leaks and not self.unplayed and not self.unseen and self.between > 0 and planted


def scenes() -> list[Scene]:
    """All of them; those that end processes come last."""
    groups = (answered(), others(), llama(), fields(), heads(), commands(), scripted(), failed(), crashed())
    return [scene for group in groups for scene in group]


async def run(folder: Path, only: str, tell: Callable[[str], None]) -> Outcome:
    """Play, search, and plant.

    Args:
        folder: a fresh one with a short path.
        only: scenes whose name says this; empty for all.
        tell: told of what is being done.
    """
    began_s, rng, outcome = time.monotonic(), Random(), Outcome()
    stem_of_run = stem(rng)
    before = shared_names()
    tracing = Tracing(folder / "a")
    canaries: list[Canary] = []
    kept: list[Blob] = []
    tell("starting daemon, workers, engines and agent under strace")
    async with stage(tracing) as made:
        for scene in (one for one in scenes() if only in one.name):
            tell(f"playing {scene.name}")
            cases = [Case(made, canary(stem_of_run, scene.name, one.name, rng), one) for one in ENCODINGS]
            canaries += [case.canary for case in cases]
            kept += await _played(scene, cases, outcome)
            kept += [*held(made.processes(), made.layout), *shared_memory(before)]
        await made.look()
        kept += _told(made)
        kept += files(made.layout, ())  # while databases are open and their logs are there
    tell("waiting for the traces")
    tracing.whole()
    seen = add_up(tracing.events(), made.layout)
    outcome.writes, outcome.threads = seen.calls, len(list(tracing.files()))
    outcome.unseen.update(seen.unseen)
    if any(scene.endswith("refit") for scene in outcome.ends) and not _ran(_REFIT, seen):
        outcome.unplayed.append("no process of a refit was seen; tell more answers good or bad")
    kept += [*files(made.layout, seen.opened), *shared_memory(before)]
    for name in seen.mapped - {blob.name for blob in kept}:
        outcome.unseen[f"{name} was written through memory, and gone before it was read"] += 1
    tell("searching")
    _search(Search(stem_of_run), kept, seen, canaries, outcome)
    tell("planting canaries, to find them")
    outcome.planted = plant(Tracing(folder / "b"), stem_of_run, rng, before)
    outcome.seconds = time.monotonic() - began_s
    return outcome


async def _played(scene: Scene, cases: Sequence[Case], outcome: Outcome) -> list[Blob]:
    """Play a scene; what its errors said."""
    ends = await scene.play(cases)
    outcome.ends[scene.name].update(end.how for end in ends)
    plain = ends[0].how  # the first encoding is none
    if scene.expected and plain not in scene.expected:
        outcome.unplayed.append(f"{scene.name}: ended with {plain}, not {' or '.join(sorted(scene.expected))}")
    return [Blob("error messages", end.how, end.said) for end in ends if end.said]


def _ran(program: bytes, seen: Seen) -> bool:
    """Whether a process was seen that runs `program`."""
    return any(program in blob.data for blob in seen.written if blob.place == "names and arguments")


def _told(made: Stage) -> list[Blob]:
    pages = [Blob("metrics page", "/metrics", page) for page in made.pages]
    return pages + [Blob("what operators read", "ringfence", said) for said in made.read]


def _search(search: Search, kept: Iterable[Blob], seen: Seen, canaries: Sequence[Canary], outcome: Outcome) -> None:
    """Search everything that was kept; and look whether the search sees what passed between processes."""
    leaks: dict[Leak, None] = {}
    passed = set()
    for blob in (*kept, *seen.written):
        if blob.place == BETWEEN:
            passed |= {one.scene for one in canaries if any(word.encode() in blob.data for word in one.words)}
            continue
        outcome.searched[blob.place] += len(blob.data)
        for hit in search.look(blob.data):
            owner = whose(hit, canaries)
            leaks[Leak(blob.place, blob.name, hit.encoding, owner.scene if owner else "")] = None
    outcome.leaks, outcome.between = list(leaks), len(passed)
