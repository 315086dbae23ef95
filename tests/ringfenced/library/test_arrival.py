"""Through quarantine, or not at all."""

import hashlib
import os
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.modelhubs import gguf, safetensors, split_gguf
from fakes.modellibrary import bring, manifest_of
from ringfenced.library.errors import LibraryError, Occupied, Refused
from ringfenced.library.folder import Library
from ringfenced.library.signing import sign
from ringfenced.library.stamps import stamp_of

FILES = {"m.gguf": gguf()}


def land(arrival, files):
    """Write files into quarantine."""
    for path, data in files.items():
        with arrival.open_part(path, keep=False) as part:
            part.write(data)
            arrival.complete(path, part, hashlib.sha256(data).hexdigest())


def attempt(library, manifest, files, prepare):
    """Bring files in as this model."""
    with library.arrival(manifest.name) as arrival:
        land(arrival, files)
        arrival.admit(manifest, library.signers, prepare(arrival))


def refuse(library, manifest, files=FILES, prepare=lambda arrival: None):
    """The reason for which a model is refused, as it lies beside it in quarantine."""
    with pytest.raises(Refused):
        attempt(library, manifest, files, prepare)
    assert library.names() == ()
    (held,) = library.quarantined()
    assert held.name == manifest.name
    return held.reason


def test_what_was_verified_is_in_place_and_quarantine_is_empty(library):
    manifest = bring(
        library, {"m-00001-of-00002.gguf": gguf(), "m-00002-of-00002.gguf": gguf(seed=2), "LICENSE": b"MIT"}
    )
    assert library.names() == ("m",)
    assert library.manifest("m") == manifest
    assert library.quarantined() == ()
    assert sorted(path.name for path in (library.folder / "m").iterdir()) == [
        ".verified.json", "LICENSE", "m-00001-of-00002.gguf", "m-00002-of-00002.gguf", "manifest.json",
    ]  # fmt: skip


def test_another_digest_is_refused(library):
    assert "digest" in refuse(library, manifest_of({"m.gguf": gguf(seed=2)}))


def test_another_length_is_refused(library):
    assert "4,096 bytes instead of 4,097" in refuse(library, manifest_of({"m.gguf": gguf(4097)}))


def test_a_missing_file_is_refused(library):
    assert "config.json is missing" in refuse(library, manifest_of(FILES | {"config.json": b"{}"}))


def test_a_missing_part_of_a_split_model_is_refused(library):
    files = {"m-00001-of-00002.gguf": gguf()}
    assert "m-00002-of-00002.gguf is missing" in refuse(library, manifest_of(files), files)


def test_a_foreign_file_is_refused(library):
    files = {"m.gguf": b"<!DOCTYPE html>" + bytes(50)}
    assert "a web page" in refuse(library, manifest_of(files), files)


def test_parts_that_do_not_belong_together_are_refused(library):
    """By their names they are one model; by their headers there should be three parts."""
    parts = {f"m-0000{number}-of-00002.gguf": split_gguf(number - 1, 3) for number in (1, 2)}
    assert "00001-of-00003" in refuse(library, manifest_of(parts), parts)


def test_a_cut_safetensors_file_is_refused(library):
    files = {"w.safetensors": safetensors(bytes(64))[:-1]}
    assert "too short" in refuse(library, manifest_of(files), files)


def test_a_link_is_refused(library, tmp_path):
    (tmp_path / "elsewhere").write_bytes(FILES["m.gguf"])

    def link(arrival):
        (arrival.files / "m.gguf").unlink()
        (arrival.files / "m.gguf").symlink_to(tmp_path / "elsewhere")

    assert "a link" in refuse(library, manifest_of(FILES), prepare=link)


def test_a_file_that_nobody_announced_is_refused(library):
    assert "no file of this model" in refuse(library, manifest_of(FILES), FILES | {"extra.json": b"{}"})


