"""A library in use."""

import os

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.modelhubs import gguf, safetensors
from fakes.modellibrary import bring
from ringfenced.library.errors import LibraryError, NotThere, Refused
from ringfenced.library.folder import Library
from ringfenced.library.signing import sign

FILES = {"m.gguf": gguf()}


class Read:
    """Counts the bytes that were read."""

    def __init__(self):
        self.bytes = 0

    def __call__(self, count):
        self.bytes += count


def test_what_is_opened_says_where_its_weights_are(library):
    bring(
        library,
        {"a/m-00001-of-00002.gguf": gguf(), "a/m-00002-of-00002.gguf": gguf(seed=2), "mmproj-m.gguf": gguf(seed=3)},
    )
    bring(library, {"w.safetensors": safetensors(), "config.json": b"{}"}, "st")
    entry = library.open("m")
    assert entry.weights == library.folder / "m" / "a" / "m-00001-of-00002.gguf"
    assert entry.projector == library.folder / "m" / "mmproj-m.gguf"
    assert set(entry.digests) == {"a/m-00001-of-00002.gguf", "a/m-00002-of-00002.gguf", "mmproj-m.gguf"}
    assert library.open("st").weights == library.folder / "st"
    assert library.open("st").projector is None


def test_opening_reads_no_weights_while_nothing_changed(library):
    bring(library, FILES)
    read = Read()
    library.open("m", read)
    assert read.bytes == 0


def test_a_touched_file_is_read_again_and_then_remembered(library):
    bring(library, FILES)
    os.utime(library.folder / "m" / "m.gguf")
    assert library.verified_at("m") is None
    read = Read()
    library.open("m", read)
    assert read.bytes == len(FILES["m.gguf"])
    assert library.verified_at("m") is not None
    library.open("m", read)
    assert read.bytes == len(FILES["m.gguf"])


def test_an_altered_file_of_the_same_length_is_refused_even_with_its_times_put_back(library):
    bring(library, FILES)
    path = library.folder / "m" / "m.gguf"
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"!!!!")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(Refused, match="digest"):
        library.open("m")


def test_verifying_reads_everything_whatever_is_remembered(library):
    bring(library, FILES)
    read = Read()
    library.verify("m", read)
    assert read.bytes == len(FILES["m.gguf"])


@pytest.mark.parametrize("spoil", ["truncate", "remove", "link"])
def test_a_cut_a_missing_and_a_linked_file_are_refused(library, tmp_path, spoil):
    bring(library, FILES)
    path = library.folder / "m" / "m.gguf"
    if spoil == "truncate":
        os.truncate(path, 10)
    elif spoil == "remove":
        path.unlink()
    else:
        path.rename(tmp_path / "m.gguf")
        path.symlink_to(tmp_path / "m.gguf")
    with pytest.raises(Refused):
        library.open("m")


def test_stamps_kept_elsewhere_are_the_ones_that_count(library, tmp_path):
    """Whoever writes into the library's folder cannot make the daemon believe a digest."""
    bring(library, FILES)
    daemon = Library(library.folder, stamps_folder=tmp_path / "state" / "stamps")
    read = Read()
    daemon.open("m", read)
    daemon.open("m", read)
    assert read.bytes == len(FILES["m.gguf"])


def test_a_folder_that_can_only_be_read_is_enough(library, tmp_path):
    bring(library, FILES)
    (library.folder / "m" / ".verified.json").unlink()
    (tmp_path / "file").touch()
    daemon = Library(library.folder, stamps_folder=tmp_path / "file" / "stamps")
    assert daemon.open("m").weights.exists()


@pytest.mark.parametrize(
    "junk", [b"", b"{}", b"[" * 10_000, b'{"at": "x", "files": {"m.gguf": {"inode": 1}}}', b"\xff"]
)
def test_a_stamp_that_cannot_be_read_only_costs_time(library, junk):
    bring(library, FILES)
    (library.folder / "m" / ".verified.json").write_bytes(junk)
    assert library.open("m").digests


def test_signers_are_asked_for_at_every_use(library):
    bring(library, FILES)
    strict = Library(library.folder, (Ed25519PrivateKey.generate().public_key(),))
    with pytest.raises(Refused, match="not signed"):
        strict.open("m")


def test_a_forged_manifest_beside_forged_weights_is_found_out_by_signers(library):
    """Whoever can write into the folder can make the two agree, and still cannot sign."""
    key = Ed25519PrivateKey.generate()
    manifest = sign(bring(library, FILES), [key])
    strict = Library(library.folder, (key.public_key(),))
    (library.folder / "m" / "manifest.json").write_bytes(manifest.encode())
    strict.open("m")
    library.remove("m")
    forged = bring(library, {"m.gguf": gguf(seed=9)}).signed(manifest.signatures)
    (library.folder / "m" / "manifest.json").write_bytes(forged.encode())
    library.open("m")
    with pytest.raises(Refused, match="no valid signature"):
        strict.open("m")


def test_an_unknown_name_is_answered_with_those_that_there_are(library):
    bring(library, FILES)
    with pytest.raises(NotThere) as error:
        library.open("n")
    assert "there are: m" in str(error.value)
    with pytest.raises(NotThere):
        library.remove("n")
    with pytest.raises(NotThere):
        library.release("n")


def test_a_name_that_leads_elsewhere_is_refused(library):
    for name in ("../library/m", "/etc", "quarantine"):
        with pytest.raises(Refused):
            library.open(name)


def test_a_renamed_folder_is_refused(library):
    bring(library, FILES)
    (library.folder / "m").rename(library.folder / "n")
    with pytest.raises(Refused, match="the manifest of m"):
        library.open("n")


def test_what_is_no_model_is_not_listed(library):
    bring(library, FILES)
    (library.folder / "lost+found").mkdir()
    (library.folder / "notes.txt").write_text("x")
    assert library.names() == ("m",)


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(LibraryError, match="cannot read"):
        Library(tmp_path / "nothing").names()
    assert Library(tmp_path / "nothing").quarantined() == ()


def test_a_removed_model_is_gone_whole(library):
    bring(library, FILES)
    assert library.remove("m") > len(FILES["m.gguf"])
    assert list(library.folder.rglob("m*")) == []


def test_what_waits_in_quarantine_is_listed_and_can_be_taken_away(library):
    with library.arrival("m") as arrival, arrival.open_part("m.gguf", keep=True) as part:
        part.write(b"GGUF")
    (held,) = library.quarantined()
    assert (held.name, held.size_bytes, held.reason) == ("m", 4, "")
    assert library.release("m") == 4
    assert library.quarantined() == ()
