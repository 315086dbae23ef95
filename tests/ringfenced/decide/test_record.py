"""A decision is written down without what a caller may name freely, and comes out again the same."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.asked import PLAIN
from fakes.decisions import inputs
from ringfenced.decide import decide
from ringfenced.decide.record import PARTS_MAX, Recorded, RecordEncoder, RecordError, read_records, records_of
from ringfenced.inputs import Circumstances, Inputs, Judging, Rulings, configured, unruled
from ringfenced.model import Offer, Permission, Target, TargetKind

LOCAL = Offer(Target(TargetKind.LOCAL, "tiny"), True, "", 0.6, 1024, 20, 60, 50, 1)
ASKED = replace(PLAIN, needs=frozenset())


def made(offers=(LOCAL,), rulings=None, **changes):
    return Inputs(
        replace(ASKED, **changes),
        offers,
        configured(offers),
        rulings or unruled(offers, "d"),
        Circumstances(10**6, None),
    )


def encoder():
    return RecordEncoder(lambda name: f"p-{len(name)}")


def written(several):
    """The lines of several decisions in one file."""
    one = encoder()
    return [line for at, each in enumerate(several) for line in one.lines(Recorded(f"r{at}", at, each))]


@given(st.lists(inputs(), max_size=4))
def test_the_same_decisions_come_of_what_is_read(several):
    """Also where parts are shared, and whatever the caller named."""
    read = list(records_of(written(several)))
    assert [one.request_id for one in read] == [f"r{at}" for at in range(len(several))]
    assert [decide(one.inputs) for one in read] == [decide(one) for one in several]


def test_offers_are_written_once_for_each_change():
    other = (replace(LOCAL, quality=0.7),)
    lines = written([made(), made(prompt_chars=7), made(offers=other)])
    assert sum('"offers":[' in line for line in lines) == 2
    assert sum('"part"' not in line for line in lines) == 3


def test_a_part_is_written_again_before_a_reader_forgets_it():
    several = [made(rulings=unruled((LOCAL,), str(at))) for at in range(PARTS_MAX + 1)] * 2
    lines = written(several)
    assert [one.inputs.rulings.digest for one in records_of(lines)] == [one.rulings.digest for one in several]


def test_identity_is_a_pseudonym_and_unknown_names_are_not_kept():
    """A caller may name providers and regions as it likes."""
    asked = made(permission=Permission(providers=frozenset({"Jane"}), regions=frozenset({"Doe"})))
    text = "".join(encoder().lines(Recorded("r", 0, asked)))
    assert "Jane" not in text
    assert "Doe" not in text
    assert "spiffe" not in text
    (read,) = records_of(encoder().lines(Recorded("r", 0, asked)))
    assert read.inputs.asked.permission.providers == frozenset({"other"})
    assert read.inputs.asked.department == "ward"


@pytest.mark.parametrize("task", ["4111-1111-1111-1111", "mrn/77120093", "born.1961-03-04"])
def test_a_task_that_could_be_a_persons_number_is_kept_as_a_pseudonym(task):
    """The door takes such names, and a caller may put anything there."""
    lines = encoder().lines(Recorded("r", 0, made(task=task)))
    assert task not in "".join(lines)
    (read,) = records_of(lines)
    assert read.inputs.asked.task == f"p-{len(f'task {task}')}"


def test_a_task_that_was_taken_for_a_person_is_kept_as_a_pseudonym():
    """Its form alone does not tell; a name always has the same pseudonym, so that policies by it are replayed."""
    lines = encoder().lines(Recorded("r", 0, made(task="jane.doe", task_found=True)))
    assert "jane" not in "".join(lines)
    (read,) = records_of(lines)
    assert read.inputs.asked.task == f"p-{len('task jane.doe')}"
    assert decide(read.inputs) == decide(made(task="jane.doe", task_found=True))


def test_who_judges_is_written_once_and_decides_again_the_same():
    """A record of before there were any is read as one without."""
    several = [replace(made(), judges=(Judging("strict", "tiny", 1, 600, 48, 5000.0),)) for _ in range(2)]
    lines = written([made(), *several])
    assert sum('"judges":[[' in line for line in lines) == 1
    assert [one.inputs.judges for one in records_of(lines)] == [(), several[0].judges, several[0].judges]
    assert [decide(one.inputs) for one in records_of(lines)] == [decide(one) for one in (made(), *several)]


def test_a_task_that_is_a_programs_word_is_kept_for_replay():
    (read,) = records_of(encoder().lines(Recorded("r", 0, made(task="extract-note"))))
    assert read.inputs.asked.task == "extract-note"


def test_sources_are_kept_and_a_record_that_has_one_alone_is_read():
    """Versions before kept the request's own, as `source`."""
    (*parts, line) = encoder().lines(Recorded("r", 0, made(sources=("lab", "news"))))
    old = json.loads(line)
    assert old["asked"].pop("sources") == ["lab", "news"]
    old["asked"]["source"] = "lab"
    for last, sources in ((line, ("lab", "news")), (json.dumps(old) + "\n", ("lab",))):
        (read,) = records_of([*parts, last])
        assert read.inputs.asked.sources == sources


def test_a_line_that_a_crash_cut_off_is_left_out():
    lines = written([made(), made()])
    assert len(list(records_of([*lines[:-1], lines[-1][:-20]]))) == 1


@pytest.mark.parametrize("line", ["{}", '{"v":2}', "[]", '{"v":1,"part":"a","other":1}', "no json}"])
def test_what_is_no_record_is_told_by_its_line(line):
    with pytest.raises(RecordError, match="line 1"):
        list(records_of([line + "\n"]))


def test_a_record_without_its_parts_is_told():
    lines = written([made()])
    with pytest.raises(RecordError, match="line 1: no record"):
        list(records_of(lines[-1:]))


def test_a_file_or_a_folder_of_files_is_read(tmp_path):
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text("".join(written([made()])))
    assert len(list(read_records(tmp_path))) == 2
    assert len(list(read_records(tmp_path / "a.jsonl"))) == 1


def test_what_is_written_is_compact():
    """A site of two hundred offers writes some 300 bytes a decision once its parts are written."""
    offers = tuple(replace(LOCAL, target=Target(TargetKind.LOCAL, f"m{at}")) for at in range(200))
    rulings = Rulings(unruled(offers, "d").by_target, "d")
    lines = written([made(offers, rulings), made(offers, rulings)])
    assert len(lines[-1]) < 900
    assert json.loads(lines[-1])["offers"] == json.loads(lines[0])["part"]
