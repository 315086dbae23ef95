"""The Secrets of one namespace, looked at and written through the cluster's API."""  # noqa: INP001 - mounted into a job

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from clock import demand_agreement
from wanted import AuthorityError, Data, Held

ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
"""More than a Secret can be (1 MiB, and base64 besides)."""

TIMEOUT_S: Final = 30.0
"""How long the API may take for one answer."""

WRITTEN: Final = frozenset({http.client.OK, http.client.CREATED})
"""It answers with the Secret as it is now."""

CONFLICT: Final = 409
"""Somebody else has written it meanwhile (RFC 9110)."""

OURS: Final = ("app.kubernetes.io/component", "authority")
"""The label of Secrets that were made here; others are never written."""


class Cluster:
    """The Secrets of one namespace, through the cluster's API."""

    def __init__(self, host: str, port: int, account: Path) -> None:
        """Take where the API is, and the folder of the pod's account."""
        trusted = ssl.create_default_context(cafile=str(account / "ca.crt"))
        self._host, self._port, self._trusted = host, port, trusted
        self._token = (account / "token").read_text().strip()
        self._base = f"/api/v1/namespaces/{(account / 'namespace').read_text().strip()}/secrets"
        self._there: dict[str, Any] = {}

    def look(self, names: Sequence[str], now: datetime) -> dict[str, Held]:
        """Those that are there, by name.

        Args:
            names: of whatever may be there.
            now: what this node's clock says, with a time zone. Every answer must agree with it.

        Raises:
            AuthorityError: the API refuses, cannot be reached, or says another time.
        """
        found: dict[str, Held] = {}
        for name in names:
            status, document, date = self._ask("GET", f"{self._base}/{name}")
            demand_agreement(now, date)
            if status == http.client.OK:
                self._there[name] = document
                data = {key: base64.b64decode(value) for key, value in document.get("data", {}).items()}
                label, value = OURS
                found[name] = Held(data, document["metadata"].get("labels", {}).get(label) == value)
            elif status != http.client.NOT_FOUND:
                raise self._refused(status, "read", name)
        return found

    def write(self, name: str, data: Data, labels: Mapping[str, str]) -> None:
        """Make a Secret, or replace data and these labels of what was there when we looked; all else is left as it is.

        Raises:
            AuthorityError: the API refuses, cannot be reached, or somebody else has written it meanwhile.
        """
        # cert-manager's type, so that a site can move to it without deleting anything.
        new = {"type": "kubernetes.io/tls" if "tls.crt" in data else "Opaque", "metadata": {"name": name}}
        # With the version that we saw: the API refuses it where somebody else has written meanwhile.
        document = {"apiVersion": "v1", "kind": "Secret", **self._there.get(name, new)}
        document["metadata"] = document["metadata"] | {"labels": document["metadata"].get("labels", {}) | dict(labels)}
        document["data"] = {key: base64.b64encode(value).decode() for key, value in data.items()}
        method, path = ("PUT", f"{self._base}/{name}") if name in self._there else ("POST", self._base)
        status, written, _ = self._ask(method, path, document)
        if status == CONFLICT:
            raise AuthorityError(f"somebody else has written {name} meanwhile; the job begins anew")
        if status not in WRITTEN:
            raise self._refused(status, "write", name)
        self._there[name] = written

    def _ask(self, method: str, path: str, document: Mapping[str, Any] | None = None) -> tuple[int, Any, str]:
        """The status, the document where there is one, and the Date."""
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        body = None
        if document is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(document)
        connection = http.client.HTTPSConnection(self._host, self._port, timeout=TIMEOUT_S, context=self._trusted)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read(ANSWER_BYTES_MAX)
            told = json.loads(text) if answer.status in WRITTEN else {}
            return answer.status, told, answer.getheader("Date", "")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise AuthorityError(
                f"the cluster's API gives no answer ({type(error).__name__}); tls.chart.apiServers must name its "
                "addresses, or the network policy keeps this job from it"
            ) from None
        finally:
            connection.close()

    @staticmethod
    def _refused(status: int, verb: str, name: str) -> AuthorityError:
        return AuthorityError(f"the cluster's API answers {status}: the job may not {verb} Secret {name}")
