"""The cache of one context: who has which sequence in it, and what is kept of those that ended.

Room is reserved when a sequence begins, prompt and longest answer, so that `llama_decode` never runs out of it.

A sequence that ended may be kept, so that a prompt of its group that begins alike need not be read again. Two ways:

- **in place**, on GPUs: its cells stay, and a new sequence shares them (`llama_memory_seq_cp` copies nothing). Kept
  sequences go, those first that were not used for longest, whenever a new one needs their cells or their number.
- **parked**, on processors: its state is copied out (6 ms for 512 tokens of a model of 300 million parameters, beside
  5,600 ms for reading them) and copied in again. In place it would slow down every step: a processor computes the
  attention to all cells and masks what is not meant (512 kept cells made a step 1.2 to 3 times as long).

What a running sequence has read can be shared in place either way. A model whose memory cannot be cut (recurrent
layers) lends a sequence only as a whole, always parked; one with a sliding window lends what the window still holds.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ringfenced.engines.llama.cells import Cells
from ringfenced.engines.llama.prefixes import Prefixes, Tokens
from ringfenced.weights.serving import KEPT_MAX, PARKED_BYTES_MAX

TOKENS_MIN = 32
"""Shorter beginnings are not worth keeping or sharing: they are read within a step."""

_PARKED_FROM = 1 << 20
"""Numbers from here on name parked states; below are sequences of the context."""

_TRIAL = -2
"""Number of a sequence that is only tried in the account."""


class Memory(Protocol):
    """What the cache asks of a context."""

    @property
    def is_cuttable(self) -> bool:
        """Whether a sequence can be cut at any place."""

    @property
    def window(self) -> int:
        """Tokens that a sliding window sees; 0 for none."""

    def copy(self, owner: int, to: int, tokens: int) -> None:
        """Let a sequence begin with the first tokens of another."""

    def cut(self, owner: int, tokens: int) -> None:
        """Keep only the first tokens of a sequence."""

    def remove(self, owner: int) -> None:
        """Take a sequence out."""

    def first(self, owner: int) -> int:
        """Return the first position that is still there in all layers."""

    def save(self, owner: int) -> NDArray[np.uint8]:
        """Copy a sequence's state out."""

    def restore(self, owner: int, state: NDArray[np.uint8]) -> bool:
        """Copy a state in; return whether that went well."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept of sequences that ended."""

    is_on: bool = True
    """Whether anything is."""
    is_parked: bool = True
    """Outside the cache instead of in it."""
    sequences_max: int = KEPT_MAX
    """Most of them."""
    bytes_max: int = PARKED_BYTES_MAX
    """Most memory of parked states, together."""

    @property
    def in_place(self) -> int:
        """How many sequences more the context must hold."""
        return self.sequences_max if self.is_on and not self.is_parked else 0


@dataclass(eq=False, slots=True)
class Place:
    """A sequence in the cache."""

    owner: int
    """Its number."""
    group: Hashable | None
    """Who may share with it: the same salt, the same adapter; None for nobody."""
    prompt: Tokens = field(repr=False)
    """The tokens that it begins with."""
    shared: int
    """How many of them need not be read."""
    drawn: list[int] = field(default_factory=list, repr=False)
    """The tokens that follow the prompt in the cache."""


@dataclass(frozen=True, slots=True)
class _Kept:
    length: int
    first: int
    state: NDArray[np.uint8] | None


