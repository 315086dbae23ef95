"""From a hub, over a real socket, into the library."""

import hashlib
import json

import pytest

from fakes.modelhubs import COMMIT, add_repository, gguf, git_sha1, safetensors
from fakes.webserver import Page
from ringfenced.cli.exits import Failure
from ringfenced.cli.pulling.hub import split

MODEL = gguf(300_000)


def test_a_model_comes_whole_with_its_commit_and_licence(models, web, library):
    add_repository(web, "org/repo", {"m-Q4.gguf": MODEL, "README.md": b"hello", "LICENSE": b"MIT"})
    result = models("pull", "hf:org/repo")
    assert result.exit_code == 0
    assert hashlib.sha256(MODEL).hexdigest() in result.stdout
    manifest = library.manifest("m-Q4")
    assert (manifest.source, manifest.revision, manifest.licence) == ("hf:org/repo", COMMIT, "apache-2.0")
    assert library.open("m-Q4").weights.read_bytes() == MODEL
    assert [file.path for file in manifest.files] == ["LICENSE", "m-Q4.gguf"]


def test_a_connection_that_breaks_is_gone_on_with_and_nothing_is_sent_twice(models, web, library):
    page = add_repository(web, "org/repo", {"m.gguf": MODEL})["m.gguf"]
    page.breaks = [100_000, 100_000]
    result = models("pull", "hf:org/repo")
    assert result.exit_code == 0
    assert "again in" in result.stderr
    ranges = [one.headers.get("range") for one in web.asked(f"/org/repo/resolve/{COMMIT}/m.gguf")]
    assert ranges[0] is None
    assert [int(each.removeprefix("bytes=").rstrip("-")) for each in ranges[1:]] == [100_000, 200_000]
    assert library.open("m").weights.read_bytes() == MODEL


def test_what_came_is_kept_when_the_hub_goes_away_and_the_same_command_goes_on(models, web, library):
    page = add_repository(web, "org/repo", {"m.gguf": MODEL})["m.gguf"]
    page.breaks = [100_000, *[0] * 10]
    first = models("pull", "hf:org/repo")
    assert first.exit_code == 6
    assert "100,000 bytes are kept" in first.stderr
    assert "incomplete" in models("list").stdout
    page.breaks = []
    assert models("pull", "hf:org/repo").exit_code == 0
    assert web.requests[-1].headers["range"] == "bytes=100000-"
    assert library.open("m").weights.read_bytes() == MODEL


def test_what_came_of_another_state_is_not_gone_on_with(models, web, library):
    page = add_repository(web, "org/repo", {"m.gguf": MODEL})["m.gguf"]
    page.breaks = [100_000, *[0] * 10]
    models("pull", "hf:org/repo")
    changed = gguf(300_000, seed=5)
    add_repository(web, "org/repo", {"m.gguf": changed})
    assert models("pull", "hf:org/repo").exit_code == 0
    assert library.open("m").weights.read_bytes() == changed


def test_large_files_come_from_another_host_and_the_token_stays_with_the_hub(models, web, elsewhere, library, tmp_path):
    add_repository(web, "org/repo", {"m.gguf": MODEL}, elsewhere=elsewhere, token="hf_secret")
    (tmp_path / "token").write_text("hf_secret\n")
    result = models("pull", "hf:org/repo", "--token-file", "token")
    assert result.exit_code == 0
    assert library.open("m").weights.read_bytes() == MODEL
    assert all(one.headers["authorization"] == "Bearer hf_secret" for one in web.requests)
    assert elsewhere.requests
    assert all("authorization" not in one.headers for one in elsewhere.requests)
    assert "secret" not in result.output
    assert "secret" not in json.dumps([str(library.manifest("m"))])


def test_the_token_is_looked_for_where_the_hubs_own_tools_put_it(models, web, monkeypatch, tmp_path):
    add_repository(web, "org/repo", {"m.gguf": MODEL}, token="hf_secret")
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "token").write_text("hf_secret")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    assert models("pull", "hf:org/repo").exit_code == 0


