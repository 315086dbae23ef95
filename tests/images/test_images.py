"""The images: from pinned bases alone, without a network, and as the chart runs them."""

import hashlib
import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "images"
FILES = sorted(IMAGES.glob("*.Dockerfile"))
USERS = {"daemon": "10001:10001", "agent": "10002:10002"}


def instructions(file):
    """Each instruction and its text; a line that goes on is one."""
    text = re.sub(r"\\\n\s*", "", file.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_base_is_an_argument_or_a_stage(file):
    """images/build.sh demands a digest of each argument; a name in here would be fetched as it stands that day."""
    stages = set()
    for instruction, text in instructions(file):
        if instruction == "FROM":
            base, _, stage = text.partition(" AS ")
            assert base in {"${BASE_PYTHON}", "${BASE_COMPILER}", "${BASE_CUDA}"} | stages
            stages.add(stage)
        if instruction == "COPY" and "--from=" in text:
            assert re.match(r"--from=(\w+) ", text)[1] in stages


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_step_fetches_anything(file):
    for instruction, text in instructions(file):
        assert instruction != "ADD"
        if instruction == "RUN":
            assert not re.search(r"\b(apt|apt-get|curl|wget|git|pip)\b", text)
    for script in ("install.sh", "llama.sh"):
        for line in re.sub(r"\\\n\s*", "", (IMAGES / script).read_text()).splitlines():
            if re.match(r"\s*pip (install|wheel|download)", line):
                assert "--no-index" in line
                assert "--no-deps" in line
                assert "--require-hashes" in line or line.endswith("llama/*.whl")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_image_runs_as_the_chart_runs_it(file, pytestconfig):
    """The same user, who is not root, and a command that the chart's pods find."""
    last = dict(instructions(file))  # of each instruction the last
    assert last["USER"] == USERS[file.stem]
    assert last["HEALTHCHECK"] == "NONE"
    assert "/opt/ringfence/bin" in last["ENV"]
    templates = pytestconfig.rootpath / "helm/ringfence/templates"
    pods = "".join((templates / f"{side}.yaml").read_text() for side in ("daemon", "agent"))
    (command,) = yaml.safe_load(last["ENTRYPOINT"])
    assert f"command: [{command}, {', '.join(yaml.safe_load(last['CMD']))}]" in pods
    assert USERS[file.stem].partition(":")[0] in pods


def test_every_image_of_the_chart_can_be_built(pytestconfig):
    shipped = yaml.safe_load((pytestconfig.rootpath / "helm/ringfence/values.yaml").read_text())["images"]
    script = (IMAGES / "build.sh").read_text()
    names = {f"ringfence/{name}" for name in ("ringfenced", "ringfenced-cuda", "ringfence-agent")}
    assert {image["repository"] for image in shipped.values() if isinstance(image, dict)} == names
    assert "name=ringfenced${image#daemon}" in script
    assert "name=ringfence-agent" in script


def build(tmp_path, bases, *images):
    """images/build.sh with a builder that only says what it was given."""
    builder = tmp_path / "builder"
    builder.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    builder.chmod(0o755)
    (tmp_path / "bases").write_text(bases)
    copy = tmp_path / "clone"
    (copy / "dist/wheelhouse").mkdir(parents=True)
    (copy / "dist/sbom").mkdir()
    (copy / "dist/wheelhouse/SHA256SUMS").touch()
    (copy / "dist/sbom/daemon.cdx.json").touch()
    for name in ("images", "pyproject.toml", ".git"):
        (copy / name).symlink_to(ROOT / name)
    environment = os.environ | {"BUILDER": str(builder), "BASES": str(tmp_path / "bases")}
    script = copy / "build.sh"
    script.write_text((IMAGES / "build.sh").read_text().replace('cd "$(dirname "$0")/.."', f"cd {copy}"))
    return subprocess.run(["bash", script, "1", *images], env=environment, capture_output=True, text=True, check=False)


DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize("base", ["", "docker.io/library/python:3.13-slim", "python@sha256:abc"])
def test_a_base_that_is_no_digest_is_refused(tmp_path, base):
    done = build(tmp_path, f"BASE_PYTHON={base}\n", "agent")
    assert done.returncode == 1
    assert "name an image by its digest" in done.stderr


def test_the_bases_are_pinned_as_shipped(tmp_path):
    """A build without a word of the site's stands on one digest each, never on a tag."""
    told = build(tmp_path, (IMAGES / "bases").read_text(), "daemon-cuda", "agent")
    assert told.returncode == 0, told.stderr
    for base in ("PYTHON", "COMPILER", "CUDA"):
        assert len(set(re.findall(rf"^BASE_{base}=.*@sha256:[0-9a-f]{{64}}$", told.stdout, re.MULTILINE))) == 1


def test_the_build_gets_no_network_and_the_bases_that_a_site_trusts(tmp_path):
    bases = f"BASE_PYTHON=a@{DIGEST}\nBASE_COMPILER=b@{DIGEST}\nBASE_CUDA=\n"
    told = build(tmp_path, bases, "daemon").stdout.splitlines()
    assert told[told.index("--network") + 1] == "none"
    assert {f"BASE_PYTHON=a@{DIGEST}", f"BASE_COMPILER=b@{DIGEST}", f"BASE_CUDA=b@{DIGEST}"} <= set(told)
    assert "ringfence/ringfenced:1" in told


def test_cuda_is_compiled_for_where_it_is_asked_for(tmp_path):
    bases = f"BASE_PYTHON=a@{DIGEST}\nBASE_COMPILER=b@{DIGEST}\nBASE_CUDA=c@{DIGEST}\n"
    told = build(tmp_path, bases, "daemon-cuda").stdout.splitlines()
    assert f"BASE_CUDA=c@{DIGEST}" in told
    (arguments,) = [line for line in told if line.startswith("CMAKE_ARGS=")]
    assert "-DGGML_NATIVE=OFF" in arguments
    assert arguments.endswith("-DGGML_CUDA=ON")
    assert "ringfence/ringfenced-cuda:1" in told


def wheelhouse(folder, *, spoil=False):
    """A wheelhouse of one package, as scripts/wheelhouse.sh lays it out."""
    house = folder / "wheelhouse"
    (house / "requirements").mkdir(parents=True)
    wheel = house / "ringfence-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("ringfence.py", "NAME = 'ringfence'\n")
        archive.writestr("ringfence-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: ringfence\nVersion: 1\n")
        archive.writestr(
            "ringfence-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("ringfence-1.dist-info/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (house / "requirements/ringfence.lock").write_text(f"ringfence==1 --hash=sha256:{digest}\n")
    (house / "requirements/agent.lock").write_text("")
    (house / "SHA256SUMS").write_text(f"{digest}  {wheel.name}\n")
    if spoil:
        wheel.write_bytes(wheel.read_bytes() + b"more")
    return folder


def install(folder):
    command = ["sh", IMAGES / "install.sh", "agent", folder / "target"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_file_that_was_changed_on_the_way_is_not_installed(tmp_path):
    done = install(wheelhouse(tmp_path, spoil=True))
    assert done.returncode != 0
    assert "ringfence-1-py3-none-any.whl: FAILED" in done.stdout
    assert not (tmp_path / "target").exists()


@pytest.mark.skipif(os.environ.get("RINGFENCE_HELM") != "full", reason="makes two environments: make test-helm")
def test_what_is_installed_runs_and_installs_nothing_more(tmp_path):
    done = install(wheelhouse(tmp_path))
    assert done.returncode == 0, done.stderr
    python = tmp_path / "target/bin/python"
    told = subprocess.run(
        [python, "-I", "-c", "import ringfence; print(ringfence.NAME)"], capture_output=True, text=True, check=True
    )
    assert told.stdout == "ringfence\n"
    assert subprocess.run([python, "-I", "-m", "pip", "--version"], capture_output=True, check=False).returncode != 0
    assert not [path for path in (tmp_path / "target/lib").rglob("*") if path.stat().st_mode & 0o022]


def test_what_llama_cpp_needs_is_gathered_beside_it():
    """Its libraries look in their own folder first (RUNPATH $ORIGIN), and a slim base has no OpenMP."""
    text = (IMAGES / "llama.sh").read_text()
    for library in ("gomp", "stdc\\+\\+", "gcc_s", "cudart", "cublas", "cublasLt"):
        assert library in text
    assert "llama_cpp/lib/" in (IMAGES / "daemon.Dockerfile").read_text()
