"""A web server at the wire whose misbehaviour a test writes down beforehand.

    with WebServer() as web:
        web.pages["/m.gguf"] = Page(content, breaks=[1000])
        ... web.url + "/m.gguf" ...
        assert web.requests[0].path == "/m.gguf"

HTTP/1.1 on loopback, plain or with TLS, ranges and If-Range included.
"""

from __future__ import annotations

import re
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self


@dataclass
class Page:
    """What stands at an address."""

    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    redirect: str = ""
    """Answer with this address instead."""
    token: str = ""
    """Answer 401 to whoever does not send `Authorization: Bearer TOKEN`."""
    ranges: bool = True
    """Go on from the middle where asked."""
    length: int | None = None
    """Speak of this length instead of the real one."""
    chunked: bool = False
    """Send without a length."""
    breaks: list[int] = field(default_factory=list)
    """Break the connection after so many bytes of the body, once for each."""
    then: Page | None = None
    """Stands here after the last break."""
    range_shift: int = 0
    """Answer ranges with what lies so many bytes further."""
    busy: int = 0
    """Answer 503 so many times first."""


@dataclass
class Asked:
    """One request."""

    path: str
    headers: dict[str, str]


class WebServer:
    """Serves `pages`; keeps what it was asked."""

    def __init__(self, certs: Path | None = None) -> None:
        self.pages: dict[str, Page] = {}
        self.requests: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *rest: _Handler(self, *rest))
        self._server.daemon_threads = True
        if certs:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certs / "daemon.pem", certs / "daemon.key")
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"{'https' if certs else 'http'}://{self.host}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def page(self, path: str) -> Page | None:
        """What stands at a path, with or without its query."""
        return self.pages.get(path) or self.pages.get(path.partition("?")[0])

    def asked(self, path: str) -> list[Asked]:
        """The requests for one path."""
        return [one for one in self.requests if one.path.partition("?")[0] == path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, web: WebServer, *rest: Any) -> None:
        self._web = web
        super().__init__(*rest)

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()})
        self._web.requests.append(asked)
        page = self._web.page(self.path)
        if page is None:
            self._head(404, {}, 0)
        elif page.token and asked.headers.get("authorization") != f"Bearer {page.token}":
            self._head(401, page.headers, 0)
        elif page.busy:
            page.busy -= 1
            self._head(503, {"Retry-After": "0"}, 0)
        elif page.redirect:
            self._head(302, {"Location": page.redirect}, 0)
        else:
            self._answer(page, asked.headers)

    def _answer(self, page: Page, headers: dict[str, str]) -> None:
        start, total = self._start(page, headers), len(page.content)
        if start is None:
            self._head(page.status, page.headers, None if page.chunked else self._length(page, total))
            self._body(page, page.content)
        elif start >= total:
            self._head(416, {"Content-Range": f"bytes */{total}"}, 0)
        else:
            start += page.range_shift
            place = {"Content-Range": f"bytes {start}-{total - 1}/{total}"}
            self._head(206, page.headers | place, self._length(page, total - start))
            self._body(page, page.content[start:])

    @staticmethod
    def _start(page: Page, headers: dict[str, str]) -> int | None:
        """Where to go on; None to send all."""
        asked = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        fresh = headers.get("if-range") in {None, page.headers.get("ETag"), page.headers.get("Last-Modified")}
        return int(asked[1]) if asked and page.ranges and fresh else None

    @staticmethod
    def _length(page: Page, real: int) -> int:
        return real if page.length is None else page.length

    def _head(self, status: int, headers: dict[str, str], length: int | None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _body(self, page: Page, body: bytes) -> None:
        if page.breaks:
            self.wfile.write(body[: page.breaks.pop(0)])
            self.close_connection = True
            if page.then and not page.breaks:
                self._web.pages[self.path] = page.then
        elif page.chunked:
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        else:
            self.wfile.write(body)
            self.close_connection = page.length is not None
