"""API keys in a PKCS#11 token: a private data object (CKO_DATA with CKA_PRIVATE), read once and whenever it is rotated.

A token cannot put a bearer key into a header by itself, so the key is in this process's memory all the same; what the
token gives is that the key lies in no file, and whatever the token's own rules say about who may read it.
python-pkcs11 comes with the extra ``pkcs11``.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from ringfence.configfile import ConfigError
from ringfence_agent.config import demand_private
from ringfence_agent.config_provider import TokenKey
from ringfence_agent.keys import KEY_CHARS_MAX, KeyUnreadable, Read, checked


def from_token(place: TokenKey) -> Read:
    """How to read a key from a token."""
    return lambda: checked(_value(place), _name(place))


def _value(place: TokenKey) -> bytes:
    """The object's value."""
    try:
        import pkcs11  # noqa: PLC0415 - an extra, for sites that use it
    except ImportError:
        raise KeyUnreadable("api_key_pkcs11: install the extra pkcs11 (pip install 'ringfence[pkcs11]')") from None
    _demand_own(place.module)
    pin = _pin(place.pin_file)
    try:
        token = pkcs11.lib(str(place.module)).get_token(token_label=place.token)
        with token.open(user_pin=pin) as session:
            found = list(session.get_objects(_wanted(pkcs11, place.label)))
            values = [bytes(one[pkcs11.Attribute.VALUE]) for one in found]
    except (pkcs11.exceptions.PKCS11Error, RuntimeError, OSError) as error:
        raise KeyUnreadable(f"{_name(place)}: the token gives nothing ({type(error).__name__})") from None
    if len(values) != 1 or len(values[0]) > KEY_CHARS_MAX:
        raise KeyUnreadable(f"{_name(place)}: {len(values)} private data objects have this label; there must be one")
    return values[0]


def _wanted(pkcs11: Any, label: str) -> dict[Any, Any]:
    """What the object looks like (PKCS #11 v2.40, section 4.5, data objects)."""
    attribute = pkcs11.Attribute
    return {attribute.CLASS: pkcs11.ObjectClass.DATA, attribute.LABEL: label, attribute.PRIVATE: True}


def _pin(path: Path) -> str:
    """The user's PIN."""
    try:
        demand_private(path)
        return path.read_text("utf-8").strip()
    except ConfigError as error:
        raise KeyUnreadable(str(error)) from None
    except (OSError, UnicodeDecodeError):
        raise KeyUnreadable(f"{path}: no PIN; write the token's user PIN and nothing else") from None


def _demand_own(module: Path) -> None:
    """Refuse a library that others may write: it is loaded into this process, among the keys."""
    try:
        mode = module.stat().st_mode
    except OSError as error:
        raise KeyUnreadable(f"{module}: {error.strerror}; name the token's PKCS#11 library") from None
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise KeyUnreadable(f"{module}: others may write this library; run chmod go-w {module}")


def _name(place: TokenKey) -> str:
    """Where the key lies, for errors."""
    return f"token {place.token}, object {place.label}"
