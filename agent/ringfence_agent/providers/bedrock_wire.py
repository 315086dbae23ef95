"""AWS's own parts, from botocore: its service model and serialiser, its signer, and its reader of event streams.

botocore's HTTP client is never made, no session is opened, and neither environment nor ``~/.aws`` is read: the service
model comes from the installed package alone, and the credentials from the agent's key.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any, Final

from botocore.auth import BearerAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.eventstream import EventStreamBuffer, ParserError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import EventStreamJSONParser, ResponseParserError
from botocore.serialize import create_serializer
from botocore.tokens import FrozenAuthToken

from ringfence_agent.providers.bodies import Json
from ringfence_agent.providers.door import Headers

_SERVICE: Final = "bedrock-runtime"
_SIGNING_NAME: Final = "bedrock"
_PARTS: Final = (2, 3)
"""Of credentials: access key id and secret, and with temporary ones a session token."""


def credentials(key: str) -> Credentials | None:
    """The credentials in an API key's file; None for a Bedrock API key, which is borne as it is.

    Args:
        key: ``ACCESS_KEY_ID:SECRET`` or ``ACCESS_KEY_ID:SECRET:SESSION_TOKEN``; or a Bedrock API key.

    Raises:
        ValueError: it is neither.
    """
    if ":" not in key:
        return None
    parts = key.split(":")
    if len(parts) not in _PARTS or not all(parts):
        raise ValueError("write ACCESS_KEY_ID:SECRET, ACCESS_KEY_ID:SECRET:SESSION_TOKEN, or a Bedrock API key")
    return Credentials(*parts)


class Wire:
    """How requests look on the wire, and what comes back."""

    def __init__(self, region: str) -> None:
        """Read the service model.

        Args:
            region: the region that requests are signed for, for example ``eu-central-1``.
        """
        folder = Loader.BUILTIN_DATA_PATH
        loader = Loader(extra_search_paths=[folder], include_default_search_paths=False)
        self._model = ServiceModel(loader.load_service_model(_SERVICE, "service-2"), _SERVICE)
        self._serialiser = create_serializer(self._model.metadata["protocol"], include_validation=False)
        self._region = region

    def target(self, operation: str, wire_model: str) -> str:
        """The path of an operation on a model, percent-encoded."""
        path, _ = self.request(operation, wire_model, b"{}")
        return path

    def request(self, operation: str, wire_model: str, body: bytes) -> tuple[str, bytes]:
        """Path and body as AWS's serialiser writes them.

        Args:
            operation: ``ConverseStream`` or ``InvokeModel``.
            wire_model: the model's id.
            body: what was judged.
        """
        if operation == "InvokeModel":
            asked: Json = {"modelId": wire_model, "body": body}
        else:
            asked = {"modelId": wire_model, **_with_bytes(json.loads(body))}
        made = self._serialiser.serialize_to_request(asked, self._model.operation_model(operation))
        return str(made["url_path"]), bytes(made["body"])

    def headers(self, key: str, url: str, body: bytes) -> Headers:
        """The table of headers, signed for this body (AWS Signature Version 4) or with a Bedrock API key.

        Signed are the host, the content type and what begins with ``x-amz-``.

        Raises:
            ValueError: the key is none.
        """
        host = url.split("/")[2]
        request = AWSRequest("POST", url, {"Host": host, "Content-Type": "application/json"}, body)
        if (secret := credentials(key)) is None:
            BearerAuth(FrozenAuthToken(key)).add_auth(request)
        else:
            SigV4Auth(secret, _SIGNING_NAME, self._region).add_auth(request)
        sent = ("X-Amz-Date", "X-Amz-Security-Token", "Authorization")
        made = {name: request.headers.get(name) for name in sent}
        return tuple((name.encode(), value.encode("ascii")) for name, value in made.items() if value)

    def events(self) -> EventReader:
        """A reader of one answer's stream."""
        shape = self._model.operation_model("ConverseStream").get_event_stream_output()
        return EventReader(shape)


class EventReader:
    """Reads an event stream (``application/vnd.amazon.eventstream``), whose every message bears two checksums."""

    def __init__(self, shape: Any) -> None:
        """Read events of a shape of the service model."""
        self._shape = shape
        self._buffer = EventStreamBuffer()
        self._parser = EventStreamJSONParser()

    def read(self, data: bytes) -> Iterator[Json]:
        """The events that are whole now, each under its name; an exception under ``Error``.

        Raises:
            ValueError: a checksum is wrong, or it is no event stream.
        """
        self._buffer.add_data(data)
        try:
            for message in self._buffer:
                yield self._parser.parse(message.to_response_dict(), self._shape)
        except (ParserError, ResponseParserError, struct.error):
            raise ValueError("no event stream") from None


def _with_bytes(body: Json) -> Json:
    """A body as the serialiser wants it: pictures as bytes, which it writes in Base64 itself."""
    for message in body.get("messages", ()):
        for block in message["content"]:
            if "image" in block:
                source = block["image"]["source"]
                source["bytes"] = base64.b64decode(source["bytes"])
    return body
