"""`ringfence audit tiles`: a log's folder becomes a static log that a stranger's client can verify."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from fakes.egresslog import ORIGIN, ordinary, refusal, signed, write, write_key
from ringfence.tiles import bundle_path, tile_path, tiles_of, unbundle
from ringfence.translog import Tree, leaf_hash, open_checkpoint
from ringfenced.cli.app import app

KEY = Ed25519PrivateKey.generate()


def many(count):
    return ordinary() + [refusal(index) for index in range(10, count)]


def run(tmp_path, *more):
    arguments = ["audit", "tiles", "--log", str(tmp_path / "log"), "--out", str(tmp_path / "out"), *more]
    return CliRunner().invoke(app, arguments)


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_static_log_holds_what_the_checkpoint_covers_and_nothing_else(tmp_path):
    """Entries that no checkpoint covers yet are left out; every entry comes back, in order, under the signed root."""
    entries = many(600)
    write(tmp_path / "log", [*entries, refusal(600)], signed(entries, KEY), segment_entries=1000)
    write_key(tmp_path / "log.pub", KEY)
    result = run(tmp_path, "--key", str(tmp_path / "log.pub"), "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    out = tmp_path / "out"
    bundles = [bundle_path(0, 256), bundle_path(1, 256), bundle_path(2, 600 - 512)]
    assert files(out) == {"checkpoint", *(tile_path(tile) for tile in tiles_of(600)), *bundles}
    assert (told["origin"], told["entries"], told["files"]) == (ORIGIN, 600, len(files(out)))
    found = [entry for path in bundles for entry in unbundle((out / path).read_bytes())]
    assert found == entries
    checkpoint = open_checkpoint((out / "checkpoint").read_text(), ORIGIN, KEY.public_key())
    tree = Tree()
    tree.extend(b"".join((out / tile_path(tile)).read_bytes() for tile in tiles_of(600) if tile.level == 0))
    assert (tree.size, tree.root()) == (checkpoint.size, checkpoint.root)
    assert tree.leaves() == b"".join(map(leaf_hash, entries))


def test_a_later_state_of_the_same_log_brings_the_folder_up_to_date(tmp_path):
    for count in (300, 700):
        entries = many(count)
        write(tmp_path / "log", entries, signed(entries, KEY), segment_entries=1000)
        assert run(tmp_path).exit_code == 0
    assert {tile_path(tile) for tile in tiles_of(700)} <= files(tmp_path / "out")
    assert (tmp_path / "out" / "checkpoint").read_text() == signed(many(700), KEY)


def test_a_folder_of_which_nobody_can_tell_whose_log_it_holds_is_left_alone(tmp_path):
    entries = many(20)
    write(tmp_path / "log", entries, signed(entries, KEY))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "checkpoint").symlink_to("not mounted")
    result = run(tmp_path)
    assert result.exit_code == 2
    assert "cannot read" in result.output
    assert files(tmp_path / "out") == set()


def test_an_empty_log_is_a_checkpoint_alone(tmp_path):
    write(tmp_path / "log", [], signed([], KEY))
    assert run(tmp_path).exit_code == 0
    assert files(tmp_path / "out") == {"checkpoint"}


@pytest.mark.parametrize(
    ("entries", "said"),
    [(ordinary()[:-1], "truncated"), ([*ordinary()[:-1], refusal(9)], "edited, moved or replaced")],
)
def test_a_log_that_is_not_the_signed_one_gets_no_checkpoint(tmp_path, entries, said):
    write(tmp_path / "log", entries, signed(ordinary(), KEY))
    result = run(tmp_path)
    assert result.exit_code == 1
    assert said in result.output
    assert "checkpoint" not in files(tmp_path / "out")


def test_another_key_another_log_and_no_checkpoint_are_refused(tmp_path):
    write(tmp_path / "log", ordinary(), signed(ordinary(), KEY))
    write_key(tmp_path / "other.pub", Ed25519PrivateKey.generate())
    assert run(tmp_path, "--key", str(tmp_path / "other.pub")).exit_code == 1
    assert run(tmp_path).exit_code == 0
    write(tmp_path / "log", ordinary(), signed(ordinary(), KEY, "another.example/log"))
    assert "holds another log" in run(tmp_path).output
    write(tmp_path / "log", ordinary(), "no checkpoint\n")
    assert run(tmp_path).exit_code == 2
