"""`ringfence models list`, `show`, `verify`, `rm`, `export` and `import`."""

import json
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from fakes.modelhubs import gguf, safetensors
from fakes.modellibrary import bring, pems
from fakes.random_gguf import write_random_gguf
from ringfenced.cli.app import app
from ringfenced.library.folder import Library


@pytest.fixture
def library(tmp_path):
    (tmp_path / "library").mkdir()
    return Library(tmp_path / "library")


@pytest.fixture
def models(tmp_path, monkeypatch, library):
    for name in ("RINGFENCE_CONFIG", "RINGFENCE_LIBRARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*arguments, at=library.folder):
        place = ["--library", str(at)] if at else []
        return CliRunner().invoke(app, ["models", *map(str, arguments), *place], catch_exceptions=False)

    return run


@pytest.fixture
def keys(tmp_path):
    private, public = pems(Ed25519PrivateKey.generate())
    (tmp_path / "a.key").write_bytes(private)
    (tmp_path / "a.pub").write_bytes(public)


@pytest.fixture
def config(tmp_path, library):
    path = tmp_path / "ringfenced.toml"
    path.write_text(
        'state = "x"\n[library]\nfolder = "library"\n[[models]]\nname = "assistant"\nlibrary = "m"\n'
        '[[models]]\nname = "other"\npath = "x.gguf"\n'
    )
    return path


def test_the_list_says_what_lies_there_and_what_waits(models, library):
    bring(library, {"m.gguf": gguf(2 * 2**20)})
    with library.arrival("half") as arrival, arrival.open_part("h.gguf", keep=True) as part:
        part.write(b"GGUF")
    shown = models("list").stdout
    for piece in ("m", "gguf", "2.0 MiB", "hf:org/m", "half", "incomplete"):
        assert piece in shown
    lines = [json.loads(line) for line in models("list", "--json").stdout.splitlines()]
    assert [line["name"] for line in lines] == ["m", "half"]
    assert lines[0]["verifiedAt"] is not None
    assert lines[0]["usedBy"] is None
    assert lines[1]["quarantined"]


def test_the_list_goes_on_where_one_manifest_is_broken(models, library):
    bring(library, {"m.gguf": gguf()})
    bring(library, {"n.gguf": gguf()}, "n")
    (library.folder / "n" / "manifest.json").write_text("{}")
    result = models("list")
    assert result.exit_code == 0
    assert "m" in result.stdout
    assert "n: " in result.stderr


def test_the_daemons_file_says_where_the_library_is_and_who_uses_it(models, library, config):
    bring(library, {"m.gguf": gguf()})
    assert "assistant" in models("list", "--config", config, at=None).stdout
    assert json.loads(models("show", "m", "--config", config, "--json", at=None).stdout)["usedBy"] == ["assistant"]


def test_a_model_in_use_is_not_removed_by_mistake(models, library, config):
    bring(library, {"m.gguf": gguf()})
    refused = models("rm", "m", "--config", config, at=None)
    assert refused.exit_code == 7
    assert "assistant" in refused.stderr
    assert library.names() == ("m",)
    assert models("rm", "m", "--config", config, "--force", at=None).exit_code == 0
    assert library.names() == ()


def test_show_tells_the_manifest(models, library):
    manifest = bring(library, {"w.safetensors": safetensors(), "config.json": b"{}"}, "st")
    shown = models("show", "st").stdout
    for piece in ("safetensors", "hf:org/m", "MIT", "ann@host", manifest.files[1].sha256):
        assert piece in shown


def test_the_list_and_show_tell_what_the_header_says(models, library, tmp_path):
    data = write_random_gguf(tmp_path / "r.gguf").read_bytes()
    bring(library, {"r.gguf": data}, "r")
    facts = json.loads(models("show", "r", "--json").stdout)
    assert (facts["architecture"], facts["quantisation"], facts["contextTokens"]) == ("llama", "f32", 512)
    assert facts["parameters"] > 100_000
    row = next(line for line in models("list").stdout.splitlines() if " r " in line)
    assert "f32" in row
    assert "512" in row


def test_verify_finds_what_was_altered(models, library):
    bring(library, {"m.gguf": gguf()})
    bring(library, {"n.gguf": gguf()}, "n")
    assert models("verify").exit_code == 0
    (library.folder / "n" / "n.gguf").write_bytes(gguf(seed=2))
    result = models("verify")
    assert result.exit_code == 1
    assert "ok      m" in result.stdout
    assert "FAILED  n" in result.stdout
    assert [json.loads(line)["ok"] for line in models("verify", "--json").stdout.splitlines()] == [True, False]


def test_unknown_names_are_said_with_those_that_there_are(models, library):
    bring(library, {"m.gguf": gguf()})
    for command in (
        ["show", "x"],
        ["verify", "x"],
        ["rm", "x"],
        ["rm", "x", "--quarantine"],
        ["export", "x", "--out", "x.tar"],
    ):
        result = models(*command)
        assert result.exit_code in {1, 7}
        assert "x" in result.output


def test_without_a_library_what_to_say_is_said(models, monkeypatch):
    monkeypatch.setattr("ringfenced.cli.models_settings.CONFIG", __import__("pathlib").Path("/nowhere"))
    result = models("list", at=None)
    assert result.exit_code == 2
    assert "RINGFENCE_LIBRARY" in result.stderr
    assert models("list", at="/nowhere").exit_code == 1


def test_the_environment_names_the_library_too(models, library, config, monkeypatch):
    bring(library, {"m.gguf": gguf()})
    monkeypatch.setenv("RINGFENCE_LIBRARY", str(library.folder))
    assert "hf:org/m" in models("list", at=None).stdout
    monkeypatch.delenv("RINGFENCE_LIBRARY")
    monkeypatch.setenv("RINGFENCE_CONFIG", str(config))
    assert "assistant" in models("list", at=None).stdout


def test_a_config_that_cannot_be_used_is_said_with_the_line(models, tmp_path):
    (tmp_path / "c.toml").write_text("[library]\nfolde = 1\n")
    result = models("list", "--config", "c.toml", at=None)
    assert result.exit_code == 2
    assert "c.toml:2" in result.output
    (tmp_path / "d.toml").write_text("state = 'x'\n")
    assert "has no [library]" in models("list", "--config", "d.toml", at=None).stderr


def test_a_signed_bundle_goes_from_one_site_to_another(models, library, keys, tmp_path):
    bring(library, {"m.gguf": gguf(70_000)})
    assert models("export", "m", "--out", "b.tar", "--sign", "a.key").exit_code == 0
    (tmp_path / "inside").mkdir()
    result = models("import", "b.tar", "--signer", "a.pub", at=tmp_path / "inside")
    assert result.exit_code == 0
    assert "signed by" in result.stdout
    assert Library(tmp_path / "inside").open("m").weights.read_bytes() == gguf(70_000)


def test_an_unsigned_bundle_is_refused_where_signers_are_named_and_else_taken_with_a_warning(
    models, library, keys, tmp_path
):
    bring(library, {"m.gguf": gguf()})
    assert "not signed" in models("export", "m", "--out", "b.tar").stderr
    (tmp_path / "inside").mkdir()
    refused = models("import", "b.tar", "--signer", "a.pub", at=tmp_path / "inside")
    assert refused.exit_code == 1
    assert "is not signed" in refused.stderr
    taken = models("import", "b.tar", at=tmp_path / "inside")
    assert taken.exit_code == 0
    assert "whoever made this bundle is believed" in taken.stderr


def test_a_bundle_can_come_through_a_pipe(library, tmp_path):
    bring(library, {"m.gguf": gguf()})
    (tmp_path / "inside").mkdir()
    export = [
        "-m",
        "ringfenced.cli",
        "models",
        "export",
        "m",
        "--out",
        str(tmp_path / "b.tar"),
        "--library",
        str(library.folder),
    ]
    run = "from ringfenced.cli import main; main()"
    python = [__import__("sys").executable, "-c", run]
    subprocess.run([*python, *export[2:]], check=True, capture_output=True)
    with (tmp_path / "b.tar").open("rb") as bundle:
        subprocess.run(
            [*python, "models", "import", "-", "--library", str(tmp_path / "inside")],
            stdin=bundle, check=True, capture_output=True,
        )  # fmt: skip
    assert Library(tmp_path / "inside").names() == ("m",)


def test_a_bundle_that_exists_is_not_written_over_and_a_failed_one_leaves_nothing(models, library, tmp_path):
    bring(library, {"m.gguf": gguf()})
    (tmp_path / "b.tar").write_text("mine")
    assert models("export", "m", "--out", "b.tar").exit_code == 2
    assert (tmp_path / "b.tar").read_text() == "mine"
    (library.folder / "m" / "m.gguf").write_bytes(gguf(seed=2))
    assert models("export", "m", "--out", "c.tar").exit_code == 1
    assert not list(tmp_path.glob("*c.tar*"))


def test_what_is_no_bundle_is_refused(models, tmp_path):
    for data in (b"", bytes(512), b"x" * 5000):
        (tmp_path / "b.tar").write_bytes(data)
        assert models("import", "b.tar").exit_code == 1


def test_a_key_of_another_kind_is_wrong_usage_or_refused_without_repeating_it(models, tmp_path):
    (tmp_path / "k").write_text("secret words")
    for arguments in (["list", "--signer", "k"], ["pull", "x.gguf", "--sign", "k"]):
        result = models(*arguments)
        assert result.exit_code in {1, 2}
        assert "secret" not in result.output