def test_without_a_token_a_private_repository_is_refused_with_what_to_do(models, web):
    add_repository(web, "org/repo", {"m.gguf": MODEL}, token="hf_secret")
    result = models("pull", "hf:org/repo")
    assert result.exit_code == 5
    assert "--token-file" in result.stderr


def test_a_wrong_digest_stays_in_quarantine_with_the_reason_until_it_is_removed(models, web, library):
    pages = add_repository(web, "org/repo", {"m.gguf": MODEL})
    pages["m.gguf"].content = gguf(300_000, seed=2)
    result = models("pull", "hf:org/repo")
    assert result.exit_code == 1
    assert "digest" in result.stderr
    assert library.names() == ()
    assert "digest" in models("list").stdout
    assert models("rm", "m", "--quarantine").exit_code == 0
    assert library.quarantined() == ()
    pages["m.gguf"].content = MODEL
    assert models("pull", "hf:org/repo").exit_code == 0


def test_a_wrong_small_file_is_refused_by_gits_name_of_it(models, web, library):
    pages = add_repository(web, "org/repo", {"w.safetensors": safetensors(), "config.json": b'{"a":1}'})
    pages["config.json"].content = b'{"a":2}'
    result = models("pull", "hf:org/repo")
    assert result.exit_code == 1
    assert git_sha1(b'{"a":1}') in result.stderr.replace("\n", "")
    assert library.names() == ()


@pytest.mark.parametrize("length", [299_999, 300_001, 10**12])
def test_a_server_that_speaks_of_another_length_is_refused_at_once(models, web, library, length):
    add_repository(web, "org/repo", {"m.gguf": MODEL})["m.gguf"].length = length
    result = models("pull", "hf:org/repo")
    assert result.exit_code == 1
    assert "instead of 300,000" in result.stderr
    assert library.quarantined()[0].size_bytes == 0


def test_a_server_that_sends_more_than_it_announced_is_cut_off(models, web, library):
    page = add_repository(web, "org/repo", {"m.gguf": MODEL})["m.gguf"]
    page.content, page.chunked = MODEL + bytes(3_000_000), True
    result = models("pull", "hf:org/repo")
    assert result.exit_code == 1
    assert "more than the 300,000 bytes" in result.stderr
    assert library.quarantined()[0].size_bytes <= 300_000


def test_a_server_that_sends_less_is_asked_for_the_rest(models, web, library):
    page = add_repository(web, "org/repo", {"m.gguf": MODEL})["m.gguf"]
    page.content, page.chunked = MODEL[:200_000], True
    result = models("pull", "hf:org/repo")
    assert result.exit_code == 6
    assert library.names() == ()


def test_a_server_that_goes_on_elsewhere_in_the_file_is_refused(models, web, library):
    page = add_repository(web, "org/repo", {"m.gguf": MODEL})["m.gguf"]
    page.breaks, page.range_shift = [1000], 7
    result = models("pull", "hf:org/repo")
    assert result.exit_code == 1
    assert "another part" in result.stderr


def test_a_server_without_ranges_is_asked_from_the_start(models, web, library):
    page = add_repository(web, "org/repo", {"m.gguf": MODEL})["m.gguf"]
    page.breaks, page.ranges = [100_000], False
    result = models("pull", "hf:org/repo")
    assert result.exit_code == 0
    assert "from the start" in result.stderr
    assert library.open("m").weights.read_bytes() == MODEL


def test_a_busy_hub_is_asked_again(models, web):
    add_repository(web, "org/repo", {"m.gguf": MODEL})["m.gguf"].busy = 2
    assert models("pull", "hf:org/repo").exit_code == 0


def test_several_quantisations_are_told_apart_by_the_operator(models, web, library):
    add_repository(web, "org/repo", {"m-Q4_K_M.gguf": MODEL, "m-Q8_0.gguf": gguf(seed=2)})
    refused = models("pull", "hf:org/repo")
    assert refused.exit_code == 7
    assert "m-Q8_0.gguf" in refused.stderr
    assert models("pull", "hf:org/repo", "--file", "*Q4_K_M*").exit_code == 0
    assert models("pull", "hf:org/repo/m-Q8_0.gguf", "--name", "big").exit_code == 0
    assert library.names() == ("big", "m-Q4_K_M")