def test_a_file_that_changed_since_it_was_hashed_is_read_again(library):
    """Stamps of what came in are believed only while the file is the same."""
    manifest = manifest_of(FILES)

    def alter(arrival):
        known = {"m.gguf": stamp_of((arrival.files / "m.gguf").lstat(), manifest.files[0].sha256)}
        (arrival.files / "m.gguf").write_bytes(gguf(seed=3))
        return known

    assert "digest" in refuse(library, manifest, prepare=alter)


def test_with_signers_the_unsigned_stays_out_and_the_signed_comes_in(library):
    key = Ed25519PrivateKey.generate()
    strict = Library(library.folder, (key.public_key(),))
    assert "is not signed" in refuse(strict, manifest_of(FILES))
    with strict.arrival("m") as arrival:  # what lies there is complete: only the signature was missing
        arrival.admit(sign(manifest_of(FILES), [key]), strict.signers)
    assert len(strict.open("m").signed_by) == 1


def test_the_same_source_goes_on_and_another_begins_anew(library):
    with library.arrival("m") as arrival:
        arrival.resume("hf:org/m 1")
        with arrival.open_part("m.gguf", keep=True) as part:
            part.write(b"GG")
    with library.arrival("m") as arrival:
        arrival.resume("hf:org/m 1")
        assert arrival.part("m.gguf").read_bytes() == b"GG"
        arrival.resume("hf:org/m 2")
        assert not arrival.part("m.gguf").exists()


def test_what_was_refused_loses_its_incomplete_files_when_it_is_fetched_again(library):

    def fail(arrival):
        arrival.part("b.gguf").write_bytes(b"bad")
        raise Refused("b.gguf has another digest")

    with library.arrival("m") as arrival:
        arrival.resume("s")
    with pytest.raises(Refused):
        attempt(library, manifest_of(FILES), FILES, fail)
    assert "another digest" in library.quarantined()[0].reason
    with library.arrival("m") as arrival:
        arrival.resume("s")
        assert (arrival.files / "m.gguf").exists()
        assert not arrival.part("b.gguf").exists()
    assert library.quarantined()[0].reason == ""


def test_a_taken_name_is_refused_before_anything_is_fetched(library):
    bring(library, FILES)
    with pytest.raises(Occupied, match="already"), library.arrival("m"):
        pass


def test_two_processes_do_not_fetch_one_model(library):
    code = (
        "import sys, pathlib\nfrom ringfenced.library.folder import Library\n"
        "with Library(pathlib.Path(sys.argv[1])).arrival('m'):\n    print('in', flush=True); sys.stdin.read()"
    )
    arguments = [sys.executable, "-c", code, str(library.folder)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"in\n"
        with pytest.raises(Occupied, match="another process"), library.arrival("m"):
            pass
        with pytest.raises(Occupied, match="another process"):
            library.release("m")
        other.stdin.close()
    with library.arrival("m"):
        pass


def test_a_killed_process_leaves_all_in_quarantine_and_the_next_goes_on(library):
    code = (
        "import sys, os, pathlib\nfrom ringfenced.library.folder import Library\n"
        "with Library(pathlib.Path(sys.argv[1])).arrival('m') as a:\n"
        " a.resume('s')\n with a.open_part('m.gguf', keep=True) as p:\n  p.write(b'GGUF')\n  os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(library.folder)], check=False)
    assert library.names() == ()
    with library.arrival("m") as arrival:
        arrival.resume("s")
        with arrival.open_part("m.gguf", keep=True) as part:
            assert part.tell() == 4


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said(library):
    library.folder.chmod(0o500)
    with pytest.raises(LibraryError, match="cannot write"), library.arrival("m"):
        pass


def test_files_can_be_read_by_the_daemons_group_and_by_nobody_else(library):
    bring(library, FILES)
    for path in ("m.gguf", "manifest.json", ".verified.json"):
        assert (library.folder / "m" / path).stat().st_mode & 0o777 == 0o640
    assert (library.folder / "m").stat().st_mode & 0o777 == 0o750
