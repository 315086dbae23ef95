"""Files of routing data are told apart by their columns, whatever they are called."""

import csv
import gzip
import json

import numpy as np
import pytest

from routing_parts.data import BadData, load


def written(path, rows):
    with gzip.open(path, "wt", newline="") if path.suffix == ".gz" else path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows(rows)
    return path


def lined(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def only(folder):
    loaded = load(folder)
    return (*loaded.pairs, *loaded.matrices, *loaded.answers)[0]


def test_two_models_with_subjects(tmp_path):
    """The shared file's columns."""
    rows = [["subject", "prompt", "weak_correct", "strong_correct"], ["law", "a?", "1", "0"], ["law", "b?", "0", "1"]]
    pair = only(written(tmp_path / "x.csv.gz", rows).parent)
    assert pair.prompts == ("a?", "b?")
    assert pair.groups == ("law", "law")
    assert pair.weak.tolist() == [1, 0]
    assert pair.strong.tolist() == [0, 1]
    assert pair.weak_answers is None


def test_routellms_own_files_are_one_pair(tmp_path):
    """Models' names over booleans, a file a subject."""
    heading = ["prompt", "mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"]
    written(tmp_path / "mmlu_anatomy.csv", [heading, ["a?", "True", "True"], ["b?", "False", "True"]])
    written(tmp_path / "mmlu_virology.csv", [heading, ["c?", "False", "False"], ["a?", "True", "True"]])
    pairs = load(tmp_path).pairs
    assert len(pairs) == 1
    assert pairs[0].groups == ("anatomy", "anatomy", "virology")
    assert pairs[0].weak.tolist() == [1, 0, 0]
    assert pairs[0].weak_name.startswith("mistralai")


def test_answers_of_the_weak_model(tmp_path):
    """RouteLLM's GSM8K and files like it: labels and responses, in whatever order."""
    heading = ["prompt", "gpt-4-1106-preview_response", "gpt-4-1106-preview", "mixtral_response", "mixtral"]
    pair = only(written(tmp_path / "gsm8k.csv", [heading, ["1+1?", "two", "True", "three", "False"]]).parent)
    assert (pair.weak_answers, pair.strong_answers) == (("three",), ("two",))
    lined(tmp_path / "gsm8k.jsonl", [{"question": "q", "weak_correct": True, "strong_correct": 1, "response": "r"}])
    (tmp_path / "gsm8k.csv").unlink()
    pair = only(tmp_path)
    assert (pair.weak_answers, pair.strong_answers) == (("r",), None)


def test_many_models_with_costs(tmp_path):
    """RouterBench: turns in a list, scores and costs that are missing, an index without a name."""
    heading = ["", "prompt", "eval_name", "m1", "m2", "m1|total_cost", "m2|total_cost", "m1|model_response"]
    rows = [
        ["0", "['one', 'two']", "mbpp", "1.0", "", "0.5", "", "['yes']"],
        ["1", "x", "arc", "0.5", "0", "1", "2", "n"],
    ]
    matrix = only(written(tmp_path / "r.csv", [heading, *rows]).parent)
    assert matrix.models == ("m1", "m2")
    assert matrix.prompts == ("one\n\ntwo", "x")
    assert matrix.tasks == ("mbpp", "arc")
    assert np.isnan(matrix.scores[0, 1])
    assert np.isnan(matrix.costs[0, 1])
    assert matrix.answers == {"m1": ("yes", "n")}
    pair = matrix.pair("m1", "m2")
    assert pair.prompts == ("x",)


def test_one_models_answers(tmp_path):
    """RouterArena's lines; one without a score is left out."""
    line = {"question": "q", "generated_answer": "a", "global_index": "MATH_3", "evaluation_result": {"score": 0.5}}
    lined(tmp_path / "a.jsonl", [line, line | {"question": "p", "evaluation_result": {"score": None}}])
    loaded = load(tmp_path)
    assert loaded.answers[0].tasks == ("MATH",)
    assert loaded.answers[0].scores.tolist() == [0.5]
    assert "1 of 2 rows" in loaded.notes[0]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.csv.gz", b"no gzip", "gzip"),
        ("x.csv", b"\xff\xfe", "UTF-8"),
        ("x.jsonl", b'{"a": 1}\n{broken', "line 2 is no JSON"),
        ("x.jsonl", b"[1]", "no JSON object"),
        ("x.csv", b"prompt\n", "no header"),
        ("x.csv", b"a,b\n1,2\n", "no file of a kind"),
        ("x.csv", b"prompt,weak_correct,strong_correct\nq,,\nr,,1\n", "no file of a kind"),
        ("x.txt", b"", "no .csv"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path, name, content, told):
    """With the file's name and what is wrong, and none of its content."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadData, match=told):
        load(tmp_path)


def test_a_folder_that_is_not_there_is_told(tmp_path):
    """With its name."""
    with pytest.raises(BadData, match="no such folder"):
        load(tmp_path / "nowhere")
