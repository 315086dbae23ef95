"""Where the daemon is and who asks, by environment and configuration file (`models_settings` reads those of models).

Three layers, the later one wins, value by value:

1. `~/.config/ringfence/client.toml` (or under XDG_CONFIG_HOME): `target`, `ca`, `cert`, `key`, `server_name`, and
   `certs` and `as`, a `ringfence dev-certs` folder and whose files in it to take;
2. the environment: RINGFENCE_TARGET, RINGFENCE_CA, RINGFENCE_CERT, RINGFENCE_KEY, RINGFENCE_SERVER_NAME,
   RINGFENCE_CERTS, RINGFENCE_AS;
3. the options `--target`, `--ca`, `--cert`, `--key`, `--server-name`, `--certs`, `--as`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ringfence.client import Client
from ringfence.renewal import CertificateError
from ringfence.tls import Identity
from ringfenced.cli.exits import ExitCode, Failure

KEYS: Final = ("target", "ca", "cert", "key", "server_name", "certs", "as")
"""What can be set."""

TARGET_DEFAULT: Final = "localhost:7443"
"""Where a daemon of this machine listens."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach a daemon."""

    target: str
    """``host:port`` or ``unix:/path/of/socket``."""
    identity: Identity
    """The caller's files."""
    server_name: str
    """Name that the daemon's certificate must bear; empty for the target's own."""

    def client(self) -> Client:
        """A client of that daemon.

        Raises:
            Failure: a file cannot be read.
        """
        try:
            return Client(self.target, self.identity, server_name=self.server_name)
        except OSError as error:
            raise Failure(
                f"cannot read {error.filename}: {error.strerror}",
                code=ExitCode.USAGE,
                advice=("check --certs and --as, or --ca, --cert and --key",),
            ) from error
        except CertificateError as error:
            raise Failure(str(error), code=ExitCode.USAGE) from None


def load(options: Mapping[str, str]) -> Connection:
    """The connection that file, environment and options describe.

    Args:
        options: what was given on the command line, by the names in `KEYS`.

    Raises:
        Failure: something is missing or makes no sense.
    """
    environment = os.environ  # noqa: TID251 - where the command line reads its settings
    home = environment.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    from_environment = {key: environment.get(f"RINGFENCE_{key.upper()}", "") for key in KEYS}
    return resolve((read_file(Path(home) / "ringfence" / "client.toml"), from_environment, options))


def read_file(path: Path) -> dict[str, str]:
    """The configuration file's values; none where there is no file. Relative paths count from the file's folder.

    Raises:
        Failure: it cannot be read, is no TOML, or says what nobody understands.
    """
    try:
        with path.open("rb") as stream:
            values = tomllib.load(stream)
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Failure(f"{path}: {error}", code=ExitCode.USAGE) from error
    for key, value in values.items():
        if key not in KEYS or not isinstance(value, str):
            raise Failure(f"{path}: {key}: only {', '.join(KEYS)} are known, and each is a string", code=ExitCode.USAGE)
    return {
        key: str(path.parent / Path(value).expanduser()) if key in {"ca", "cert", "key", "certs"} else value
        for key, value in values.items()
    }


def resolve(layers: Sequence[Mapping[str, str]]) -> Connection:
    """Lay layers over each other; empty values count as unset.

    A layer's `certs` or `as` stands for `ca`, `cert` and `key` of that layer, so that it wins over earlier files.

    Raises:
        Failure: who asks is not said.
    """
    merged: dict[str, str] = {}
    for layer in layers:
        given = {key: value for key, value in layer.items() if value}
        merged |= given
        if ("certs" in given or "as" in given) and "certs" in merged and "as" in merged:
            folder, name = Path(merged["certs"]), merged["as"]
            merged |= {"ca": str(folder / "ca.pem"), "cert": str(folder / f"{name}.pem")}
            merged |= {"key": str(folder / f"{name}.key")} | given
    missing = [key for key in ("ca", "cert", "key") if key not in merged]
    if missing:
        raise Failure(
            f"who asks is not said: {', '.join(missing)} missing",
            code=ExitCode.USAGE,
            advice=(
                "development: ringfence --certs DIR --as caller-ward ... (DIR as made by `ringfence dev-certs`)",
                "otherwise:   --ca, --cert and --key, or RINGFENCE_CA, RINGFENCE_CERT and RINGFENCE_KEY,",
                "             or ca, cert and key in ~/.config/ringfence/client.toml",
            ),
        )
    identity = Identity(Path(merged["cert"]), Path(merged["key"]), Path(merged["ca"]))
    return Connection(merged.get("target", TARGET_DEFAULT), identity, merged.get("server_name", ""))
