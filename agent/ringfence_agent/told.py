"""What the agent says of its connections, a line each, when something is new."""

from __future__ import annotations

from structlog.typing import FilteringBoundLogger

from ringfence.tls import Peer


class Told:
    """Lines about who connects, and about certificates that are renewed. For any number of threads."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        """Say it in `log`."""
        self._log = log

    def met(self, peer: Peer) -> None:
        """A certificate, a TLS version or a group that was not seen before."""
        self._log.info(
            "peer",
            identity=peer.identity,
            tls=peer.tls_version,
            key_exchange=peer.key_exchange_group,
            certificate=peer.certificate_sha256,
        )

    def certificates(self, why: str) -> None:
        """Files have changed; they are used from now on, or `why` not."""
        if why:
            self._log.error("certificates_kept", why=f"{why}; those read before stay in use")
        else:
            self._log.info("certificates_renewed")
