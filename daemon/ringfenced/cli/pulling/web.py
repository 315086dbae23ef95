"""The HTTP client of `ringfence models pull`. Nothing else here speaks HTTP, and the daemon never imports it.

HTTPS, checked against the machine's trust store or the authority that --ca names; plain HTTP only where the operator
typed it. Redirects are followed by hand: never from HTTPS to HTTP, and what proves who asks stays with the host that
it was meant for. Proxies are those of the environment (HTTPS_PROXY, NO_PROXY). No message repeats an address's query,
which may hold a signature.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from ringfenced.cli.exits import ExitCode, Failure

REDIRECTS_MAX: Final = 5
ANSWER_BYTES_MAX: Final = 16 * 2**20
"""The listing of a thousand files takes some 300 KB."""
_SECONDS_MAX: Final = 30.0
"""To connect, or between two pieces."""
_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Worth another try (RFC 9110, 15; RFC 6585, 4)."""
_INSTALL: Final = "pip install 'ringfence[pull]', or the package that your system has for it"


class Broken(Exception):
    """The transfer broke off, or the server is busy: try again. The text is for people."""

    def __init__(self, message: str, *, wait_s: float | None = None) -> None:
        """Take what happened, and how long the server asks to wait, in seconds."""
        super().__init__(message)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    """200, 206 or 416."""
    headers: Mapping[str, str]
    """By lower-case name."""
    pieces: Iterator[bytes]
    """The body, as it comes; may raise `Broken`."""


class Web:
    """Fetches. A context manager; for one thread."""

    def __init__(self, ca: Path | None = None, seconds_max: float = _SECONDS_MAX) -> None:
        """Prepare; nothing is connected yet.

        Args:
            ca: certificates to trust instead of the machine's, PEM.
            seconds_max: how long to wait for a connection, or for the next piece.

        Raises:
            Failure: httpx2 is not installed, or the certificates cannot be read.
        """
        try:
            import httpx2  # noqa: PLC0415 - an extra; only this command needs it
        except ModuleNotFoundError:
            raise Failure(
                "fetching models takes the package httpx2, which is not installed",
                code=ExitCode.USAGE,
                advice=(_INSTALL, "or fetch the files by other means: ringfence models pull ./FILE.gguf"),
            ) from None
        try:
            context = ssl.create_default_context(cafile=str(ca)) if ca else True
        except OSError as error:
            raise Failure(f"{ca}: no certificates in PEM: {error.strerror}", code=ExitCode.USAGE) from None
        self._httpx: Any = httpx2
        self._client = httpx2.Client(
            verify=context,
            timeout=seconds_max,
            follow_redirects=False,
            headers={"User-Agent": f"ringfence/{version('ringfence')}", "Accept-Encoding": "identity"},
        )

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Close all connections."""
        self._client.close()

    def read(self, url: str, headers: Mapping[str, str]) -> tuple[bytes, Mapping[str, str]]:
        """A short answer whole, with its headers.

        Raises:
            Broken: try again.
            Failure: the server refuses, or says too much.
        """
        with self.open(url, headers) as answer:
            body = bytearray()
            for piece in answer.pieces:
                body += piece
                if len(body) > ANSWER_BYTES_MAX:
                    raise Failure(f"{shown(url)} answers more than {ANSWER_BYTES_MAX} bytes", code=ExitCode.INVALID)
            return bytes(body), answer.headers

    @contextmanager
    def open(self, url: str, headers: Mapping[str, str], *, plain: bool = False) -> Iterator[Answer]:
        """An answer as it comes.

        Args:
            url: ``https://...``, or ``http://...`` where the operator said so.
            headers: to be sent; `Authorization` stays with this host.
            plain: give back refusals (4xx) as answers instead of raising.

        Raises:
            Broken: no connection, or the server is busy.
            Failure: the server refuses, or sends elsewhere without TLS.
        """
        response = self._send(url, headers)
        try:
            if response.status_code in _BUSY:
                raise Broken(f"{shown(url)}: {_status(response.status_code)}", wait_s=_wait(response.headers))
            if response.status_code not in {200, 206, 416} and not plain:
                raise refusal(url, response.status_code, response.headers)
            yield Answer(response.status_code, response.headers, self._pieces(response))
        finally:
            response.close()

    def _send(self, url: str, headers: Mapping[str, str]) -> Any:
        """The response after redirects; its body is not read."""
        try:
            request = self._client.build_request("GET", url, headers=dict(headers))
            for _ in range(REDIRECTS_MAX + 1):
                response = self._client.send(request, stream=True)
                if response.next_request is None:
                    return response
                response.close()
                if request.url.scheme == "https" and response.next_request.url.scheme != "https":
                    raise Failure(f"{shown(url)} sends to an address without TLS", code=ExitCode.INVALID)
                request = response.next_request
        except self._httpx.TransportError as error:
            raise Broken(f"{shown(url)}: {_why(error)}") from None
        except (self._httpx.HTTPError, self._httpx.InvalidURL):
            raise Failure(f"{shown(url)} cannot be fetched", code=ExitCode.INVALID) from None
        raise Failure(f"{shown(url)} sends round in circles", code=ExitCode.INVALID)

    def _pieces(self, response: Any) -> Iterator[bytes]:
        try:
            yield from response.iter_raw()  # as it comes: what waits for a whole piece is lost with the connection
        except self._httpx.TransportError as error:
            raise Broken(f"broke off: {_why(error)}") from None


def refusal(url: str, status: int, headers: Mapping[str, str]) -> Failure:
    """A server's refusal as a failure with advice."""
    code = headers.get("x-error-code", "")  # Hugging Face's: GatedRepo, RepoNotFound, RevisionNotFound, EntryNotFound
    said = f"{shown(url)}: {_status(status)}" + (f", {code}" if code.isalnum() and len(code) < 64 else "")  # noqa: PLR2004
    if status in {401, 403, 407}:
        return Failure(
            said,
            code=ExitCode.FORBIDDEN,
            advice=(
                "it is private, asks for a licence to be accepted, or does not exist",
                "put a token where it is looked for: --token-file for Hugging Face, --auth-file for a registry",
            ),
        )
    if status in {404, 410}:
        return Failure(said, code=ExitCode.INVALID, advice=("look at the spelling, and at --revision",))
    return Failure(said, code=ExitCode.FAILED)


def shown(url: str) -> str:
    """An address without its query, which may hold a signature, and without who asks."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.split("?", 1)[0].split("#", 1)[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _wait(headers: Mapping[str, str]) -> float | None:
    """How long the server asks to wait, in seconds."""
    text = headers.get("retry-after", "")
    return float(text) if text.isdecimal() and len(text) < 6 else None  # noqa: PLR2004 - a day has five digits


def _why(error: Exception) -> str:
    """What went wrong, without what a server said."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message} (--ca FILE names an authority)"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return {"ConnectTimeout": "no connection in time", "ReadTimeout": "nothing came for too long"}.get(
        type(error).__name__, "the connection ended"
    )
