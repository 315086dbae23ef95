"""Tells of an alert by HTTPS POST. The one place in this package with an HTTP client; the daemon never imports it.

Signed as Standard Webhooks says (https://www.standardwebhooks.com): `webhook-id`, `webhook-timestamp` and, where there
is a secret, `webhook-signature`: ``v1,`` and the base64 of HMAC-SHA-256 over ``id.timestamp.body``. The id is the
alert's, the same on every try. No redirect is followed, no proxy is asked.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ssl
from collections.abc import Callable
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Final

from ringfence.configfile import ConfigError
from ringfenced.cli.auditing.alert import Alert
from ringfenced.cli.auditing.dispatch import ActionError
from ringfenced.cli.auditing.rules import Webhook

_ANSWER_BYTES_MAX: Final = 65_536
_SECRET_BYTES_MIN: Final = 24
"""Standard Webhooks asks for 24 to 64 bytes."""
_SUCCESS: Final = range(200, 300)
_OTHERS: Final = 0o077


class WebhookAction:
    """Posts alerts to one address. For one thread."""

    def __init__(self, webhook: Webhook, unix_s: Callable[[], int]) -> None:
        """Read what the table names.

        Args:
            webhook: the table.
            unix_s: the clock; a receiver refuses what is old.

        Raises:
            ConfigError: the secret or the authority cannot be used.
        """
        self._webhook = webhook
        self._unix_s = unix_s
        self._secret = read_secret(webhook.secret_file) if webhook.secret_file else None
        try:
            self._context = ssl.create_default_context(cafile=str(webhook.ca) if webhook.ca else None)
        except OSError as error:
            raise ConfigError(f"{webhook.ca}: no certificates in PEM: {error.strerror}") from None
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2

    def run(self, alert: Alert) -> None:
        """Post one.

        Raises:
            ActionError: there was no answer, or it was not 2xx.
        """
        body = alert.json()
        host, port, path = self._webhook.address()
        connection = HTTPSConnection(host, port, context=self._context, timeout=self._webhook.seconds_max)
        try:
            connection.request("POST", path, body, self._headers(alert.id, body))
            answer = connection.getresponse()
            answer.read(_ANSWER_BYTES_MAX)
        except (OSError, HTTPException) as error:
            raise ActionError(f"no answer: {_why(error)}") from None
        finally:
            connection.close()
        if answer.status not in _SUCCESS:
            raise ActionError(f"the server answered {answer.status}")

    def _headers(self, name: str, body: bytes) -> dict[str, str]:
        """What stands before the body."""
        moment = str(self._unix_s())
        headers = {"Content-Type": "application/json", "webhook-id": name, "webhook-timestamp": moment}
        if self._secret:
            headers["webhook-signature"] = sign(self._secret, name, moment, body)
        return headers


def sign(secret: bytes, name: str, moment: str, body: bytes) -> str:
    """The signature of a message."""
    signed = hmac.digest(secret, f"{name}.{moment}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(signed).decode()


def read_secret(path: Path) -> bytes:
    """The shared secret in a private file.

    Raises:
        ConfigError: others can read it, or it is no secret; nothing of it is repeated.
    """
    try:
        if path.stat().st_mode & _OTHERS:
            raise ConfigError(f"{path}: others can read this secret; chmod 0400 {path}")
        secret = base64.b64decode(path.read_text().strip().removeprefix("whsec_"), validate=True)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, binascii.Error):
        raise ConfigError(
            f"{path}: no secret; write whsec_ and base64, as `openssl rand -base64 32` gives it"
        ) from None
    if len(secret) < _SECRET_BYTES_MIN:
        raise ConfigError(f"{path}: the secret is shorter than {_SECRET_BYTES_MIN} bytes")
    return secret


def _why(error: Exception) -> str:
    """What went wrong; nothing that a server said."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "it took too long"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
