"""What the files of this node say: configurations, certificates, permissions, disks, models, log. Writes nothing.

Root reads here what daemon and agent write. In their folders of state it follows no link, and nowhere does it wait for
a pipe or read without end (`ringfenced.cli.plainfile`): a process that was taken over must not be able to keep the
doctor from telling.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from ringfenced.cli import logfiles, plainfile
from ringfenced.cli.doctoring.certificates import CertificateFacts
from ringfenced.cli.doctoring.clock import time_ms
from ringfenced.cli.doctoring.places import Kind, PlaceFacts, RoomFacts
from ringfenced.cli.doctoring.site import WeightsFacts
from ringfenced.cli.exits import Failure
from ringfenced.config import Config
from ringfenced.config.models import LocalModel
from ringfenced.library.errors import LibraryError
from ringfenced.library.folder import Library

_ENTRY_BYTES_MAX: Final = 65_536
"""An entry and its newline have no more (docs/egress-log.md)."""

_CREDENTIALS: Final = Path("/run/credentials")
"""Where systemd lays what it hands over: its duty to keep, and there while the unit runs."""


@dataclass(frozen=True, slots=True)
class AgentFile:
    """What the agent's configuration file names; the agent alone checks it whole (`ringfence-agent --check-config`)."""

    path: Path
    """The file."""
    document: dict[str, Any]
    """What stands in it."""

    def named(self, *names: str) -> Path | None:
        """A path in it; None where it names none. Relative ones count from its folder."""
        value: Any = self.document
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return self.path.parent / value if isinstance(value, str) and value else None

    def providers(self) -> Iterator[tuple[str, Path]]:
        """Each provider's name, and the authority that it must come from."""
        listed = self.document.get("providers")
        for each in listed if isinstance(listed, list) else ():
            if isinstance(each, dict) and isinstance(authority := each.get("authority"), str):
                yield str(each.get("name", "")), self.path.parent / authority


def agent_file(path: Path) -> AgentFile | None:
    """The agent's file; None where there is none, or it is no TOML: the agent's unit tells of that."""
    try:
        return AgentFile(path.resolve(), tomllib.loads(path.read_text()))
    except (OSError, ValueError):
        return None


def certificates(config: Config | None, agent: AgentFile | None) -> tuple[CertificateFacts, ...]:
    """Every certificate that a configuration names."""
    found = []
    if config is not None:
        pairs = [("listen.tls", config.listen.tls)]
        pairs += [("agent.tls", config.agent.tls)] if config.agent is not None else []
        for setting, tls in pairs:
            found += [_certificate(f"{setting}.cert", tls.cert, tls.key), _certificate(f"{setting}.ca", tls.ca, None)]
    if agent is not None:
        own, authority = agent.named("listen", "certificate"), agent.named("listen", "authority")
        found += [_certificate("agent's listen.certificate", own, agent.named("listen", "key"))] if own else []
        found += [_certificate("agent's listen.authority", authority, None)] if authority else []
        found += [_certificate(f"authority of {name}", path, None) for name, path in agent.providers()]
    return tuple(found)


def places(config: Config | None, agent: AgentFile | None, folder: Path) -> tuple[PlaceFacts, ...]:
    """Every file and folder whose permissions matter, as far as it is there.

    Args:
        config: the daemon's file.
        agent: the agent's.
        folder: where both lie, /etc/ringfence for example.
    """
    listed: list[tuple[Path | None, Kind]] = [(folder / "keys", "private folder")]
    listed += [(path, "public") for path in sorted((folder / "pki").glob("*"))]
    if config is not None:
        listed += [(config.state, "private folder"), (config.listen.tls.key, "secret")]
        if config.agent is not None:
            listed += [(path, "secret") for path in (config.agent.tls.key, config.agent.permit_key)]
            listed += [(path, "secret") for path in config.agent.witness_keys]
    if agent is not None:
        listed += [(agent.path, "public"), (agent.named("log", "directory"), "private folder")]
        for names in (("listen", "key"), ("log", "signing_key"), ("log", "signing_key_mldsa"), ("log", "salt_key")):
            listed.append((agent.named(*names), "secret"))
    wanted = {path: kind for path, kind in listed if path is not None and not path.is_relative_to(_CREDENTIALS)}
    return tuple(facts for path, kind in wanted.items() if (facts := _place(path, kind)) is not None)


def rooms(config: Config | None, agent: AgentFile | None) -> tuple[RoomFacts, ...]:
    """The disks under what is written to."""
    listed = [] if config is None else [(config.state, "the daemon's state")]
    if agent is not None and (log := agent.named("log", "directory")) is not None:
        listed.append((log, "the egress log"))
    return tuple(_room(path, what) for path, what in listed)


