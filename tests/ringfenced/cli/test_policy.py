"""`ringfence policy`: examples are tried without a daemon, hashed lists are made, the page's examples work."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringfence.recognize import load
from ringfence.recognize.stages import Stages
from ringfence.recognize.tagger import WEIGHTS
from ringfenced.cli.app import app

PAGE = (Path(__file__).parents[3] / "docs" / "custom-recognisers.md").read_text()


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("recognisers") / "cache"


@pytest.fixture(autouse=True)
def alone(request, monkeypatch, cache):
    """Our own recognisers beside the patterns, without the tagger, so that what is found depends on these files.

    The patterns that ship are compiled once for all tests; the command compiles them each time.
    """
    monkeypatch.setattr("ringfence.recognize.site.load", lambda _cache, *more: load(cache, *more))
    if "with_tagger" not in request.fixturenames:
        monkeypatch.setattr("ringfence.recognize.site.shipped", Stages)


@pytest.fixture
def with_tagger():
    if not WEIGHTS.exists():
        pytest.skip("the tagger's weights are not here")


@pytest.fixture
def run():
    def command(*arguments):
        return CliRunner().invoke(app, ["policy", *map(str, arguments)], catch_exceptions=False)

    return command


@pytest.fixture
def config(tmp_path):
    """A configuration with one pattern."""
    (tmp_path / "patterns.toml").write_text("[[pattern]]\nname = 'badge'\nexpression = '\\bB-\\d{6}\\b'\n")
    path = tmp_path / "ringfenced.toml"
    path.write_text('node = "n"\n[classification]\npattern_files = ["patterns.toml"]\n')
    return path


@pytest.fixture
def examples(tmp_path):
    def write(text, name="examples.toml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


RIGHT = """
[[example]]
name = "badge"
text = "see B-448211"
finds = [{ type = "CUSTOM", text = "B-448211" }]
label = "CONFIDENTIAL"
categories = ["CUSTOM"]

[[example]]
text = "nothing here"
clean = true
"""

WRONG = """
[[example]]
name = "one"
text = "Zorblax and B-448211"
finds = ["Zorblax", { type = "PERSON", text = "B-448211" }]
keeps = ["B-4"]
label = "PUBLIC"
categories = []

[[example]]
text = "see B-448211"
clean = true

