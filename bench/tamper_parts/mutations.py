"""What somebody may do to a log. Each takes a log and randomness, and gives what its folder then holds.

The first group has the files alone. The second has the log's key as well, as a compromised agent does: its checkpoints
are genuine, and only the auditor's older one tells. Such a one must therefore change what that older checkpoint covers;
entries after it, signed anew by the key's holder, are a future that the log could have had, and nothing can tell.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from tamper_parts.logs import KEY, ORIGIN, OTHER_KEY, Files, Log, canonical, files, make, signed

Mutation = Callable[[Log, Random], Files]


def flip_bit(log: Log, random: Random) -> Files:
    """One bit of a segment."""
    return _segment(
        log, random, lambda data, at: data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
    )


def change_byte(log: Log, random: Random) -> Files:
    """One byte of a segment, to any other."""
    return _segment(log, random, lambda data, at: data[:at] + bytes([random.randrange(256)]) + data[at + 1 :])


def delete_byte(log: Log, random: Random) -> Files:
    """One byte of a segment taken out."""
    return _segment(log, random, lambda data, at: data[:at] + data[at + 1 :])


def insert_byte(log: Log, random: Random) -> Files:
    """One byte put in."""
    return _segment(log, random, lambda data, at: data[:at] + bytes([random.randrange(256)]) + data[at:])


def edit_field(log: Log, random: Random) -> Files:
    """One field of an entry, which stays canonical."""
    index = random.randrange(len(log.entries))
    return files(_replaced(log, index, _edited(log.entries[index], random)), log.newest)


def delete_entry(log: Log, random: Random) -> Files:
    """One entry taken out."""
    index = random.randrange(len(log.entries))
    return files(log.entries[:index] + log.entries[index + 1 :], log.newest)


def delete_and_renumber(log: Log, random: Random) -> Files:
    """The same, and those after it numbered anew, so that no gap shows."""
    index = random.randrange(len(log.entries))
    return files(_renumbered(log.entries[:index] + log.entries[index + 1 :]), log.newest)


def duplicate_entry(log: Log, random: Random) -> Files:
    """An entry a second time, anywhere after it."""
    index = random.randrange(len(log.entries))
    at = random.randrange(index + 1, len(log.entries) + 1)
    return files((*log.entries[:at], log.entries[index], *log.entries[at:]), log.newest)


def insert_entry(log: Log, random: Random) -> Files:
    """An entry that looks right where it stands, and the later ones numbered anew."""
    at = random.randrange(len(log.entries))
    return files(_renumbered((*log.entries[:at], _another(log.entries[at], random), *log.entries[at:])), log.newest)


def swap_entries(log: Log, random: Random) -> Files:
    """Two entries for each other."""
    one, two = sorted(random.sample(range(len(log.entries)), 2))
    entries = list(log.entries)
    entries[one], entries[two] = entries[two], entries[one]
    return files(entries, log.newest)


def swap_and_renumber(log: Log, random: Random) -> Files:
    """The same, each with the number of its new place."""
    return files(_renumbered(_entries(swap_entries(log, random))), log.newest)


def shuffle_entries(log: Log, random: Random) -> Files:
    """All entries in another order."""
    return files(random.sample(log.entries, len(log.entries)), log.newest)


def truncate_entries(log: Log, random: Random) -> Files:
    """The last entries gone, the checkpoint left."""
    return files(log.entries[: random.randrange(len(log.entries))], log.newest)


def truncate_bytes(log: Log, random: Random) -> Files:
    """The end of the last segment torn off."""
    whole = files(log.entries, log.newest)
    last = whole.segments[-1]
    return Files((*whole.segments[:-1], last[: random.randrange(len(last))]), log.newest)


def swap_segments(log: Log, random: Random) -> Files:
    """Two segments under each other's names, or one gone."""
    whole = files(log.entries, log.newest)
    segments = list(whole.segments)
    if random.random() < 0.5:
        del segments[random.randrange(len(segments))]
    else:
        random.shuffle(segments)
    return Files(tuple(segments), log.newest)


def flip_checkpoint_bit(log: Log, random: Random) -> Files:
    """One bit of the newest checkpoint."""
    data = bytearray(log.newest.encode())
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return files(log.entries, data.decode("utf-8", "replace"))


def cut_signature(log: Log, random: Random) -> Files:
    """The newest checkpoint without its signature, or with a part of it."""
    start = log.newest.index("\n\n")
    return files(log.entries, log.newest[: random.randrange(start, len(log.newest))])


def edit_and_rewrite_checkpoint(log: Log, random: Random) -> Files:
    """An edit, and a checkpoint of the edited log under the old signature."""
    entries = _entries(edit_field(log, random))
    return files(entries, signed(entries).partition("\n\n")[0] + "\n\n" + log.newest.partition("\n\n")[2])


def sign_with_another_key(log: Log, random: Random) -> Files:
    """An edited log with a true checkpoint, of a key that is not the log's."""
    entries = _entries(edit_field(log, random))
    return files(entries, signed(entries, OTHER_KEY))


def swap_checkpoint(log: Log, random: Random) -> Files:
    """The checkpoint that the same key signed for another log, or for entries that are not these."""
    entries = _entries(random.choice((edit_field, insert_entry))(log, random))
    return files(log.entries, signed(entries, KEY, random.choice((ORIGIN, "other.example/egress"))))