def test_a_split_model_comes_whole_when_one_part_is_named(models, web, library):
    parts = {f"q/m-0000{n}-of-00002.gguf": gguf(seed=n) for n in (1, 2)}
    add_repository(web, "org/repo", parts | {"other.gguf": gguf(seed=9)})
    assert models("pull", "hf:org/repo/q/m-00002-of-00002.gguf").exit_code == 0
    assert [file.path for file in library.manifest("m").files] == sorted(parts)


def test_only_pickles_is_refused_with_the_reason(models, web):
    add_repository(web, "org/repo", {"pytorch_model.bin": b"x", "config.json": b"{}"})
    result = models("pull", "hf:org/repo")
    assert result.exit_code == 7
    assert "pickles" in result.stderr
    named = models("pull", "hf:org/repo", "--file", "*.bin")
    assert named.exit_code == 1
    assert "loading one runs what it holds" in named.stderr


def test_safetensors_come_with_what_is_read_beside_them_and_without_programs(models, web, library):
    files = {
        "model-00001-of-00002.safetensors": safetensors(bytes(8)),
        "model-00002-of-00002.safetensors": safetensors(bytes(16)),
        "model.safetensors.index.json": b"{}",
        "config.json": b"{}",
        "tokenizer.json": b"{}",
        "chat_template.jinja": b"{{ x }}",
        "pytorch_model.bin": b"x",
        "modeling_x.py": b"import os",
        "onnx/model.json": b"{}",
    }
    add_repository(web, "org/repo", files)
    assert models("pull", "hf:org/repo", "--json").exit_code == 0
    assert {file.path for file in library.manifest("repo").files} == set(files) - {
        "pytorch_model.bin", "modeling_x.py", "onnx/model.json",
    }  # fmt: skip


def test_a_digest_that_the_operator_names_counts_too(models, web, library):
    add_repository(web, "org/repo", {"m.gguf": MODEL})
    assert models("pull", "hf:org/repo", "--sha256", "0" * 64).exit_code == 1
    assert models("rm", "m", "--quarantine").exit_code == 0
    assert models("pull", "hf:org/repo", "--sha256", hashlib.sha256(MODEL).hexdigest()).exit_code == 0


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"sha": 1}', b'{"sha": "main"}', b'{"sha": "%s", "siblings": [1]}' % COMMIT.encode()]
)
def test_a_hub_that_talks_nonsense_is_a_failure_and_no_crash(models, web, body):
    web.pages["/api/models/org/repo/revision/main"] = Page(body)
    assert models("pull", "hf:org/repo").exit_code == 7


def test_a_path_that_leads_out_of_the_library_is_refused_before_anything_is_fetched(models, web, library, tmp_path):
    add_repository(web, "org/repo", {"../../evil.gguf": MODEL})
    result = models("pull", "hf:org/repo", "--name", "m")
    assert result.exit_code == 1
    assert not list(tmp_path.rglob("evil*"))
    assert library.quarantined() == ()


def test_an_unknown_revision_and_an_unknown_repository_are_said(models, web):
    add_repository(web, "org/repo", {"m.gguf": MODEL})
    assert models("pull", "hf:org/repo", "--revision", "v2").exit_code == 7
    assert models("pull", "hf:org/other").exit_code == 7


def test_no_hub_is_said(models, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr("ringfenced.cli.pulling.bring._FIRST_WAIT_S", 0.01)
    result = models("pull", "hf:org/repo")
    assert result.exit_code == 6
    assert "refused" in result.stderr


@pytest.mark.parametrize("source", ["hf:", "hf:org", "hf:org/", "hf:../x", "hf:a b/c", "hf:org/re?po"])
def test_what_names_no_repository_is_wrong_usage(source):
    with pytest.raises(Failure):
        split(source)
