"""Decisions are kept within a limit, without content, and no request waits for the disk."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from dataclasses import replace

from ringfence.labels import Label, Level
from ringfence.recognize.finding import Finding
from ringfenced.decide import asked_of, decide
from ringfenced.decide.record import Recorded, read_records, records_of
from ringfenced.inputs import Circumstances, Inputs, configured, unruled
from ringfenced.model import (
    Caller,
    CallerRole,
    Classification,
    Located,
    Message,
    Offer,
    Permission,
    Prompt,
    Request,
    Role,
    Target,
    TargetKind,
    Text,
    Tool,
)
from ringfenced.store import decisions
from ringfenced.store.decisions import FLUSH_S, WAITING_MAX, DecisionFiles

OFFERS = tuple(Offer(Target(TargetKind.LOCAL, f"m{at}"), True, "", 0.6, 1024, 20, 60, 50, 1) for at in range(3))
WARD = Caller("spiffe://site/canary-ward", "site", "ward", frozenset({CallerRole.CALLER}), Label())
CANARY = "Joanna Whitfield"


def made(number=0):
    """A decision's inputs, from a request that holds a canary wherever a caller can put one."""
    request = Request(
        f"r{number}",
        Prompt(
            (Message(Role.USER, (Text(f"{CANARY} was seen"),), name=CANARY),),
            tools=(Tool(CANARY, CANARY, f'{{"title": "{CANARY}"}}'),),
            json_schema=f'{{"title": "{CANARY}"}}',
        ),
        permission=Permission(providers=frozenset({CANARY}), regions=frozenset({CANARY})),
        conversation_id=CANARY,
        run_id=CANARY,
        idempotency_key=CANARY,
        metadata={CANARY: CANARY},
    )
    found = (Located(CANARY, Finding(0, 16, "PERSON", 0.9, "t")),)
    classification = Classification(Label(Level.CONFIDENTIAL), Label(), found, 16, distinct=found)
    asked = asked_of(request, WARD, classification)
    inputs = Inputs(asked, OFFERS, configured(OFFERS), unruled(OFFERS, "d"), Circumstances(10**6, None))
    return Recorded(request.id, 1000 + number, inputs)


def files(folder, bytes_max=2**20):
    return DecisionFiles(folder / "decisions", "0", bytes_max, lambda name: f"p{len(name)}")


def test_what_is_kept_decides_again_the_same(tmp_path):
    kept = files(tmp_path)
    several = [made(number) for number in range(3)]
    for one in several:
        kept.add(one)
    kept.close()
    assert [decide(one) for one in read_records(tmp_path / "decisions")] == [decide(one.inputs) for one in several]


def test_no_content_and_no_identity_is_in_the_files(tmp_path):
    kept = files(tmp_path)
    kept.add(made())
    kept.close()
    (path,) = (tmp_path / "decisions").iterdir()
    text = path.read_text()
    assert "PERSON" in text
    for word in (*CANARY.split(), "canary-ward", "spiffe"):
        assert word not in text
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_oldest_go_first_and_the_limit_holds(tmp_path):
    """Each file can be read alone, also the one that was begun last."""
    kept = files(tmp_path, bytes_max=20_000)
    for number in range(100):
        kept.add(made(number))
    kept.close()
    folder = tmp_path / "decisions"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 22_000
    ids = [
        one.request_id
        for path in sorted(folder.iterdir())
        for one in records_of(path.read_text().splitlines(keepends=True))
    ]
    assert ids == [f"r{number}" for number in range(100 - len(ids), 100)]
    assert len(ids) > 10


def test_a_later_process_goes_on_where_a_crash_cut_the_file(tmp_path):
    first = files(tmp_path)
    first.add(made(0))
    first.add(made(1))
    first.close()
    path = tmp_path / "decisions" / "0.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    second = files(tmp_path)
    second.add(made(2))
    second.close()
    assert [one.request_id for one in records_of(path.read_text().splitlines(keepends=True))] == ["r0", "r2"]


def test_a_disk_that_fails_costs_decisions_alone_and_is_told(tmp_path, caplog):
    (tmp_path / "decisions").write_text("in the way")
    kept = files(tmp_path)
    with caplog.at_level(logging.WARNING):
        kept.add(made(0))
        kept._thread.submit(int).result()  # the thread has tried
        (tmp_path / "decisions").unlink()
        kept.add(made(1))
        kept.close()
    assert [record.message for record in caplog.records] == ["decisions_not_kept"]
    assert len(list(read_records(tmp_path / "decisions"))) == 1


def test_of_a_large_file_only_the_end_is_read(tmp_path, monkeypatch):
    """A file may be larger than memory, and than what one read gives."""
    monkeypatch.setattr(decisions, "_TAIL_BYTES", 16)
    path = tmp_path / "decisions" / "0.jsonl"
    path.parent.mkdir()
    for text, kept in (("a" * 40 + "\n" + "b" * 40, 41), ("b" * 40, 0), ("a" * 15 + "\n", 16), ("", 0)):
        path.write_text(text)
        descriptor = os.open(path, os.O_RDWR)
        assert decisions._cut_to_lines(descriptor) == path.stat().st_size == kept
        os.close(descriptor)


async def test_a_disk_that_hangs_costs_no_memory_without_bound(tmp_path, monkeypatch):
    """What waits behind it is bounded as a whole, not for each half second."""
    monkeypatch.setattr(decisions, "FLUSH_S", 0.01)
    monkeypatch.setattr(decisions, "WAITING_MAX", 10)
    kept, hung, written = files(tmp_path), threading.Event(), []

    def write(several):
        hung.wait(10)
        written.extend(several)

    monkeypatch.setattr(kept, "_write", write)
    for number in range(10):
        for _ in range(10):
            kept.add(made(number))
        await asyncio.sleep(0.03)
    hung.set()
    kept.close()
    assert len(written) == 20


async def test_decisions_wait_in_memory_and_too_many_are_not_kept(tmp_path):
    kept = files(tmp_path)
    one = made()
    for number in range(WAITING_MAX + 5):
        kept.add(replace(one, request_id=f"r{number}") if number < 2 else one)
    assert not (tmp_path / "decisions").exists()
    kept._waiting = kept._waiting[:2]
    await asyncio.sleep(FLUSH_S + 0.1)
    kept.close()
    assert len(list(read_records(tmp_path / "decisions"))) == 2