class Cache:
    """The sequences of one context. One thread, and never while the context computes."""

    def __init__(self, memory: Memory, *, cells: int, sequences: int, keeping: Keeping) -> None:
        """Begin empty.

        Args:
            memory: the context.
            cells: tokens that it holds.
            sequences: how many sequences it holds, those that are kept in it not counted.
            keeping: what is kept of those that ended.
        """
        assert keeping.is_parked or memory.is_cuttable
        self._memory = memory
        self._keeping = keeping
        self._cells = Cells(cells)
        self._prefixes = Prefixes()
        self._owners = list(range(sequences + keeping.in_place))
        self._running: dict[int, Place] = {}
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        """The one that was not used for longest stands first."""
        self._parked_bytes = 0
        self._parked_next = _PARKED_FROM
        self.changes = 0
        """How often a sequence has given its room back: what did not fit need not be tried again before that."""

    @property
    def cells(self) -> int:
        """Tokens that it can hold."""
        return self._cells.cells

    @property
    def cells_kept(self) -> int:
        """Tokens of kept sequences, parked or not; those that several share count once where they are in the cache."""
        parked = sum(kept.length for key, kept in self._kept.items() if key >= _PARKED_FROM)
        return parked + self._cells.held_by(key for key in self._kept if key < _PARKED_FROM)

    @property
    def cells_running(self) -> int:
        """Tokens that running sequences hold and no kept one does."""
        drawn = sum(len(place.drawn) for place in self._running.values())
        return drawn + self._cells.used - self._cells.held_by(key for key in self._kept if key < _PARKED_FROM)

    def cached(self, group: Hashable | None, prompt: Tokens) -> int:
        """Return how many of a prompt's tokens would not have to be read now."""
        return self._donor(group, prompt)[1]

    def fits(self, length_max: int) -> bool:
        """Return whether a sequence that may become so long would find room now, whatever is kept."""
        return self._fits(length_max, -1, 0)

    # ── sequences ────────────────────────────────────────────────────────────────────────────────────────────────

    def take(self, group: Hashable | None, prompt: Tokens, length_max: int, *, is_lent: bool) -> Place | None:
        """Begin a sequence, with what is there of its prompt already; None where there is no room.

        Args:
            group: who may share with it; None for nobody.
            prompt: the tokens that it begins with; the last one is always read, for its distribution is wanted.
            length_max: how long it may become.
            is_lent: whether others may begin with what it has read.
        """
        donor, shared = self._donor(group, prompt)
        if donor >= _PARKED_FROM and not self._fits(max(length_max, self._kept[donor].length), -1, 0):
            donor, shared = -1, 0
        is_parked = donor >= _PARKED_FROM
        if not self._fits(length_max, *((-1, 0) if is_parked else (donor, shared))):
            return None
        owner = self._free_owner(donor)
        if is_parked and not self._restore(owner, donor, shared):
            is_parked, donor, shared = False, -1, 0
        if is_parked:
            self._cells.begin(owner, length_max=length_max)
            self._cells.grow(owner, shared)
        else:
            self._cells.begin(owner, length_max=length_max, donor=donor, shared=shared)
            if shared:
                self._memory.copy(donor, owner, shared)
        if donor in self._kept:
            self._kept.move_to_end(donor)
        while self._cells.free < 0:
            self._forget_oldest()
        place = self._running[owner] = Place(owner, group, prompt, shared)
        if is_lent and group is not None and self._memory.is_cuttable:
            self._prefixes.put(owner, group, prompt, shared)
        return place

    def grow(self, place: Place, tokens: int, length: int) -> None:
        """Note that so many tokens of a sequence's prompt have been read, and how long it is by that.

        Those that were drawn are counted from the place itself, when it is given back: a cell that was promised and is
        used now is no less free than before.
        """
        self._cells.grow(place.owner, tokens)
        self._prefixes.advance(place.owner, length)

    def leader(self, place: Place) -> tuple[Place, int] | None:
        """Return a sequence that will soon hold more of this one's prompt than it does, and how much; None for none."""
        if place.group is None or not self._memory.is_cuttable:
            return None
        owner, shared = self._prefixes.longest(place.group, place.prompt[:-1], is_readable=False, besides=place.owner)
        if owner not in self._running or shared < place.shared + TOKENS_MIN:
            return None
        return self._running[owner], shared

    def give(self, place: Place, *, is_kept: bool) -> None:
        """End a sequence.

        Args:
            place: the sequence; nothing of it is in the cache afterwards, unless it is kept.
            is_kept: whether others of its group may begin like it from now on.
        """
        self.changes += 1
        owner = place.owner
        del self._running[owner]
        self._prefixes.drop(owner)
        self._cells.grow(owner, len(place.drawn))
        length = self._cells.length(owner)
        if is_kept and self._keeping.is_on and place.group is not None and length >= TOKENS_MIN:
            tokens = np.concatenate([place.prompt, np.array(place.drawn, np.int32)])[:length]
            if self._keep(owner, place.group, tokens):
                return
        self._remove(owner)

    def clear(self) -> None:
        """Forget all that is kept, after a computation that failed: nothing in the cache can be trusted."""
        while self._kept:
            self._forget_oldest()

    # ── what is kept ─────────────────────────────────────────────────────────────────────────────────────────────

    def _donor(self, group: Hashable | None, prompt: Tokens) -> tuple[int, int]:
        """Return from whom a new sequence can take its beginning, and how much of it."""
        if group is None:
            return -1, 0
        donor, shared = self._prefixes.longest(group, prompt[:-1], is_whole=not self._memory.is_cuttable)
        if shared < TOKENS_MIN:
            return -1, 0
        if self._memory.window and self._memory.is_cuttable:
            kept = self._kept.get(donor)
            first = kept.first if kept is not None else self._memory.first(donor)
            if first > max(0, shared - self._memory.window):
                return -1, 0
        return donor, shared

    def _keep(self, owner: int, group: Hashable, tokens: Tokens) -> bool:
        """Keep a sequence that ended; return whether it stays in the cache."""
        other, shared = self._prefixes.longest(group, tokens)
        if other in self._kept and shared == len(tokens):  # one that is kept holds all of it
            self._kept.move_to_end(other)
            return False
        key, state = owner, None
        if self._keeping.is_parked:
            state = self._memory.save(owner)
            if len(state) > self._keeping.bytes_max:
                return False
            key = self._parked_next
            self._parked_next += 1
            self._parked_bytes += len(state)
        else:
            self._cells.settle(owner)
        self._kept[key] = _Kept(len(tokens), self._memory.first(owner), state)
        self._prefixes.put(key, group, tokens, len(tokens))
        for covered in self._prefixes.covered_by(key):
            if covered in self._kept:
                self._forget(covered)
        while len(self._kept) > self._keeping.sequences_max or self._parked_bytes > self._keeping.bytes_max:
            self._forget_oldest()
        return state is None

    def _restore(self, owner: int, key: int, tokens: int) -> bool:
        """Copy the first tokens of a parked state into a sequence; return whether that went well."""
        kept = self._kept[key]
        assert kept.state is not None
        if not self._memory.restore(owner, kept.state):
            self._memory.remove(owner)
            return False
        if tokens < kept.length:
            self._memory.cut(owner, tokens)
        return True

    def _forget_oldest(self) -> None:
        self._forget(next(iter(self._kept)))

    def _forget(self, key: int) -> None:
        kept = self._kept.pop(key)
        self._prefixes.drop(key)
        if kept.state is not None:
            self._parked_bytes -= len(kept.state)
        else:
            self._remove(key)

    def _remove(self, owner: int) -> None:
        self._memory.remove(owner)
        self._cells.end(owner)
        heapq.heappush(self._owners, owner)

    def _free_owner(self, donor: int) -> int:
        """Return the lowest number that is free; there are more than can run: one is left beside the donor's."""
        if not self._owners:
            self._forget(next(key for key in self._kept if key != donor))
        return heapq.heappop(self._owners)

    def _fits(self, length_max: int, donor: int, shared: int) -> bool:
        """Return whether a sequence would fit if nothing but its donor's beginning were kept."""
        cells = self._cells
        if cells.free >= length_max - shared:
            return True
        cells.begin(_TRIAL, length_max=length_max, donor=donor, shared=shared)
        held = cells.held_by([*self._running, _TRIAL])
        is_fitting = cells.free + cells.used - held >= 0
        cells.end(_TRIAL)
        return is_fitting
