"""API keys in a PKCS#11 token: a real one, of SoftHSM."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ringfence_agent.config_provider import TokenKey
from ringfence_agent.keys import Key, KeyUnreadable
from ringfence_agent.keytoken import from_token

pkcs11 = pytest.importorskip("pkcs11", reason="the extra pkcs11 is not installed")

MODULES = (Path("/usr/lib/softhsm/libsofthsm2.so"), Path("/usr/lib64/pkcs11/libsofthsm2.so"))
MODULE = next((path for path in MODULES if path.exists()), None)
pytestmark = pytest.mark.skipif(
    MODULE is None or shutil.which("softhsm2-util") is None, reason="SoftHSM is missing: apt-get install softhsm2"
)
PIN = "12345678"


@pytest.fixture(scope="module")
def token(tmp_path_factory):
    """A fresh token; SoftHSM reads where its tokens lie once, when it is loaded into this process."""
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    pytest.MonkeyPatch().setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
    command = ["softhsm2-util", "--init-token", "--free", "--label", "agent", "--pin", PIN, "--so-pin", PIN]
    subprocess.run(command, check=True, capture_output=True, env=os.environ)
    return pkcs11.lib(str(MODULE)).get_token(token_label="agent")


def put(token, value, *, label="cloud", private=True):
    """Put a key into the token, in place of any that lies there."""
    attribute = pkcs11.Attribute
    with token.open(rw=True, user_pin=PIN) as session:
        for old in list(session.get_objects({attribute.CLASS: pkcs11.ObjectClass.DATA, attribute.LABEL: label})):
            old.destroy()
        session.create_object(
            {
                attribute.CLASS: pkcs11.ObjectClass.DATA,
                attribute.TOKEN: True,
                attribute.PRIVATE: private,
                attribute.LABEL: label,
                attribute.VALUE: value,
            }
        )


@pytest.fixture
def place(tmp_path):
    pin = tmp_path / "pin"
    pin.write_text(PIN + "\n")
    pin.chmod(0o400)
    return TokenKey(module=MODULE, token="agent", label="cloud", pin_file=pin)


def test_a_key_is_the_private_object_of_its_label(token, place):
    put(token, b"sk-first")
    key = Key(from_token(place))
    assert key() == "sk-first"
    put(token, b"sk-second")
    key.rotate()
    assert key() == "sk-second"


def test_an_object_that_is_not_private_is_no_key(token, place):
    """Anybody on the host could read it without the PIN."""
    put(token, b"sk-public", label="open", private=False)
    with pytest.raises(KeyUnreadable, match="0 private data objects"):
        Key(from_token(place.model_copy(update={"label": "open"})))


def test_what_is_missing_is_named_and_the_old_key_stays(token, place):
    put(token, b"sk-first")
    key = Key(from_token(place))
    place.pin_file.chmod(0o600)
    place.pin_file.write_text("wrong-pin")
    with pytest.raises(KeyUnreadable, match="token agent, object cloud") as raised:
        key.rotate()
    assert "wrong-pin" not in str(raised.value)
    assert key() == "sk-first"


@pytest.mark.parametrize("changes", [{"token": "no-such"}, {"label": "no-such"}])
def test_a_token_or_an_object_that_is_not_there_is_no_key(token, place, changes):
    with pytest.raises(KeyUnreadable, match="no-such"):
        Key(from_token(place.model_copy(update=changes)))


def test_a_pin_that_others_can_read_is_not_used(token, place):
    place.pin_file.chmod(0o444)
    with pytest.raises(KeyUnreadable, match="chmod"):
        Key(from_token(place))


def test_a_library_that_others_may_write_is_not_loaded(place, tmp_path):
    copy = tmp_path / "library.so"
    shutil.copy(MODULE, copy)
    copy.chmod(0o666)
    with pytest.raises(KeyUnreadable, match="chmod go-w"):
        Key(from_token(place.model_copy(update={"module": copy})))


def test_a_file_that_is_no_library_is_no_token(place, tmp_path):
    text = tmp_path / "library.so"
    text.write_text("no library")
    text.chmod(0o400)
    with pytest.raises(KeyUnreadable, match="gives nothing"):
        Key(from_token(place.model_copy(update={"module": text})))