def weights(config: Config, *, deep: bool) -> Iterator[WeightsFacts]:
    """The files of each model of this node.

    Args:
        config: the daemon's file.
        deep: read every byte.
    """
    for model in config.models:
        if model.library and config.library is not None:
            yield _of_library(model, config.library.folder, deep=deep)
        elif model.path is not None:
            yield _of_path(model, model.path, deep=deep)


def log_key(config: Config) -> Ed25519PublicKey | None:
    """The log's public key; None where it cannot be read."""
    try:
        return None if config.agent is None else logfiles.read_key(config.agent.log_public_key)[0]
    except Failure:
        return None


def newest_entry_ms(log: Path) -> int | None:
    """The time of the newest whole entry in a log's folder; None where it cannot be read."""
    try:
        last = max(log.glob("entries-*.ndjson"))
        with plainfile.opened(last) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 2 * _ENTRY_BYTES_MAX))
            # What stands after the last newline is still being written.
            lines = file.read(2 * _ENTRY_BYTES_MAX).split(b"\n")[:-1]
        said = json.loads(lines[-1])["time_unix_ms"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return time_ms(said)


def text_of(path: Path) -> str | None:
    """The text of a small file of the daemon's or the agent's; None where it cannot be read, or is no plain file."""
    try:
        return plainfile.read(path).decode()
    except (OSError, ValueError):
        return None


def _certificate(setting: str, path: Path, key: Path | None) -> CertificateFacts:
    try:
        chain = x509.load_pem_x509_certificates(plainfile.read(path, links=True))
    except OSError as error:
        return CertificateFacts(setting, str(path), error.strerror or "cannot be read")
    except ValueError:
        return CertificateFacts(setting, str(path), "no PEM certificate")
    return CertificateFacts(
        setting,
        str(path),
        starts_unix_s=max(each.not_valid_before_utc.timestamp() for each in chain),
        ends_unix_s=min(each.not_valid_after_utc.timestamp() for each in chain),
        is_key_fitting=_fits(chain[0], key),
    )


def _fits(certificate: x509.Certificate, key: Path | None) -> bool | None:
    """Whether a private key is a certificate's; None where it cannot be read."""
    try:
        private = load_pem_private_key(plainfile.read(key, links=True), password=None) if key is not None else None
    except (OSError, ValueError, TypeError):
        return None
    if private is None:
        return None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return private.public_key().public_bytes(*form) == certificate.public_key().public_bytes(*form)


def _place(path: Path, kind: Kind) -> PlaceFacts | None:
    try:
        return PlaceFacts(str(path), kind, path.stat().st_mode)
    except FileNotFoundError:
        return None  # whoever needs it says so; here only what is there counts
    except OSError as error:
        return PlaceFacts(str(path), kind, None, error.strerror or "cannot be looked at")


def _room(path: Path, what: str) -> RoomFacts:
    try:
        status = os.statvfs(path)
    except OSError:
        return RoomFacts(str(path), what, None)
    return RoomFacts(str(path), what, status.f_bavail * status.f_frsize, status.f_favail if status.f_files else None)


def _of_library(model: LocalModel, folder: Path, *, deep: bool) -> WeightsFacts:
    """What was read is remembered elsewhere and forgotten: the library's own memory is its owner's to write."""
    with tempfile.TemporaryDirectory() as aside:
        library = Library(folder, stamps_folder=Path(aside) if deep else None)
        try:
            if deep:
                library.verify(model.library)
            read_at = "" if deep else library.verified_at(model.library) or ""
            manifest = library.manifest(model.library)
            changed = [
                each.path for each in manifest.files if _size(folder / model.library / each.path) != each.size_bytes
            ]
        except LibraryError as error:
            return WeightsFacts(model.name, str(error))
    problem = f"{changed[0]} is missing or has another length" if changed else ""
    return WeightsFacts(model.name, problem, is_read=deep, read_at=read_at)


def _of_path(model: LocalModel, path: Path, *, deep: bool) -> WeightsFacts:
    if not path.exists():
        return WeightsFacts(model.name, f"{path} is not there")
    if not deep or not model.sha256:
        return WeightsFacts(model.name, has_digest=bool(model.sha256))
    try:
        with plainfile.opened(path, links=True) as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return WeightsFacts(model.name, f"{path}: {error.strerror}")
    problem = "" if found == model.sha256 else f"{path} has the digest {found} instead of {model.sha256}"
    return WeightsFacts(model.name, problem, is_read=True)


def _size(path: Path) -> int:
    """A file's length in bytes; -1 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return -1
