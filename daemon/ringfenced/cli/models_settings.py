"""Where the library is, who signs, and whom a fetch asks: what `ringfence models` reads of options and environment.

The library's folder, the first that says it:

1. `--library DIR`, with `--signer PUBKEY` for each signer;
2. `--config FILE`, the daemon's own: its `[library]`;
3. RINGFENCE_LIBRARY, a folder;
4. RINGFENCE_CONFIG, the daemon's file; else /etc/ringfence/ringfenced.toml where that can be read.
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import AfterValidator, ConfigDict, ValidationInfo

from ringfence.configfile import ConfigError, Section, load
from ringfenced.cli.exits import ExitCode, Failure
from ringfenced.cli.pulling.bring import Hubs
from ringfenced.cli.pulling.hub import ENDPOINT
from ringfenced.library.errors import LibraryError, NotThere, Occupied, Refused
from ringfenced.library.folder import Library
from ringfenced.library.signing import PrivateKey, PublicKey, private_key, public_key

CONFIG: Final = Path("/etc/ringfence/ringfenced.toml")
"""Where the packages put the daemon's file."""
_KEY_BYTES_MAX: Final = 64 * 1024
_PANEL: Final = "Library"

library_option = Annotated[
    Path | None, typer.Option(metavar="DIR", help="The library's folder.", rich_help_panel=_PANEL)
]
"""The option that every command has which touches the library."""
config_option = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The daemon's configuration; its [library] counts.", rich_help_panel=_PANEL),
]
"""Likewise."""
signer_option = Annotated[
    list[Path] | None,
    typer.Option(metavar="PUBKEY", help="Take only what this key signed; repeatable.", rich_help_panel=_PANEL),
]
"""Likewise."""
sign_option = Annotated[
    list[Path] | None,
    typer.Option("--sign", metavar="KEY", help="Sign with this private key, PEM; repeatable.", rich_help_panel=_PANEL),
]
"""The option of commands that can vouch for a model."""


def _beside(path: Path, info: ValidationInfo) -> Path:
    return (info.context if isinstance(info.context, Path) else Path.cwd()) / path


class _Library(Section):
    """[library]."""

    folder: Annotated[Path, AfterValidator(_beside)]
    """Where the models are."""
    signers: tuple[Annotated[Path, AfterValidator(_beside)], ...] = ()
    """Public keys."""


class _Model(Section):
    """One of [[models]]."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    name: str
    """As callers know it."""
    library: str = ""
    """Its name in the library."""


class _File(Section):
    """The part of the daemon's file that tells of models."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    library: _Library | None = None
    """The models that lie on this node."""
    models: tuple[_Model, ...] = ()
    """Models of this node."""


@dataclass(frozen=True, slots=True)
class Where:
    """The library that a command works on."""

    library: Library
    """It."""
    used_by: dict[str, tuple[str, ...]] | None
    """Names in the library, and which of the daemon's models come from them; None where no daemon's file was read."""


def where(library: Path | None, config: Path | None, signers: list[Path] | None) -> Where:
    """The library that options and environment name.

    Raises:
        Failure: none is named, or a file cannot be used.
    """
    environment = os.environ  # noqa: TID251 - where these commands read their settings
    if library is None and config is None and (named := environment.get("RINGFENCE_LIBRARY")):
        library = Path(named)
    if library is None and config is None:
        named_config = environment.get("RINGFENCE_CONFIG")
        config = Path(named_config) if named_config else CONFIG if os.access(CONFIG, os.R_OK) else None
    file = _read(config) if config else None
    keys = list(signers or ())
    if library is None and file and file.library:
        library, keys = file.library.folder, [*file.library.signers, *keys]
    if library is None:
        raise Failure(
            f"{config} has no [library]" if config else "where the library is, is not said",
            code=ExitCode.USAGE,
            advice=("name its folder: --library DIR or RINGFENCE_LIBRARY", "or the daemon's file: --config FILE"),
        )
    used: dict[str, tuple[str, ...]] = {}
    for model in file.models if file else ():
        if model.library:
            used[model.library] = (*used.get(model.library, ()), model.name)
    return Where(Library(library, tuple(_public(key) for key in keys)), used if file else None)


def hubs(token_file: Path | None, auth_file: Path | None) -> Hubs:
    """Whom a fetch asks, by options and environment."""
    environment = os.environ  # noqa: TID251 - where these commands read their settings
    home = Path.home()
    hub = Path(environment.get("HF_HOME") or home / ".cache" / "huggingface")
    docker = Path(environment.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    return Hubs(
        environment.get("HF_ENDPOINT") or ENDPOINT,
        token_file or Path(environment.get("HF_TOKEN_PATH") or hub / "token"),
        auth_file or Path(environment.get("REGISTRY_AUTH_FILE") or docker),
    )


def account() -> str:
    """Who runs this command: ``user@host``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def signing_keys(paths: list[Path] | None) -> tuple[PrivateKey, ...]:
    """Private keys to sign with; Failure where one cannot be used."""
    with told():
        return tuple(private_key(_bytes(path)) for path in paths or ())


@contextmanager
def told() -> Iterator[None]:
    """Turn what the library raises into a failure of the command."""
    try:
        yield
    except NotThere as error:
        raise Failure(error.message, code=ExitCode.INVALID, advice=error.advice) from None
    except Occupied as error:
        raise Failure(error.message, code=ExitCode.INVALID, advice=error.advice) from None
    except Refused as error:
        raise Failure(error.message, code=ExitCode.FAILED, advice=error.advice) from None
    except LibraryError as error:
        raise Failure(error.message, code=ExitCode.FAILED, advice=error.advice) from None


def _read(config: Path) -> _File:
    try:
        return load(config, _File)
    except ConfigError as error:
        first, *rest = str(error).splitlines()
        raise Failure(first, code=ExitCode.USAGE, advice=tuple(rest)) from None


def _public(path: Path) -> PublicKey:
    try:
        return public_key(_bytes(path))
    except Refused as error:
        raise Failure(f"{path}: {error.message}", code=ExitCode.USAGE, advice=error.advice) from None


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_KEY_BYTES_MAX)
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}", code=ExitCode.USAGE) from None
