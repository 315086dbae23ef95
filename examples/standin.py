"""The stand-in provider of the demonstration: `llama_cpp.server`, OpenAI-compatible, over TLS 1.3 with its own CA.

It writes what it receives into a file, as a provider could: so the demonstration can show what really arrived.
"""

from __future__ import annotations

import argparse
import json
import ssl
from pathlib import Path
from typing import Any

import uvicorn
from llama_cpp.server.app import create_app
from llama_cpp.server.settings import ModelSettings, ServerSettings

CONTEXT_TOKENS = 1024
"""Of the bundled model."""


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cert", type=Path, required=True)
    parser.add_argument("--key", type=Path, required=True)
    parser.add_argument("--api-key", type=Path, required=True, help="file that holds the key callers must show")
    parser.add_argument("--seen", type=Path, required=True, help="file that what arrives is written to")
    options = parser.parse_args()
    app = create_app(
        server_settings=ServerSettings(api_key=options.api_key.read_text().strip()),
        model_settings=[
            ModelSettings(model=str(options.model), model_alias="cloud-1", n_ctx=CONTEXT_TOKENS, verbose=False)
        ],
    )
    config = uvicorn.Config(
        Witnessed(app, options.seen),
        host="127.0.0.1",
        port=options.port,
        log_level="error",
        ssl_certfile=options.cert,
        ssl_keyfile=options.key,
    )
    config.load()
    assert config.ssl is not None
    config.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
    uvicorn.Server(config).run()


class Witnessed:
    """An ASGI application that writes down each request body that reaches it."""

    def __init__(self, app: Any, seen: Path) -> None:
        """Wrap `app`; bodies go to `seen`, one JSON line each."""
        self._app = app
        self._seen = seen

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass everything on."""
        body = bytearray()

        async def listen() -> Any:
            message = await receive()
            body.extend(message.get("body", b""))
            if body and message["type"] == "http.request" and not message.get("more_body"):
                with self._seen.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(json.loads(body)) + "\n")
            return message

        await self._app(scope, listen, send)


if __name__ == "__main__":
    main()