[[example]]
name = "fine"
text = "see B-448211"
finds = ["448211"]
"""


def test_examples_that_come_out_as_they_say_pass(run, config, examples):
    result = run("test", examples(RIGHT), "--config", config)
    assert result.exit_code == 0
    assert "2 of 2 examples came out as they say" in result.stdout


def test_the_tagger_reads_the_examples_too(with_tagger, run, config, examples):
    text = '[[example]]\ntext = "My name is Jane Miller."\nfinds = [{ type = "PERSON", text = "Jane Miller" }]\n'
    assert run("test", examples(text), "--config", config).exit_code == 0


def test_examples_that_do_not_fail_with_type_and_position_and_no_text(run, config, examples):
    result = run("test", examples(WRONG), "--config", config)
    assert result.exit_code == 1
    assert "1 of 3 examples" in result.stdout
    for said in ("finding missing", "PERSON missing; found instead: CUSTOM", "12..20", "CUSTOM found by custom:badge"):
        assert said in result.stdout
    assert "label is CONFIDENTIAL {CUSTOM}, not PUBLIC" in result.stdout
    assert "Zorblax" not in result.output
    assert "448211" not in result.output


def test_show_prints_the_text(run, config, examples):
    result = run("test", examples(WRONG), "--config", config, "--show")
    assert "Zorblax" in result.stdout
    assert "448211" in result.stdout


@pytest.mark.parametrize("show", [False, True])
def test_json_has_an_object_an_example(run, config, examples, show):
    result = run("test", examples(WRONG), "--config", config, "--json", *(["--show"] if show else []))
    objects = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one["ok"] for one in objects] == [False, False, True]
    assert objects[2]["label"] == {"level": "CONFIDENTIAL", "categories": ["CUSTOM"]}
    assert objects[2]["findings"][0]["start"] == 4
    assert ("448211" in result.stdout) is show


def test_json_lines_are_examples_too(run, config, examples):
    path = examples('{"text": "see B-448211", "finds": ["B-448211"]}\n\n{"text": "no", "clean": true}\n', "e.jsonl")
    assert run("test", path, "--config", config).exit_code == 0


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("e.toml", "[[example]\n", "e.toml:1: is no TOML"),
        ("e.toml", "a = 1\n", "must hold [[example]] tables"),
        ("e.toml", "", "holds no example"),
        (
            "e.toml",
            '[[example]]\ntext = "Zorblax"\nclean = true\n\n[[example]]\ntext = "Zorblax"\n',
            "e.toml:5: says nothing",
        ),
        ("e.toml", '[[example]]\ntext = "Zorblax"\nfinds = ["Zorblay"]\n', "e.toml:1: finds and keeps: copy"),
        ("e.toml", '[[example]]\ntext = "Zorblax"\nlabel = "SECRET"\n', "label: write one of PUBLIC"),
        ("e.toml", '[[example]]\ntext = "Zorblax"\nfinds = ["Zorblax"]\nclean = true\n', "a clean text finds nothing"),
        (
            "e.toml",
            '[[example]]\ntext = "Zorblax"\nfinds = [{ text = "Z", type = "X" }]\n',
            "type: write one of PERSON",
        ),
        ("e.jsonl", '{"text": "Zorblax", "clean": true}\n{"text": Zorblax}\n', "e.jsonl:2: is no JSON"),
        ("e.jsonl", '{"txt": "Zorblax"}\n', "e.jsonl:1: "),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_its_line_and_no_text(run, config, examples, name, text, said):  # noqa: PLR0917 - columns of the table
    result = run("test", examples(text, name), "--config", config)
    assert result.exit_code == 2
    assert said in result.stderr.replace("\n", " ")
    assert "Zorbla" not in result.output


def test_a_wrong_pattern_or_configuration_is_named_with_its_line(run, config, examples):
    config.with_name("patterns.toml").write_text("[[pattern]]\nname = 'a'\nexpression = 'x+'\n")
    result = run("test", examples(RIGHT), "--config", config)
    assert result.exit_code == 2
    assert "patterns.toml:3: expression: has no upper limit" in result.stderr
    config.write_text("[classification]\ntemplate = 'hospital'\n")
    result = run("test", examples(RIGHT), "--config", config)
    assert result.exit_code == 2
    assert "ringfenced.toml:2: classification.template" in result.stderr


def test_nothing_is_written_where_the_daemon_keeps_its_state(run, config, examples):
    path = examples(RIGHT)
    before = sorted(config.parent.rglob("*"))
    run("test", path, "--config", config)
    assert sorted(config.parent.rglob("*")) == before


def test_a_hashed_list_is_made_with_a_key_and_both_are_private(run, tmp_path):
    (tmp_path / "staff.txt").write_text("Anneliese Vogt\n")
    key, hashed = tmp_path / "lists.key", tmp_path / "staff.hashed"
    assert run("key", key).exit_code == 0
    assert run("hash", tmp_path / "staff.txt", hashed, "--key", key).exit_code == 0
    assert {path.stat().st_mode & 0o777 for path in (key, hashed)} == {0o600}
    assert run("key", key).exit_code == 2
    assert len(key.read_bytes()) == 32


def test_a_list_with_a_wrong_line_is_not_hashed(run, tmp_path):
    (tmp_path / "staff.txt").write_text("Anneliese Vogt\nx\n")
    run("key", tmp_path / "lists.key")
    result = run("hash", tmp_path / "staff.txt", tmp_path / "out", "--key", tmp_path / "lists.key")
    assert result.exit_code == 2
    assert "staff.txt:2:" in result.stderr
    assert not (tmp_path / "out").exists()


def test_the_examples_of_the_page_work_as_they_stand(run, tmp_path):
    """Every file of docs/custom-recognisers.md, and its commands, in the order of the page."""
    for name, body in re.findall(r"```(?:toml|text)\n# ([a-z]+\.[a-z]+)[^\n]*\n(.*?)```", PAGE, re.DOTALL):
        (tmp_path / name).write_text(body)
    assert {path.name for path in tmp_path.iterdir()} == {
        "ringfenced.toml", "patterns.toml", "departments.txt", "allow.toml", "examples.toml",
    }  # fmt: skip
    (tmp_path / "staff.csv").write_text('id,name\n1,"John Quincy Smith"\n')
    commands = re.findall(r"^ringfence policy (.*)$", PAGE, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        words = [str(tmp_path / word) if "." in word else word for word in command.split()]
        result = run(*words)
        assert result.exit_code == 0, result.output
    assert "3 of 3 examples came out as they say" in result.stdout
