"""Models in one file, and what a bad one can do: nothing."""

import contextlib
import io
import subprocess
import tarfile

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.modelhubs import gguf, safetensors
from fakes.modellibrary import AT, bring
from ringfenced.library.bundle import read_bundle, write_bundle
from ringfenced.library.errors import LibraryError, Occupied, Refused
from ringfenced.library.folder import Library
from ringfenced.library.signing import sign
from ringfenced.library.tar import END, Member, encode

FILES = {"m.gguf": gguf(5000), "sub/config.json": b"{}"}
KEY = Ed25519PrivateKey.generate()


def exported(library, *names, keys=()):
    out = io.BytesIO()
    write_bundle(library, tuple(sign(library.manifest(name), keys) for name in names), out)
    return out.getvalue()


def imported(data, library):
    return [one.manifest.name for one in read_bundle(io.BytesIO(data), library, at=AT, by="bob@inside")]


@pytest.fixture
def inside(tmp_path):
    (tmp_path / "inside").mkdir()
    return Library(tmp_path / "inside", (KEY.public_key(),))


@pytest.fixture
def bundle(library):
    bring(library, FILES)
    return exported(library, "m", keys=[KEY])


def test_models_come_out_as_they_went_in(library, inside):
    bring(library, FILES)
    bring(library, {"w.safetensors": safetensors()}, "st")
    assert imported(exported(library, "m", "st", keys=[KEY]), inside) == ["m", "st"]
    for name in ("m", "st"):
        assert inside.manifest(name).files == library.manifest(name).files
        assert inside.manifest(name).imported_by == "bob@inside"
        assert len(inside.open(name).signed_by) == 1
    assert inside.quarantined() == ()


def test_the_same_model_gives_the_same_bundle(library):
    bring(library, FILES)
    assert exported(library, "m", keys=[KEY]) == exported(library, "m", keys=[KEY])


def test_gnu_tar_reads_a_bundle(bundle, tmp_path):
    (tmp_path / "b.tar").write_bytes(bundle)
    listed = subprocess.run(["tar", "-tf", tmp_path / "b.tar"], check=True, capture_output=True, text=True).stdout
    assert listed.split() == ["m/manifest.json", "m/m.gguf", "m/sub/config.json"]


def test_a_bundle_repacked_by_gnu_tar_in_the_same_order_is_taken(bundle, tmp_path, inside):
    (tmp_path / "b.tar").write_bytes(bundle)
    subprocess.run(["tar", "-xf", "b.tar"], cwd=tmp_path, check=True)
    order = ["m/manifest.json", "m/m.gguf", "m/sub/config.json"]
    subprocess.run(["tar", "--format=ustar", "-cf", "c.tar", *order], cwd=tmp_path, check=True)
    assert imported((tmp_path / "c.tar").read_bytes(), inside) == ["m"]


def test_the_unsigned_is_refused_before_any_file_is_read(library, inside):
    bring(library, FILES)
    data = exported(library, "m")
    stream = io.BytesIO(data)
    with pytest.raises(Refused, match="not signed"):
        list(read_bundle(stream, inside, at=AT, by="b"))
    assert stream.tell() <= 4096
    assert inside.quarantined() == ()


def test_what_another_key_signed_is_refused(library, inside):
    bring(library, FILES)
    with pytest.raises(Refused, match="no valid signature"):
        imported(exported(library, "m", keys=[Ed25519PrivateKey.generate()]), inside)


def test_without_signers_the_unsigned_is_taken(library, tmp_path):
    bring(library, FILES)
    (tmp_path / "open").mkdir()
    assert imported(exported(library, "m"), Library(tmp_path / "open")) == ["m"]


@settings(max_examples=50)
@given(st.data())
def test_no_flipped_bit_gets_in(tmp_path_factory, data):
    """Whatever byte is changed: the model that gets in, if any, is the one that was signed."""
    folder = tmp_path_factory.mktemp("flip")
    (folder / "out").mkdir()
    (folder / "in").mkdir()
    outside, inside = Library(folder / "out"), Library(folder / "in", (KEY.public_key(),))
    small = {"m.gguf": gguf(128)}
    bring(outside, small)
    bundle = bytearray(exported(outside, "m", keys=[KEY]))
    at = data.draw(st.integers(0, len(bundle) - 1))
    bundle[at] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(LibraryError):
        imported(bytes(bundle), inside)
    if inside.names() == ():
        return
    assert inside.open("m").weights.read_bytes() == small["m.gguf"]
    assert inside.manifest("m").statement() == outside.manifest("m").statement()


@settings(max_examples=50)
@given(st.integers(0, 8000))
def test_no_cut_bundle_gets_in(tmp_path_factory, length):
    folder = tmp_path_factory.mktemp("cut")
    (folder / "out").mkdir()
    (folder / "in").mkdir()
    bring(Library(folder / "out"), FILES)
    data = exported(Library(folder / "out"), "m")
    if length > len(data) - len(END):
        return
    with pytest.raises(Refused):
        imported(data[:length], Library(folder / "in"))
    assert Library(folder / "in").names() in {(), ("m",)}


@pytest.mark.parametrize("name", ["../m/m.gguf", "/m/m.gguf", "m/../../x", "m/other.gguf", "n/m.gguf"])
def test_a_file_under_another_name_is_refused_and_lands_nowhere(bundle, inside, name):
    header = encode(Member("m/m.gguf", 5000))
    assert header in bundle
    with pytest.raises(Refused):
        imported(bundle.replace(header, encode(Member(name, 5000))), inside)
    assert inside.names() == ()
    assert [path.name for path in inside.folder.parent.iterdir() if path.name == "x"] == []


def test_a_link_in_place_of_a_file_is_refused(bundle, inside):
    link = tarfile.TarInfo("m/m.gguf")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    header = encode(Member("m/m.gguf", 5000))
    with pytest.raises(Refused, match="a link"):
        imported(bundle.replace(header, link.tobuf(tarfile.USTAR_FORMAT)[:512]), inside)


def test_a_manifest_of_a_terabyte_is_refused_unread(inside):
    with pytest.raises(Refused):
        imported(encode(Member("m/manifest.json", 2**40)) + bytes(1024), inside)


def test_a_taken_name_stops_the_import(bundle, inside):
    assert imported(bundle, inside) == ["m"]
    with pytest.raises(Occupied):
        imported(bundle, inside)


def test_a_model_that_was_altered_is_not_exported(library):
    manifest = bring(library, FILES)
    (library.folder / "m" / "m.gguf").write_bytes(gguf(5000, seed=4))
    with pytest.raises(Refused, match="altered"):
        write_bundle(library, (manifest,), io.BytesIO())
