"""Where callers arrive, and certificates, which are read anew while the daemon runs."""

from __future__ import annotations

import logging

from ringfence.configfile import ConfigError
from ringfence.renewal import CertificateError, Certificates, Identity
from ringfenced.api.server import Endpoint
from ringfenced.config import Config, Tls

_LOG = logging.getLogger("ringfenced")


def endpoint(config: Config, worker: int | None) -> Endpoint:
    """Where a worker listens; all share the TCP port, and the first has the unix socket and the probes' port.

    Raises:
        OSError: a certificate's file cannot be read.
        ConfigError: the files do not fit together.
    """
    listen = config.listen
    is_first = not worker
    return Endpoint(
        tcp=listen.tcp,
        unix=listen.unix if is_first else None,  # a unix socket has one listener
        health=listen.health if is_first else "",
        certificates=certificates(listen.tls, "listen.tls"),
        key_exchange_groups=frozenset[str](listen.key_exchange_groups),
        message_bytes_max=listen.message_bytes_max,
        calls_max=listen.calls_max,
        is_shared=worker is not None,
        drain_s=config.drain_seconds_max,
    )


def certificates(files: Tls, setting: str) -> Certificates:
    """Certificates that are renewed while the daemon runs.

    Args:
        files: where they are.
        setting: what names them in the daemon's file, for messages.

    Raises:
        OSError: a file cannot be read.
        ConfigError: the files do not fit together.
    """

    def told(why: str) -> None:
        if why:
            problem = f"{why}; those read before stay in use"
            _LOG.error("certificates_kept", extra={"fields": {"setting": setting, "problem": problem}})
        else:
            _LOG.info("certificates_renewed", extra={"fields": {"setting": setting}})

    try:
        return Certificates.settled(Identity(certificate=files.cert, key=files.key, authority=files.ca), told)
    except CertificateError as error:
        raise ConfigError(f"{setting}: {error}") from None
