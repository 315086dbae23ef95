"""The pictures that a site approves."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.pictures import is_known, media_type_of, read_approved

PNG = b"\x89PNG\r\n\x1a\n" + b"rest"
DIGEST = hashlib.sha256(PNG).hexdigest()


def test_a_list_is_what_sha256sum_writes(tmp_path):
    """Text and binary marks, escaped names, remarks and empty lines."""
    file = tmp_path / "pictures.sha256"
    file.write_text(f"# shown in leaflets\n\n{DIGEST}  a.png\n{'0' * 64} *b.png\n\\{'1' * 64}  c\\nd.png\n")
    assert read_approved(file) == {DIGEST, "0" * 64, "1" * 64}


@pytest.mark.parametrize("line", ["x", DIGEST, f"{DIGEST[:-1]}  a.png", f"{DIGEST.upper()}  a.png", f"a.png  {DIGEST}"])
def test_a_line_that_is_none_is_refused_by_its_number(tmp_path, line):
    file = tmp_path / "pictures.sha256"
    file.write_text(f"{DIGEST}  a.png\n{line}\n")
    with pytest.raises(ValueError, match="line 2 is no digest"):
        read_approved(file)


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0JFIF", "image/jpeg"),
        (b"GIF87a..", "image/gif"),
        (b"GIF89a..", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", ""),
        (b"BM", ""),
        (b"<svg/>", ""),
        (b"", ""),
    ],
)
def test_the_first_bytes_say_what_it_is(data, media_type):
    assert media_type_of(data) == media_type


def test_a_picture_is_known_by_its_exact_bytes_and_its_own_media_type():
    assert is_known(PNG, "image/png", frozenset({DIGEST}))
    assert not is_known(PNG, "image/png", frozenset())
    assert not is_known(PNG + b"x", "image/png", frozenset({DIGEST}))
    assert not is_known(PNG, "image/gif", frozenset({DIGEST}))
    assert not is_known(b"%PDF", "", frozenset({hashlib.sha256(b"%PDF").hexdigest()}))


@given(
    st.binary(max_size=64), st.sampled_from(["image/png", "image/jpeg", "image/gif", "image/webp", "", "text/plain"])
)
def test_nothing_is_known_that_is_not_listed(data, media_type):
    assert not is_known(data, media_type, frozenset({DIGEST}) - {hashlib.sha256(data).hexdigest()})
