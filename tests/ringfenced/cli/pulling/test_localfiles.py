"""From this machine."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.modelhubs import gguf, safetensors
from fakes.modellibrary import pems


def test_a_file_comes_in_under_its_own_name(models, library, tmp_path):
    (tmp_path / "my-model.gguf").write_bytes(gguf(70_000))
    assert models("pull", "./my-model.gguf").exit_code == 0
    assert library.open("my-model").weights.read_bytes() == gguf(70_000)
    assert library.manifest("my-model").source == f"file:{tmp_path / 'my-model.gguf'}"


def test_the_other_parts_of_a_split_model_come_along(models, library, tmp_path):
    for number in (1, 2):
        (tmp_path / f"m-0000{number}-of-00002.gguf").write_bytes(gguf(seed=number))
    assert models("pull", "m-00001-of-00002.gguf").exit_code == 0
    assert len(library.manifest("m").files) == 2


def test_a_part_without_the_others_is_refused(models, library, tmp_path):
    (tmp_path / "m-00001-of-00002.gguf").write_bytes(gguf())
    result = models("pull", "m-00001-of-00002.gguf")
    assert result.exit_code == 1
    assert "m-00002-of-00002.gguf is missing" in result.stderr


def test_a_folder_is_a_model(models, library, tmp_path):
    folder = tmp_path / "st"
    (folder / ".cache").mkdir(parents=True)
    (folder / ".cache" / "x.safetensors").write_bytes(b"x")
    (folder / "w.safetensors").write_bytes(safetensors())
    (folder / "config.json").write_text("{}")
    assert models("pull", folder).exit_code == 0
    assert [file.path for file in library.manifest("st").files] == ["config.json", "w.safetensors"]


@pytest.mark.parametrize("what", ["file", "within"])
def test_links_are_refused(models, tmp_path, what):
    (tmp_path / "real.gguf").write_bytes(gguf())
    (tmp_path / "folder").mkdir()
    link = tmp_path / "m.gguf" if what == "file" else tmp_path / "folder" / "m.gguf"
    link.symlink_to(tmp_path / "real.gguf")
    result = models("pull", link if what == "file" else tmp_path / "folder")
    assert result.exit_code == 2
    assert "a link" in result.stderr


def test_a_foreign_file_stays_in_quarantine_with_what_it_is(models, library, tmp_path):
    (tmp_path / "m.gguf").write_bytes(b"<!DOCTYPE html>" + bytes(100))
    result = models("pull", "m.gguf")
    assert result.exit_code == 1
    assert "a web page" in result.stderr
    assert "a web page" in library.quarantined()[0].reason


def test_a_pickle_is_refused(models, tmp_path):
    (tmp_path / "m.pt").write_bytes(b"\x80\x02}q")
    result = models("pull", "m.pt")
    assert result.exit_code == 7
    assert "pickles" in result.stderr


def test_nothing_and_no_file_are_wrong_usage(models):
    assert models("pull", "nothing.gguf").exit_code == 2
    assert models("pull", "hf:org/repo", "--limit-rate", "soon").exit_code == 2


def test_a_name_that_is_taken_is_refused_with_what_to_do(models, tmp_path):
    (tmp_path / "m.gguf").write_bytes(gguf())
    assert models("pull", "m.gguf").exit_code == 0
    again = models("pull", "m.gguf")
    assert again.exit_code == 7
    assert "ringfence models rm m" in again.stderr
    assert models("pull", "m.gguf", "--name", "n").exit_code == 0


def test_where_signers_are_named_the_approver_signs_while_fetching(models, tmp_path):
    private, public = pems(Ed25519PrivateKey.generate())
    (tmp_path / "approver.key").write_bytes(private)
    (tmp_path / "approver.pub").write_bytes(public)
    (tmp_path / "m.gguf").write_bytes(gguf())
    refused = models("pull", "m.gguf", "--signer", "approver.pub")
    assert refused.exit_code == 1
    assert "--sign KEY" in refused.stderr
    assert models("pull", "m.gguf", "--signer", "approver.pub", "--sign", "approver.key").exit_code == 0


def test_without_the_extra_a_path_still_works_and_a_hub_says_what_to_install(models, monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "httpx2", None)
    (tmp_path / "m.gguf").write_bytes(gguf())
    assert models("pull", "m.gguf").exit_code == 0
    result = models("pull", "hf:org/repo")
    assert result.exit_code == 2
    assert "ringfence[pull]" in result.stderr
