"""From an OCI registry, over a real socket, into the library."""

import hashlib

import pytest

from fakes.modelhubs import add_artifact, docker_config, gguf, safetensors
from fakes.webserver import Page
from ringfenced.cli.exits import Failure
from ringfenced.cli.pulling.registry import read_reference

MODEL = gguf(200_000)
DOCKER = "application/vnd.docker.ai.gguf.v3"


def test_what_docker_model_runner_pushed_comes_in_under_the_artifacts_name(models, web, library):
    digest, _ = add_artifact(
        web, "ai/smol", "360m", [(DOCKER, "", MODEL), ("application/vnd.docker.ai.license", "", b"MIT")]
    )
    assert models("pull", f"oci://{web.host}/ai/smol:360m").exit_code == 0
    manifest = library.manifest("smol-360m")
    assert [file.path for file in manifest.files] == ["LICENSE", "model.gguf"]
    assert (manifest.revision, manifest.licence) == (digest, "MIT")
    assert library.open("smol-360m").weights.read_bytes() == MODEL


def test_what_oras_pushed_keeps_its_files_names(models, web, library):
    layers = [
        ("application/octet-stream", "w.safetensors", safetensors()),
        ("application/json", "config.json", b"{}"),
        ("application/vnd.oci.image.layer.v1.tar+gzip", "src.tar.gz", b"x"),
    ]
    add_artifact(web, "m/st", "latest", layers)
    result = models("pull", f"oci://{web.host}/m/st")
    assert result.exit_code == 0
    assert "left out" in result.stderr
    assert [file.path for file in library.manifest("st").files] == ["config.json", "w.safetensors"]


def test_a_digest_in_place_of_the_tag_pins_all_of_it(models, web, library):
    digest, _ = add_artifact(web, "ai/m", "1", [(DOCKER, "m.gguf", MODEL)])
    assert models("pull", f"oci://{web.host}/ai/m@{digest}").exit_code == 0
    other = f"sha256:{hashlib.sha256(b'x').hexdigest()}"
    web.pages[f"/v2/ai/m/manifests/{other}"] = web.pages[f"/v2/ai/m/manifests/{digest}"]
    result = models("pull", f"oci://{web.host}/ai/m@{other}", "--name", "n")
    assert result.exit_code == 1
    assert "another manifest" in result.stderr


def test_a_registry_that_asks_who_is_there_gets_a_token_for_the_password_in_the_file(models, web, elsewhere, tmp_path):
    _, pages = add_artifact(web, "ai/m", "1", [(DOCKER, "m.gguf", MODEL)], login="ann:secret")
    (tmp_path / "auth.json").write_text(docker_config(web.host, "ann:secret"))
    elsewhere.pages["/blob"] = Page(MODEL)
    pages["m.gguf"].redirect = f"{elsewhere.url}/blob?sig=1"
    result = models("pull", f"oci://{web.host}/ai/m:1", "--auth-file", "auth.json")
    assert result.exit_code == 0
    assert web.asked("/token")[0].headers["authorization"].startswith("Basic ")
    assert "scope=repository%3Aai%2Fm%3Apull" in web.asked("/token")[0].path
    assert all("authorization" not in one.headers for one in elsewhere.requests)
    assert "secret" not in result.output


def test_without_a_password_a_closed_registry_refuses(models, web):
    add_artifact(web, "ai/m", "1", [(DOCKER, "m.gguf", MODEL)], login="ann:secret")
    web.pages["/token"] = Page(token="nobody has this")
    assert models("pull", f"oci://{web.host}/ai/m:1").exit_code == 5


def test_a_broken_connection_is_gone_on_with(models, web, library):
    _, pages = add_artifact(web, "ai/m", "1", [(DOCKER, "m.gguf", MODEL)])
    pages["m.gguf"].breaks = [50_000]
    assert models("pull", f"oci://{web.host}/ai/m:1").exit_code == 0
    assert library.open("m").weights.read_bytes() == MODEL


def test_a_blob_with_another_digest_is_refused(models, web, library):
    _, pages = add_artifact(web, "ai/m", "1", [(DOCKER, "m.gguf", MODEL)])
    pages["m.gguf"].content = gguf(200_000, seed=2)
    assert models("pull", f"oci://{web.host}/ai/m:1").exit_code == 1
    assert library.names() == ()


def test_an_index_is_refused_with_what_to_do(models, web):
    web.pages["/v2/ai/m/manifests/1"] = Page(
        b'{"manifests": [{}], "mediaType": "application/vnd.oci.image.index.v1+json"}'
    )
    result = models("pull", f"oci://{web.host}/ai/m:1")
    assert result.exit_code == 7
    assert "by its digest" in result.stderr


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"layers": [1]}', b'{"layers": [{"mediaType": "x", "digest": "md5:1", "size": 1}]}']
)
def test_a_registry_that_talks_nonsense_is_a_failure_and_no_crash(models, web, body):
    web.pages["/v2/ai/m/manifests/1"] = Page(body)
    assert models("pull", f"oci://{web.host}/ai/m:1").exit_code == 7


def test_a_registry_elsewhere_is_asked_with_tls_and_this_machine_without():
    assert read_reference("oci://r.example/a/b:1").base == "https://r.example/v2/a/b"
    assert read_reference("oci://r.example:5000/a/b:1").base == "https://r.example:5000/v2/a/b"
    assert read_reference("oci://localhost:5000/a:1").base == "http://localhost:5000/v2/a"
    assert read_reference("oci://[::1]:5000/a:1").base == "http://[::1]:5000/v2/a"
    assert read_reference("oci://r.example/a").reference == "latest"
    assert str(read_reference("oci://r.example/a:1@sha256:" + "0" * 64)) == "oci://r.example/a@sha256:" + "0" * 64


@pytest.mark.parametrize(
    "source",
    ["oci://", "oci://host", "oci://host/A:1", "oci://u:p@host/a:1", "oci://host/a:1/../b", "oci://host/a@md5:1"],
)
def test_what_names_nothing_in_a_registry_is_wrong_usage(source):
    with pytest.raises(Failure):
        read_reference(source)
