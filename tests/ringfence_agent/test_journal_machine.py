"""The journal against a model: killed at any byte, derived files harmed; what was acknowledged stays."""

import asyncio
import json
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fakes.journals import KEY, ORIGIN, append, journal, killed, opened
from ringfence.translog import Tree, leaf_hash, open_checkpoint, verify_consistency, verify_inclusion
from ringfence_agent.entry import Kind
from ringfence_agent.folds import Recovered

SEGMENT_ENTRIES = 40
KINDS = st.sampled_from([Kind.REFUSAL, Kind.INTENT])


class JournalMachine(RuleBasedStateMachine):
    """`entries` is the model: the bytes of every entry that was acknowledged."""

    @initialize()
    def begin(self):
        self.log = Path(tempfile.mkdtemp())
        self.entries = []
        self.checkpoints = []
        self.saved = None

    def teardown(self):
        shutil.rmtree(self.log, ignore_errors=True)

    def work(self, running, steps):
        """One run: entries, now and then what is written each second."""

        async def run():
            async with running(self.log, segment_entries=SEGMENT_ENTRIES) as one:
                assert one.size == len(self.entries)
                for count, kind, upkeep in steps:
                    await append(one, count, kind, nonce_sha256=f"n{one.size}")
                    if upkeep:
                        await one._write_upkeep(last=upkeep == "snapshot")
                    start = len(self.entries)
                    self.entries += [one.read(index) for index in range(start, one.size)]
                    self.checkpoints.append(one.checkpoint())

        asyncio.run(run())

    steps = st.lists(
        st.tuples(st.integers(1, 120), KINDS, st.sampled_from(["", "", "checkpoint", "snapshot"])), max_size=3
    )

    @rule(steps=steps)
    def stop(self, steps):
        self.work(journal, steps)

    @rule(steps=steps)
    def kill(self, steps):
        self.work(killed, steps)

    @rule(steps=steps, data=st.data())
    def kill_while_writing(self, steps, data):
        """The next batch had begun, and tore at any byte; nothing of it was acknowledged."""
        self.work(killed, steps)
        size = len(self.entries)
        if size % SEGMENT_ENTRIES == 0:
            return
        line = json.dumps({"kind": "refusal", "seq": size, "time_unix_ms": 1}).encode() + b"\n"
        torn = line[: data.draw(st.integers(0, len(line) - 1))]
        with (self.log / f"entries-{size // SEGMENT_ENTRIES:06}.ndjson").open("ab") as stream:
            stream.write(torn)

    @precondition(lambda self: list(self.log.glob("tiles-*")))
    @rule(data=st.data())
    def lose_derived_bytes(self, data):
        """Power failed: a derived file is cut, zeroed from some byte on, or gone."""
        names = [path for pattern in ("tiles-*", "*.idx", "snapshot") for path in sorted(self.log.glob(pattern))]
        path = data.draw(st.sampled_from(names))
        place = data.draw(st.integers(0, path.stat().st_size))
        match data.draw(st.sampled_from(["cut", "zero", "gone"])):
            case "cut":
                os.truncate(path, place)
            case "zero":
                path.write_bytes(path.read_bytes()[:place] + bytes(path.stat().st_size - place))
            case "gone":
                path.unlink()

    @rule()
    def save_snapshot(self):
        path = self.log / "snapshot"
        self.saved = path.read_bytes() if path.exists() else None

    @precondition(lambda self: self.saved is not None)
    @rule()
    def bring_an_old_snapshot_back(self):
        (self.log / "snapshot").write_bytes(self.saved)

    @invariant()
    def it_opens_and_says_what_was_acknowledged(self):
        """Every entry, root, fold; a proof for one; every checkpoint ever seen is its beginning."""
        # Whoever harms an index that is still believed is found by the scrub; here everything is read.
        for path in self.log.glob("*.idx"):
            path.unlink()
        one = opened(self.log, segment_entries=SEGMENT_ENTRIES)
        try:
            assert [one.read(index) for index in range(one.size)] == self.entries
            tree, fold = Tree(), Recovered()
            tree.extend(b"".join(map(leaf_hash, self.entries)))
            for index, entry in enumerate(self.entries):
                fold.see(index, json.loads(entry))
            assert (one._store._tree.root(), one.recovered) == (tree.root(), fold)
            newest = open_checkpoint(one.checkpoint(), ORIGIN, KEY.public_key())
            for note in self.checkpoints:
                old = open_checkpoint(note, ORIGIN, KEY.public_key())
                verify_consistency(old.size, one.size, old.root, newest.root, tree.consistency(old.size, one.size))
            if self.entries:
                index = len(self.entries) // 2
                path = tree.inclusion(index, one.size)
                verify_inclusion(self.entries[index], index, one.size, path, newest.root)
        finally:
            one._store.close()


TestJournalMachine = JournalMachine.TestCase
TestJournalMachine.settings = settings(max_examples=15, stateful_step_count=8, deadline=None)
