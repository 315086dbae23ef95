"""What was learned is read whole or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.learn.facts import VerifierFacts
from ringfenced.learn.learned import Learned
from ringfenced.learn.outcome import BadState
from ringfenced.learn.report import NO_REPORT, Report
from ringfenced.learn.verifier import Verifier
from ringfenced.learn.verifier_prior import SHIPPED, Prior
from ringfenced.site import learnedfile
from ringfenced.site.learnedfile import LearnedFile, from_bytes, to_bytes, write

REPORT = Report(3, 1_800_000_000, 10, 12, 0.5, ())
VERIFIER = Prior.from_bytes(SHIPPED.read_bytes()).cheap
CONTENT = to_bytes(Learned.cold({"small": 0.5}), REPORT, VERIFIER)


def test_a_file_is_read_back_with_its_report():
    assert from_bytes(CONTENT).report == REPORT
    assert from_bytes(CONTENT).verifier.to_bytes() == VERIFIER.to_bytes()
    assert from_bytes(to_bytes(Learned.cold({}), REPORT)).verifier is None


@given(st.data())
def test_a_file_that_was_changed_or_cut_off_is_refused(data):
    if data.draw(st.booleans()):
        broken = CONTENT[: data.draw(st.integers(0, len(CONTENT) - 1))]
    else:
        at, byte = data.draw(st.integers(0, len(CONTENT) - 1)), data.draw(st.integers(1, 255))
        broken = CONTENT[:at] + bytes([CONTENT[at] ^ byte]) + CONTENT[at + 1 :]
    with pytest.raises(BadState):
        from_bytes(broken)


@given(st.binary(max_size=300))
def test_nonsense_is_refused(content):
    with pytest.raises(BadState):
        from_bytes(content)


def test_without_a_file_nothing_is_learned_and_nothing_is_wrong(tmp_path):
    file = LearnedFile(tmp_path / "none", {"small": 0.5})
    assert (file.report, file.failure) == (NO_REPORT, "")


async def test_a_broken_file_counts_as_none_and_is_told_until_it_is_replaced(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(learnedfile, "POLL_S", 0.01)
    path = tmp_path / learnedfile.NAME
    path.write_bytes(CONTENT[:-1] + b"?")
    file = LearnedFile(path, {"small": 0.5})
    assert "digest" in file.failure
    assert file.report == NO_REPORT
    assert [record.message for record in caplog.records] == ["learned_ignored"]
    news = asyncio.Queue()
    file.on_news = lambda: news.put_nowait((file.report, file.failure))
    reading = asyncio.get_running_loop().create_task(file.run())
    write(path, CONTENT)
    async with asyncio.timeout(10):
        assert await news.get() == (REPORT, "")
        path.unlink()
        assert await news.get() == (NO_REPORT, "")
    reading.cancel()
    assert len(caplog.records) == 1


def test_a_file_that_breaks_its_reader_counts_as_none(tmp_path, monkeypatch):
    def broken(_):
        raise ZeroDivisionError

    path = tmp_path / learnedfile.NAME
    write(path, CONTENT)
    monkeypatch.setattr(Learned, "from_bytes", broken)
    file = LearnedFile(path, {})
    assert "ZeroDivisionError" in file.failure
    assert file.report == NO_REPORT


def test_a_file_that_cannot_be_looked_at_is_told_once(tmp_path, monkeypatch, caplog):
    def denied(_):
        raise PermissionError

    file = LearnedFile(tmp_path / learnedfile.NAME, {})
    monkeypatch.setattr("pathlib.Path.stat", denied)
    for _ in range(3):
        file._take(file._look(file._seen))
    assert "PermissionError" in file.failure
    assert len(caplog.records) == 1


def test_the_old_file_stays_where_the_new_one_cannot_be_written(tmp_path, monkeypatch):
    path = tmp_path / learnedfile.NAME
    write(path, CONTENT)

    def full(_):
        raise OSError("no space")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        write(path, b"new")
    assert path.read_bytes() == CONTENT


def test_a_verifier_of_other_features_leaves_the_rest_in_use_and_is_told(tmp_path, monkeypatch, caplog):
    """After an upgrade: the shipped one judges until the next refit."""
    taught = VerifierFacts(refitted=True, labels=40, why="it ranks no worse")
    path = tmp_path / learnedfile.NAME
    write(path, to_bytes(Learned.cold({}), replace(REPORT, verifier=taught), VERIFIER))
    monkeypatch.setattr("ringfenced.learn.verifier._KIND", 7.0)
    file = LearnedFile(path, {})
    assert (file.report.version, file.failure, file.verifier) == (3, "", None)
    assert "other features" in file.verifier_failure
    assert not file.report.verifier.refitted
    assert "cannot be used" in file.report.verifier.why
    assert [record.message for record in caplog.records] == ["verifier_ignored"]
    monkeypatch.undo()
    assert isinstance(LearnedFile(path, {}).verifier, Verifier)
