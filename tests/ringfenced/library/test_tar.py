"""Tar headers, with Python's own tarfile as the judge."""

import io
import string
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.library.errors import Refused
from ringfenced.library.tar import END, Member, decode, encode

PART = st.text(string.ascii_letters + string.digits + "._- ", min_size=1, max_size=90).filter(
    lambda part: part.strip(". ")
)
NAMES = st.lists(PART, min_size=1, max_size=3).map("/".join)


@given(NAMES, st.integers(0, 2**50))
def test_what_is_written_is_read_again_by_us_and_by_tarfile_alike(name, size):
    try:
        block = encode(Member(name, size))
    except Refused:
        assert len(name) > 100
        return
    assert decode(block) == Member(name, size)
    theirs = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    assert (theirs.name, theirs.size, theirs.type, theirs.mode) == (name, size, tarfile.REGTYPE, 0o644)


@given(st.binary(min_size=512, max_size=512))
def test_any_block_is_refused_or_a_plain_file(block):
    try:
        decode(block)
    except Refused:
        return


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.DIRTYPE,
        tarfile.FIFOTYPE,
        tarfile.XHDTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_SPARSE,
    ],
)
def test_what_is_no_plain_file_is_refused(kind):
    member = tarfile.TarInfo("m/x")
    member.type, member.linkname = kind, "/etc/passwd"
    with pytest.raises(Refused):
        decode(member.tobuf(tarfile.USTAR_FORMAT)[:512])


def test_the_end_is_none():
    assert decode(END[:512]) is None


def test_tarfile_reads_a_whole_archive_of_ours():
    data = encode(Member("m/a.json", 3)) + b"abc" + bytes(509) + END
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert archive.getnames() == ["m/a.json"]
        assert archive.extractfile("m/a.json").read() == b"abc"
