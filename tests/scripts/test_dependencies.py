"""What is declared, what is locked and what docs/dependencies.md says are the same."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
DECLARED = {
    "daemon": PROJECT["project"]["dependencies"] + EXTRAS["daemon"],
    "agent": PROJECT["project"]["dependencies"] + EXTRAS["agent"],
    "agent-all": PROJECT["project"]["dependencies"]
    + [line for extra in ("agent", "anthropic", "gemini", "bedrock", "pkcs11") for line in EXTRAS[extra]],
    "dev": PROJECT["project"]["dependencies"]
    + PROJECT["build-system"]["requires"]
    + EXTRAS["daemon"]
    + EXTRAS["agent"]
    + EXTRAS["pull"]
    + EXTRAS["dev"],
    "llama": EXTRAS["llama"],
}
# Locked for Python in a browser, which no server is.
NEVER_INSTALLED = {"httpx2-jsfetch"}


def locked(name: str) -> dict[str, set[str]]:
    """The versions of each package in a lock file; two where an older Python needs an older one."""
    versions: dict[str, set[str]] = {}
    for package, version in re.findall(
        r"^([\w.-]+)==(\S+)", (ROOT / "requirements" / f"{name}.lock").read_text(), re.MULTILINE
    ):
        versions.setdefault(canonicalize_name(package), set()).add(version)
    return versions


def documented(heading: str) -> set[str]:
    """The packages in the first column of the table under `heading`."""
    page = (ROOT / "docs" / "dependencies.md").read_text()
    rows = re.findall(r"^\| ([^|]+) \|", page.split(f"## {heading}\n")[1].split("\n## ")[0], re.MULTILINE)
    return {canonicalize_name(name) for row in rows if row != "package" for name in row.split(", ")}


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_the_lock_files_hold_what_is_declared(name):
    """A requirement that changed without `make lock` would be installed by nobody."""
    versions = locked(name)
    for requirement in map(Requirement, DECLARED[name]):
        assert versions.keys() & {canonicalize_name(requirement.name)}, (
            f"run make lock: {requirement} is not in {name}.lock"
        )
        for version in versions[canonicalize_name(requirement.name)]:
            assert requirement.specifier.contains(version), f"run make lock: {requirement}, locked {version}"


@pytest.mark.parametrize("name", ["daemon", "agent", "agent-all"])
def test_what_ships_is_what_was_tested(name):
    """The processes' lock files name no version that the tests did not run with."""
    tested = locked("dev")
    assert {package: versions for package, versions in locked(name).items() if not versions <= tested[package]} == {}


def test_an_engine_finds_all_that_its_binding_imports():
    """llama-cpp-python is compiled and locked alone; what it needs is locked with the daemon, or no engine starts."""
    needs = [Requirement(line) for line in metadata.requires("llama-cpp-python") or ()]
    wanted = {canonicalize_name(one.name) for one in needs if one.marker is None or one.marker.evaluate({"extra": ""})}
    assert wanted
    assert wanted <= locked("daemon").keys()


def test_every_locked_file_has_a_hash():
    """A version alone does not say which bytes."""
    for lock in (ROOT / "requirements").glob("*.lock"):
        for entry in re.split(r"\n(?=\w)", lock.read_text().strip()):
            assert "--hash=sha256:" in entry, f"{lock.name}: {entry}"


def test_no_lock_file_names_a_registry():
    """Which registry serves a site is the site's affair."""
    npm = ROOT / "scripts" / "buf" / "package-lock.json"
    for lock in [*(ROOT / "requirements").glob("*.lock"), npm]:
        assert "://" not in lock.read_text(), lock.name


def test_every_package_that_is_declared_has_its_line():
    """A reviewer finds each direct dependency, and none that is gone."""
    declared = {canonicalize_name(Requirement(line).name) for lines in DECLARED.values() for line in lines}
    assert documented("What the processes load") | documented("Development, tests and the demo") == declared


def test_everything_that_the_agent_loads_has_its_line():
    """The process with a way out is listed whole."""
    loads = locked("agent").keys() - NEVER_INSTALLED
    listed = documented("Everything the agent loads")
    assert listed == loads - documented("What the processes load")


def test_everything_that_a_family_of_providers_brings_has_its_line():
    """And nothing of it is installed where a site does not use that family."""
    more = locked("agent-all").keys() - locked("agent").keys()
    assert documented("What further families bring") == more - documented("What the processes load")