def roll_back(log: Log, random: Random) -> Files:
    """The log as it once was, with its own genuine checkpoint of then, older than the one that was kept."""
    size = random.randrange(log.kept_size)
    return files(log.entries[:size], signed(log.entries[:size]))


def fork_edit(log: Log, random: Random) -> Files:
    """An entry that the kept checkpoint covers edited, and the whole tree signed anew with the true key."""
    index = random.randrange(log.kept_size)
    return _forked(_replaced(log, index, _edited(log.entries[index], random)))


def fork_delete(log: Log, random: Random) -> Files:
    """Such an entry taken out, the rest numbered anew and signed."""
    index = random.randrange(log.kept_size)
    return _forked(_renumbered(log.entries[:index] + log.entries[index + 1 :]))


def fork_insert(log: Log, random: Random) -> Files:
    """An entry put among those, the rest numbered anew and signed."""
    index = random.randrange(log.kept_size)
    return _forked(_renumbered((*log.entries[:index], _another(log.entries[index], random), *log.entries[index:])))


def fork_swap(log: Log, random: Random) -> Files:
    """Two entries swapped, at least one of them covered by the kept checkpoint, and the rest signed."""
    one = random.randrange(log.kept_size)
    two = random.choice([index for index in range(len(log.entries)) if index != one])
    entries = list(log.entries)
    entries[one], entries[two] = entries[two], entries[one]
    return _forked(_renumbered(tuple(entries)))


def fork_other(log: Log, random: Random) -> Files:
    """Another log altogether, whole in itself and signed; as long, at least, as the one that was kept.

    One that begins as that one did would be a legitimate future of it: short ones do, once in some ten thousand.
    """
    other, kept = make(random), log.entries[: log.kept_size]
    while len(other.entries) < len(kept) or other.entries[: len(kept)] == kept:
        other = make(random)
    return files(other.entries, other.newest)


FILES_ALONE: Mapping[Mutation, int] = {
    flip_bit: 20,
    change_byte: 12,
    delete_byte: 6,
    insert_byte: 6,
    edit_field: 14,
    delete_entry: 4,
    delete_and_renumber: 4,
    duplicate_entry: 4,
    insert_entry: 4,
    swap_entries: 4,
    swap_and_renumber: 4,
    shuffle_entries: 2,
    truncate_entries: 3,
    truncate_bytes: 4,
    swap_segments: 1,
    flip_checkpoint_bit: 1,
    cut_signature: 1,
    edit_and_rewrite_checkpoint: 1,
    sign_with_another_key: 1,
    swap_checkpoint: 1,
}
"""What can be done without the key, and how often of 103."""

WITH_KEY: Mapping[Mutation, int] = {
    roll_back: 2,
    fork_edit: 1,
    fork_delete: 1,
    fork_insert: 1,
    fork_swap: 1,
    fork_other: 1,
}
"""What a compromised agent can do, which only the kept checkpoint shows."""

MUTATIONS = FILES_ALONE | WITH_KEY


def _segment(log: Log, random: Random, change: Callable[[bytes, int], bytes]) -> Files:
    """One segment changed at one place."""
    whole = files(log.entries, log.newest)
    number = random.randrange(len(whole.segments))
    data = whole.segments[number]
    changed = change(data, random.randrange(len(data)))
    return Files((*whole.segments[:number], changed, *whole.segments[number + 1 :]), log.newest)


def _forked(entries: tuple[bytes, ...]) -> Files:
    """A log that the true key signed."""
    return files(entries, signed(entries))


def _entries(folder: Files) -> tuple[bytes, ...]:
    """The entries of a folder."""
    return tuple(b"".join(folder.segments).split(b"\n")[:-1])


def _replaced(log: Log, index: int, entry: bytes) -> tuple[bytes, ...]:
    return (*log.entries[:index], entry, *log.entries[index + 1 :])


def _renumbered(entries: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Each entry with the number of its place, and no time that goes back."""
    records = [json.loads(entry) for entry in entries]
    newest = 0
    for index, record in enumerate(records):
        newest = max(newest, record.get("time_unix_ms", newest))
        record |= {"seq": index, "time_unix_ms": newest}
    return tuple(map(canonical, records))


def _edited(entry: bytes, random: Random) -> bytes:
    """An entry with one field changed, added or left out."""
    record = json.loads(entry)
    name = random.choice(sorted(record))
    match random.randrange(8):
        case 0:
            del record[name]
        case 1:
            record["note"] = random.randbytes(4).hex()
        case _:
            record[name] = _other(record[name], random)
    return canonical(record)


def _another(entry: bytes, random: Random) -> bytes:
    """An entry like this one that stays another when it is numbered anew; else it would be one more at the end."""
    return canonical({**json.loads(_edited(entry, random)), "note": random.randbytes(8).hex()})


def _other(value: Any, random: Random) -> Any:
    """Another value of the same kind."""
    match value:
        case int():
            return value + random.choice((-1, 1, random.randrange(2, 10**6)))
        case str():
            return random.choice((value[::-1], value + "x", value[:-1], random.randbytes(len(value) // 2).hex()))
        case list():
            return [*value, "x"]
        case _:
            return {**value, "x": 1}
