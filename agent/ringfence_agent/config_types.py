"""What stands in the agent's file, in kinds: paths, names, addresses, each checked as it is read."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo

from ringfence.cosignature import read_vkey
from ringfence.labels import Level

MIB: Final = 1024 * 1024
_WIRE_MODEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,255}")


def _resolved(path: Path, info: ValidationInfo) -> Path:
    """A path, seen from the file's folder."""
    folder: Path = info.context if isinstance(info.context, Path) else Path.cwd()
    return folder / path


def resolved_or_none(path: Path | None, info: ValidationInfo) -> Path | None:
    """The same for a path that may be left out."""
    return None if path is None else _resolved(path, info)


def _spiffe(identity: str) -> str:
    """An identity as a certificate bears it."""
    domain, _, path = identity.removeprefix("spiffe://").partition("/")
    if not identity.startswith("spiffe://") or not domain or not path:
        raise ValueError("write a SPIFFE id, for example spiffe://site.example/daemon")
    return identity


def https(url: str) -> str:
    """A provider's address without anything that could steer a request."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("write https://host[:port]/path, without user, query or fragment")
    return url.rstrip("/")


def proxy_url(url: str) -> str:
    """A proxy's address, and nothing else."""
    parts = urlsplit(url)
    try:
        plain = bool(parts.scheme == "http" and parts.hostname and parts.port) and url == f"http://{parts.netloc}"
    except ValueError:
        plain = False
    if url and (not plain or "@" in parts.netloc):
        raise ValueError("write http://host:port; its credentials, where it wants some, go into proxy_credentials")
    return url


def _pin(pin: str) -> str:
    """A pin as RFC 7469 writes it."""
    try:
        digest = base64.b64decode(pin, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != hashlib.sha256().digest_size:
        raise ValueError(
            "write the base64 of the SHA-256 of a SubjectPublicKeyInfo: openssl x509 -in CERT -pubkey -noout | "
            "openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64"
        )
    return pin


def address(address: str) -> str:
    """A unix socket or host:port."""
    host, _, port = address.rpartition(":")
    if not address.startswith("unix:/") and not (host and port.isdecimal() and int(port) < 2**16):
        raise ValueError("write unix:/path/agent.sock or host:port, for example 127.0.0.1:7443")
    return address


def level_named(value: object) -> object:
    """A level by its name."""
    if isinstance(value, str) and value in Level.__members__:
        return Level[value]
    raise ValueError(f"write one of {', '.join(Level.__members__)}")


def _wire_model(name: str) -> str:
    """A model's name on the wire, of characters that no path and no body could take for something else."""
    if not _WIRE_MODEL.fullmatch(name):
        raise ValueError("a name on the wire has letters, digits and . _ - : / @, and begins with a letter or digit")
    return name


def _vkey(text: str) -> str:
    """A witness's verifier key."""
    return read_vkey(text).vkey


Vkey = Annotated[str, AfterValidator(_vkey)]

Resolved = Annotated[Path, AfterValidator(_resolved)]

SpiffeId = Annotated[str, AfterValidator(_spiffe)]

Pin = Annotated[str, AfterValidator(_pin)]

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")]

WireModel = Annotated[str, AfterValidator(_wire_model)]
