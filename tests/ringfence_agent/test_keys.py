"""Where an API key lies, and how it is read anew."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence_agent.keys import KEY_CHARS_MAX, Key, KeyUnreadable, checked, from_credential, from_file

SECRET = b"s" * 32


def write(path, text, mode=0o400):
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def place(tmp_path):
    return write(tmp_path / "api.key", "sk-first\n")


def test_a_key_is_what_the_file_holds_without_white_space(place):
    assert Key(from_file(place))() == "sk-first"


def test_rotating_reads_it_anew(place):
    key = Key(from_file(place))
    write(place, "sk-second\n", 0o600)
    assert key() == "sk-first"
    key.rotate()
    assert key() == "sk-second"


@pytest.mark.parametrize(
    ("text", "mode"),
    [("", 0o400), ("sk-\x00", 0o400), ("sk-ü", 0o400), ("x" * (KEY_CHARS_MAX + 1), 0o400), ("sk-second", 0o444)],
)
def test_a_place_without_a_key_leaves_the_old_one_in_use(place, text, mode):
    key = Key(from_file(place))
    write(place, text, mode)
    with pytest.raises(KeyUnreadable) as raised:
        key.rotate()
    assert key() == "sk-first"
    assert "sk-" not in str(raised.value)
    assert str(place) in str(raised.value)


def test_a_file_that_is_gone_leaves_the_old_one_in_use(place):
    key = Key(from_file(place))
    place.unlink()
    with pytest.raises(KeyUnreadable, match="No such file"):
        key.rotate()
    assert key() == "sk-first"


def test_a_very_long_file_is_not_read_to_its_end(tmp_path):
    """Some other file, a device perhaps, is no reason to take all memory."""
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(1 << 40)
    huge.chmod(0o400)
    with pytest.raises(KeyUnreadable):
        Key(from_file(huge))


def test_a_systemd_credential_is_a_file_in_the_folder_that_was_handed_over(tmp_path, place):
    assert Key(from_credential(tmp_path, "api.key"))() == "sk-first"


def test_without_systemd_a_credential_says_what_to_write():
    with pytest.raises(KeyUnreadable, match="LoadCredential=provider_cloud:FILE"):
        Key(from_credential(None, "provider_cloud"))


def test_a_key_shows_itself_nowhere(place):
    key = Key(from_file(place))
    assert "sk-first" not in f"{key!r} {key!s} {vars(Key)}"


def test_a_fingerprint_tells_keys_apart_and_says_nothing_without_the_secret(place):
    key = Key(from_file(place))
    first = key.fingerprint(SECRET)
    assert len(bytes.fromhex(first)) == 8
    assert first != key.fingerprint(b"t" * 32)
    key.rotate()
    assert key.fingerprint(SECRET) == first
    write(place, "sk-second")
    key.rotate()
    assert key.fingerprint(SECRET) != first


@given(st.binary(max_size=64))
def test_whatever_lies_there_becomes_one_header_line_or_nothing(data):
    with contextlib.suppress(KeyUnreadable):
        key = checked(data, "place")
        assert key
        assert all(0x20 <= ord(char) < 0x7F for char in key)
